"""What is kept of wrapped session keys, who is told of what they cannot open, and the rules for packets."""

import hashlib
import uuid
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, NotFound, Refused
from portal.reports import personal
from portal.reports.actions.keys import make_token
from portal.reports.actions.rewraps import add_rewrap, refute_rewrap
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
        found = {queue.label: queue.count for queue in queues(session, cast.challenge, LATER, reader=0)}

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
    (told,) = personal.exported(session, by)["session_keys_wrapped_for_others"]
    assert (told["fingerprint"], told["state"]) == (new.fingerprint, "standing")


def test_the_second_of_two_at_once_loses(session: Session, cast: Cast, second: KeySet) -> None:
    new, upload = second.members[1], uploads(session)[0]
    values = {"upload_id": upload.id, "fingerprint": new.fingerprint, "key_id": new.key_ids[0], "at": LATER}
    values["state_since"] = LATER
    for size in (60, 61):
        session.add(Rewrap(packet=recipient(new.key_ids[0], size=size), by_id=cast.triager.id, **values))

    with pytest.raises(sa.exc.IntegrityError):
        session.flush()


@pytest.fixture
def junk(session: Session, cast: Cast, second: KeySet) -> Rewrap:
    """What Tom has wrapped for Tia's new key, and opens nothing."""
    new = second.members[1]
    packet = recipient(new.key_ids[0], size=60)
    made = add_rewrap(session, uploads(session)[0], second, new.fingerprint, packet, by=cast.triager.id, at=LATER)
    session.commit()
    return made


def digest(wrapped: Rewrap) -> str:
    return hashlib.sha256(wrapped.packet).hexdigest()


def test_whom_it_is_for_refutes_a_packet_and_another_takes_its_place(
    session: Session, cast: Cast, second: KeySet, junk: Rewrap
) -> None:
    new, upload, tia = second.members[1], uploads(session)[0], cast.second_triager.id
    before, packet = progress(session, cast, second), junk.packet

    refute_rewrap(session, rewraps.wrapped(session, upload.id, digest(junk)), by=tia, at=LATER)
    refute_rewrap(session, rewraps.wrapped(session, upload.id, digest(junk)), by=tia, at=LATER + timedelta(days=1))
    session.commit()
    assert [before.by_member[new.fingerprint], progress(session, cast, second).by_member[new.fingerprint]] == [1, 2]
    assert rewraps.of_upload(session, upload.id) == []
    with pytest.raises(Refused, match="This very packet was found not to open the file"):
        add_rewrap(session, upload, second, new.fingerprint, packet, by=cast.triager.id, at=LATER)
    good = recipient(new.key_ids[0], size=61)
    for _ in range(2):
        add_rewrap(session, upload, second, new.fingerprint, good, by=cast.triager.id, at=LATER)
    session.commit()

    rows = session.execute(sa.select(Rewrap.state, Rewrap.packet, Rewrap.refuted_by_id).order_by(Rewrap.id)).all()
    assert [tuple(row) for row in rows] == [("refuted", packet, tia), ("standing", good, None)]
    (entry,) = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "reports:refute-rewrap"))
    assert (entry.actor_id, entry.scope, entry.at) == (tia, cast.slug, LATER)
    assert entry.detail["after"] == {
        "fingerprint": new.fingerprint, "key_id": new.key_ids[0], "wrapped_by": cast.triager.id,
        "packet": hashlib.sha256(packet).hexdigest(),
    }  # fmt: skip
    assert len(personal.exported(session, tia)["session_keys_found_not_to_open"]) == 1


def test_nobody_refutes_what_is_for_another(session: Session, cast: Cast, second: KeySet, junk: Rewrap) -> None:
    upload = uploads(session)[0]
    for by in (cast.admin.id, cast.researcher.id, None):
        with pytest.raises(Refused, match=r"for whom it was wrapped|belongs to somebody"):
            refute_rewrap(session, rewraps.wrapped(session, upload.id, digest(junk)), by=by, at=LATER)
    with pytest.raises(NotFound):
        rewraps.wrapped(session, uploads(session)[1].id, digest(junk))
    assert session.scalars(sa.select(Rewrap.state)).all() == ["standing"]

    # Who made it may take it back.
    refute_rewrap(session, rewraps.wrapped(session, upload.id, digest(junk)), by=cast.triager.id, at=LATER)
    assert session.scalars(sa.select(Rewrap.state)).all() == ["refuted"]


