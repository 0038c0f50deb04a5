"""Questions and answers for all: written by one, reviewed by another, agreed to by those whose question it was.

The audit of an answer never tells of which booking it came; what its people say is noted of the booking alone.
"""

import secrets
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, NotFound, Refused
from portal.core.moves import Move, take
from portal.office_hours import queries, states
from portal.office_hours.actions.mails import context_of
from portal.office_hours.models import Answer, Booking
from portal.office_hours.queries.answers import names_in
from portal.office_hours.rules.answers import asks_consent, named_in, why_not_publish, why_not_review
from portal.office_hours.states import SEATED, AnswerState, Consent

REFUSED_LATER = "Those whose question it was do not agree any more."


class Words(NamedTuple):
    """What an answer says."""

    title: str
    question: str
    answer: str
    component: str = ""


def draft_answer(
    session: Session, challenge: Challenge, words: Words, *, by: int, at: datetime, booking: Booking | None = None
) -> Answer:
    """Begin an answer; of a `booking` whose question it is, its people will be asked."""
    if booking is not None and booking.state not in SEATED:
        raise Refused(f"This booking is {booking.state.replace('_', ' ')}.")
    made = Answer(
        key=secrets.token_hex(5), challenge_id=challenge.id, state=AnswerState.DRAFT, state_since=at, edited_by_id=by,
        edited_at=at, booking_id=booking.id if booking else None,
        consent=Consent.NOT_ASKED if booking else Consent.NOT_NEEDED, **words._asdict(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    _record(session, "draft-answer", made, challenge, by=by, at=at)
    return made


def rewrite_answer(
    session: Session, answer: Answer, challenge: Challenge, words: Words, *, version: int, by: int, at: datetime
) -> None:
    """Change a draft. What its people agreed to was another text: they are asked again; a refusal stays."""
    if answer.state is not AnswerState.DRAFT:
        raise Refused("Only a draft is changed. Take it back to the draft first.")
    asked = answer.consent in (Consent.ASKED, Consent.GIVEN)
    changed = session.scalars(
        sa.update(Answer)
        .where(Answer.id == answer.id, Answer.state == AnswerState.DRAFT, Answer.version == version)
        .values(
            version=version + 1, edited_by_id=by, edited_at=at,
            consent=Consent.NOT_ASKED if asked else answer.consent, **words._asdict(),
        )
        .returning(Answer.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()  # fmt: skip
    if changed is None:
        raise Conflict("Somebody has changed this draft since you opened it. Look at it again.")
    session.expire(answer)
    _record(session, "rewrite-answer", answer, challenge, by=by, at=at)


def review_answer(
    session: Session, answer: Answer, challenge: Challenge, *, version: int, by: int, at: datetime
) -> None:
    """Pass a draft, as it was seen, as fit for all; then those whose question it was are asked."""
    reason = why_not_review(answer, by)
    if reason:
        raise Refused(reason)
    found = named_in("\n".join((answer.title, answer.question, answer.answer)), names_in(session, challenge.id))
    if found:
        raise Refused(f"“{found}” stands in it. Take names and addresses out first.")
    asks = answer.consent is Consent.NOT_ASKED
    values = {"consent": Consent.ASKED, "consent_at": at} if asks else {}
    still = (Answer.version == version, Answer.edited_by_id != by)
    with conflicts():
        take(session, answer, states.REVIEW, *still, at=at, reviewed_by_id=by, **values)
    _record(session, "review-answer", answer, challenge, by=by, at=at)
    if asks and answer.booking_id is not None:
        booking = queries.whole_booking(session, answer.booking_id)
        if booking.account.active:
            key = f"office-hours:consent:{answer.key}:{version}"
            context = context_of(booking, booking.account)
            outbox.post(session, "office_hours/consent", to=booking.account.email, key=key, at=at, context=context)


def move_answer(
    session: Session, answer: Answer, challenge: Challenge, move: Move[AnswerState], *, by: int, at: datetime,
    reason: str = "",
) -> None:  # fmt: skip
    """Publish an answer, withdraw it, or take it back to the draft."""
    if move.needs and not reason:
        raise Refused("Say why it is withdrawn.")
    values: dict[str, object] = {"reason": reason or None} if move is states.UNPUBLISH else {"reason": None}
    still: tuple[sa.ColumnElement[bool], ...] = ()
    if move is states.PUBLISH:
        refusal = why_not_publish(answer)
        if refusal:
            raise Refused(refusal)
        values["published_at"] = at
        still = (Answer.consent.in_((Consent.NOT_NEEDED, Consent.GIVEN)),)
    if move is states.RETURN:
        values["reviewed_by_id"] = None
    take(session, answer, move, *still, at=at, **values)
    _record(session, f"{move.name}-answer", answer, challenge, by=by, at=at, reason=reason or None)


def say_consent(
    session: Session, answer: Answer, booking: Booking, *, agrees: bool, version: int, by: int, at: datetime
) -> None:
    """Let somebody whose question it was agree to the text that they have read, or not. A no takes it off the page."""
    if answer.booking_id != booking.id or not asks_consent(answer):
        raise NotFound("answer")
    values: dict[str, object] = {"consent": Consent.GIVEN if agrees else Consent.REFUSED, "consent_at": at}
    if not agrees and answer.state is AnswerState.PUBLISHED:
        values |= {"state": AnswerState.WITHDRAWN, "state_since": at, "reason": REFUSED_LATER}
    changed = session.scalars(
        sa.update(Answer)
        .where(Answer.id == answer.id, Answer.state == answer.state, Answer.version == version)
        .values(values)
        .returning(Answer.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if changed is None:
        raise Conflict("The text has just been changed. Read it again.")
    session.expire(answer)
    audit.record(
        session, "office_hours:consent", f"booking:{booking.id}", by=by, at=at,
        scope=booking.slot.sitting.series.challenge.slug, after={"agrees": agrees},
    )  # fmt: skip


def _record(
    session: Session, verb: str, answer: Answer, challenge: Challenge, *, by: int, at: datetime,
    reason: str | None = None,
) -> None:  # fmt: skip
    audit.record(
        session, f"office_hours:{verb}", f"answer:{answer.id}", by=by, at=at, scope=challenge.slug, reason=reason
    )
