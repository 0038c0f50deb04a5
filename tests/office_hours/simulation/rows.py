"""What the database keeps, in plain values, whichever engine it is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

SEATED = "('held', 'confirmed', 'attended', 'no_show')"
COUNTED = "('held', 'confirmed', 'attended', 'no_show', 'late_cancelled')"
Rows = Sequence[tuple[Any, ...]]


def rows(session: Session, statement: str) -> Rows:
    """The answer in plain values."""
    return [tuple(row) for row in session.execute(sa.text(statement)).all()]


def instant(value: Any) -> datetime:
    """A time as either driver gives it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


def naive(value: Any) -> datetime:
    """A wall-clock time as either driver gives it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
