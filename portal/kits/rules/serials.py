"""Serial numbers as they are scanned, pasted and imported."""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{1,63}")


class Serials(NamedTuple):
    """Pasted serial numbers: the good ones in order, and what is wrong by line."""

    good: tuple[str, ...]
    faults: tuple[str, ...]


def read_serials(text: str, known: Collection[str] = ()) -> Serials:
    """Read one serial number a line; `known` are already in the stock."""
    seen: dict[str, int] = {}
    faults: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        serial = line.strip()
        fault = serial_fault(serial, seen, known) if serial else None
        if fault:
            faults.append(f"Line {number}: {fault}")
        elif serial:
            seen[serial] = number
    return Serials(tuple(seen), tuple(faults))


def serial_fault(serial: str, seen: Mapping[str, int], known: Collection[str]) -> str | None:
    """What is wrong with a serial number, if anything; `seen` are those of other lines, `known` those in the stock."""
    if not _SERIAL.fullmatch(serial):
        told = f"“{serial[:40]}” is no serial number" if serial else "There is no serial number"
        return f"{told}: 2 to 64 letters, digits and . _ : / -"
    if serial in seen:
        return f"{serial} stands on line {seen[serial]} already."
    return f"{serial} is already in the stock." if serial in known else None