def test_an_operator_speaks_for_the_recovery_key_alone(
    app: Flask, session: Session, cast: Cast, second: KeySet, junk: Rewrap
) -> None:
    upload = uploads(session)[0]
    other = certificate("Recovery <recovery@example.org>", seed=8)
    third = publish_next(session, [(cast.triager.id, TOM)], other, at=LATER + timedelta(days=1))
    recovery = third.members[1]
    packet = recipient(recovery.key_ids[0], size=60)
    add_rewrap(session, upload, third, recovery.fingerprint, packet, by=cast.triager.id, at=LATER)
    session.commit()
    run, name = app.test_cli_runner(), hashlib.sha256(packet).hexdigest()

    said = [run.invoke(args=["keys", "refute-rewrap", upload.id, each]) for each in (digest(junk), "0" * 64, name)]

    assert [each.exit_code for each in said] == [1, 1, 0]
    assert "The key belongs to somebody" in said[0].output
    assert "It no longer counts" in said[2].output
    session.expire_all()
    assert session.scalars(sa.select(Rewrap.state).order_by(Rewrap.id)).all() == ["standing", "refuted"]


def test_of_two_who_refute_at_once_one_is_late_and_a_new_packet_stays(
    session: Session, cast: Cast, second: KeySet, junk: Rewrap
) -> None:
    new, upload, tia = second.members[1], uploads(session)[0], cast.second_triager.id
    seen = rewraps.wrapped(session, upload.id, digest(junk))
    assert seen.state == "standing"
    # Another request gets there first, and somebody has wrapped it anew by now.
    session.execute(
        sa.update(Rewrap).values(state="refuted", refuted_by_id=tia).execution_options(synchronize_session=False)
    )
    session.add(
        Rewrap(upload_id=upload.id, fingerprint=new.fingerprint, key_id=new.key_ids[0], at=LATER, state_since=LATER,
               packet=recipient(new.key_ids[0], size=61), by_id=cast.triager.id)
    )  # fmt: skip
    session.flush()

    with pytest.raises(Conflict):
        refute_rewrap(session, seen, by=tia, at=LATER)
    assert session.scalars(sa.select(Rewrap.state).order_by(Rewrap.id)).all() == ["refuted", "standing"]


@pytest.mark.parametrize(
    "values",
    [{"state": "standing", "refuted_by_id": 1}, {"state": "gone"}, {"state": None}, {"state_since": None}],
)
def test_the_database_refuses_other_states(
    session: Session, cast: Cast, junk: Rewrap, values: dict[str, object]
) -> None:
    with pytest.raises((sa.exc.IntegrityError, sa.exc.StatementError)):
        session.execute(sa.update(Rewrap.__table__).values(values))
    session.rollback()


def test_refuted_packets_are_told_over_http_and_on_the_page(
    client: FlaskClient, session: Session, cast: Cast, second: KeySet, junk: Rewrap, clock: Clock
) -> None:
    upload, name = uploads(session)[0].id, digest(junk)
    by = {"challenge_id": cast.challenge.id, "at": LATER}
    secrets = {each.id: make_token(session, name="t", by=each.id, **by) for each in (cast.triager, cast.second_triager)}
    session.commit()

    def post(who: Account, told: object, to: str = upload) -> tuple[int, Any]:
        answer = client.post(
            f"/staff/{cast.slug}/rewrap/{to}/unopened", json=told,
            headers={"Authorization": f"Bearer {secrets[who.id]}", "Accept": "application/json"},
        )  # fmt: skip
        return answer.status_code, answer.json

    tia = cast.second_triager
    for told in ([], {}, {"packet": "x"}, {"packet": 7}, {"packet": name.upper()}):
        assert post(tia, told)[0] == 422
    assert [post(tia, {"packet": "0" * 64})[0], post(tia, {"packet": name}, uploads(session)[1].id)[0]] == [404, 404]
    expected = {"upload": upload, "wrapped_by": cast.triager.name, "at": "2020-06-16T12:00:00Z"}
    assert [post(tia, {"packet": name}), post(tia, {"packet": name})] == [(200, expected), (200, expected)]

    sign_in(client, cast.triager)
    page = client.get(f"/staff/{cast.slug}/reports/rewrap").text
    assert "Wrapped, but opens nothing" in page
    assert f"by {tia.name}" in page


