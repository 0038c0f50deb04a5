"""Another kit: asked for and planned or refused, or planned because logistics know better."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.core.outbox import OutgoingMail
from portal.kits import actions, queries
from portal.kits.actions import replacements
from portal.kits.models import KitReplacement, Shipment
from portal.kits.states import ShipmentState, UnitState, Word
from portal.kits.states.returns import ReplacementState
from tests.cast import NOON, Cast, sign_in
from tests.kits.conftest import Afterwards

S, A = ShipmentState, ReplacementState
STAFF = "/staff/test-challenge/shipments"
KIT = "/challenges/test-challenge/kit"
DAY = timedelta(days=1)


def answers(session: Session) -> list[tuple[str, str | None]]:
    session.commit()
    sent = session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id))
    return [(mail.template, mail.context.get("answer")) for mail in sent if "replacement" in mail.template]


def test_a_damaged_kit_is_asked_for_again_and_planned(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    parcel = afterwards.received(word=Word.DAMAGED)
    wish = replacements.ask(session, parcel, "It sparks.", by=cast.researcher.id, at=NOON)
    assert (wish.state, queries.count_troubles(session, cast.challenge.id)) == (A.ASKED, 1)

    made = replacements.plan(session, afterwards.again(parcel), by=afterwards.by, at=NOON + DAY)

    assert (made.replaces_id, made.number, made.state) == (parcel.id, 2, S.ADDRESS_CONFIRMED)
    assert (wish.state, wish.made_id) == (A.PLANNED, made.id)
    assert queries.count_troubles(session, cast.challenge.id) == 0
    assert answers(session) == [("kits/replacement_planned", None)]
    with pytest.raises(Conflict, match="replaced already"):
        replacements.ask(session, afterwards.again(parcel), "again", by=cast.researcher.id, at=NOON + DAY)


@pytest.mark.parametrize(("days", "possible"), [(14 - 1e-6, False), (14, True)])
def test_what_does_not_come_is_asked_for_again_in_time(
    session: Session, cast: Cast, afterwards: Afterwards, days: float, possible: bool
) -> None:
    parcel = afterwards.at(S.HANDED_OVER)
    with pytest.raises(Refused, match="tell us first"):
        replacements.ask(session, parcel, "why", by=cast.researcher.id, at=NOON + 20 * DAY)
    actions.say(session, parcel, Word.NOTHING, "", by=cast.researcher.id, at=NOON + DAY)

    if possible:
        replacements.ask(session, parcel, "why", by=cast.researcher.id, at=NOON + days * DAY)
    else:
        with pytest.raises(Refused, match="may take 14 days"):
            replacements.ask(session, parcel, "why", by=cast.researcher.id, at=NOON + days * DAY)


def test_planning_instead_of_one_that_never_came_gives_it_up(
    session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    parcel = afterwards.at(S.HANDED_OVER)
    [unit] = parcel.units
    actions.say(session, parcel, Word.NOTHING, "", by=cast.researcher.id, at=NOON)
    replacements.ask(session, parcel, "why", by=cast.researcher.id, at=NOON + 15 * DAY)

    made = replacements.plan(session, afterwards.again(parcel), by=afterwards.by, at=NOON + 16 * DAY)

    assert (afterwards.again(parcel).state, unit.state, made.replaces_id) == (S.LOST, UnitState.LOST, parcel.id)


@pytest.mark.parametrize("state", [S.ADDRESS_REQUESTED, S.READY, S.LABELLED])
def test_nobody_asks_for_another_before_the_first_is_sent(
    session: Session, cast: Cast, afterwards: Afterwards, state: ShipmentState
) -> None:
    with pytest.raises(Refused, match="not on its way"):
        replacements.ask(session, afterwards.at(state), "why", by=cast.researcher.id, at=NOON)


def test_what_is_well_is_not_replaced(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    with pytest.raises(Refused, match="If it is damaged, tell us"):
        replacements.ask(session, afterwards.received(), "why", by=cast.researcher.id, at=NOON)


def test_a_no_is_read_by_the_participant(
    client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    parcel = afterwards.received(word=Word.DAMAGED)
    sign_in(client, cast.researcher)
    assert client.post(f"{KIT}/{parcel.id}/replacement", data={"reason": ""}).status_code == 422
    assert client.post(f"{KIT}/{parcel.id}/replacement", data={"reason": "It sparks."}).status_code == 302
    assert client.post(f"{KIT}/{parcel.id}/replacement", data={"reason": "It sparks."}).status_code == 409
    sign_in(client, cast.logistics)
    assert f"S-{parcel.id}" in client.get(f"{STAFF}?state=all&trouble=replacement").text
    assert "It sparks." in client.get(f"{STAFF}/{parcel.id}").text
    url = f"{STAFF}/{parcel.id}/replacement/refuse"
    assert client.post(url, data={"answer": " "}).status_code == 422
    assert client.post(url, data={"answer": "x" * 301}).status_code == 422
    assert client.post(url, data={"answer": "All kits are given away."}).status_code == 302
    assert client.post(url, data={"answer": "All kits are given away."}).status_code == 404

    sign_in(client, cast.researcher)
    assert "All kits are given away." in client.get(KIT).text
    assert answers(session) == [("kits/replacement_refused", "All kits are given away.")]


def test_two_clicks_plan_it(client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards) -> None:
    parcel = afterwards.received(word=Word.DAMAGED)
    replacements.ask(session, parcel, "It sparks.", by=cast.researcher.id, at=NOON)
    sign_in(client, cast.logistics)

    assert "Plan another parcel to Rosa Researcher" in client.get(f"{STAFF}/{parcel.id}").text
    assert client.post(f"{STAFF}/{parcel.id}/replace").status_code == 302
    sign_in(client, cast.researcher)
    assert f'href="#parcel-{parcel.id + 1}"' in client.get(KIT).text


def test_who_needs_none_any_more_says_so(
    client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    parcel = afterwards.received(word=Word.DAMAGED)
    replacements.ask(session, parcel, "It sparks.", by=cast.researcher.id, at=NOON)
    sign_in(client, cast.researcher)

    assert client.post(f"{KIT}/{parcel.id}/replacement/withdraw").status_code == 302
    assert client.post(f"{KIT}/{parcel.id}/replacement/withdraw").status_code == 404
    assert session.scalars(sa.select(KitReplacement.state)).all() == [A.WITHDRAWN]


def test_one_more_parcel_for_somebody_who_has_one(
    client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    parcel = afterwards.received()
    sign_in(client, cast.logistics)
    url = f"{STAFF}/{parcel.id}/another"

    assert client.post(url).status_code == 422
    assert client.post(url, data={"reason": "a second board for the lab"}).status_code == 302

    made = session.scalars(sa.select(Shipment).where(Shipment.id != parcel.id)).one()
    assert (made.participant_id, made.number, made.replaces_id) == (cast.participant.id, 2, None)
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:plan-another")).one()
    assert entry.detail["reason"] == "a second board for the lab"
    sign_in(client, cast.researcher)
    assert "second board" not in client.get(KIT).text


def test_there_is_nothing_to_answer_where_nobody_asked(session: Session, afterwards: Afterwards) -> None:
    parcel = afterwards.received(word=Word.DAMAGED)

    with pytest.raises(NotFound):
        replacements.refuse(session, parcel, "no", by=afterwards.by, at=NOON)
    with pytest.raises(Invalid):
        replacements.refuse(session, parcel, "", by=afterwards.by, at=NOON)


@pytest.mark.parametrize(("values", "constraint"), [
    ({"state": A.PLANNED}, "planned_is_made"), ({"state": A.REFUSED}, "refused_has_answer"),
    ({"answer": "no"}, "refused_has_answer"),
])  # fmt: skip
def test_state_and_answer_agree(
    session: Session, cast: Cast, afterwards: Afterwards, values: dict[str, object], constraint: str
) -> None:
    parcel = afterwards.parcel()
    row = {"challenge_id": cast.challenge.id, "shipment_id": parcel.id, "reason": "x", "asked_at": NOON}
    session.add(KitReplacement(**{**row, "state_since": NOON, **values}))

    with pytest.raises(sa.exc.IntegrityError, match=constraint):
        session.flush()
