"""Messages that were sealed before a key was in the set: told to portal-triage, and offered to gpg by hand."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.reports import rules
from portal.reports.actions import threads
from portal.reports.actions.rewraps import add_rewrap
from portal.reports.models import KeySet, Report
from portal.reports.queries import threads as queries
from portal.reports.queries import uploads as files
from portal.reports.states import ReportState, Side
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.reports.conftest import TOM, publish_next
from tests.reports.openpgp import certificate, message, recipient
from tests.reports.people import Desk
from tests.reports.threads import key_ids, written

NEW = certificate("New <new@example.org>", seed=7)
LATER = NOON + timedelta(days=1)
STAFF = "/staff/test-challenge"


@pytest.fixture
def second(session: Session, desk: Desk, cast: Cast) -> KeySet:
    """A report and a message sealed to set 1; then set 2, in which New is new."""
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    written(desk, report, Side.RESEARCHER, key_ids(desk), by=cast.researcher.id)
    made = publish_next(session, [(cast.triager.id, TOM), (cast.second_triager.id, NEW)], at=LATER)
    session.commit()
    return made


def only(desk: Desk) -> Report:
    """The report that there is."""
    return desk.again(desk.session.scalars(sa.select(Report)).one())


def test_a_message_is_told_by_its_kind_and_its_name_at_the_portal(
    client: FlaskClient, cast: Cast, second: KeySet
) -> None:
    sign_in(client, cast.second_triager)

    objects = client.get(f"{STAFF}/rewrap.json").json["objects"]
    (told,) = client.get(f"{STAFF}/reports/TCR-0001/messages.json").json["messages"]

    assert sorted((each["kind"], each["n"]) for each in objects) == [("body", 0), ("message", 1)]
    assert [each["upload"] for each in objects if each["kind"] == "message"] == [told["upload"]]


def test_a_message_comes_with_what_was_wrapped_for_it(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast, second: KeySet
) -> None:
    new, report = second.members[1], only(desk)
    packet = recipient(new.key_ids[0], size=60)
    upload = queries.sent(session, report, 1)
    sign_in(client, cast.second_triager)
    sealed = client.get(f"{STAFF}/reports/TCR-0001/messages/1").data
    address = f"{STAFF}/reports/TCR-0001/messages/1/rewrapped"
    assert address not in client.get(f"{STAFF}/reports/TCR-0001").text

    add_rewrap(session, upload, second, new.fingerprint, packet, by=cast.triager.id, at=LATER)
    session.commit()
    answer = client.get(address)

    assert answer.data == packet + sealed
    assert answer.headers["Content-Disposition"] == 'attachment; filename="TCR-0001-message-1-rewrapped.pgp"'
    assert address in client.get(f"{STAFF}/reports/TCR-0001").text
    assert client.get(f"{STAFF}/reports/TCR-0001/messages/2/rewrapped").status_code == 404


def test_a_report_offers_its_file_with_what_was_wrapped_for_it(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast, second: KeySet
) -> None:
    new, report = second.members[1], only(desk)
    upload = files.file_of(session, report, 0)
    sign_in(client, cast.second_triager)
    address = f"{STAFF}/reports/TCR-0001/files/0/rewrapped"
    assert address not in client.get(f"{STAFF}/reports/TCR-0001").text

    packet = recipient(new.key_ids[0], size=60)
    add_rewrap(session, upload, second, new.fingerprint, packet, by=cast.triager.id, at=LATER)
    session.commit()

    assert address in client.get(f"{STAFF}/reports/TCR-0001").text
    assert client.get(address).data.startswith(packet)


def test_a_message_that_was_not_sent_is_nobodys_to_wrap(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast, second: KeySet, clock: Clock
) -> None:
    report, by = only(desk), cast.researcher.id
    made = threads.begin_message(session, report, Side.RESEARCHER, rules.Limits(), by=by, at=NOON)
    data = message(200, key_ids(desk))
    upload = threads.begin_message_upload(session, report, made, rules.Limits(), length=len(data), at=NOON)
    session.commit()
    desk.send(upload, data)
    sign_in(client, cast.second_triager)

    objects = client.get(f"{STAFF}/rewrap.json").json["objects"]

    assert [each["n"] for each in objects if each["kind"] == "message"] == [1]
    assert client.get(f"{STAFF}/rewrap/{upload.id}").status_code == 404
