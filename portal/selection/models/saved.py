"""Filters of the queue that somebody wants to have again."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.constraints import explain
from portal.core.db import Model

_FIRST = sa.text("is_first")


class SavedView(Model):
    """A name for what a list shows. Its owner's alone, unless the lead shares it; the first one opens by itself."""

    __tablename__ = "saved_view"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "owner_id", "name"),
        sa.Index(
            "uq_saved_view_first", "challenge_id", "owner_id", unique=True, sqlite_where=_FIRST, postgresql_where=_FIRST
        ),
        sa.CheckConstraint("(counted IS NULL) = (counted_at IS NULL)", name="counted_has_time"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(40))
    # As it stands in the address, in the order of the alphabet.
    query: Mapped[str] = mapped_column(sa.String(500))
    is_shared: Mapped[bool] = mapped_column(default=False)
    is_first: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    # How many applications it showed its owner when they were last counted.
    counted: Mapped[int | None]
    counted_at: Mapped[datetime | None] = mapped_column(index=True)


explain(
    "uq_saved_view_challenge_id_owner_id_name",
    "You have a view of this name already.",
    columns="saved_view.challenge_id, saved_view.owner_id, saved_view.name",
)
explain(
    "uq_saved_view_first",
    "You have just chosen another first view. Look again.",
    columns="saved_view.challenge_id, saved_view.owner_id",
)
