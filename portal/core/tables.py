"""Tables as files: CSV that no spreadsheet runs, and reading it in again, with every faulty row told."""

import csv
import io
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from portal.core.errors import Invalid

# What stands in the way of a guarded cell being a formula; see `guarded`.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
UNKNOWN = "There is no such column. Rename or remove it; skipping what is faulty leaves it out."


class Fault(NamedTuple):
    """What is wrong with a row: its line in the file (its place in the list, for JSON), the column, what to do."""

    line: int
    field: str
    message: str


class Row(NamedTuple):
    """One row as it was read: text from a table, whatever stood there from JSON."""

    line: int
    values: Mapping[str, Any]


class Sheet(NamedTuple):
    """A file as it was read. `faults` concern it as a whole: columns that nobody knows, rows that are none."""

    rows: Sequence[Row]
    faults: Sequence[Fault] = ()


def guarded(text: str) -> str:
    """A cell that no spreadsheet runs as a formula (OWASP: CSV injection); `unguarded` gives back what it was."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """What was guarded."""
    return text[1:] if _GUARDED.match(text) else text


def table_line(cells: Sequence[str]) -> str:
    """One row of a CSV file."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def text_of(data: bytes) -> str:
    """A file as text, whatever mark it begins with. Spreadsheets write UTF-16 too. Raises Invalid."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        place = data[: getattr(error, "start", 0)].count(b"\n") + 1
        raise Invalid({"file": f"Line {place} is not in UTF-8. Save the file as “CSV UTF-8”."}) from error
    if "\0" in text:
        raise Invalid({"file": "This is no text file: it contains zero bytes."})
    return text


def read_table(text: str, needed: str, is_known: Callable[[str], bool], most: int) -> Sheet:
    """Read a table of at most so many rows, whose first line names its columns, apart by comma, semicolon or tab.

    `needed` is a column without which it makes no sense. Raises Invalid where the file as a whole makes none.
    """
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        wrong = _wrong_header(header, needed, is_known)
        rows, short = [], []
        begins = reader.line_num + 1
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if len(cells) > len(header) or (len(cells) < len(header) and any(cells)):
                short.append(Fault(line, "", f"{len(cells)} columns instead of {len(header)}."))
            elif any(cell.strip() for cell in cells):
                rows.append(Row(line, {name: unguarded(cell) for name, cell in zip(header, cells, strict=True)}))
            refuse_many(len(rows) + len(short), most)
    except csv.Error as error:
        raise Invalid({"file": f"Line {reader.line_num}: this is no CSV ({error})."}) from error
    return Sheet(rows, [*wrong, *short])


def too_long(largest: int) -> str:
    """What is said of a table of more than so many characters."""
    return f"The table is longer than {largest // 1000} kB. Divide it."


def read_sheet(text: str, needed: str, columns: Collection[str], *, what: str, most: int, largest: int) -> Sheet:
    """Read a table of at most `most` rows and `largest` characters, in which there is a `what`. Raises Invalid."""
    if len(text) > largest:
        raise Invalid({"file": too_long(largest)})
    sheet = read_table(text, needed, columns.__contains__, most)
    if not sheet.rows and not sheet.faults:
        raise Invalid({"file": f"There is no {what} in this table."})
    return sheet


def _wrong_header(header: Sequence[str], needed: str, is_known: Callable[[str], bool]) -> list[Fault]:
    """Columns that nobody knows. Raises Invalid where the columns make no sense at all."""
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise Invalid({"file": f"Line 1: the column “{twice[0]}” is there twice."})
    if needed not in header:
        raise Invalid({"file": f"Line 1: there is no column “{needed}”. The first line names the columns."})
    return [Fault(1, name, UNKNOWN) for name in header if not is_known(name)]


def refuse_many(count: int, most: int) -> None:
    """Raises Invalid where a file has more rows than anybody would look through."""
    if count > most:
        raise Invalid({"file": f"There are more than {most:,} rows. Divide the file."})
