"""What the operator decides about countries, and the lists of names that parcels are held against."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.kits.states.holds import ListState, Verdict

_OPEN = sa.text("ended_at IS NULL")
_LIVE = sa.text("state = 'live'")


class CountryPolicy(Model):
    """What may be sent to a country, or to a part of it; `region` is empty for the whole.

    A row is never changed: what replaces it names it. It counts from `valid_from` on; until then what it replaces does.
    """

    __tablename__ = "country_policy"
    __table_args__ = (
        sa.Index(
            "uq_country_policy_open", "challenge_id", "country", "region", unique=True,
            sqlite_where=_OPEN, postgresql_where=_OPEN,
        ),
        sa.UniqueConstraint("replaces_id"),
        sa.CheckConstraint("length(country) = 2", name="country_code"),
        sa.CheckConstraint("ended_at IS NOT NULL OR ended_by_id IS NULL", name="ended_by_someone"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    country: Mapped[str] = mapped_column(sa.String(2))
    region: Mapped[str] = mapped_column(sa.String(80), default="")
    verdict: Mapped[Verdict]
    valid_from: Mapped[date]
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    basis: Mapped[str] = mapped_column(sa.String(300), default="")
    author_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    created_at: Mapped[datetime]
    replaces_id: Mapped[int | None] = mapped_column(sa.ForeignKey("country_policy.id"))
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))

    author: Mapped[Account] = refers(foreign_keys=[author_id], lazy="raise_on_sql")


explain(
    "uq_country_policy_open",
    "Somebody has just written a policy for this country and region. Look at it again.",
    columns="country_policy.challenge_id, country_policy.country, country_policy.region",
)


class ScreeningList(Model):
    """A list of names as it was brought in. A newer one of the same name replaces it; its entries go, this row stays.

    `threshold` is the score, of 100, from which on a likeness holds a parcel.
    """

    __tablename__ = "screening_list"
    __table_args__ = (
        sa.Index(
            "uq_screening_list_live", "challenge_id", "name", unique=True,
            sqlite_where=_LIVE, postgresql_where=_LIVE,
        ),
        sa.CheckConstraint("threshold BETWEEN 60 AND 100", name="threshold_range"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    name: Mapped[str] = mapped_column(sa.String(80))
    source: Mapped[str] = mapped_column(sa.String(300), default="")
    as_of: Mapped[date]
    filename: Mapped[str] = mapped_column(sa.String(120))
    shape: Mapped[str] = mapped_column(sa.String(20))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    count: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    threshold: Mapped[int]
    state: Mapped[ListState]
    state_since: Mapped[datetime]
    imported_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    created_at: Mapped[datetime]

    imported_by: Mapped[Account] = refers(lazy="raise_on_sql")


explain(
    "uq_screening_list_live",
    "Somebody has just brought in a list of this name. Look at it again.",
    columns="screening_list.challenge_id, screening_list.name",
)


class ScreeningEntry(Model):
    """Somebody on a list, in the list's own words. `keys` are the names as they are compared, one a line.

    `digest` is the same for an entry that a newer list repeats word for word.
    """

    __tablename__ = "screening_entry"
    __table_args__ = (sa.Index("ix_screening_entry_list", "list_id", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(sa.ForeignKey(ScreeningList.id))
    digest: Mapped[str] = mapped_column(sa.String(32))
    name: Mapped[str] = mapped_column(sa.Text)
    keys: Mapped[str] = mapped_column(sa.Text)
    words: Mapped[dict[str, Any]]
