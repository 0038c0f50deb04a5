"""Pages that go on after their last row: the same cost on page 1 and page 1,000."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.core.db import UtcDateTime
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
    if isinstance(value, date):
        return {"on": value.isoformat()}
    if isinstance(value, Decimal):
        return {"d": str(value)}
    return value.value if isinstance(value, Enum) else value


def _rich(value: Any) -> Any:
    if isinstance(value, dict) and "on" in value:
        return date.fromisoformat(value["on"])
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


def _fits(value: Any, column: InstrumentedAttribute[Any]) -> bool:
    """Whether a value of a token could stand in a column: what the engines do not compare is no place."""
    if value is None:
        return _nullable(column)
    kind = datetime if isinstance(column.type, UtcDateTime) else column.type.python_type
    if kind in (int, float):
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63
    return isinstance(value, kind) and "\0" not in str(value)


def keyset_rows(
    session: Session, rows: sa.Select[*tuple[Any, ...]], columns: Sequence[Any], *, order: Order,
    after: str | None = None, limit: int = 50,
) -> Page[Any]:  # fmt: skip
    """One page of plain rows by a column and a unique one, both in the same direction; empty values come last.

    `rows` says which (whatever it selects), `columns` what to tell of those on the page. The rows with a value and
    those without are found apart, each in the plain order of an index over both columns, so that a page costs the same
    wherever it is. Raises NotFound for a token that is none.
    """
    (column, direction), (tie, _) = order
    place = _place(after, 2) if after else None
    if place and not (_fits(place[0], column) and _fits(place[1], tie) and place[1] is not None):
        raise NotFound("page")
    keys = rows.with_only_columns(tie)
    parts = [] if place and place[0] is None else [_filled(keys, column, tie, direction, place).limit(limit + 1)]
    if _nullable(column):
        parts.append(_empty(keys, column, tie, direction, place).limit(limit + 1))
    whole = parts[0] if len(parts) == 1 else sa.union_all(*(sa.select(part.subquery()) for part in parts))
    shown = whole.subquery("shown")
    asked = sa.select(*columns, column.label("_place")).join_from(shown, column.class_, tie == shown.c[tie.key])
    asked = asked.order_by(_directed(column, direction).nulls_last(), _directed(tie, direction)).limit(limit + 1)
    found = session.execute(asked).all()
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1]
    return Page(found[:limit], _token([last._place, getattr(last, tie.key)]))


def _directed(column: sa.ColumnElement[Any] | InstrumentedAttribute[Any], direction: str) -> sa.UnaryExpression[Any]:
    return column.desc() if direction == "desc" else column.asc()


def _filled(
    rows: sa.Select[*tuple[Any, ...]], column: InstrumentedAttribute[Any], tie: InstrumentedAttribute[Any],
    direction: str, place: Sequence[Any] | None,
) -> sa.Select[*tuple[Any, ...]]:  # fmt: skip
    """The rows with a value, beyond a place."""
    if _nullable(column):
        rows = rows.where(column.is_not(None))
    if place:
        here = sa.tuple_(sa.literal(place[0], column.type), sa.literal(place[1], tie.type))
        both = sa.tuple_(column, tie)
        rows = rows.where(both < here if direction == "desc" else both > here)
    return rows.order_by(_directed(column, direction), _directed(tie, direction))


def _empty(
    rows: sa.Select[*tuple[Any, ...]], column: InstrumentedAttribute[Any], tie: InstrumentedAttribute[Any],
    direction: str, place: Sequence[Any] | None,
) -> sa.Select[*tuple[Any, ...]]:  # fmt: skip
    """The rows without a value, beyond a place if that is among them."""
    rows = rows.where(column.is_(None))
    if place and place[0] is None:
        rows = rows.where(tie < place[1] if direction == "desc" else tie > place[1])
    return rows.order_by(_directed(tie, direction))
