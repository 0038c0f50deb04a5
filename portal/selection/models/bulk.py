"""Changes of many applications at once: what was asked for, and what became of each."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.challenges.models import Challenge
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.selection.states import BulkState, BulkVerb, EntryState


class BulkMove(Moving[BulkState], Model):
    """One verb for a list of applications that was frozen when it was asked for."""

    __tablename__ = "bulk_move"
    __table_args__ = (
        sa.CheckConstraint("asked > 0", name="asked_for_some"),
        sa.CheckConstraint("done >= 0 AND skipped >= 0 AND done + skipped <= asked", name="counted"),
        sa.CheckConstraint("state <> 'done' OR done + skipped = asked", name="done_whole"),
        sa.Index("ix_bulk_move_challenge_id", "challenge_id", "id"),
        sa.Index("ix_bulk_move_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    verb: Mapped[BulkVerb]
    # What the verb needs: flag, verdict, kind, reason.
    given: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[BulkState] = mapped_column(default=BulkState.QUEUED)
    state_since: Mapped[datetime]
    asked: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    created_at: Mapped[datetime]
    challenge: Mapped[Challenge] = refers()
    by: Mapped[Account] = refers()


class BulkItem(Model):
    """One application of a change of many. What was left out says why."""

    __tablename__ = "bulk_item"
    __table_args__ = (
        sa.CheckConstraint("(state = 'skipped') = (reason IS NOT NULL)", name="skipped_has_reason"),
        sa.Index("ix_bulk_item_due", "bulk_id", "state", "application_id"),
        sa.Index("ix_bulk_item_application_id", "application_id"),
    )

    bulk_id: Mapped[int] = mapped_column(sa.ForeignKey("bulk_move.id", ondelete="CASCADE"), primary_key=True)
    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[EntryState] = mapped_column(default=EntryState.PENDING)
    reason: Mapped[str | None] = mapped_column(sa.String(120))
    application: Mapped[Application] = refers()
