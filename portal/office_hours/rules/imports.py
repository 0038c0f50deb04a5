"""Tables of bookings: what a row says, and what of it cannot be read."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from portal.core.errors import Invalid
from portal.core.tables import Fault, Row, Sheet, read_table

MOST_ROWS, LARGEST = 500, 200_000
TOO_LONG = f"The table is longer than {LARGEST // 1000} kB. Divide it."
COLUMNS = ("participant", "starts_at", "host", "topic", "scenario", "component")


class Entry(NamedTuple):
    """One booking as a table has it: for an address or a participant's number, at an instant, with somebody."""

    line: int
    participant: str
    starts_at: datetime
    host: str
    topic: str
    scenario: str
    component: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """The rows that can be read, and what is wrong with the others."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read(text: str) -> Sheet:
    """Read a table of bookings. Raises Invalid where it is none."""
    if len(text) > LARGEST:
        raise Invalid({"file": TOO_LONG})
    sheet = read_table(text, "participant", COLUMNS.__contains__, MOST_ROWS)
    if not sheet.rows and not sheet.faults:
        raise Invalid({"file": "There is no booking in this table."})
    return sheet


def parse(sheet: Sheet) -> Parsed:
    """What the rows say."""
    parsed = Parsed(faults=list(sheet.faults))
    for row in sheet.rows:
        told = {name: _told(row, name) for name in COLUMNS}
        faults, starts_at = _faults(row, told), _instant(told["starts_at"])
        if starts_at is None:
            faults.append(Fault(row.line, "starts_at", "Write it in UTC, such as 2020-06-17T16:00:00Z."))
        if starts_at is None or faults:
            parsed.faults.extend(faults)
        else:
            parsed.entries.append(Entry(row.line, **{**told, "starts_at": starts_at}))  # type: ignore[arg-type]
    return parsed


def _told(row: Row, name: str) -> str:
    return str(row.values.get(name, "")).strip()


def _faults(row: Row, told: dict[str, str]) -> list[Fault]:
    faults = []
    if not told["participant"]:
        faults.append(Fault(row.line, "participant", "Write an address, or the participant’s number."))
    if not 0 < len(told["topic"]) <= 120:
        faults.append(Fault(row.line, "topic", "Say in 1 to 120 characters what it is about."))
    return faults


def _instant(text: str) -> datetime | None:
    """An instant that says its zone; a wall-clock time is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None
