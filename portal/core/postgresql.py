"""What the portal asks otherwise of PostgreSQL's driver."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, overload

import psycopg
from typing_extensions import override


class Columns(Sequence[psycopg.Column]):
    """The columns of a cursor's rows, looked at when somebody wants to know more than their number."""

    def __init__(self, cursor: psycopg.Cursor[Any], count: int) -> None:
        self._cursor, self._count = cursor, count

    @cached_property
    def _all(self) -> list[psycopg.Column]:
        return [psycopg.Column(self._cursor, index) for index in range(self._count)]

    @override
    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> psycopg.Column: ...

    @overload
    def __getitem__(self, index: slice) -> list[psycopg.Column]: ...

    @override
    def __getitem__(self, index: int | slice) -> psycopg.Column | list[psycopg.Column]:
        return self._all[index]


class Cursor(psycopg.Cursor[Any]):
    """A cursor for SQLAlchemy, which asks after each statement whether there are columns, and reads them only once for
    all statements that were compiled as one. To describe thirty takes longer than to fetch a row.
    """

    @property
    @override
    def description(self) -> Columns | None:  # type: ignore[override]
        """Its columns, or none where the statement gives no rows."""
        result = self.pgresult
        return Columns(self, result.nfields) if result and result.nfields else None
