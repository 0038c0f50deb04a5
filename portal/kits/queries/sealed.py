"""What else is sealed under the address key, wherever it lies: rooms put it in here when they are loaded."""

from collections.abc import Callable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.db import Model
from portal.kits.vault import HEAD, key_in


class Sealed(NamedTuple):
    """A column of sealed bytes: how people call it, its rows, and as whose each is sealed, by the row's key."""

    what: str
    kind: type[Model]
    key: str
    column: str
    subject: Callable[[int], str]

    @property
    def number(self) -> sa.ColumnElement[int]:
        """The rows' key."""
        return self.kind.__table__.c[self.key]

    @property
    def content(self) -> sa.ColumnElement[bytes]:
        """What is sealed, or NULL."""
        return self.kind.__table__.c[self.column]

    @property
    def head(self) -> sa.ColumnElement[bytes]:
        """The first bytes, which name the key."""
        return sa.func.substr(self.content, 1, HEAD, type_=sa.LargeBinary())


everything: list[Sealed] = []


def counts_by_key(session: Session, sealed: Sealed) -> dict[str | None, int]:
    """How many rows are sealed under which key, by its name; None stands for those that name none."""
    head = sealed.head
    rows = session.execute(sa.select(head, sa.func.count()).where(sealed.content.is_not(None)).group_by(head)).all()
    found: dict[str | None, int] = {}
    for begins, count in rows:
        key = key_in(begins)
        found[key] = found.get(key, 0) + count
    return found
