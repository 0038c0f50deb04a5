"""Capabilities that reports assume or give, and chains across reports."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Scenario
from portal.core.constraints import explain
from portal.core.db import Model, refers


class Capability(Model):
    """Something that an attacker can do at a point of a chain, in general words. `scenario` would give it."""

    __tablename__ = "capability"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "code"),
        sa.CheckConstraint("length(code) > 0 AND length(words) > 0", name="has_words"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    code: Mapped[str] = mapped_column(sa.String(20))
    words: Mapped[str] = mapped_column(sa.String(200))
    scenario_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Scenario.id))
    added_at: Mapped[datetime]
    added_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    scenario: Mapped[Scenario | None] = refers(lazy="raise_on_sql")


explain(
    "uq_capability_challenge_id_code",
    "There is a capability with this code already.",
    columns="capability.challenge_id, capability.code",
)
