"""Answered early: the participant decides, the seat is freed with its credit, or stays."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import queries, states
from portal.office_hours.actions import early
from portal.office_hours.models import WrittenAnswer
from portal.office_hours.states import BookingState, EarlyState
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage

TEXT = "Partition three is verified by the second stage."


def test_an_answer_that_will_do_frees_the_seat_and_gives_the_credit_back(
    session: Session, cast: Cast, stage: Stage
) -> None:
    slot = stage.slots(stage.series())[0]
    booking = stage.book(slot)
    at = FIRST - timedelta(minutes=1)
    answer = early.offer_answer(session, booking, TEXT, by=cast.host.id, at=NOON)

    # Even after the cut-off: it is the host's answer that made it needless.
    early.move_answer(session, booking, answer, states.ACCEPT_ANSWER, by=cast.researcher.id, at=at, sender=SENDER)

    ended = queries.whole_booking(session, booking.id)
    assert (ended.state, answer.state, answer.state_since) == (BookingState.CANCELLED, EarlyState.ACCEPTED, at)
    assert queries.quota_used(session, cast.participant.id, [booking.quota_period]).total() == 0
    offer = next(offer for offer in queries.offers(session, cast.challenge.id, NOON, FIRST + timedelta(days=1))
                 if offer.slot.id == slot.id)  # fmt: skip
    assert offer.taken == 0


def test_an_answer_that_will_not_do_changes_nothing(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    answer = early.offer_answer(session, booking, TEXT, by=cast.host.id, at=NOON)
    early.move_answer(session, booking, answer, states.DECLINE_ANSWER, by=cast.researcher.id, at=NOON, sender=SENDER)

    assert (booking.state, answer.state) == (BookingState.CONFIRMED, EarlyState.DECLINED)
    with pytest.raises(Refused, match="it is declined"):
        early.move_answer(session, booking, answer, states.ACCEPT_ANSWER, by=cast.researcher.id, at=NOON, sender=SENDER)
    # Another one may be offered now, but not two at a time.
    early.offer_answer(session, booking, "Once more.", by=cast.host.id, at=NOON)
    with pytest.raises(Conflict, match="Somebody has just answered"):
        early.offer_answer(session, booking, "And again.", by=cast.host.id, at=NOON)


def test_what_has_begun_or_is_over_is_not_answered(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    answer = early.offer_answer(session, booking, TEXT, by=cast.host.id, at=NOON)

    with pytest.raises(Refused, match="answer in person"):
        early.move_answer(
            session, booking, answer, states.ACCEPT_ANSWER, by=cast.researcher.id, at=FIRST, sender=SENDER
        )
    with pytest.raises(Refused, match="answer in person"):
        early.offer_answer(session, booking, TEXT, by=cast.host.id, at=FIRST)


def test_what_is_taken_back_is_gone(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    answer = early.offer_answer(session, booking, TEXT, by=cast.host.id, at=NOON)

    early.take_back_answer(session, booking, answer, by=cast.host.id, at=NOON)

    assert session.execute(sa.select(WrittenAnswer.state, WrittenAnswer.text)).one() == (EarlyState.TAKEN_BACK, "")
    with pytest.raises(Refused, match="it is taken back"):
        early.move_answer(session, booking, answer, states.ACCEPT_ANSWER, by=cast.researcher.id, at=NOON, sender=SENDER)


def test_mails_and_audit_say_that_there_is_an_answer_and_not_which(session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    answer = early.offer_answer(session, booking, TEXT, by=cast.host.id, at=NOON)
    early.move_answer(session, booking, answer, states.ACCEPT_ANSWER, by=cast.researcher.id, at=NOON, sender=SENDER)
    session.commit()

    mails = session.execute(sa.select(OutgoingMail.template, OutgoingMail.to).order_by(OutgoingMail.id)).all()
    assert mails[-3:] == [
        ("office_hours/answered_early", cast.researcher.email), ("office_hours/cancelled", cast.researcher.email),
        ("office_hours/cancelled", cast.host.email),
    ]  # fmt: skip
    everything = repr(session.execute(sa.select(OutgoingMail.context, OutgoingMail.calendar_text)).all())
    everything += repr(session.execute(sa.select(AuditEntry.detail)).all())
    assert "Partition three" not in everything
    mine = sa.select(AuditEntry.tag).where(AuditEntry.subject == f"booking:{booking.id}")
    tags = session.scalars(mine.order_by(AuditEntry.id)).all()
    assert tags[1:] == ["office_hours:answer", "office_hours:accept-answer", "office_hours:settle"]
