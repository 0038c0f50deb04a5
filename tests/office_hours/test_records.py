"""What stays of a booking: notes, promises and their reminders, a seat to come again."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

import portal.office_hours.queries.promises as found
from portal.accounts import personal
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import states
from portal.office_hours.actions import follow_ups, notes
from portal.office_hours.jobs import enqueue_promises
from portal.office_hours.models import Booking, Note, Promise
from portal.office_hours.queries import bookings_of, whole_booking
from portal.office_hours.queries.promises import Shown
from portal.office_hours.states import BookingState, NoteKind, PromiseState, Source
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.office_hours.conftest import FIRST, SENDER, Stage

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
AFTER = FIRST + 40 * MINUTE
DUE = date(2020, 6, 19)
HIDDEN = "An internal remark on the person"


@pytest.fixture
def held(session: Session, stage: Stage) -> Booking:
    """The researcher's booking of the first slot, of which nobody has said yet whether anybody came."""
    made = stage.book(stage.slots(stage.series())[0])
    session.commit()
    return whole_booking(session, made.id)


def mails(session: Session, template: str) -> list[str]:
    rows = sa.select(OutgoingMail.to).where(OutgoingMail.template == f"office_hours/{template}")
    return list(session.scalars(rows.order_by(OutgoingMail.id)))


def promised(session: Session, held: Booking, cast: Cast, **changes: Any) -> Promise:
    given = {"owner_id": cast.host.id, "by": cast.host.id, "at": AFTER, **changes}
    return notes.promise(session, held, given.pop("text", "Send the list"), given.pop("due", DUE), **given)


# Notes


def test_shared_notes_are_read_by_both_sides_and_told_once_a_day(
    client: FlaskClient, session: Session, cast: Cast, held: Booking, clock: Clock
) -> None:
    clock.at, uid = AFTER, held.uid
    sign_in(client, cast.host)
    for text in ("First **note**", "Second note"):
        assert client.post(f"{STAFF}/bookings/{uid}/notes", data={"text": text, "kind": "shared"}).status_code == 302
    assert client.post(f"{STAFF}/bookings/{uid}/notes", data={"text": HIDDEN, "kind": "internal"}).status_code == 302
    sign_in(client, cast.researcher)
    assert client.post(f"{PAGE}/bookings/{uid}/notes", data={"text": "My own"}).status_code == 302

    page = client.get(f"{PAGE}/bookings/{uid}").text
    assert [text in page for text in ("First <strong>note</strong>", "Second note", "My own", HIDDEN)] == [
        True, True, True, False,
    ]  # fmt: skip
    assert mails(session, "noted") == ["rosa-researcher@example.org", "hugo-host@example.org"]
    assert HIDDEN not in str([entry.detail for entry in session.scalars(sa.select(AuditEntry))])


def test_internal_notes_are_for_the_hosts_of_the_slot_and_the_lead(
    client: FlaskClient, session: Session, cast: Cast, held: Booking
) -> None:
    notes.add_note(session, held, NoteKind.INTERNAL, HIDDEN, by=cast.host, as_host=True, at=AFTER)
    session.commit()
    page, seen = f"{STAFF}/bookings/{held.uid}/record", {}
    for who in ("host", "second_host", "lead", "admin", "triager", "researcher"):
        sign_in(client, getattr(cast, who))
        answer = client.get(page)
        seen[who] = (answer.status_code, HIDDEN in answer.text)

    assert seen == {
        "host": (200, True), "second_host": (404, False), "lead": (200, True), "admin": (403, False),
        "triager": (403, False), "researcher": (403, False),
    }  # fmt: skip


def test_a_lead_notes_for_the_team_only(
    client: FlaskClient, session: Session, cast: Cast, held: Booking, clock: Clock
) -> None:
    clock.at = AFTER
    sign_in(client, cast.lead)
    given = [
        client.post(f"{STAFF}/bookings/{held.uid}/notes", data={"text": "Well", "kind": kind}).status_code
        for kind in ("shared", "internal", "", "secret")
    ]

    assert given == [403, 302, 422, 422]
    assert session.scalars(sa.select(Note.kind)).all() == [NoteKind.INTERNAL]


@pytest.mark.parametrize("text", ["", "   ", "x" * 4001])
def test_notes_say_something_and_not_everything(
    client: FlaskClient, session: Session, cast: Cast, held: Booking, text: str
) -> None:
    for who, page in (("host", STAFF), ("researcher", PAGE)):
        sign_in(client, getattr(cast, who))
        answer = client.post(f"{page}/bookings/{held.uid}/notes", data={"text": text, "kind": "shared"})
        assert answer.status_code == (422 if who == "host" else 302)

    assert session.scalars(sa.select(Note)).all() == []


def test_participants_write_no_internal_notes(session: Session, cast: Cast, held: Booking) -> None:
    with pytest.raises(Refused, match="Internal notes are the hosts'"):
        notes.add_note(session, held, NoteKind.INTERNAL, "x", by=cast.researcher, as_host=False, at=AFTER)


