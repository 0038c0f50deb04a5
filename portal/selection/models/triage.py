"""The first pass: who looks at which application now, and what was said at first sight."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.applications.states import Triage
from portal.core.db import Model


class Look(Model):
    """An application on somebody's screen. The key keeps everybody else from it until `until`."""

    __tablename__ = "triage_look"
    __table_args__ = (sa.Index("ix_triage_look_reviewer_id", "challenge_id", "reviewer_id"),)

    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id", ondelete="CASCADE"), primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    reviewer_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    since: Mapped[datetime]
    until: Mapped[datetime]


class Verdict(Model):
    """What one person said of one application at first sight, and how long they looked."""

    __tablename__ = "triage_verdict"
    __table_args__ = (
        sa.UniqueConstraint("application_id", "reviewer_id"),
        sa.CheckConstraint("verdict <> 'conflict'", name="conflict_is_no_verdict"),
        sa.CheckConstraint("seconds >= 0", name="seconds_not_negative"),
        sa.Index("ix_triage_verdict_reviewer_id", "challenge_id", "reviewer_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id", ondelete="CASCADE"))
    reviewer_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    verdict: Mapped[Triage]
    at: Mapped[datetime]
    seconds: Mapped[int]
