"""Holding a parcel against a program's table before there is a file: nothing is cut, and every fault is told."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from portal.kits.postal import Address
from portal.kits.rules.carriers.lines import broken
from portal.kits.rules.carriers.profile import Column, Consignment, Fault, Formulas, Kind, Options, Profile, Row, Unfit
from portal.kits.rules.carriers.sources import SOURCES

# With what a cell begins that a spreadsheet runs (OWASP: CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def row_of(profile: Profile, consignment: Consignment, options: Options, typed: Mapping[int, str] | None = None) -> Row:
    """A parcel as a row. `typed` stands, by the column's place, where a person typed something else for this file.

    A program gets its text in Unicode's composed form (an accent that came as a sign of its own joins its letter),
    which is the same text; the generic file has it as it was given.
    """
    street = _street(profile, SOURCES["street"](consignment, options))
    given = [
        street.lines[column.line] if column.line is not None else SOURCES[column.source](consignment, options)
        for column in profile.columns
    ]
    changed = {place: text for place, text in (typed or {}).items() if text != given[place]}
    anew = any(profile.columns[place].line is not None for place in changed)
    faults = [street.fault] if street.fault and not anew else []
    notes = [street.note] if street.note and not anew else []
    cells, unbroken = [], bool(faults)
    for place, column in enumerate(profile.columns):
        text, told = changed.get(place, given[place]), column.line is not None and unbroken
        cell, fault, note = _cell(profile, column, text, consignment.address, told)
        cells.append(cell)
        faults += [Fault(fault, (place,))] if fault else []
        notes += [note] if note else []
    return Row(
        consignment.id, consignment.reference, tuple(cells), tuple(faults), tuple(notes), frozenset(changed)
    )  # fmt: skip


class _Street(NamedTuple):
    """A street as lines, as many as there are columns, with what is wrong with them or was done to them."""

    lines: list[str]
    fault: Fault | None = None
    note: str = ""


def _street(profile: Profile, text: str) -> _Street:
    places = tuple(place for place, column in enumerate(profile.columns) if column.line is not None)
    if not places:
        return _Street([])
    text = unicodedata.normalize("NFC", text)
    given = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    lines = broken(text, len(places), profile.line_most)
    if lines is None:
        # For the person to mend: all that was given, the last line with all the rest.
        kept = [*given[: len(places) - 1], " ".join(given[len(places) - 1 :])]
        words = _too_long(given, len(places), profile.line_most)
        return _Street(kept + [""] * (len(places) - len(kept)), Fault(words, places))
    note = f"The street is broken anew: {' / '.join(lines)}" if lines != given else ""
    return _Street(lines + [""] * (len(places) - len(lines)), note=note)


def _too_long(given: Sequence[str], lines: int, most: int) -> str:
    """Why a street does not fit."""
    for number, line in enumerate(given, 1):
        if len(line) > most:
            return (
                f"Address line {number} has {len(line)} characters, {most} are allowed, and the street cannot be "
                f"broken into {lines} such lines: «{line}»"
            )
    return f"The street has {len(given)} lines, {lines} of {most} characters are allowed: «{' · '.join(given)}»"


def _cell(
    profile: Profile, column: Column, text: str, address: Address, told: bool
) -> tuple[str, str | None, str | None]:
    """The text as the column wants it, what is wrong with it unless that is `told` already, and what was done to it."""
    try:
        fitted = unicodedata.normalize("NFC", text) if profile.formulas is Formulas.REFUSED else text
        fitted = column.change(fitted, address) if column.change else fitted
        if not told:
            check(profile, column, fitted)
    except Unfit as unfit:
        return text, f"{column.name} {unfit}", None
    changed = column.told and fitted != text
    return fitted, None, f"{column.name} is written {column.told}: {fitted}" if changed else None


def check(profile: Profile, column: Column, text: str) -> None:
    """Raises Unfit with what is wrong with a cell."""
    shown = f"«{text}»"
    if not text:
        if column.required:
            raise Unfit("is missing, and it is required.")
        return
    if column.most is not None and len(text) > column.most:
        raise Unfit(f"has {len(text)} characters, {column.most} are allowed: {shown}")
    strange = _strange(profile, text, several=column.kind is Kind.LINES)
    if strange:
        raise Unfit(f"has “{strange}”, which is not in the character set of {profile.label}: {shown}")
    if profile.formulas is Formulas.REFUSED and text.startswith(FORMULA):
        raise Unfit(f"begins with “{text[0]}”, which a spreadsheet would run as a formula: {shown}")
    if column.not_first and text.startswith(tuple(column.not_first)):
        raise Unfit(f"begins with “{text[0]}”, which {profile.label} takes for something else: {shown}")
    _check_kind(column.kind, text, shown)


def _check_kind(kind: Kind, text: str, shown: str) -> None:
    if kind is Kind.DIGITS and not (text.isascii() and text.isdigit()):
        raise Unfit(f"may have digits only: {shown}")
    if kind is Kind.ALPHANUMERIC and not all(sign.isalnum() or sign == " " for sign in text):
        raise Unfit(f"may have letters, digits and spaces only: {shown}")


def _strange(profile: Profile, text: str, *, several: bool) -> str | None:
    """The first sign that the program's character set does not have. One for control is in none."""
    for sign in text:
        if unicodedata.category(sign) == "Cc" and not several:
            return f"U+{ord(sign):04X}"
        try:
            sign.encode(profile.encoding)
        except UnicodeEncodeError:
            return sign
    return None
