"""When results get out, and who wants to be thanked by name."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.results.states import ReleaseState

_LIVE = sa.text("state IN ('proposed', 'confirmed')")


class ResultsRelease(Moving[ReleaseState], Model):
    """An hour at which a challenge's results get out. `release_at` is None where that is when it is confirmed.

    Whoever proposes it does not confirm it. A confirmed one stands in `Challenge.results_released_at` as well. One
    that is void keeps who had confirmed it; if nobody had, who moved the end of the challenge.
    """

    __tablename__ = "results_release"
    __table_args__ = (
        sa.CheckConstraint("decided_by_id <> proposed_by_id OR state IN ('cancelled', 'void')", name="four_eyes"),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_time"),
        sa.CheckConstraint("state NOT IN ('confirmed', 'void') OR release_at IS NOT NULL", name="confirmed_instant"),
        sa.Index("uq_results_release_live", "challenge_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id), index=True)
    state: Mapped[ReleaseState] = mapped_column(default=ReleaseState.PROPOSED)
    state_since: Mapped[datetime]
    release_at: Mapped[datetime | None]
    zone: Mapped[str] = mapped_column(sa.String(64))
    proposed_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    proposed_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    decided_at: Mapped[datetime | None]
    proposed_by: Mapped[Account] = refers(lazy="raise_on_sql", foreign_keys=[proposed_by_id])
    decided_by: Mapped[Account | None] = refers(lazy="raise_on_sql", foreign_keys=[decided_by_id])


class Acknowledgement(Model):
    """A member's consent to be thanked under this name. It is withdrawn by deleting the row: nothing is kept of it."""

    __tablename__ = "acknowledgement"
    __table_args__ = (sa.CheckConstraint("length(name) > 0", name="name_there"),)

    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id, ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    # A page of theirs, if they want it linked.
    url: Mapped[str | None] = mapped_column(sa.String(500))
    given_at: Mapped[datetime]
    member: Mapped[Member] = refers()


explain(
    "uq_results_release_live",
    "Somebody has just proposed an hour. Look at it first.",
    columns="results_release.challenge_id",
)
