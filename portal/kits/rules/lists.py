"""Screening lists as they are published, read piece by piece: some have twenty megabytes.

The US Consolidated Screening List comes as CSV and as JSON. Its columns (csl-importers of the International Trade
Administration, shared/output.py) are _id, source, entity_number, type, programs, name, title, addresses, …, alt_names,
…; in CSV several values of a cell stand apart by "; ", in JSON they are lists under "results". Anything else is a CSV
with a column "name" (and, if there is more to tell, any of the same ones), or plain names, one a line.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from portal.core.errors import Invalid
from portal.kits.rules.likeness import fold

LARGEST, MOST = 64 * 1024 * 1024, 200_000
CSL_CSV, CSL_JSON, NAMES = "CSL as CSV", "CSL as JSON", "names"
_CHUNK, _LONGEST_OBJECT, _LONGEST_TEXT = 64 * 1024, 1024 * 1024, 2000
# What is kept of an entry beside its names, for the person who judges a hit.
WORDS = (
    "source", "entity_number", "type", "programs", "title", "addresses", "citizenships", "nationalities",
    "dates_of_birth", "places_of_birth", "federal_register_notice", "start_date", "end_date", "license_requirement",
    "license_policy", "remarks", "source_list_url", "source_information_url",
)  # fmt: skip
# Where the list begins.
_RESULTS = re.compile(r'"results"\s*:\s*\[')
_OTHERS = ("alt_names", "aliases", "aka")


class Fault(NamedTuple):
    """What is wrong with an entry: its line in the file, or its place among the entries of JSON."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody on a list: all names, the first being the main one, and the list's own words about them."""

    line: int
    names: tuple[str, ...]
    words: Mapping[str, str]

    @property
    def keys(self) -> tuple[str, ...]:
        """The names as they are compared; those of which nothing is left are left out."""
        return tuple(key for key in dict.fromkeys(fold(name) for name in self.names) if key)

    @property
    def digest(self) -> str:
        """The same for the same words in another edition of the list."""
        text = json.dumps([self.names, sorted(self.words.items())], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def shape_of(file: IO[bytes]) -> str:
    """Which kind of list a file is; it stands at its beginning afterwards. Raises Invalid where it is none."""
    head = file.read(_CHUNK)
    file.seek(0)
    if not head.strip():
        raise Invalid({"file": "The file is empty."})
    if b"\0" in head:
        raise Invalid({"file": "This is no text: CSV or JSON is needed."})
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if bare[:1] in (b"{", b"["):
        return CSL_JSON
    header = {cell.strip().casefold() for cell in next(csv.reader([bare.decode("utf-8", "replace").splitlines()[0]]))}
    return CSL_CSV if {"name", "source"} <= header else NAMES


def entries(file: IO[bytes], shape: str) -> Iterator[Entry | Fault]:
    """Each entry of a list, or what is wrong with it. Raises Invalid where the file itself cannot be read."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        for number, found in enumerate(_objects(text) if shape == CSL_JSON else _rows(text)):
            if number >= MOST:
                raise Invalid({"file": f"More than {MOST:,} entries are more than we take."})
            yield found
    except UnicodeDecodeError as error:
        raise Invalid({"file": "The file is not in UTF-8."}) from error
    except csv.Error as error:
        raise Invalid({"file": f"The file is not readable as CSV: {error}."}) from error
    finally:
        text.detach()  # the file is its opener's to close


def _rows(text: IO[str]) -> Iterator[Entry | Fault]:
    reader = csv.reader(text)
    header = next(reader, [])
    names = [cell.strip().casefold() for cell in header]
    if "name" not in names:
        if len(header) > 2 or (len(header) > 1 and header[1][:1] != " "):
            raise Invalid({"file": "There is no column “name”."})
        names = ["name"]
        yield from _row(1, names, header)
    for cells in reader:
        yield from _row(reader.line_num, names, cells)


def _row(line: int, names: list[str], cells: list[str]) -> Iterator[Entry | Fault]:
    if not any(cell.strip() for cell in cells):
        return
    if names == ["name"]:
        cells = [",".join(cells)]  # "Surname, Given" without quotes
    if len(cells) > len(names):
        yield Fault(line, f"It has {len(cells)} cells, the header {len(names)}.")
        return
    told = dict(zip(names, cells, strict=False))
    others = [name for column in _OTHERS for name in told.get(column, "").split("; ")]
    yield _entry(line, told.get("name", ""), others, told)


def _entry(line: int, name: str, others: list[str], told: Mapping[str, Any]) -> Entry | Fault:
    every = tuple(dict.fromkeys(_plain(each) for each in (name, *others) if _plain(each)))
    words = {column: _plain(told.get(column)) for column in WORDS if _plain(told.get(column))}
    made = Entry(line, every, words)
    if not _plain(name):
        return Fault(line, "It has no name.")
    return made if made.keys else Fault(line, "There is no letter in its name.")


def _plain(value: Any) -> str:
    """One cell's worth of text: lists and mappings of JSON as the CSV writes them."""
    if isinstance(value, list):
        value = "; ".join(_plain(each) for each in value)
    elif isinstance(value, dict):
        value = ", ".join(_plain(each) for each in value.values() if each)
    return "" if value is None else " ".join(str(value).replace("\0", "").split())[:_LONGEST_TEXT]


def _objects(text: IO[str]) -> Iterator[Entry | Fault]:
    """The objects of the list "results" (or of a list alone), one after another, without holding them all."""
    decoder, buffer = json.JSONDecoder(), ""
    for number, told in enumerate(_parsed(text, decoder, buffer), 1):
        if not isinstance(told, dict):
            yield Fault(number, "It is no object.")
            continue
        others = told.get("alt_names") or []
        given = [str(each) for each in others] if isinstance(others, list) else str(others).split("; ")
        yield _entry(number, str(told.get("name") or ""), given, told)


def _parsed(text: IO[str], decoder: json.JSONDecoder, buffer: str) -> Iterator[Any]:
    buffer = _at_list(text)
    while True:
        buffer = buffer.lstrip(" \t\r\n,")
        if buffer.startswith("]"):
            return
        try:
            told, end = decoder.raw_decode(buffer) if buffer else (None, 0)
        except ValueError:
            end = 0
        # A number at the end of what was read may go on.
        if end and end < len(buffer):
            yield told
            buffer = buffer[end:]
            continue
        more = text.read(_CHUNK)
        if not more or len(buffer) > _LONGEST_OBJECT:
            raise Invalid({"file": "The JSON ends or breaks off in the middle of its list."})
        buffer += more


def _at_list(text: IO[str]) -> str:
    """What has been read after the bracket with which the list begins."""
    buffer = text.read(_CHUNK).lstrip()
    if buffer.startswith("["):
        return buffer[1:]
    while (found := _RESULTS.search(buffer)) is None:
        more = text.read(_CHUNK)
        if not more:
            raise Invalid({"file": "There is no list “results” in it."})
        buffer = buffer[-64:] + more
    return buffer[found.end() :]
