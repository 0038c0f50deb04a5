"""Pages that go on after their last row: the same cost on page 1 and page 1,000."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.core.errors import NotFound

Row = TypeVar("Row")
Order = Sequence[tuple[InstrumentedAttribute[Any], str]]


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the token of the place after them (None on the last page)."""

    rows: Sequence[Row]
    next: str | None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, Decimal):
        return {"d": str(value)}
    return value.value if isinstance(value, Enum) else value


def _rich(value: Any) -> Any:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["t"]) if "t" in value else Decimal(value["d"])
    return value


def _token(values: Sequence[Any]) -> str:
    text = json.dumps([_plain(value) for value in values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(token: str, length: int) -> list[Any]:
    try:
        values = [_rich(value) for value in json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))]
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise NotFound("page") from error
    if len(values) != length:
        raise NotFound("page")
    return values


def _beyond(order: Order, place: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Rows after `place`. NULLs come last in both directions (see `keyset`)."""
    clauses = []
    for position, (column, direction) in enumerate(order):
        same = [
            earlier.is_(None) if value is None else earlier == value
            for (earlier, _), value in zip(order[:position], place, strict=False)
        ]
        value = place[position]
        if value is None:
            continue
        further = column < value if direction == "desc" else column > value
        clauses.append(sa.and_(*same, sa.or_(further, column.is_(None)) if _nullable(column) else further))
    return sa.or_(*clauses)


def _nullable(column: InstrumentedAttribute[Any]) -> bool:
    return bool(getattr(column.property.columns[0], "nullable", False))


def keyset(
    session: Session, rows: sa.Select[Row], *, order: Order, after: str | None = None, limit: int = 50
) -> Page[Row]:
    """One page of `rows` in `order` (columns with "asc" or "desc", the last one unique), after the place of a token.

    Empty values come last. Raises NotFound for a token that is none.
    """
    if after:
        rows = rows.where(_beyond(order, _place(after, len(order))))
    for column, direction in order:
        by = column.desc() if direction == "desc" else column.asc()
        rows = rows.order_by(by.nulls_last() if _nullable(column) else by)
    found = session.scalars(rows.limit(limit + 1)).unique().all()
    shown = found[:limit]
    if len(found) <= limit:
        return Page(shown, None)
    return Page(shown, _token([getattr(shown[-1], column.key) for column, _ in order]))
