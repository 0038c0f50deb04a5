"""How a challenge chooses: the settings of its selection, its rubric, and its reviewers."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.db import Model, refers
from portal.selection.states import ConflictKind, Pool


class Plan(Model):
    """The settings of one challenge's selection; where there is no row, the defaults hold."""

    __tablename__ = "selection_plan"
    __table_args__ = (
        sa.CheckConstraint("looks BETWEEN 1 AND 3", name="looks_in_range"),
        sa.CheckConstraint("reviews_each BETWEEN 1 AND 10", name="reviews_each_in_range"),
        sa.CheckConstraint(
            "(fitted_at IS NULL) = (overall IS NULL) AND (overall IS NULL) = (noise IS NULL)"
            " AND (overall IS NULL) = (between_applications IS NULL)",
            name="fitted_whole",
        ),
    )

    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"), primary_key=True)
    # How many people look at each application in the first pass.
    looks: Mapped[int] = mapped_column(default=1)
    pool: Mapped[Pool] = mapped_column(default=Pool.ALL)
    # How many reviewers each application of the second pass is assigned to, and by when they should have written.
    reviews_each: Mapped[int] = mapped_column(default=3)
    review_until: Mapped[datetime | None]
    # Whether reviewers are kept from seeing who applies.
    blind: Mapped[bool] = mapped_column(default=False)
    # When the reviewers' offsets were last estimated, and what they are measured against: the mean of all scores, the
    # standard deviation of a single opinion, and that of the applications; see selection.rules.scores.
    fitted_at: Mapped[datetime | None]
    overall: Mapped[float | None] = mapped_column(sa.Double)
    noise: Mapped[float | None] = mapped_column(sa.Double)
    between_applications: Mapped[float | None] = mapped_column(sa.Double)
    # Since when there are reviews that the last estimate does not know; None where it knows them all.
    changed_at: Mapped[datetime | None] = mapped_column(index=True)


class Criterion(Model):
    """One line of the rubric. A retired one asks nothing any more; the marks that it got stay."""

    __tablename__ = "criterion"
    __table_args__ = (
        sa.CheckConstraint("weight BETWEEN 1 AND 10", name="weight_in_range"),
        sa.Index("ix_criterion_challenge_id", "challenge_id", "position"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    position: Mapped[int]
    label: Mapped[str] = mapped_column(sa.String(80))
    help: Mapped[str] = mapped_column(sa.String(300), default="")
    weight: Mapped[int] = mapped_column(default=1)
    retired_at: Mapped[datetime | None]


class Reviewer(Model):
    """What is known of somebody who reviews for a challenge.

    `offset` says how far above (or below) their colleagues this reviewer scores the same applications, in points, and
    `review_count` how many reviews that rests on; both as of the plan's `fitted_at`.
    """

    __tablename__ = "reviewer"
    __table_args__ = (sa.CheckConstraint("capacity >= 0", name="capacity_not_negative"),)

    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), primary_key=True)
    affiliation: Mapped[str] = mapped_column(sa.String(120), default="")
    # The most applications that they can read; None for no limit.
    capacity: Mapped[int | None]
    review_count: Mapped[int] = mapped_column(default=0)
    offset: Mapped[float] = mapped_column(sa.Double, default=0.0)
    account: Mapped[Account] = refers()


class Conflict(Model):
    """Why somebody must not judge an application."""

    __tablename__ = "review_conflict"

    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id", ondelete="CASCADE"), primary_key=True)
    reviewer_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), primary_key=True)
    kind: Mapped[ConflictKind]
    noted_at: Mapped[datetime]
