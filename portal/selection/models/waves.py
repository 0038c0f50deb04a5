"""Answers that go out together."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.applications.models import Application
from portal.applications.states import Decision
from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.selection.states import EntryState, WaveState


class Wave(Moving[WaveState], Model):
    """Decisions that go out together. `number` counts the waves of a challenge."""

    __tablename__ = "wave"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "number"),
        sa.CheckConstraint("(released_by_id IS NULL) = (released_at IS NULL)", name="released_whole"),
        sa.CheckConstraint("(state IN ('draft', 'discarded')) = (released_at IS NULL)", name="released_has_time"),
        sa.CheckConstraint("(state = 'stopped') = (stopped_because IS NOT NULL)", name="stopped_has_reason"),
        sa.CheckConstraint("rate BETWEEN 1 AND 6000", name="rate_in_range"),
        sa.CheckConstraint("open_from >= 0 AND open_from < open_until AND open_until <= 24", name="hours_in_order"),
        sa.CheckConstraint("weekdays BETWEEN 1 AND 127", name="weekdays_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    number: Mapped[int]
    state: Mapped[WaveState] = mapped_column(default=WaveState.DRAFT)
    state_since: Mapped[datetime]
    # Until when the invited are asked to answer; a wave without invitations has none.
    answer_by: Mapped[datetime | None]
    # How many answers go out in a minute; None for as fast as it goes.
    rate: Mapped[int | None]
    # Between which hours of the day, in the challenge's zone, and on which days of the week: bit 0 is Monday.
    open_from: Mapped[int] = mapped_column(default=0)
    open_until: Mapped[int] = mapped_column(default=24)
    weekdays: Mapped[int] = mapped_column(default=127)
    # Up to when the answers that are out have used up the time that the rate gives them.
    paced_until: Mapped[datetime | None]
    stopped_because: Mapped[str | None] = mapped_column(sa.String(200))
    created_by_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    created_at: Mapped[datetime]
    released_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    released_at: Mapped[datetime | None]
    challenge: Mapped[Challenge] = refers()


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
    wave: Mapped[Wave] = refers()
    application: Mapped[Application] = refers()


class WaveLetter(Model):
    """What the lead wrote for one kind of answer of a wave, with placeholders; where there is none, ours is sent."""

    __tablename__ = "wave_letter"

    wave_id: Mapped[int] = mapped_column(sa.ForeignKey("wave.id"), primary_key=True)
    decision: Mapped[Decision] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(150))
    body: Mapped[str] = mapped_column(sa.Text)


explain(
    "uq_wave_challenge_id_number",
    "Somebody has just made a wave. Look at the list again.",
    columns="wave.challenge_id, wave.number",
)