# Promises


def test_what_was_promised_is_on_both_lists_until_it_is_kept(
    client: FlaskClient, session: Session, cast: Cast, held: Booking, clock: Clock
) -> None:
    clock.at, page = AFTER, f"{STAFF}/bookings/{held.uid}/commitments"
    sign_in(client, cast.host)
    for owner, text in ((cast.host.id, "Send the list"), (0, "Take the trace")):
        assert client.post(page, data={"text": text, "owner": owner, "due_on": "2020-06-19"}).status_code == 302
    wrong = [{"due_on": "2020-06-01"}, {"owner": cast.lead.id}, {"text": ""}, {"due_on": "soon"}]
    full = {"text": "Never", "owner": cast.host.id, "due_on": "2020-06-19"}
    assert [client.post(page, data={**full, **one}).status_code for one in wrong] == [422] * 4
    ours, theirs = session.scalars(sa.select(Promise).order_by(Promise.id))
    listed = client.get(f"{STAFF}/commitments").text
    assert ("Send the list" in listed, "Take the trace" in listed, "Overdue" in listed) == (True, True, True)

    sign_in(client, cast.researcher)
    assert "Send the list" in client.get(f"{PAGE}/commitments").text
    kept = [client.post(f"{PAGE}/commitments/{each.id}/done").status_code for each in (ours, theirs, theirs)]
    assert kept == [404, 302, 422]
    sign_in(client, cast.host)
    assert client.post(f"{STAFF}/commitments/{ours.id}/drop", data={"reason": ""}).status_code == 422
    assert client.post(f"{STAFF}/commitments/{ours.id}/drop", data={"reason": "It is on paper"}).status_code == 302
    session.expire_all()
    assert [(each.state, each.reason) for each in (ours, theirs)] == [
        (PromiseState.DROPPED, "It is on paper"), (PromiseState.DONE, None),
    ]  # fmt: skip


def test_only_one_of_two_ends_a_promise(session: Session, cast: Cast, held: Booking) -> None:
    made = promised(session, held, cast)
    session.commit()
    assert made.state is PromiseState.OPEN
    session.execute(
        sa.update(Promise).values(state=PromiseState.DONE), execution_options={"synchronize_session": False}
    )

    with pytest.raises(Conflict):
        notes.close_promise(session, made, states.DROP, by=cast.host.id, at=AFTER, scope="x", reason="Late")


def test_what_is_overdue_stands_on_top_and_pages_go_on(session: Session, cast: Cast, held: Booking) -> None:
    days = [5, 1, 3, 2, 4]
    for number in days:
        promised(session, held, cast, text=f"In {number}", due=DUE + number * DAY)
    at = AFTER + 5 * DAY
    first = found.staff_promises(session, cast.challenge, cast.host.id, Shown.OPEN, at, lead=False, limit=3)
    rest = found.staff_promises(
        session, cast.challenge, cast.host.id, Shown.OPEN, at, lead=False, limit=3, after=first.next
    )

    assert [each.text for each in [*first.rows, *rest.rows]] == ["In 1", "In 2", "In 3", "In 4", "In 5"]
    numbers = found.counts(session, cast.challenge, cast.host.id, at, lead=False)
    assert [numbers[each] for each in Shown] == [5, 2, 5, 0, 0]
    hidden = found.counts(session, cast.challenge, cast.second_host.id, at, lead=False)
    assert list(hidden.values()) == [0] * 5
    assert found.counts(session, cast.challenge, cast.lead.id, at, lead=True)[Shown.OPEN] == 5


def test_the_table_of_promises(client: FlaskClient, session: Session, cast: Cast, held: Booking) -> None:
    promised(session, held, cast, text="=1+1")
    session.commit()
    sign_in(client, cast.lead)

    answer = client.get(f"{STAFF}/commitments.csv")

    assert answer.mimetype == "text/csv"
    assert "Rosa Researcher,2020-06-17T16:00:00Z,'=1+1,Hugo Host,2020-06-19,open," in answer.text
    assert client.get(f"{STAFF}/commitments?show=nothing").status_code == 404


@pytest.mark.parametrize(
    ("owner", "at", "to"),
    [
        ("host", datetime.fromisoformat("2020-06-19T14:59:00+00:00"), None),
        ("host", datetime.fromisoformat("2020-06-19T15:00:00+00:00"), "hugo-host@example.org"),
        (None, datetime.fromisoformat("2020-06-19T06:00:00+00:00"), "rosa-researcher@example.org"),
        (None, datetime.fromisoformat("2020-06-22T06:00:00+00:00"), None),
    ],
)
def test_one_is_reminded_once_on_the_day(
    session: Session, cast: Cast, held: Booking, owner: str | None, at: datetime, to: str | None
) -> None:
    promised(session, held, cast, owner_id=getattr(cast, owner).id if owner else None, text="Never in a mail")

    counts = [enqueue_promises(session, at), enqueue_promises(session, at + timedelta(seconds=30))]

    assert mails(session, "promise_due") == ([to] if to else [])
    assert counts == ([1, 0] if to else [0, 0])
    sent = session.scalars(sa.select(OutgoingMail.context).where(OutgoingMail.template == notes.DUE)).all()
    assert "Never in a mail" not in str(sent)


