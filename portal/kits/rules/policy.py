"""What the operator's policies say of a country and of an address; and policies as a table.

A policy for a part of a country is held against the region, the city and the postal code of the address, in local and
in Latin letters: it fits if it names the same (accents and case aside), if all its words stand in one of them
("Crimea" in "Autonomous Republic of Crimea"), if both are names or ISO 3166-2 codes of one part of the country, or if
the postal code begins as those of that part do. The strictest that fits counts; where none fits, that of the whole
country does. Where parts have policies and the address does not tell in which part it is, a person is to look.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from portal.core.errors import Invalid
from portal.core.tables import unguarded
from portal.kits import postal
from portal.kits.postal import Address
from portal.kits.rules.likeness import fold
from portal.kits.states.holds import Verdict

COLUMNS = ("country", "region", "verdict", "valid_from", "note", "basis")
STRICTNESS = {Verdict.ALLOW: 0, Verdict.REVIEW: 1, Verdict.BLOCKED: 2}
LARGEST, MOST_ROWS = 1024 * 1024, 5000
_LENGTHS = {"region": 80, "note": 500, "basis": 300}


class Policy(Protocol):
    """What a row of the policies tells."""

    @property
    def id(self) -> int: ...

    @property
    def country(self) -> str: ...

    @property
    def region(self) -> str: ...

    @property
    def verdict(self) -> Verdict: ...


class Says(NamedTuple):
    """What a policy says of an address: which one, and why it fits."""

    verdict: Verdict
    policy: int
    why: str


def judge(policies: Iterable[Policy], address: Address) -> Says | None:
    """What the policies in force say of an address; None where they say nothing."""
    mine = [policy for policy in policies if policy.country == address.country]
    whole = next((policy for policy in mine if not policy.region), None)
    parts = [policy for policy in mine if policy.region]
    fitting = sorted((part for part in parts if _lies_in(address, part.region)), key=lambda part: -_strictness(part))
    name = postal.country_name(address.country)
    if fitting:
        return Says(fitting[0].verdict, fitting[0].id, f"{name}, {fitting[0].region}")
    told = Says(whole.verdict, whole.id, name) if whole else None
    doubtful = [part for part in parts if part.verdict is not (whole.verdict if whole else Verdict.ALLOW)]
    if doubtful and not _tells_region(address) and (told is None or told.verdict is not Verdict.BLOCKED):
        return Says(Verdict.REVIEW, doubtful[0].id, f"{name}: the address does not tell in which part of it")
    return told


def _strictness(policy: Policy) -> int:
    return STRICTNESS[policy.verdict]


def _lies_in(address: Address, region: str) -> bool:
    asked = fold(region)
    told = {key for text in _places(address) if (key := fold(text))}
    if any(asked == key or set(asked.split()) <= set(key.split()) for key in told):
        return True
    for part in postal.parts(address.country):
        keys = {fold(name) for name in part.names}
        begins = part.codes is not None and part.codes.match(address.postal_code)
        if asked in keys and (keys & told or begins):
            return True
    return False


def _places(address: Address) -> tuple[str, ...]:
    return address.region, address.latin_region, address.city, address.latin_city


def _tells_region(address: Address) -> bool:
    if address.region:
        return True
    codes = [part.codes for part in postal.parts(address.country) if part.codes]
    return any(code.match(address.postal_code) for code in codes)


class Reach(NamedTuple):
    """Countries to which nothing can be sent, and those to which it may be found that nothing can."""

    blocked: frozenset[str]
    review: frozenset[str]


def reach(policies: Iterable[Policy]) -> Reach:
    """What can be told of countries before there is an address: where parts differ, somebody is to look."""
    told: dict[str, set[Verdict]] = {}
    whole = set()
    for policy in policies:
        told.setdefault(policy.country, set()).add(policy.verdict)
        if not policy.region:
            whole.add(policy.country)
    for country, verdicts in told.items():
        if country not in whole:
            verdicts.add(Verdict.ALLOW)
    blocked = frozenset(country for country, verdicts in told.items() if verdicts == {Verdict.BLOCKED})
    allowed = frozenset(country for country, verdicts in told.items() if verdicts == {Verdict.ALLOW})
    return Reach(blocked, frozenset(told) - blocked - allowed)


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """A policy as it is written."""

    country: str
    region: str
    verdict: Verdict
    valid_from: date
    note: str = ""
    basis: str = ""


class Sheet(NamedTuple):
    """A table of policies: the good rows with their lines, and what is wrong with the others."""

    good: Sequence[tuple[int, PolicySpec]]
    faults: Sequence[str]


def read_sheet(data: bytes) -> Sheet:
    """Read policies as they are written out. Raises Invalid where it is no such table."""
    try:
        text = data.decode("utf-8-sig").replace("\0", "")
        reader = csv.reader(io.StringIO(text, newline=""))
        header = [cell.strip().casefold() for cell in next(reader, [])]
        if not {"country", "verdict"} <= set(header):
            raise Invalid({"file": f"The first line names the columns: {', '.join(COLUMNS)}."})
        rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except UnicodeDecodeError as error:
        raise Invalid({"file": "The file is not in UTF-8."}) from error
    except csv.Error as error:
        raise Invalid({"file": f"The file is not readable as CSV: {error}."}) from error
    if len(rows) > MOST_ROWS:
        raise Invalid({"file": f"More than {MOST_ROWS:,} rows are more than there are policies."})
    return _checked(header, rows)


def _checked(header: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]) -> Sheet:
    good: list[tuple[int, PolicySpec]] = []
    seen: dict[tuple[str, str], int] = {}
    faults: list[str] = []
    for line, cells in rows:
        told = {name: unguarded(cell.strip()) for name, cell in zip(header, cells, strict=False)}
        wrong = _faults(told, len(cells) - len(header))
        place = (told["country"].upper(), fold(told.get("region", ""))) if not wrong else ("", "")
        if not wrong and place in seen:
            wrong = [f"this country and region stand on line {seen[place]} already"]
        if wrong:
            faults.append(f"Line {line}: {'; '.join(wrong)}.")
            continue
        seen[place] = line
        good.append((line, _spec(told)))
    return Sheet(good, faults)


def cells_of(policy: "PolicySpec") -> list[str]:
    """A policy as a row of a table that can be read in again, once what writes it has guarded its cells."""
    told = [getattr(policy, name) for name in COLUMNS]
    return [each.isoformat() if isinstance(each, date) else str(each) for each in told]


def _faults(told: Mapping[str, str], surplus: int) -> list[str]:
    found = [f"{surplus} cells too many"] if surplus > 0 else []
    if told.get("country", "").upper() not in dict(postal.countries()):
        found.append(f"“{told.get('country', '')[:20]}” is no code of a country")
    if told.get("verdict", "").casefold() not in list(Verdict):
        found.append(f"“{told.get('verdict', '')[:20]}” is none of {', '.join(Verdict)}")
    if not _is_date(told.get("valid_from", "")):
        found.append("valid_from is no date such as 2026-01-31")
    return found + [
        f"{name} has more than {most} letters" for name, most in _LENGTHS.items() if len(told.get(name, "")) > most
    ]


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _spec(told: Mapping[str, str]) -> PolicySpec:
    return PolicySpec(
        told["country"].upper(), told.get("region", ""), Verdict(told["verdict"].casefold()),
        date.fromisoformat(told["valid_from"]), told.get("note", ""), told.get("basis", ""),
    )  # fmt: skip
