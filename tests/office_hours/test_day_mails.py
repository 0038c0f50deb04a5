"""The mails about the day and what stays of it: neutral, with one link each."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.mail import render
from portal.core.outbox import OutgoingMail
from portal.office_hours.actions import days, notes
from portal.office_hours.actions.answers import Words, draft_answer, review_answer
from portal.office_hours.queries import sitting_of, whole_booking
from portal.office_hours.queries.days import day_of
from portal.office_hours.states import NoteKind
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage

SECRET = "A secret exploit chain"


def test_every_mail_says_where_to_look_and_nothing_else(session: Session, cast: Cast, stage: Stage) -> None:
    made = stage.book(stage.slots(stage.series())[0], topic=SECRET)
    held = whole_booking(session, made.id)
    day = day_of(session, sitting_of(session, cast.challenge.id, held.slot.sitting_id))
    after = FIRST + timedelta(minutes=40)
    days.run_late(session, day, 10, version=0, by=cast.host.id, at=FIRST - timedelta(minutes=5), sender=SENDER)
    notes.add_note(session, held, NoteKind.SHARED, SECRET, by=cast.host, as_host=True, at=after)
    notes.add_note(session, held, NoteKind.SHARED, SECRET, by=cast.researcher, as_host=False, at=after)
    due = after.date() + timedelta(days=1)
    for owner in (cast.host.id, None):
        notes.promise(session, held, SECRET, due, owner_id=owner, by=cast.host.id, at=after)
    notes.remind_of_promises(session, at=datetime(2020, 6, 18, 16, tzinfo=UTC))
    words = Words(SECRET, SECRET, SECRET)
    answer = draft_answer(session, cast.challenge, words, by=cast.host.id, at=NOON, booking=held)
    review_answer(session, answer, cast.challenge, version=1, by=cast.lead.id, at=after)
    session.flush()

    told = {}
    for mail in session.scalars(
        sa.select(OutgoingMail).where(OutgoingMail.template != "office_hours/booked").order_by(OutgoingMail.id)
    ):
        subject, text, html = render(mail)
        assert SECRET not in subject + text + html
        links = {line.strip() for line in text.splitlines() if line.startswith("http")}
        told[mail.template.partition("/")[2], mail.to.partition("@")[0]] = (
            subject, [link.replace(held.uid, "UID").partition("office-hours")[2] for link in links],
        )  # fmt: skip

    assert told == {
        ("late", "rosa-researcher"): ("Office hours: a little later", ["/bookings/UID"]),
        ("noted", "rosa-researcher"): ("Office hours: something was noted", ["/bookings/UID"]),
        ("noted", "hugo-host"): ("Office hours: something was noted", ["/bookings/UID/record"]),
        ("promise_due", "hugo-host"): ("Office hours: a commitment is due today", ["/commitments"]),
        ("promise_due", "rosa-researcher"): ("Office hours: a commitment is due today", ["/commitments"]),
        ("consent", "rosa-researcher"): ("Office hours: may we publish an answer?", ["/bookings/UID"]),
    }
