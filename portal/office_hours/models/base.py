"""Constraints that the two engines write differently, under the same names."""

from string import Template

import sqlalchemy as sa

from portal.core.db import ddl
from portal.office_hours.states import (
    BookingState,
)


def any_of(states: frozenset[BookingState]) -> sa.TextClause:
    """The condition of a partial index; in a fixed order, so that every process writes the same one."""
    listed = ", ".join(f"'{state}'" for state in BookingState if state in states)
    return sa.text(f"state IN ({listed})")


def unique_where(name: str, *columns: str, states: frozenset[BookingState]) -> sa.Index:
    where = any_of(states)
    return sa.Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


# SQLite has no exclusion constraints; a trigger before each write is as strict, for there is one writer at a time.
_TRIGGER = Template(
    """CREATE TRIGGER ${name}_$verb BEFORE $event ON $table FOR EACH ROW WHEN NEW.$live AND EXISTS (
    SELECT 1 FROM $table AS other WHERE other.$who = NEW.$who AND other.id IS NOT NEW.id AND other.$live
    AND other.$since < NEW.$until AND other.$until > NEW.$since
) BEGIN SELECT RAISE(ABORT, '$name'); END"""
)


_EXCLUSION = Template(
    "ALTER TABLE $table ADD CONSTRAINT $name EXCLUDE USING gist "
    "(int8range($who, $who, '[]') WITH &&, tstzrange($since, $until) WITH &&) WHERE ($live)"
)


def no_overlap(table: sa.FromClause, name: str, who: str, since: str, until: str, live: str) -> None:
    """Let no two live rows of the same `who` overlap in time, on either database, under the same constraint name."""
    words = {"table": table.description, "name": name, "who": who, "since": since, "until": until, "live": live}
    insert = _TRIGGER.substitute(words, verb="insert", event="INSERT")
    update = _TRIGGER.substitute(words, verb="update", event=f"UPDATE OF {who}, {since}, {until}, state")
    ddl(table, sqlite=[insert, update], postgresql=_EXCLUSION.substitute(words))
