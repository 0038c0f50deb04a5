"""Tables of units that arrive: which rows can become units, and what is wrong with each of the others."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from portal.core.tables import Fault, Row, Sheet, read_sheet
from portal.kits.models import KitModel
from portal.kits.rules.serials import serial_fault

MOST_ROWS, LARGEST = 5_000, 400_000
LONGEST = {"location": 80, "firmware": 60}
# Written for the reader's sake; a unit that arrives is in stock from now on.
READ_PAST = ("state", "since")
COLUMNS = ("serial", "model", "revision", *READ_PAST, "location", "firmware")


class Arrival(NamedTuple):
    """A row that can become a unit."""

    line: int
    serial: str
    model_id: int
    location: str
    firmware: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What can be added and what not."""

    good: list[Arrival] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read(text: str) -> Sheet:
    """Read a table of units. Raises Invalid where it is none."""
    return read_sheet(text, "serial", COLUMNS, what="unit", most=MOST_ROWS, largest=LARGEST)


def serials_of(sheet: Sheet) -> list[str]:
    """The serial numbers of a table, good or not."""
    return [_told(row, "serial") for row in sheet.rows]


def check(sheet: Sheet, models: Sequence[KitModel], known: Collection[str]) -> Checked:
    """Hold every row against the models, against the serial numbers in the stock, and against the other rows."""
    checked, seen = Checked(faults=list(sheet.faults)), dict[str, int]()
    for row in sheet.rows:
        serial = _told(row, "serial")
        model, wrong = _model_of(row, models)
        doubt = serial_fault(serial, seen, known)
        faults = [Fault(row.line, "serial", doubt)] if doubt else []
        faults += [Fault(row.line, "model", wrong)] if wrong else []
        faults += [
            Fault(row.line, name, f"At most {most} characters.")
            for name, most in LONGEST.items()
            if len(_told(row, name)) > most
        ]
        if serial:
            seen.setdefault(serial, row.line)
        if model is None or faults:
            checked.faults.extend(faults)
        else:
            checked.good.append(Arrival(row.line, serial, model.id, _told(row, "location"), _told(row, "firmware")))
    return checked


def _told(row: Row, name: str) -> str:
    return str(row.values.get(name, "")).replace("\r\n", "\n").replace("\r", "\n").strip()


def _model_of(row: Row, models: Sequence[KitModel]) -> tuple[KitModel | None, str]:
    """The model that a row names, or what is wrong with its name. A revision that is left out must not matter."""
    name, revision = _told(row, "model"), _told(row, "revision")
    named = [model for model in models if model.name == name]
    if not named:
        return None, f"There is no kit model “{name[:60]}”." if name else "Name the kit model."
    fitting = [model for model in named if model.revision == revision]
    if not fitting and not revision and len(named) == 1:
        fitting = named
    if not fitting:
        known = ", ".join(model.revision or "none" for model in named)
        return None, f"There is no revision “{revision[:40]}” of it; known: {known}."
    return fitting[0], ""