def progress(session: Session, cast: Cast, key_set: KeySet) -> rewraps.Progress:
    return rewraps.progress(session, cast.challenge.id, key_set.members, reader=0)


def many(session: Session, second: KeySet, count: int) -> list[tuple[str, list[str]]]:
    """So many complete files beside a report's own, sealed to some of the members each; their key ids by name."""
    like = session.execute(sa.select(Upload.__table__).limit(1)).mappings().one()
    keys = [member.key_ids[0] for member in second.members] + ["0123456789ABCDEF"]
    made = [
        (str(uuid.UUID(int=number)), [key for place, key in enumerate(keys) if number >> place & 1])
        for number in range(1, count + 1)
    ]
    rows = [
        {**like, "id": name, "number": 100 + index, "walker": {**like["walker"], "recipients": sealed_to}}
        for index, (name, sealed_to) in enumerate(made)
    ]
    session.execute(sa.insert(Upload.__table__), rows)
    session.commit()
    return made


def test_the_count_is_what_each_file_says_and_costs_the_same_for_three_thousand(
    app: Flask, session: Session, cast: Cast, second: KeySet, statements: list[str]
) -> None:
    spent, loaded = [], []
    sa.event.listen(session, "loaded_as_persistent", lambda _, row: loaded.append(type(row)))
    with app.test_request_context():
        for more in (1, 3000):
            made = many(session, second, more) if more > 1 else []
            statements.clear()
            loaded.clear()
            told = {each.label: each.count for each in queues(session, cast.challenge, LATER, reader=0)}
            spent.append((len(statements), loaded.count(Upload), loaded.count(Rewrap)))
    members = second.members
    expected = sum(bool(lacking(members, key_ids)) for _, key_ids in made) + 2

    assert spent[0] == spent[1]
    assert spent[1][1:] == (0, 0)
    assert told["Sealed files to wrap for new keys"] == expected
    found = progress(session, cast, second)
    assert found.by_member == {
        each.fingerprint: sum(each in lacking(members, key_ids) for _, key_ids in made)
        + (2 if each is members[1] else 0)
        for each in members
    }


def test_the_list_for_programs_leaves_out_what_everybody_opens(
    client: FlaskClient, session: Session, cast: Cast, second: KeySet
) -> None:
    made = many(session, second, 16)
    sign_in(client, cast.triager)
    seen: list[Any] = []
    after = ""
    while after is not None:
        told = client.get(f"/staff/{cast.slug}/rewrap.json?lacking=1&limit=5{after and '&after=' + after}").json
        assert told
        seen += told["objects"]
        after = told["next"]

    closed = {name for name, key_ids in made if lacking(second.members, key_ids)}
    assert len(seen) == len(closed) + 2
    assert {each["upload"] for each in seen} >= closed
    assert all(each["lacking"] for each in seen)


def test_a_file_that_has_not_arrived_is_none(session: Session, desk: Desk, cast: Cast, key_set: KeySet) -> None:
    desk.upload(desk.begin())
    fingerprints = [each.fingerprint for each in key_set.members]

    assert rewraps.progress(session, cast.challenge.id, key_set.members, reader=0) == (
        0,
        dict.fromkeys(fingerprints, 0),
    )


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
