"""Finding hosts' certificates, and how the preparation of bookings stands."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import Account
from portal.challenges.models import Participant
from portal.challenges.states import ParticipantState
from portal.office_hours.models import (
    Booking,
    HostKey,
    LinkedReport,
    SealedQuestion,
    Series,
    Sitting,
    Slot,
    WrittenAnswer,
)
from portal.office_hours.queries.base import one, whole_booking_options
from portal.office_hours.queries.sittings import hosts_of
from portal.office_hours.rules import questions as rules
from portal.office_hours.states import BookingState, EarlyState
from portal.reports.models import Report


class HostLine(NamedTuple):
    """A host of a slot, their live certificate, and whether anything can be sealed to it."""

    account: Account
    key: HostKey | None
    usable: bool


class Preparation(NamedTuple):
    """How a booking is prepared."""

    booking: Booking
    hosts: list[HostLine]
    question: SealedQuestion | None
    stands: rules.Package
    # When the question is due, or else the slot is let go; None where it never is.
    due: datetime | None
    closes: datetime
    why_not: str | None
    report: Report | None
    answers: list[WrittenAnswer]

    @property
    def ready(self) -> bool:
        """Whether every host can be sealed to."""
        return all(host.usable for host in self.hosts)

    @property
    def keys(self) -> list[HostKey]:
        """The certificates to seal to, if all are there."""
        return [host.key for host in self.hosts if host.key is not None] if self.ready else []

    @property
    def answer(self) -> WrittenAnswer | None:
        """The answer that waits for the participant."""
        return next((each for each in self.answers if each.state is EarlyState.OFFERED), None)


def keys_of(session: Session, account_id: int) -> Sequence[HostKey]:
    """The certificates of a host, the live one first, then the newest."""
    return session.scalars(
        sa.select(HostKey)
        .where(HostKey.account_id == account_id)
        .order_by(HostKey.retired_at.is_not(None), HostKey.given_at.desc(), HostKey.id.desc())
        .execution_options(populate_existing=True)
    ).all()


def preparations(session: Session, bookings: Iterable[Booking], at: datetime) -> dict[int, Preparation]:
    """How whole bookings are prepared, by their ids; as many statements for few as for many."""
    whole = list(bookings)
    hosts = {host.id for booking in whole for host in hosts_of(booking.slot)}
    all_keys = session.scalars(sa.select(HostKey).where(HostKey.account_id.in_(hosts)).order_by(HostKey.given_at)).all()
    live = {key.account_id: key for key in all_keys if key.retired_at is None}
    since = {key.account_id: key.given_at for key in reversed(all_keys)}
    ids = [booking.id for booking in whole]
    asked = {question.booking_id: question for question in _questions(session, ids)}
    linked = sa.select(LinkedReport).options(joinedload(LinkedReport.report)).where(LinkedReport.booking_id.in_(ids))
    reports = {link.booking_id: link.report for link in session.scalars(linked)}
    answers: dict[int, list[WrittenAnswer]] = {}
    for answer in session.scalars(
        sa.select(WrittenAnswer)
        .options(joinedload(WrittenAnswer.by))
        .where(WrittenAnswer.booking_id.in_(ids))
        .order_by(WrittenAnswer.id)
    ):
        answers.setdefault(answer.booking_id, []).append(answer)
    return {
        booking.id: _prepared(booking, live, since, asked.get(booking.id), at, reports.get(booking.id),
                              answers.get(booking.id, []))
        for booking in whole
    }  # fmt: skip


def _questions(session: Session, booking_ids: Collection[int]) -> Sequence[SealedQuestion]:
    return session.scalars(
        sa.select(SealedQuestion)
        .options(joinedload(SealedQuestion.sealed_by))
        .where(SealedQuestion.booking_id.in_(booking_ids))
        .execution_options(populate_existing=True)
    ).all()


def _prepared(
    booking: Booking, live: dict[int, HostKey], since: dict[int, datetime], question: SealedQuestion | None,
    at: datetime, report: Report | None, answers: list[WrittenAnswer],
) -> Preparation:  # fmt: skip
    lines = [
        HostLine(host, live.get(host.id), rules.is_usable(live.get(host.id), at)) for host in hosts_of(booking.slot)
    ]
    ready_since = max(since[line.account.id] for line in lines) if all(line.usable for line in lines) else None
    due = rules.due_at(booking, booking.slot.sitting.series, ready_since)
    stands = rules.standing(question, [line.account.id for line in lines], live)
    closes = rules.closes_at(booking, due, stands)
    why_not = rules.why_not_seal(booking, closes, at)
    return Preparation(booking, lines, question, stands, due, closes, why_not, report, answers)


def preparation(session: Session, booking: Booking, at: datetime) -> Preparation:
    """How one whole booking is prepared."""
    return preparations(session, [booking], at)[booking.id]


def to_watch(session: Session, at: datetime, *, uid: str | None = None) -> list[Preparation]:
    """The coming confirmed bookings of active participants, or one of them, for which a question is demanded or there
    is one, with how they are prepared.
    """
    sealed = sa.select(SealedQuestion.booking_id)
    coming = session.scalars(
        sa.select(Booking)
        .join(Booking.participant)
        .join(Booking.slot)
        .join(Slot.sitting)
        .join(Sitting.series)
        .options(*whole_booking_options())
        .where(Participant.state == ParticipantState.ACTIVE, Booking.state == BookingState.CONFIRMED,
               Booking.starts_at > at, Booking.uid == uid if uid is not None else sa.true(),
               sa.or_(Series.question_due_minutes.is_not(None), Booking.id.in_(sealed)))
        .order_by(Booking.starts_at, Booking.id)
        .execution_options(populate_existing=True)
    ).all()  # fmt: skip
    return list(preparations(session, coming, at).values()) if coming else []


def sealed_question(session: Session, booking: Booking) -> SealedQuestion:
    """The question of a booking with its ciphertext. Raises NotFound."""
    return one(session, sa.select(SealedQuestion).where(SealedQuestion.booking_id == booking.id), "question")


def answer_of(session: Session, booking: Booking, answer_id: int) -> WrittenAnswer:
    """An answer to a booking. Raises NotFound."""
    own = sa.select(WrittenAnswer).where(WrittenAnswer.id == answer_id, WrittenAnswer.booking_id == booking.id)
    return one(session, own, "answer")
