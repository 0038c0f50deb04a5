"""What happens before and after a key of the current set expires."""

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.core.outbox import OutgoingMail
from portal.reports.actions.keys import publish_key_set
from portal.reports.jobs import warn
from portal.reports.models import KeySet
from tests.cast import NOON, Cast, make_account, sign_in
from tests.conftest import Clock
from tests.reports.conftest import RECOVERY, TIA, publish_next
from tests.reports.openpgp import MADE, certificate

DAYS = 40
EXPIRES = (NOON + timedelta(days=DAYS)).replace(microsecond=0)
TOM = certificate("Tom <tom@example.org>", seed=1, expires=int(EXPIRES.timestamp()) - MADE)


def published(session: Session, cast: Cast) -> KeySet:
    """A set in which Tom's key expires in forty days."""
    made = publish_key_set(session, [(cast.triager.id, TOM), (cast.second_triager.id, TIA)], RECOVERY, by=None, at=NOON)
    session.commit()
    return made


def posted(session: Session) -> list[tuple[str, str]]:
    """Template and address of every mail about keys, in order."""
    rows = session.scalars(
        sa.select(OutgoingMail).where(OutgoingMail.template.like("reports/key%")).order_by(OutgoingMail.id)
    )
    return [(row.template, row.to) for row in rows]


def test_admins_and_the_owner_are_told_thirty_seven_and_one_day_before(session: Session, cast: Cast) -> None:
    root = make_account(session, "Root Admin", Role.ADMIN, scope="*")
    published(session, cast)
    both = [("reports/keys_expire", root.email), ("reports/key_expires", cast.triager.email)]

    told = []
    for days in (31, 30, 29, 7, 6, 1, 0.5, 0, -1):
        for _ in range(2):  # a tick that comes twice tells nobody twice
            warn(session, EXPIRES - timedelta(days=days))
        told.append(len(posted(session)))

    assert told == [0, 2, 2, 4, 4, 6, 6, 6, 6]
    assert posted(session) == both * 3
    contexts = session.scalars(sa.select(OutgoingMail.context).where(OutgoingMail.template == "reports/key_expires"))
    assert {each["day"] for each in contexts} == {"2020-07-25"}


def test_after_it_nothing_is_sealed_past_its_owner(
    client: FlaskClient, session: Session, cast: Cast, clock: Clock
) -> None:
    made = published(session, cast)
    sign_in(client, cast.researcher)
    page = f"/challenges/{cast.slug}/reports/new"
    assert 'id="seal-send"' in client.get(page).text

    clock.at = EXPIRES
    stopped = client.get(page).text

    assert "A key of key set 1 has expired" in stopped
    assert made.members[0].fingerprint in stopped
    assert made.members[1].fingerprint not in stopped
    assert 'id="seal-send"' not in stopped
    assert "seal.js" not in stopped
    assert "expired" in client.get("/keys/").text


def test_the_new_set_lets_sealing_go_on(client: FlaskClient, session: Session, cast: Cast, clock: Clock) -> None:
    published(session, cast)
    clock.at = EXPIRES
    publish_key_set(session, [(None, TIA)], RECOVERY, by=None, at=EXPIRES, restarted="A test.")
    session.commit()
    sign_in(client, cast.researcher)

    page = client.get(f"/challenges/{cast.slug}/reports/new").text

    assert 'data-key-set="2"' in page
    assert "has expired" not in page


def test_the_doctor_says_how_long_there_is_left(app: Flask, session: Session, cast: Cast, clock: Clock) -> None:
    published(session, cast)
    said = []
    for days in (31, 30, 0):
        clock.at = EXPIRES - timedelta(days=days)
        output = app.test_cli_runner().invoke(args=["doctor"]).output
        said.append(next(line for line in output.splitlines() if line.startswith("keys:")))

    assert said == [
        "keys: ok (set 1, until 2020-07-25)",
        "keys: ok (set 1, until 2020-07-25: publish the next set within 30 days)",
        "keys: RuntimeError: a key of set 1 has expired: nothing can be sealed",
    ]


def test_the_page_that_seals_says_until_when_the_set_before_counts(
    client: FlaskClient, session: Session, cast: Cast, clock: Clock
) -> None:
    published(session, cast)
    publish_next(session, [(None, TIA)], at=NOON + timedelta(days=1))
    session.commit()
    sign_in(client, cast.researcher)
    page = f"/challenges/{cast.slug}/reports/new"

    clock.tick(days=2)
    assert "sealed to key set 1 is taken until" in client.get(page).text
    assert "accepted until" in client.get("/keys/").text
    clock.tick(days=14)
    assert "is taken until" not in client.get(page).text
    assert "accepted until" not in client.get("/keys/").text
