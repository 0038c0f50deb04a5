"""The page of news: what nobody has, what failed, and what a person does about either."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.kits import follow, queries
from portal.kits.actions import inbox
from portal.kits.models import TrackingNews
from portal.kits.queries import tracking
from portal.kits.states import ShipmentState
from portal.kits.states.tracking import NewsState
from tests.cast import NOON, Cast, make_account, make_challenge, sign_in
from tests.kits.conftest import Bench
from tests.kits.services import PRIVATE
from tests.kits.test_inbox import LATER, WAY, tell

S, N = ShipmentState, NewsState
PAGE = "/staff/test-challenge/shipments/tracking"


def states(session: Session) -> list[NewsState]:
    session.rollback()
    return list(session.scalars(sa.select(TrackingNews.state).order_by(TrackingNews.id)))


@pytest.fixture
def parcel_id(session: Session, cast: Cast, bench: Bench, client: FlaskClient, clock: object) -> int:
    """A labelled parcel, news of a number that nobody has, and a message that could not be read."""
    made = bench.at(S.LABELLED).id
    tell(session, "JD777777", *WAY[1:2])
    inbox.note_malformed(session, "shippo", "0" * 64, "It is not JSON in UTF-8.", at=NOON)
    follow.take_news(session, LATER)
    clock.at = LATER  # type: ignore[attr-defined]
    sign_in(client, cast.logistics)
    return made


def test_the_page_shows_what_waits_for_a_person(client: FlaskClient, cast: Cast, parcel_id: int) -> None:
    text = client.get(PAGE).text

    for words in ("JD777777", "Arrived at facility", "It is not JSON in UTF-8.", "/webhooks/easypost", "not set up"):
        assert words in text, words
    assert [secret for secret in PRIVATE[1:] if secret in text] == []
    assert "Tracking numbers nobody has" in client.get("/staff/test-challenge/").text


def test_a_number_is_matched(session: Session, client: FlaskClient, cast: Cast, parcel_id: int) -> None:
    answer = client.post(f"{PAGE}/match", data={"number": "JD777777", "parcel": f" s-{parcel_id} "})

    assert (answer.status_code, answer.location) == (302, PAGE)
    assert f"JD777777 is S-{parcel_id}" in client.get(PAGE).text
    assert states(session) == [N.TAKEN, N.FAILED]
    assert queries.shipment(session, cast.challenge.id, parcel_id).state is S.IN_TRANSIT


@pytest.mark.parametrize(("typed", "message"), [
    ("", "This is needed."), ("parcel", "This is no reference."), ("S-99", "no such parcel"), ("S-", "no reference"),
    ("999999999", "no such parcel"),
])  # fmt: skip
def test_a_wrong_reference_is_told_and_kept(
    session: Session, client: FlaskClient, parcel_id: int, typed: str, message: str
) -> None:
    answer = client.post(f"{PAGE}/match", data={"number": "JD777777", "parcel": typed})

    assert answer.status_code == 422
    assert message in answer.text
    assert f'value="{typed}"' in answer.text
    assert states(session) == [N.UNMATCHED, N.FAILED]


def test_a_parcel_of_another_challenge_is_none(
    session: Session, client: FlaskClient, cast: Cast, parcel_id: int
) -> None:
    make_challenge(session, "other", "Other")
    sign_in(client, make_account(session, "Lola", Role.LOGISTICS, scope="other"))

    answer = client.post(
        "/staff/other/shipments/tracking/match", data={"number": "JD777777", "parcel": f"S-{parcel_id}"}
    )

    assert answer.status_code == 422
    assert states(session) == [N.UNMATCHED, N.FAILED]


def test_a_number_is_laid_aside_once(session: Session, client: FlaskClient, parcel_id: int) -> None:
    assert client.post(f"{PAGE}/dismiss", data={"number": "JD777777"}).status_code == 302
    assert states(session) == [N.IGNORED, N.FAILED]
    assert client.post(f"{PAGE}/dismiss", data={"number": "JD777777"}).status_code == 409
    assert client.post(f"{PAGE}/dismiss").status_code == 409


def test_what_failed_is_laid_aside(session: Session, client: FlaskClient, cast: Cast, parcel_id: int) -> None:
    [failed] = tracking.failed(session, cast.challenge.id)

    assert client.post(f"{PAGE}/{failed.id}/again").status_code == 422
    assert client.post(f"{PAGE}/{failed.id}/dismiss").status_code == 302
    assert states(session) == [N.UNMATCHED, N.IGNORED]
    assert client.post(f"{PAGE}/{failed.id}/dismiss").status_code == 422
    assert client.post(f"{PAGE}/99/dismiss").status_code == 404
    assert client.post(f"{PAGE}/{failed.id}/fly").status_code == 404


def test_the_page_costs_the_same_for_many(
    session: Session, client: FlaskClient, statements: list[str], parcel_id: int
) -> None:
    statements.clear()
    client.get(PAGE)
    few = len(statements)
    for number in range(30):
        tell(session, f"JD88{number:04}", *WAY[1:3], at=LATER + timedelta(minutes=number))
    follow.take_news(session, LATER + timedelta(hours=1))
    statements.clear()

    text = client.get(PAGE).text

    assert text.count("Lay aside") == 32
    assert len(statements) == few
