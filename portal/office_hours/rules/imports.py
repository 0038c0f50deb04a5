"""Tables of bookings: what a row says, and what of it cannot be read."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from portal.core.tables import Fault, Row, Sheet, read_sheet

MOST_ROWS, LARGEST = 500, 200_000
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
    return read_sheet(text, "participant", COLUMNS, what="booking", most=MOST_ROWS, largest=LARGEST)


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
