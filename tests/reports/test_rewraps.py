"""What is kept of wrapped session keys, who is told of what they cannot open, and the rules for packets."""

from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Refused
from portal.reports import personal
from portal.reports.actions.rewraps import add_rewrap
from portal.reports.models import KeySet, Rewrap, Upload
from portal.reports.queries import rewraps
from portal.reports.rules import lacking, wrapped_for
from portal.reports.todo import queues
from portal.reports.walker import head_length
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.reports.conftest import TOM, publish_next
from tests.reports.openpgp import certificate, message, new_packet, old_packet, recipient, session_key
from tests.reports.people import Desk

NEW = certificate("New <new@example.org>", seed=7)
LATER = NOON + timedelta(days=1)


@pytest.fixture
def second(session: Session, desk: Desk, cast: Cast) -> KeySet:
    """Two reports sealed to set 1, and set 2, in which Tom stays and New is new."""
    for _ in range(2):
        desk.receive()
    made = publish_next(session, [(cast.triager.id, TOM), (cast.second_triager.id, NEW)], at=LATER)
    session.commit()
    return made


def uploads(session: Session) -> list[Upload]:
    return list(session.scalars(sa.select(Upload).options(sa.orm.joinedload(Upload.report)).order_by(Upload.report_id)))


def test_the_page_says_who_opens_how_much(
    client: FlaskClient, session: Session, cast: Cast, second: KeySet, clock: Clock
) -> None:
    sign_in(client, cast.second_triager)
    address = f"/staff/{cast.slug}/reports/rewrap"

    before = client.get(address).text
    new = second.members[1]
    upload = uploads(session)[0]
    add_rewrap(
        session, upload, second, new.fingerprint, recipient(new.key_ids[0], size=60), by=cast.triager.id, at=LATER
    )
    session.commit()
    after = client.get(address).text

    assert [before.count(f"{count} of 2") for count in (0, 1, 2)] == [1, 0, 2]
    assert [after.count(f"{count} of 2") for count in (0, 1, 2)] == [0, 1, 2]
    assert "Ask another triager to run portal-triage rewrap" in before
    assert "TCR-0001" in before
    assert "TCR-0001" not in after
    assert "does not take back what they could open before" in after


def test_they_wait_in_the_triagers_queue(app: Flask, session: Session, cast: Cast, second: KeySet) -> None:
    with app.test_request_context():
        found = {queue.label: queue.count for queue in queues(session, cast.challenge, LATER)}

    assert found["Sealed files to wrap for new keys"] == 2


def test_nothing_is_wrapped_twice_or_for_somebody_else(session: Session, cast: Cast, second: KeySet) -> None:
    tom, new, recovery = second.members
    upload, by = uploads(session)[0], cast.triager.id
    packet = recipient(new.key_ids[0], size=60)

    first = add_rewrap(session, upload, second, new.fingerprint, packet, by=by, at=LATER)
    assert add_rewrap(session, upload, second, new.fingerprint, packet, by=by, at=LATER) is first
    with pytest.raises(Conflict, match="can open this file already"):
        add_rewrap(session, upload, second, new.fingerprint, recipient(new.key_ids[0], size=61), by=by, at=LATER)
    with pytest.raises(Conflict, match="can open this file already"):
        add_rewrap(session, upload, second, tom.fingerprint, recipient(tom.key_ids[0], size=60), by=by, at=LATER)
    for fingerprint, key_id in ((recovery.fingerprint, new.key_ids[0]), ("A" * 40, "B" * 16)):
        with pytest.raises(Refused, match="not wrapped for a key of key set 2"):
            add_rewrap(session, upload, second, fingerprint, recipient(key_id, size=60), by=by, at=LATER)
    session.commit()
    assert len(session.scalars(sa.select(Rewrap)).all()) == 1
    assert personal.exported(session, by)["session_keys_wrapped_for_others"][0]["fingerprint"] == new.fingerprint


def test_the_second_of_two_at_once_loses(session: Session, cast: Cast, second: KeySet) -> None:
    new, upload = second.members[1], uploads(session)[0]
    values = {"upload_id": upload.id, "fingerprint": new.fingerprint, "key_id": new.key_ids[0], "at": LATER}
    for size in (60, 61):
        session.add(Rewrap(packet=recipient(new.key_ids[0], size=size), by_id=cast.triager.id, **values))

    with pytest.raises(sa.exc.IntegrityError):
        session.flush()


def test_a_file_that_has_not_arrived_is_none(session: Session, desk: Desk, cast: Cast) -> None:
    desk.upload(desk.begin())

    assert rewraps.everything(session, cast.challenge.id) == []


def test_lacking_is_whoever_has_no_key_among_them(second: KeySet) -> None:
    tom, new, recovery = second.members

    assert lacking(second.members, tom.key_ids) == [new, recovery]
    assert lacking(second.members, [*tom.key_ids, *new.key_ids, *recovery.key_ids]) == []
    assert lacking([], []) == []


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        recipient(size=60)[:-1],
        recipient(size=60) + b"\0",
        recipient(size=60) + recipient(size=60),
        old_packet(1, session_key(size=60)),
        new_packet(18, session_key(size=60)),
        recipient(version=6, size=60),
        recipient(size=5000),
        new_packet(1, session_key(size=60), octets=5),
    ],
)
def test_other_packets_are_refused(packet: bytes) -> None:
    with pytest.raises(Refused, match="session key"):
        wrapped_for(packet)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_an_answer(data: bytes) -> None:
    with suppress(Refused):
        assert len(wrapped_for(data)) == 16


@given(count=st.integers(1, 16), size=st.integers(12, 4000), cut=st.integers(0, 70_000))
@settings(max_examples=100, deadline=None)
def test_the_head_of_a_file_is_all_its_recipients(count: int, size: int, cut: int) -> None:
    head = b"".join(recipient(f"{number + 1:016X}", size=size) for number in range(count))
    whole = head + message()[len(recipient()) :]

    assert head_length(whole) == len(head)
    assert head_length(whole[: min(cut, len(head))]) is None
