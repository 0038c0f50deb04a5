"""What a carrier's program takes: a table of columns for each, and what a parcel has to fill them with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from portal.kits.postal import Address


class Unfit(Exception):
    """A text is not what a column wants; the message is the end of a sentence that begins with the column's name."""


class Formulas(StrEnum):
    """What becomes of a cell that a spreadsheet would run.

    A program takes the apostrophe that guards a cell for a part of the name, so its files have no such cell at all.
    """

    REFUSED = "refused"
    GUARDED = "guarded"


class Kind(StrEnum):
    """What may stand in a cell, whatever the character set."""

    TEXT = "text"
    LINES = "text of several lines"
    DIGITS = "digits"
    ALPHANUMERIC = "letters, digits and spaces"


@dataclass(frozen=True, slots=True)
class Goods:
    """What is in a parcel. `value` is in `currency`, which is empty where the units have several."""

    description: str
    weight_g: int
    value: Decimal
    currency: str
    hs_codes: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()


class Consignment(NamedTuple):
    """A parcel as a carrier sees it."""

    id: int
    reference: str
    address: Address
    email: str
    goods: Goods


class Options(NamedTuple):
    """What the person chooses for a whole file: the unit of weight, the service where the program asks for one."""

    unit: str = "kg"
    service: str = ""


Change = Callable[[str, Address], str]


class Column(NamedTuple):
    """One column: its name, where its text comes from (a name of `sources.SOURCES`), and what the program takes.

    `most` is None where the carrier publishes no length. `change` is what the column's format asks for, and `told` how
    that is called on the page ("without hyphen"), because it shows how the text is not as it was given.
    `not_first` are signs with which the text must not begin.
    """

    name: str
    source: str = ""
    most: int | None = None
    required: bool = False
    kind: Kind = Kind.TEXT
    change: Change | None = None
    told: str = ""
    not_first: str = ""

    @property
    def line(self) -> int | None:
        """Which line of the street it is, from 0; None for every other column."""
        return int(self.source[-1]) - 1 if self.source.startswith("street line ") else None


@dataclass(frozen=True, slots=True)
class Profile:
    """What one program of a carrier takes. `note` says what its maker does not publish, and what we do then."""

    name: str
    label: str
    carrier: str
    columns: tuple[Column, ...]
    note: str
    sources: tuple[str, ...] = ()
    header: bool = True
    delimiter: str = ","
    encoding: str = "cp1252"
    line_end: str = "\r\n"
    # Every cell in quotation marks, for programs that take what looks like a number for one.
    quoted: bool = False
    most_rows: int | None = None
    formulas: Formulas = Formulas.REFUSED
    services: Mapping[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        """How many lines the street may have; 0 where it is not spread over columns."""
        return sum(column.line is not None for column in self.columns)

    @property
    def line_most(self) -> int:
        """How long a line of the street may be."""
        return min((column.most or 0 for column in self.columns if column.line is not None), default=0)

    @property
    def weighs(self) -> bool:
        """Whether the unit of weight is to be chosen."""
        return any(column.source == "weight" for column in self.columns)


class Fault(NamedTuple):
    """Why a parcel does not fit, in words, and the columns (by place) in which something else would have to stand."""

    words: str
    columns: tuple[int, ...]


class Row(NamedTuple):
    """A parcel as a row of a file: its cells, what is wrong with them, and what was done to make them fit.

    `typed` are the places of the cells in which a person had something else put, for this file alone.
    """

    id: int
    reference: str
    cells: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    typed: frozenset[int] = frozenset()

    @property
    def asked(self) -> list[int]:
        """The places of the columns for which a person may type something: those with a fault, and those typed."""
        return sorted(self.typed.union(*(fault.columns for fault in self.faults)))