def test_no_reminder_of_what_is_done(session: Session, cast: Cast, held: Booking) -> None:
    made = promised(session, held, cast)
    enqueue_promises(session, datetime.fromisoformat("2020-06-19T15:00:00+00:00"))
    mail = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.template == notes.DUE)).one()
    assert notes.still_open(session, mail)
    notes.close_promise(session, made, states.KEEP, by=cast.host.id, at=AFTER, scope="x")

    assert not notes.still_open(session, mail)
    assert enqueue_promises(session, datetime.fromisoformat("2020-06-19T16:00:00+00:00")) == 0


def test_the_homes_tell_of_promises(session: Session, cast: Cast, held: Booking) -> None:
    promised(session, held, cast)
    promised(session, held, cast, owner_id=None, text="Take the trace")

    assert [task.detail for task in found.tasks(session, cast.member, AFTER)] == ["Take the trace"]
    queues = [found.queues(session, cast.challenge, who, AFTER + 9 * DAY)[0] for who in (cast.host, cast.second_host)]
    assert [(queue.count, queue.oldest is not None) for queue in queues] == [(1, True), (0, False)]


# To come again


def test_a_seat_to_come_again_is_outside_of_the_quota(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, held: Booking, clock: Clock
) -> None:
    clock.at = AFTER
    session.execute(sa.update(Booking).values(state=BookingState.ATTENDED))
    free = next(slot for slot in stage.slots(held.slot.sitting.series) if slot.starts_at > AFTER + DAY)
    session.commit()
    page = f"{STAFF}/bookings/{held.uid}/follow-up"
    sign_in(client, cast.host)
    assert ", yours</option>" in client.get(page).text
    form = {"key": "k" * 32, "topic": "The trace", "slot": str(free.id)}

    answers = [client.post(page, data=form).status_code for _ in range(2)]

    session.expire_all()
    [again] = [each for each in bookings_of(session, cast.participant.id, AFTER) if each.slot_id == free.id]
    assert answers == [302, 422]
    assert (again.source, again.quota_no, again.account_id) == (Source.FOLLOW_UP, None, cast.researcher.id)
    assert mails(session, "booked")[-2:] == ["rosa-researcher@example.org", "hugo-host@example.org"]
    audit = session.scalars(sa.select(AuditEntry).where(AuditEntry.subject == f"booking:{again.id}")).one()
    assert (audit.tag, audit.actor_id) == ("office_hours:book", cast.host.id)


def test_no_seat_where_none_is(session: Session, cast: Cast, stage: Stage, held: Booking) -> None:
    week = [slot for slot in stage.slots(held.slot.sitting.series) if slot.starts_at > AFTER + DAY]
    stage.book(week[0], cast.team.members[0], at=AFTER)
    with pytest.raises(Conflict, match="All seats of this slot are taken"):
        follow_ups.follow_up(session, held, week[0], "Again", "k" * 32, by=cast.host.id, at=AFTER, sender=SENDER)
    session.execute(sa.update(Booking).values(state=BookingState.NO_SHOW))
    session.expire_all()

    with pytest.raises(Refused, match="nothing follows from it"):
        follow_ups.follow_up(
            session, whole_booking(session, held.id), week[1], "Again", "l" * 32, by=cast.host.id, at=AFTER,
            sender=SENDER,
        )  # fmt: skip


# Personal data


def test_what_was_noted_is_handed_over_and_forgotten(session: Session, cast: Cast, held: Booking) -> None:
    notes.add_note(session, held, NoteKind.SHARED, "Shared", by=cast.host, as_host=True, at=AFTER)
    notes.add_note(session, held, NoteKind.INTERNAL, HIDDEN, by=cast.host, as_host=True, at=AFTER)
    promised(session, held, cast, owner_id=None, text="Take the trace")

    told = personal.exporters["office_hours"](session, cast.researcher.id)
    assert [note["text"] for note in told["notes"]] == ["Shared"]
    assert [each["text"] for each in told["commitments"]] == ["Take the trace"]
    for forget in personal.erasers:
        if forget.__module__.startswith("portal.office_hours"):
            forget(session, cast.researcher.id, NOON)
    session.expire_all()
    assert set(session.scalars(sa.select(Note.text))) == {"Erased"}
    assert session.execute(sa.select(Promise.text, Promise.state, Promise.reason)).all() == [
        ("Erased", PromiseState.DROPPED, "The account was erased.")
    ]
