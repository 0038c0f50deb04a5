"""What carriers' programs write when the labels are printed: a table with our reference and their number."""

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from portal.core.errors import Invalid
from portal.kits.rules.carriers import numbers
from portal.kits.states import ShipmentState

LARGEST, MOST_ROWS = 500_000, 5_000
REFERENCE = re.compile(r"\s*S[\s_-]*([1-9][0-9]{0,9})\s*", re.IGNORECASE)
_DELIMITERS = "\t;,|"
# What the columns are called in the programs' files, in small letters and digits alone.
_HEADERS = {
    "reference": (
        "reference", "referencenumber1", "reference1", "packagereference1", "packagereferencenumber1",
        "packagereferencenumbervalue1", "shipmentreference", "shipmentinformationreference1", "shipperreference",
        "customerreference", "yourreference", "ref1", "customerid", "nickname", "parcel",
    ),
    "number": (
        "trackingnumber", "packagetrackingnumber", "leadtrackingnumber", "shipmentinformationleadtrackingnumber",
        "trackingno", "trackingid", "tracking", "waybillnumber", "airwaybillnumber", "airwaybill", "waybill", "awb",
        "awbnumber", "shipmentnumber", "1znumber",
    ),
    "carrier": ("carrier", "carriername", "courier"),
    "void": ("voidindicator", "shipmentinformationvoidindicator", "packagevoidindicator", "voided", "void"),
}  # fmt: skip
ROLES = tuple(_HEADERS)


class Verdict(StrEnum):
    """What becomes of a row."""

    GOOD = "good"
    ALREADY = "already there"
    FAULTY = "faulty"


class Table(NamedTuple):
    """A file as it was read: the names of its columns, and its rows with their lines."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what it says, and what becomes of it. `id` is the parcel's, where the reference is one."""

    line: int
    reference: str
    id: int | None
    carrier: str
    number: str
    verdict: Verdict = Verdict.GOOD
    words: str = ""

    def faulty(self, words: str) -> "Line":
        """The same row, with what is wrong with it."""
        return replace(self, verdict=Verdict.FAULTY, words=words)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a parcel to which a row belongs."""

    state: ShipmentState
    carrier: str | None
    number: str | None
    has_address: bool


def decode(data: bytes) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, else Windows-1252, in which UPS's programs write."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
    return text.replace("\0", "")


def read(text: str) -> Table:
    """The table in a text, with commas, semicolons, tabs or bars. Raises Invalid where there is none, or too much."""
    if len(text) > LARGEST:
        raise Invalid({"text": f"This is more than {LARGEST:,} characters. Take it in parts."})
    text = text.lstrip("\ufeff")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [(reader.line_num, tuple(cell.strip() for cell in row)) for row in reader]
    except csv.Error as error:
        raise Invalid({"text": f"This is no table: line {reader.line_num}."}) from error
    rows = [(line, row) for line, row in rows if any(row)]
    if not rows:
        raise Invalid({"text": "There is nothing here."})
    if len(rows) > MOST_ROWS + 1:
        raise Invalid({"text": f"These are more than {MOST_ROWS:,} rows. Take them in parts."})
    return _headed(rows)


def _headed(rows: list[tuple[int, tuple[str, ...]]]) -> Table:
    """Tell the header from the rows: a first row with one of our references is none, and columns get numbers."""
    width = max(len(row) for _, row in rows)
    first = rows[0][1]
    if any(REFERENCE.fullmatch(cell) for cell in first):
        header, rest = tuple(f"Column {number}" for number in range(1, width + 1)), rows
    else:
        named = (*first, *("" for _ in range(width - len(first))))
        header, rest = tuple(name or f"Column {number}" for number, name in enumerate(named, 1)), rows[1:]
    return Table(header, tuple((line, row + ("",) * (width - len(row))) for line, row in rest))


def guess(table: Table) -> dict[str, int]:
    """Which column is what, by its name; where no name tells, by what stands in it."""
    plain = ["".join(sign for sign in name.casefold() if sign.isalnum()) for name in table.header]
    found: dict[str, int] = {}
    for role, names in _HEADERS.items():
        place = next((plain.index(name) for name in names if name in plain), None)
        if place is not None:
            found[role] = place
    for role, fits in (("reference", REFERENCE.fullmatch), ("number", _like_a_number)):
        if role not in found:
            counts = Counter(place for _, row in table.rows for place, cell in enumerate(row) if fits(cell))
            best = next((place for place, _ in counts.most_common() if place not in found.values()), None)
            if best is not None:
                found[role] = best
    return found


def _like_a_number(cell: str) -> bool:
    number = numbers.tidy(cell)
    return len(number) >= 10 and sum(sign.isdigit() for sign in number) >= 8 and numbers.fault(number) is None


def lines_of(table: Table, columns: Mapping[str, int], carrier: str) -> list[Line]:
    """The rows as what they say. `carrier` is everybody's where no column tells; what is twice here is a fault."""
    lines: list[Line] = []
    seen: dict[int | tuple[str, str], int] = {}
    for number, row in table.rows:
        cell = {role: row[place] for role, place in columns.items()}
        line = _line(number, cell, carrier)
        for key in (line.id, (line.carrier, line.number)) if line.verdict is Verdict.GOOD else ():
            assert key is not None
            if key in seen:
                what = line.reference if key == line.id else line.number
                line = line.faulty(f"{what} stands on line {seen[key]} already.")
            seen.setdefault(key, number)
        lines.append(line)
    return lines


def _line(number: int, cell: Mapping[str, str], carrier: str) -> Line:
    reference = cell.get("reference", "")
    match = REFERENCE.fullmatch(reference)
    line = Line(
        number, f"S-{match[1]}" if match else reference, int(match[1]) if match else None,
        numbers.carrier_name(cell.get("carrier") or carrier), numbers.tidy(cell.get("number", "")),
    )  # fmt: skip
    if not match:
        return line.faulty(f"“{reference[:40]}” is no reference of ours." if reference else "There is no reference.")
    if cell.get("void", "").casefold() in ("y", "yes", "1", "true"):
        return line.faulty("This label is void in the carrier's program.")
    if not line.carrier:
        return line.faulty("No carrier is told.")
    if len(line.carrier) > 40:
        return line.faulty("The carrier's name is too long.")
    wrong = numbers.fault(line.number)
    return line.faulty(wrong) if wrong else replace(line, words=numbers.doubt(line.carrier, line.number) or "")


def judged(lines: Sequence[Line], known: Mapping[int, Known], taken: Mapping[tuple[str, str], int]) -> list[Line]:
    """The rows held against the parcels. `taken` says which parcel has a carrier's number already."""
    return [_judged(line, known, taken) if line.verdict is Verdict.GOOD else line for line in lines]


def _judged(line: Line, known: Mapping[int, Known], taken: Mapping[tuple[str, str], int]) -> Line:
    assert line.id is not None
    parcel = known.get(line.id)
    if parcel is None:
        return line.faulty(f"There is no parcel {line.reference} here.")
    if (parcel.carrier, parcel.number) == (line.carrier, line.number):
        return replace(line, verdict=Verdict.ALREADY, words="It has this number already.")
    if parcel.state is not ShipmentState.PACKED:
        state = parcel.state.replace("_", " ")
        other = f" with {parcel.carrier} {parcel.number}" if parcel.number else ""
        return line.faulty(f"{line.reference} is {state}{other}. Only a packed parcel gets a number.")
    if not parcel.has_address:
        return line.faulty(f"{line.reference} has no address any more.")
    if (line.carrier, line.number) in taken:
        return line.faulty("Another parcel has this tracking number.")
    return line
