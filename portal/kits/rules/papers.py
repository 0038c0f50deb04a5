"""What stands on a parcel's papers."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from portal.kits.models import KitModel, Shipment, ShipmentUnit
from portal.kits.rules.packing import look_into
from portal.kits.states import ShipmentState

S = ShipmentState
# A slip is of use until the parcel is closed, an address and what customs ask until the carrier has it.
FETCHED = frozenset({S.READY})
PRINTED = frozenset({S.READY, S.PACKED, S.LABELLED})
LETTER_COUNTRIES = frozenset({"US", "CA", "MX", "CL", "CO", "PH", "VE", "PR"})


class Paper(StrEnum):
    A4 = "a4"
    LETTER = "letter"


class LabelFormat(StrEnum):
    """Labels to a page: two columns of four on A4, two of five on Letter, or one of 100 × 150 mm."""

    A4 = "a4"
    LETTER = "letter"
    SINGLE = "single"


class Space(NamedTuple):
    """What a label has for its text, in millimetres."""

    width: float
    height: float


# The label less its margins, and less the column of the code.
SPACES = {
    LabelFormat.A4: Space(66, 60), LabelFormat.LETTER: Space(68, 42), LabelFormat.SINGLE: Space(88, 92),
}  # fmt: skip
# Sizes of type in points, the largest first; each is a class of the style sheet.
SIZES = (14.0, 12.0, 10.5, 9.0, 8.0, 7.0, 6.0, 5.0, 4.5)
_POINT, _LEADING = 0.3528, 1.2
_WIDE = frozenset("MWmw@%—…ŒœÆæ")


def usual_paper(country: str) -> Paper:
    """What printers in a country are filled with."""
    return Paper.LETTER if country in LETTER_COUNTRIES else Paper.A4


def _em(sign: str) -> float:
    """A sign's width at most, in ems of a common bold sans serif."""
    if sign in _WIDE or unicodedata.east_asian_width(sign) in "WF":
        return 1.06
    if sign.isspace() or sign in ".,:;'|iljtf()[]-/!":
        return 0.45
    return 0.82 if sign.isupper() else 0.66


def _rows(line: str, width: float) -> int:
    """How many lines of `width` ems a text takes at most, broken between words where that is possible."""
    rows, used = 1, 0.0
    for word in line.split(" "):
        need = sum(map(_em, word))
        if used and used + 0.45 + need > width:
            rows, used = rows + 1, 0.0
        used += need + (0.45 if used else 0.0)
        while used > width:
            # A word longer than a line is broken, each part at most one wide sign short of the width.
            rows, used = rows + 1, used - (width - 1.1)
    return rows


def size_of(lines: Iterable[str], space: Space) -> int:
    """The place in SIZES of the largest type in which all these lines fit into a label; the last one if none does."""
    told = list(lines)
    for place, points in enumerate(SIZES):
        em = points * _POINT
        if sum(_rows(line, space.width / em) for line in told) * em * _LEADING <= space.height:
            return place
    return len(SIZES) - 1


def joined(lines: Sequence[str], most: int = 9) -> list[str]:
    """The same lines; those between the first and the last three become one where there are more than `most`."""
    if len(lines) <= most:
        return list(lines)
    return [lines[0], ", ".join(lines[1:-3]), *lines[-3:]]


class Fetch(NamedTuple):
    """One unit to fetch, and the parcel it is for."""

    place: ShipmentUnit
    parcel: Shipment


@dataclass(frozen=True, slots=True)
class Want:
    """Units of a kind that are reserved for nobody, and the parcels that wait for them."""

    model: KitModel
    count: int
    parcels: tuple[Shipment, ...]


def pick_list(
    parcels: Iterable[Shipment], models: Sequence[KitModel], further: Collection[int]
) -> tuple[list[Fetch], list[Want]]:
    """What to fetch for these parcels, by location and serial, and what of each kind any unit will do for.

    `further` are the ids of those to somebody whom an earlier parcel serves.
    """
    boxes = [look_into(parcel, models, further=parcel.id in further) for parcel in parcels]
    fetch = [Fetch(place, box.parcel) for box in boxes for place in box.waiting]
    fetch.sort(key=lambda each: (each.place.unit.location, each.place.unit.serial))
    wants = []
    for model in models:
        lacking = [(box.parcel, count) for box in boxes for kind, count in box.lacking if kind.id == model.id]
        if lacking:
            parcels_of = tuple(parcel for parcel, _ in lacking)
            wants.append(Want(model, sum(count for _, count in lacking), parcels_of))
    return fetch, wants


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of thing in a parcel, for customs."""

    model: KitModel
    serials: tuple[str, ...]

    @property
    def quantity(self) -> int:
        """How many."""
        return len(self.serials)

    @property
    def weight_g(self) -> int:
        """All of them, unpacked."""
        return self.model.weight_g * self.quantity

    @property
    def value(self) -> Decimal:
        """All of them, in the kind's currency."""
        return self.model.declared_value * self.quantity


def contents(parcel: Shipment) -> list[Line]:
    """What is in a parcel, by kind."""
    serials: dict[int, list[str]] = {}
    models: dict[int, KitModel] = {}
    for unit in parcel.units:
        models[unit.model_id] = unit.model
        serials.setdefault(unit.model_id, []).append(unit.serial)
    return sorted(
        (Line(models[key], tuple(sorted(told))) for key, told in serials.items()), key=lambda line: line.model.label
    )


def totals(lines: Iterable[Line]) -> dict[str, Decimal]:
    """The declared value in each currency."""
    found: dict[str, Decimal] = {}
    for line in lines:
        found[line.model.currency] = found.get(line.model.currency, Decimal(0)) + line.value
    return found


def undeclared(lines: Iterable[Line]) -> list[str]:
    """What customs ask for and nobody has told, by kind."""
    names = {"hs_code": "HS code", "eccn": "ECCN", "origin": "country of origin"}
    found = []
    for line in lines:
        missing = [word for name, word in names.items() if not getattr(line.model, name)]
        if missing:
            found.append(f"{line.model.label}: {', '.join(missing)}")
    return found


def sorted_out(
    wanted: Collection[int], found: Iterable[Shipment], printable: frozenset[ShipmentState]
) -> tuple[list[Shipment], list[str]]:
    """The chosen parcels that can be printed, and a sentence on each that is left out."""
    known: Mapping[int, Shipment] = {parcel.id: parcel for parcel in found}
    good, left_out = [], []
    for number in sorted(wanted):
        parcel = known.get(number)
        if parcel is None:
            left_out.append(f"S-{number} is left out: there is no such parcel in this challenge.")
        elif parcel.state not in printable:
            state = parcel.state.replace("_", " ")
            left_out.append(f"{parcel.reference} is left out: it is {state} now.")
        else:
            good.append(parcel)
    return good, left_out


def filled(parcels: Iterable[Shipment]) -> tuple[list[Shipment], list[str]]:
    """The parcels that have something in them to declare, and a sentence on each that has not."""
    told = list(parcels)
    empty = [parcel for parcel in told if not parcel.units]
    return [parcel for parcel in told if parcel.units], [
        f"{parcel.reference} is left out: there is nothing in it yet." for parcel in empty
    ]
