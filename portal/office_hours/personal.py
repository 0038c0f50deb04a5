"""What office hours keep of a person, and what is forgotten with them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.challenges.models import Member
from portal.office_hours import record
from portal.office_hours.actions.calendars import forget_calendar
from portal.office_hours.models import (
    Booking,
    BusySpan,
    Feed,
    HostKey,
    LinkedReport,
    ProgramToken,
    ReminderChoice,
    RoundRequest,
    SealedQuestion,
    Waiter,
    WrittenAnswer,
)
from portal.office_hours.models.reminders import OFFSETS
from portal.office_hours.states import LIVE, RequestState, WaiterState


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """The bookings that the person made, when their calendar addresses were made, and when they are reminded."""
    bookings = session.scalars(sa.select(Booking).where(Booking.account_id == account_id).order_by(Booking.id)).all()
    feeds = session.scalars(sa.select(Feed).where(Feed.account_id == account_id).order_by(Feed.id)).all()
    reminders = session.get(ReminderChoice, account_id)
    return {
        "bookings": [
            {
                "uid": booking.uid, "state": booking.state, "starts_at": booking.starts_at, "ends_at": booking.ends_at,
                "booked_at": booking.booked_at, "topic": booking.topic,
                "component": booking.component, "source": booking.source,
            }
            for booking in bookings
        ],
        "waiting_lists": _waiting(session, account_id),
        "calendar_addresses": [
            {"shows": feed.scope, "created_at": feed.created_at, "revoked_at": feed.revoked_at} for feed in feeds
        ],
        "program_tokens": _tokens(session, account_id),
        **exported_questions(session, account_id),
        "busy_times": _busy_times(session, account_id),
        **record.exported(session, account_id),
        "requests_in_draws": _requests(session, account_id),
        "reminders": reminders and {name: getattr(reminders, name) for name in OFFSETS},
    }  # fmt: skip


def _waiting(session: Session, account_id: int) -> list[dict[str, Any]]:
    waiters = session.scalars(sa.select(Waiter).where(Waiter.account_id == account_id).order_by(Waiter.id))
    return [
        {
            "session": waiter.sitting_id, "state": waiter.state, "since": waiter.state_since,
            "joined_at": waiter.joined_at, "topic": waiter.topic,
        }
        for waiter in waiters
    ]  # fmt: skip


def _tokens(session: Session, account_id: int) -> list[dict[str, Any]]:
    tokens = session.scalars(
        sa.select(ProgramToken)
        .join(Member, Member.id == ProgramToken.member_id)
        .where(Member.account_id == account_id)
        .order_by(ProgramToken.member_id)
    )
    return [{"created_at": token.created_at, "expires_at": token.expires_at} for token in tokens]


def _requests(session: Session, account_id: int) -> list[dict[str, Any]]:
    rows = session.scalars(
        sa.select(RoundRequest).where(RoundRequest.account_id == account_id).order_by(RoundRequest.id)
    )
    return [
        {
            "request": row.public_id, "state": row.state, "asked_at": row.asked_at, "topic": row.topic,
            "reason": row.reason, "seats_recently": row.recent, "seats_ever": row.total, "owed": row.owed,
            "strikes": row.strikes,
        }
        for row in rows
    ]  # fmt: skip


def _busy_times(session: Session, account_id: int) -> list[dict[str, Any]]:
    rows = session.scalars(sa.select(BusySpan).where(BusySpan.account_id == account_id).order_by(BusySpan.since))
    return [{"since": span.since, "until": span.until} for span in rows]


def objection(session: Session, account_id: int, at: datetime) -> str | None:
    """A seat that nobody comes to helps nobody: it is given back first."""
    coming = sa.select(Booking.id).where(
        Booking.account_id == account_id, Booking.state.in_(LIVE), Booking.starts_at > at
    )
    booked = session.scalars(coming.limit(1)).one_or_none()
    return "You have booked office hours. Cancel them first." if booked is not None else None


def erase(session: Session, account_id: int, at: datetime) -> None:
    """Forget what was asked, and close the calendar addresses. That a seat was taken stays for the statistics."""
    record.erase(session, account_id, at)
    session.execute(sa.update(Booking).where(Booking.account_id == account_id).values(topic="Erased", component=""))
    waits = sa.update(Waiter).where(Waiter.account_id == account_id)
    session.execute(waits.values(topic="Erased"))
    session.execute(waits.where(Waiter.state == WaiterState.WAITING).values(state=WaiterState.LEFT, state_since=at))
    requests = sa.update(RoundRequest).where(RoundRequest.account_id == account_id)
    session.execute(
        requests.where(RoundRequest.state == RequestState.OPEN).values(state=RequestState.WITHDRAWN, state_since=at)
    )
    session.execute(requests.values(topic="Erased"))
    forget_calendar(session, account_id)
    erase_questions(session, account_id)
    session.execute(
        sa.update(Feed)
        .where(Feed.account_id == account_id, Feed.challenge_id.is_(None), Feed.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    own = sa.select(Member.id).where(Member.account_id == account_id)
    session.execute(sa.delete(ProgramToken).where(ProgramToken.member_id.in_(own)))
    session.execute(sa.delete(ReminderChoice).where(ReminderChoice.account_id == account_id))


def exported_questions(session: Session, account_id: int) -> dict[str, Any]:
    """What shows of the person's sealed questions, the answers to their bookings, and as a host their certificates."""
    questions = session.scalars(
        sa.select(SealedQuestion).where(SealedQuestion.sealed_by_id == account_id).order_by(SealedQuestion.booking_id)
    )
    answers = session.scalars(
        sa.select(WrittenAnswer)
        .join(Booking, Booking.id == WrittenAnswer.booking_id)
        .where(sa.or_(Booking.account_id == account_id, WrittenAnswer.by_id == account_id))
        .order_by(WrittenAnswer.id)
    )
    keys = session.scalars(sa.select(HostKey).where(HostKey.account_id == account_id).order_by(HostKey.id))
    return {
        "sealed_questions": [
            {"sealed_at": each.sealed_at, "size": each.size, "sha256": each.sha256, "recipients": each.recipients}
            for each in questions
        ],
        "written_answers": [
            {"offered_at": each.offered_at, "state": each.state, "text": each.text} for each in answers
        ],
        "certificates": [
            {"fingerprint": each.fingerprint, "name": each.name, "given_at": each.given_at,
             "retired_at": each.retired_at}
            for each in keys
        ],
    }  # fmt: skip


