"""Sealed questions: kept, asked for, and the slot let go where none has come. The server never sees the clear text."""

import hashlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core import audit, outbox
from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import queries, states
from portal.office_hours.actions.bookings import settle_booking
from portal.office_hours.actions.mails import context_of
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, LinkedReport, SealedQuestion
from portal.office_hours.queries import questions
from portal.office_hours.queries.questions import Preparation
from portal.office_hours.rules import questions as rules
from portal.office_hours.states import SEATED, BookingState
from portal.office_hours.time import spoken_moment
from portal.reports.models import Report

DUE, AGAIN = "office_hours/question_due", "office_hours/seal_again"
NO_QUESTION = "No sealed question had come by the time it was due."


def put_question(session: Session, booking: Booking, data: bytes, *, by: int, at: datetime) -> SealedQuestion:
    """Keep a sealed question; the one before is gone. Raises Refused with what is wrong with it, or that it is late."""
    whole = _locked(session, booking.id)
    if whole is None:
        raise Conflict("This booking has just been changed. Look at it again.")
    prepared = questions.preparation(session, whole, at)
    if prepared.why_not:
        raise Refused(prepared.why_not)
    if not prepared.ready:
        raise Refused("A host of this slot has no certificate that can be sealed to. Try again once it is there.")
    recipients = rules.check_package(data, [(key.name, key.key_ids) for key in prepared.keys])
    values = {
        "sealed_by_id": by, "sealed_at": at, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
        "recipients": recipients, "content": data,
    }  # fmt: skip
    question = prepared.question or SealedQuestion(booking_id=whole.id)
    before: dict[str, object] | None = {"sha256": question.sha256} if prepared.question else None
    for name, value in values.items():
        setattr(question, name, value)
    session.add(question)
    session.flush()
    _note(session, "seal-question", whole, by=by, at=at, before=before,
          after={"sha256": question.sha256, "size": question.size, "recipients": recipients})  # fmt: skip
    return question


def note_download(session: Session, booking: Booking, question: SealedQuestion, *, by: int, at: datetime) -> None:
    """That a host has taken the sealed question."""
    _note(session, "take-question", booking, by=by, at=at, after={"sha256": question.sha256})


def link_report(session: Session, booking: Booking, report: Report | None, *, by: int, at: datetime) -> None:
    """Say which of the participant's reports the booking is about; None for no report any more."""
    session.execute(sa.delete(LinkedReport).where(LinkedReport.booking_id == booking.id))
    if report is not None:
        session.add(LinkedReport(booking_id=booking.id, report_id=report.id))
    session.flush()
    _note(session, "link-report", booking, by=by, at=at, after={"report": report.ref if report else None})


def ask_for_questions(session: Session, *, at: datetime) -> int:
    """Enqueue what participants have to be told: a question is due within a day, or must be sealed again."""
    told = 0
    for prepared in questions.to_watch(session, at):
        if _is_due_soon(prepared, at) and prepared.due:
            told += _tell(session, DUE, prepared, f"due:{prepared.due.timestamp()}", at,
                          until=spoken_moment(prepared.due, prepared.booking.account.zone))  # fmt: skip
        elif _is_elsewhere(prepared, at):
            told += _tell(session, AGAIN, prepared, _mark(prepared), at)
    return told


def still_true(session: Session, mail: OutgoingMail, *, at: datetime) -> bool:
    """Whether the participant still has to be told."""
    at = max(at, mail.created_at)
    needs = _is_due_soon if mail.template == DUE else _is_elsewhere
    return any(needs(found, at) for found in questions.to_watch(session, at, uid=mail.context["uid"]))


def unasked(session: Session, *, at: datetime) -> list[int]:
    """The bookings that are to be let go, because their question was due and is not there."""
    return [prepared.booking.id for prepared in questions.to_watch(session, at) if _is_over(prepared, at)]


def let_go(session: Session, booking_id: int, *, at: datetime, sender: Sender | None) -> bool:
    """Give the seat of one booking to others, unless its question has come in the meantime; whether that happened.

    The booking is locked first, and looked at then: of a question that arrives at the same moment and of two workers
    only one comes first.
    """
    whole = _locked(session, booking_id)
    if whole is None or whole.state is not BookingState.CONFIRMED:
        return False
    if not _is_over(questions.preparation(session, whole, at), at):
        return False
    settle_booking(session, whole, states.RELEASE, NO_QUESTION, by=None, at=at, sender=sender)
    return True


def forget_questions(session: Session, *, at: datetime) -> int:
    """Delete the questions of bookings that came to nothing, and a month after their sessions all others."""
    over = sa.select(Booking.id).where(sa.or_(Booking.state.not_in(SEATED), Booking.ends_at < at - rules.KEPT))
    gone = sa.delete(SealedQuestion).where(SealedQuestion.booking_id.in_(over)).returning(SealedQuestion.booking_id)
    return len(session.scalars(gone, execution_options={"synchronize_session": False}).all())


def _locked(session: Session, booking_id: int) -> Booking | None:
    lock = sa.select(Booking.id).where(Booking.id == booking_id).with_for_update(key_share=True)
    return None if session.scalars(lock).one_or_none() is None else queries.whole_booking(session, booking_id)


def _is_over(prepared: Preparation, at: datetime) -> bool:
    missing = prepared.stands is rules.Package.MISSING
    return missing and prepared.due is not None and prepared.due <= at < prepared.booking.starts_at


def _is_due_soon(prepared: Preparation, at: datetime) -> bool:
    missing = prepared.stands is rules.Package.MISSING
    return missing and prepared.due is not None and prepared.due - rules.REMIND <= at < prepared.due


def _is_elsewhere(prepared: Preparation, at: datetime) -> bool:
    elsewhere = prepared.stands is rules.Package.ELSEWHERE
    return elsewhere and prepared.ready and prepared.why_not is None and at < prepared.closes


def _mark(prepared: Preparation) -> str:
    """What a question was sealed as, and to what it should be: a change of either is news."""
    fingerprints = "".join(sorted(key.fingerprint for key in prepared.keys))
    question = prepared.question.sha256 if prepared.question else ""
    return "again:" + hashlib.sha256(f"{question} {fingerprints}".encode()).hexdigest()[:24]


def _tell(session: Session, template: str, prepared: Preparation, mark: str, at: datetime, **more: str) -> int:
    booking = prepared.booking
    people: dict[int, Account] = {booking.account_id: booking.account}
    if prepared.question:
        people[prepared.question.sealed_by_id] = prepared.question.sealed_by
    keys = {f"question:{booking.uid}:{mark}:{person.id}": person for person in people.values() if person.active}
    sent = set(session.scalars(sa.select(OutgoingMail.dedupe_key).where(OutgoingMail.dedupe_key.in_(keys))))
    missing = {key: person for key, person in keys.items() if key not in sent}
    for key, person in missing.items():
        context = {**context_of(booking, person), "for_host": False, **more}
        outbox.post(session, template, to=person.email, key=key, at=at, context=context)
    return len(missing)


def _note(
    session: Session, verb: str, booking: Booking, *, by: int, at: datetime, after: dict[str, object],
    before: dict[str, object] | None = None,
) -> None:  # fmt: skip
    scope = booking.slot.sitting.series.challenge.slug
    audit.record(session, f"office_hours:{verb}", f"booking:{booking.id}", by=by, at=at, scope=scope, before=before,
                 after=after)  # fmt: skip
