"""The second pass: who should read what, and what they make of it."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model, refers


class Assignment(Model):
    """One reviewer should read one application. It is done when there is a review."""

    __tablename__ = "review_assignment"
    __table_args__ = (sa.Index("ix_review_assignment_reviewer_id", "reviewer_id", "application_id"),)

    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id", ondelete="CASCADE"), primary_key=True)
    reviewer_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), primary_key=True)
    assigned_at: Mapped[datetime]
    assigned_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))


class Review(Model):
    """What one reviewer makes of one application.

    `score` is the weighted mean of the marks. `comment` is read by the other reviewers once they have written their own
    review, `note` by its author and the lead only.
    """

    __tablename__ = "review"
    __table_args__ = (
        sa.UniqueConstraint("application_id", "reviewer_id"),
        sa.CheckConstraint("score BETWEEN 0 AND 5", name="score_in_range"),
        sa.CheckConstraint("confidence BETWEEN 1 AND 3", name="confidence_in_range"),
        sa.Index("ix_review_reviewer_id", "reviewer_id", "application_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id", ondelete="CASCADE"))
    reviewer_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    score: Mapped[float] = mapped_column(sa.Double)
    confidence: Mapped[int] = mapped_column(default=2)
    comment: Mapped[str] = mapped_column(sa.Text, default="")
    note: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    reviewer: Mapped[Account] = refers()


class Mark(Model):
    """What a review says on one criterion: 0 to 5."""

    __tablename__ = "review_mark"
    __table_args__ = (sa.CheckConstraint("mark BETWEEN 0 AND 5", name="mark_in_range"),)

    review_id: Mapped[int] = mapped_column(sa.ForeignKey("review.id", ondelete="CASCADE"), primary_key=True)
    criterion_id: Mapped[int] = mapped_column(sa.ForeignKey("criterion.id"), primary_key=True)
    mark: Mapped[int]


class Endorsement(Model):
    """Another reviewer of the same application agrees with a review."""

    __tablename__ = "review_endorsement"

    review_id: Mapped[int] = mapped_column(sa.ForeignKey("review.id", ondelete="CASCADE"), primary_key=True)
    reviewer_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), primary_key=True)
    at: Mapped[datetime]


explain(
    "uq_review_application_id_reviewer_id",
    "You have just reviewed this application in another tab. Look at it again.",
    columns="review.application_id, review.reviewer_id",
)