def erase_questions(session: Session, account_id: int) -> None:
    """Delete sealed questions, what was answered to the person, and a host's certificates."""
    booked = sa.select(Booking.id).where(Booking.account_id == account_id)
    about = sa.or_(SealedQuestion.sealed_by_id == account_id, SealedQuestion.booking_id.in_(booked))
    session.execute(sa.delete(SealedQuestion).where(about), execution_options={"synchronize_session": False})
    session.execute(sa.delete(WrittenAnswer).where(WrittenAnswer.booking_id.in_(booked)))
    session.execute(sa.delete(LinkedReport).where(LinkedReport.booking_id.in_(booked)))
    session.execute(sa.delete(HostKey).where(HostKey.account_id == account_id))


personal.exporters["office_hours"] = exported
personal.objections.append(objection)
personal.erasers.append(erase)
personal.kept.append(
    personal.Kept(
        "Office hours: times, topics, sealed questions, written answers, what you waited and asked for; of hosts, when "
        "they are busy and certificates",
        "So that hosts can prepare, and everybody gets a fair share.",
        "Sealed questions until 30 days after the session; topics, answers and certificates until you erase your "
        "account; times as long as the results.",
    )
)
personal.kept.append(
    personal.Kept(
        "Office hours: notes, commitments, when you checked in",
        "So that what was said and promised is not lost.",
        "Until you erase your account; answers published with your consent stay, and name nobody.",
    )
)
