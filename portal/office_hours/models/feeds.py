"""Calendar addresses."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.office_hours.states import (
    FeedScope,
)


class Feed(Model):
    """A calendar address. Whoever knows the token reads the calendar, so only its hash is kept.

    Busy times are a challenge's: whoever leads it replaces or withdraws their address, whoever made it.
    """

    __tablename__ = "office_feed"
    __table_args__ = (
        sa.CheckConstraint("(scope = 'busy') = (challenge_id IS NOT NULL)", name="busy_of_a_challenge"),
        sa.Index(
            "uq_office_feed_live", "account_id", "scope", unique=True,
            sqlite_where=sa.text("revoked_at IS NULL AND challenge_id IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL AND challenge_id IS NULL"),
        ),
        sa.Index(
            "uq_office_feed_busy", "challenge_id", unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"), postgresql_where=sa.text("revoked_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    challenge_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Challenge.id))
    scope: Mapped[FeedScope]
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    account: Mapped[Account] = refers(lazy="raise_on_sql")
    challenge: Mapped[Challenge | None] = refers(lazy="raise_on_sql")


explain(
    "uq_office_feed_live",
    "A new calendar address has just been made. Reload the page.",
    columns="office_feed.account_id, office_feed.scope",
)


explain(
    "uq_office_feed_busy",
    "A new calendar address has just been made. Reload the page.",
    columns="office_feed.challenge_id",
)
