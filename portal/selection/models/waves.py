"""Answers that go out together."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.applications.models import Application
from portal.applications.states import Decision
from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model
from portal.core.moves import Moving
from portal.selection.states import EntryState, WaveState


class Wave(Moving[WaveState], Model):
    """Decisions that go out together. `number` counts the waves of a challenge."""

    __tablename__ = "wave"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "number"),
        sa.CheckConstraint("(released_by_id IS NULL) = (released_at IS NULL)", name="released_whole"),
        sa.CheckConstraint(
            "(state IN ('releasing', 'released')) = (released_at IS NOT NULL)", name="released_has_time"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    number: Mapped[int]
    state: Mapped[WaveState] = mapped_column(default=WaveState.DRAFT)
    state_since: Mapped[datetime]
    # Until when the invited are asked to answer; a wave without invitations has none.
    answer_by: Mapped[datetime | None]
    created_by_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    created_at: Mapped[datetime]
    released_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    released_at: Mapped[datetime | None]
    challenge: Mapped[Challenge] = relationship()


class WaveEntry(Model):
    """One answer of a wave. Skipped ones say why."""

    __tablename__ = "wave_entry"
    __table_args__ = (
        sa.UniqueConstraint("wave_id", "application_id"),
        sa.CheckConstraint("(state = 'skipped') = (reason IS NOT NULL)", name="skipped_has_reason"),
        sa.CheckConstraint("(state = 'pending') = (done_at IS NULL)", name="done_has_time"),
        sa.Index("ix_wave_entry_due", "wave_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    wave_id: Mapped[int] = mapped_column(sa.ForeignKey("wave.id"))
    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id", ondelete="CASCADE"), index=True)
    decision: Mapped[Decision]
    state: Mapped[EntryState] = mapped_column(default=EntryState.PENDING)
    reason: Mapped[str | None] = mapped_column(sa.String(120))
    done_at: Mapped[datetime | None]
    wave: Mapped[Wave] = relationship()
    application: Mapped[Application] = relationship()


explain(
    "uq_wave_challenge_id",
    "Somebody has just made a wave. Look at the list again.",
    columns="wave.challenge_id, wave.number",
)
