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


# Second engineers are rows of their own, so that no single constraint sees both places: besides the overlap of second
# places, each table looks into the other one. On PostgreSQL the account's row is locked first, so that the two looks
# come one after the other; SQLite has one writer anyway.
_FIRST = (
    "SELECT 1 FROM office_slot AS other WHERE other.host_id = NEW.account_id AND other.state = 'open' AND NEW.live "
    "AND (other.id = NEW.slot_id OR other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from)"
)
_SECOND = (
    "SELECT 1 FROM office_slot_host AS other WHERE other.account_id = NEW.host_id AND other.live "
    "AND NEW.state = 'open' "
    "AND (other.slot_id = NEW.id OR other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from)"
)
_OTHER_SECOND = (
    "SELECT 1 FROM office_slot_host AS other WHERE other.account_id = NEW.account_id AND other.live AND NEW.live "
    "AND other.slot_id <> NEW.slot_id AND other.busy_from < NEW.busy_until AND other.busy_until > NEW.busy_from"
)
_FOLLOW = (
    "UPDATE office_slot_host SET busy_from = NEW.busy_from, busy_until = NEW.busy_until, live = (NEW.state = 'open') "
    "WHERE slot_id = NEW.id"
)
_SLOT_EVENTS = {"insert": "INSERT", "update": "UPDATE OF host_id, busy_from, busy_until, state"}
_SECOND_EVENTS = {"insert": "INSERT", "update": "UPDATE OF account_id, busy_from, busy_until, live"}


def _on_sqlite() -> list[str]:
    looks = [
        *((f"ex_office_slot_host_second_{verb}", event, "office_slot", _SECOND, "ex_office_slot_host")
          for verb, event in _SLOT_EVENTS.items()),
        *((f"ex_office_second_host_{verb}", event, "office_slot_host", f"{_OTHER_SECOND} UNION ALL {_FIRST}",
           "ex_office_second_host") for verb, event in _SECOND_EVENTS.items()),
    ]  # fmt: skip
    return [
        *(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN EXISTS ({rows}) "
          f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END" for name, event, table, rows, refusal in looks),
        "CREATE TRIGGER office_slot_host_follows AFTER UPDATE OF busy_from, busy_until, state ON office_slot "
        f"FOR EACH ROW BEGIN {_FOLLOW}; END",
    ]  # fmt: skip


def _look(function: str, who: str, rows: str, refusal: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"PERFORM 1 FROM account WHERE id = NEW.{who} FOR NO KEY UPDATE; "
        f"IF EXISTS ({rows}) THEN RAISE EXCEPTION '{refusal}' "
        f"USING ERRCODE = 'exclusion_violation', CONSTRAINT = '{refusal}'; END IF; RETURN NEW; END $$"
    )


def _on_postgresql() -> list[str]:
    return [
        _EXCLUSION.substitute(table="office_slot_host", name="ex_office_second_host", who="account_id",
                              since="busy_from", until="busy_until", live="live"),
        _look("office_slot_alone", "host_id", _SECOND, "ex_office_slot_host"),
        f"CREATE TRIGGER office_slot_alone BEFORE INSERT OR {_SLOT_EVENTS['update']} ON office_slot "
        "FOR EACH ROW EXECUTE FUNCTION office_slot_alone()",
        _look("office_slot_host_alone", "account_id", _FIRST, "ex_office_second_host"),
        f"CREATE TRIGGER office_slot_host_alone BEFORE INSERT OR {_SECOND_EVENTS['update']} ON office_slot_host "
        "FOR EACH ROW EXECUTE FUNCTION office_slot_host_alone()",
        "CREATE OR REPLACE FUNCTION office_slot_host_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"{_FOLLOW}; RETURN NULL; END $$",
        "CREATE TRIGGER office_slot_host_follows AFTER UPDATE OF busy_from, busy_until, state ON office_slot "
        "FOR EACH ROW EXECUTE FUNCTION office_slot_host_follow()",
    ]  # fmt: skip


def no_overlap_of_places(seconds: sa.FromClause) -> None:
    """Let nobody hold two slots at a time, be it in the first or in the second place; attached to the second places."""
    ddl(seconds, sqlite=_on_sqlite(), postgresql=_on_postgresql())
