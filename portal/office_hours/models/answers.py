"""Questions and answers for all participants, without a word about whose they were."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.core.search import Index
from portal.office_hours.models.bookings import Booking
from portal.office_hours.states import AnswerState, Consent

INDEX = Index("office_answer_search", "office_answer", ((("title", "question", "answer", "component"), "A"),))


class Answer(Moving[AnswerState], Model):
    """A question of general interest and its answer.

    `key` stands in addresses; it is drawn, so that it tells neither order nor origin. `booking_id` says whose consent
    is needed, and is shown nowhere. `version` grows with every change of the text.
    """

    __tablename__ = "office_answer"
    __table_args__ = (
        sa.CheckConstraint("(booking_id IS NULL) = (consent = 'not needed')", name="consent_of_somebody"),
        sa.CheckConstraint("(state = 'draft') = (reviewed_by_id IS NULL)", name="reviewed_by_somebody"),
        sa.CheckConstraint("reviewed_by_id <> edited_by_id", name="two_people"),
        sa.CheckConstraint("state <> 'published' OR consent IN ('not needed', 'given')", name="published_with_consent"),
        sa.CheckConstraint("state <> 'published' OR published_at IS NOT NULL", name="published_has_time"),
        sa.CheckConstraint("(state = 'withdrawn') = (reason IS NOT NULL)", name="withdrawn_has_reason"),
        sa.Index("ix_office_answer_published", "challenge_id", "state", "published_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(16), unique=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    title: Mapped[str] = mapped_column(sa.String(120))
    question: Mapped[str] = mapped_column(sa.Text)
    answer: Mapped[str] = mapped_column(sa.Text, deferred=True)
    component: Mapped[str] = mapped_column(sa.String(40), default="")
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[AnswerState] = mapped_column(default=AnswerState.DRAFT)
    state_since: Mapped[datetime]
    edited_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    edited_at: Mapped[datetime]
    reviewed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    published_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(sa.String(300))
    booking_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Booking.id), index=True)
    consent: Mapped[Consent] = mapped_column(default=Consent.NOT_NEEDED)
    consent_at: Mapped[datetime | None]

    edited_by: Mapped[Account] = refers(lazy="raise_on_sql", foreign_keys=[edited_by_id])
    reviewed_by: Mapped[Account | None] = refers(lazy="raise_on_sql", foreign_keys=[reviewed_by_id])


INDEX.attach(Answer.__table__)
explain("ck_office_answer_two_people", "Somebody else reviews it than who wrote it.")
explain("ck_office_answer_published_with_consent", "Those whose question it was have not agreed.")
