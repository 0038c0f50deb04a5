"""What-ifs of the selection: limits, pins, who would get a place, and the lottery that decides between equals."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.selection.states import Because, DraftState, LimitKind


class Lottery(Model):
    """A seed, committed to by its hash. All drafts of a challenge use the same one until it is revealed by freezing."""

    __tablename__ = "selection_lottery"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "number"),
        sa.CheckConstraint("length(seed) = 64 AND length(commitment) = 64", name="seed_whole"),
        sa.Index(
            "uq_selection_lottery_open", "challenge_id", unique=True,
            sqlite_where=sa.text("revealed_at IS NULL"), postgresql_where=sa.text("revealed_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    number: Mapped[int]
    seed: Mapped[str] = mapped_column(sa.String(64))
    commitment: Mapped[str] = mapped_column(sa.String(64))
    drawn_at: Mapped[datetime]
    revealed_at: Mapped[datetime | None]


class Draft(Moving[DraftState], Model):
    """One what-if. What was found (`pool_size` to `clash`) belongs to the last time that it was solved."""

    __tablename__ = "selection_draft"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "number"),
        sa.CheckConstraint("places >= 0", name="places_not_negative"),
        sa.CheckConstraint("kits_each IS NULL OR kits_each > 0", name="kits_each_positive"),
        sa.CheckConstraint(
            "(state IN ('solved', 'infeasible', 'frozen')) = (solved_at IS NOT NULL)", name="solved_has_time"
        ),
        sa.CheckConstraint(
            "(solved_at IS NULL) = (print IS NULL) AND (solved_at IS NULL) = (pool_size IS NULL)", name="solved_whole"
        ),
        sa.CheckConstraint("(state = 'infeasible') = (clash IS NOT NULL)", name="infeasible_has_clash"),
        sa.CheckConstraint("(frozen_by_id IS NULL) = (frozen_at IS NULL)", name="frozen_whole"),
        sa.CheckConstraint("(state = 'frozen') = (frozen_at IS NOT NULL)", name="frozen_has_time"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(80))
    state: Mapped[DraftState] = mapped_column(default=DraftState.DRAFT)
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    lottery_id: Mapped[int] = mapped_column(sa.ForeignKey("selection_lottery.id"))
    places: Mapped[int]
    # Whether those without a score count, with a score of 0, if triage said yes to them.
    unscored: Mapped[bool] = mapped_column(default=False)
    # How many kits each of the taken needs; None where kits do not matter. `kits` is what there was when it was solved.
    kits_each: Mapped[int | None]
    kits: Mapped[int | None]
    # Countries to which nothing can be sent, by their codes.
    unshippable: Mapped[list[str]] = mapped_column(sa.JSON, default=list)

    solved_at: Mapped[datetime | None]
    # What the pool was like, to notice when it is like that no more.
    print: Mapped[str | None] = mapped_column(sa.String(64))
    pool_size: Mapped[int | None]
    taken: Mapped[int | None]
    # In hundredths.
    score_sum: Mapped[int | None]
    # Limits that stand in the way by their words, as `clash` of the rules tells them.
    clash: Mapped[list[str] | None] = mapped_column(sa.JSON(none_as_null=True))
    frozen_at: Mapped[datetime | None]
    frozen_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))

    challenge: Mapped[Challenge] = refers()
    lottery: Mapped[Lottery] = refers()
    created_by: Mapped[Account] = refers(foreign_keys=[created_by_id])
    limits: Mapped[list["DraftLimit"]] = relationship(order_by="DraftLimit.id", cascade="all, delete-orphan")
    pins: Mapped[list["Pin"]] = relationship(order_by="Pin.application_id", viewonly=True)


class DraftLimit(Model):
    """At least and at most so many of some kind. `value` says which country, scenario …; empty where none is needed."""

    __tablename__ = "selection_draft_limit"
    __table_args__ = (
        sa.UniqueConstraint("draft_id", "kind", "value"),
        sa.CheckConstraint("least IS NOT NULL OR most IS NOT NULL", name="limits_something"),
        sa.CheckConstraint("least >= 0 AND most >= 0 AND least <= most", name="least_within_most"),
        sa.CheckConstraint("kind NOT IN ('each country', 'each organisation') OR least IS NULL", name="each_has_most"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[int] = mapped_column(sa.ForeignKey("selection_draft.id", ondelete="CASCADE"))
    kind: Mapped[LimitKind]
    value: Mapped[str] = mapped_column(sa.String(120), default="")
    least: Mapped[int | None]
    most: Mapped[int | None]


class Pin(Model):
    """Somebody gets a place (or none) whatever the scores say, for a reason."""

    __tablename__ = "selection_draft_pin"
    __table_args__ = (sa.CheckConstraint("length(reason) > 0", name="pin_has_reason"),)

    draft_id: Mapped[int] = mapped_column(sa.ForeignKey("selection_draft.id", ondelete="CASCADE"), primary_key=True)
    application_id: Mapped[int] = mapped_column(
        sa.ForeignKey("application.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    inside: Mapped[bool]
    reason: Mapped[str] = mapped_column(sa.String(300))
    application: Mapped[Application] = refers()


class DraftChoice(Model):
    """What a solved draft makes of one application, and why. `place` is its rank by score and lottery."""

    __tablename__ = "draft_choice"
    __table_args__ = (
        sa.CheckConstraint("because <> 'no score' OR (score IS NULL AND NOT taken)", name="unscored_has_none"),
        sa.Index("ix_draft_choice_place", "draft_id", "place"),
        sa.Index("ix_draft_choice_taken", "draft_id", "taken", "place"),
        sa.Index("ix_draft_choice_because", "draft_id", "because", "place"),
    )

    draft_id: Mapped[int] = mapped_column(sa.ForeignKey("selection_draft.id", ondelete="CASCADE"), primary_key=True)
    application_id: Mapped[int] = mapped_column(
        sa.ForeignKey("application.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    place: Mapped[int]
    taken: Mapped[bool]
    # In hundredths, as it was shown when the draft was solved.
    score: Mapped[int | None]
    lottery: Mapped[int] = mapped_column(sa.BigInteger)
    because: Mapped[Because]
    # Whom the application would displace (or comes instead of), and what that would change of the sum, in hundredths.
    rival_id: Mapped[int | None] = mapped_column(sa.ForeignKey("application.id", ondelete="SET NULL"))
    gap: Mapped[int | None]
    # The limits in the way, or those that pull in, in words.
    limits: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)
    application: Mapped[Application] = refers(foreign_keys=[application_id])
    rival: Mapped[Application | None] = refers(foreign_keys=[rival_id])


explain(
    "uq_selection_draft_challenge_id_number",
    "Somebody has just made a draft. Look at the list again.",
    columns="selection_draft.challenge_id, selection_draft.number",
)
explain(
    "uq_selection_draft_limit_draft_id_kind_value",
    "There is a limit of this kind in the draft already.",
    columns="selection_draft_limit.draft_id, selection_draft_limit.kind, selection_draft_limit.value",
)
explain(
    "uq_selection_lottery_open",
    "Somebody has just made the first draft. Try again.",
    columns="selection_lottery.challenge_id",
)
