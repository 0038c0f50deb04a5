"""Rows into files, and the generic file back into rows."""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

from portal.kits.rules.carriers.generic import GENERIC
from portal.kits.rules.carriers.profile import Formulas, Profile, Row

# What stands in the way of a guarded cell being a formula: one apostrophe more than it had.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
# Files of the same rows are the same bytes, whenever they are made.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


class File(NamedTuple):
    """A file as it is handed out."""

    name: str
    rows: int
    content: bytes

    @property
    def sha256(self) -> str:
        """The hash by which it can be known again."""
        return hashlib.sha256(self.content).hexdigest()


def files_of(profile: Profile, rows: Sequence[Row], stem: str) -> list[File]:
    """The files for these rows, as many as the program's limit makes; `stem` is the beginning of their names."""
    most = profile.most_rows or max(len(rows), 1)
    parts = [rows[start : start + most] for start in range(0, len(rows), most)]
    numbered = len(parts) > 1
    return [
        File(f"{stem}-{number}.csv" if numbered else f"{stem}.csv", len(part), _content(profile, part))
        for number, part in enumerate(parts, 1)
    ]


def bundle(files: Sequence[File], stem: str) -> File:
    """One download: the file itself, or a zip of several."""
    if len(files) == 1:
        return files[0]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            packed.writestr(zipfile.ZipInfo(file.name, _NO_TIME), file.content, zipfile.ZIP_DEFLATED)
    return File(f"{stem}.zip", sum(file.rows for file in files), buffer.getvalue())


def _content(profile: Profile, rows: Sequence[Row]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer, delimiter=profile.delimiter, lineterminator=profile.line_end,
        quoting=csv.QUOTE_ALL if profile.quoted else csv.QUOTE_MINIMAL,
    )  # fmt: skip
    if profile.header:
        writer.writerow([column.name for column in profile.columns])
    guarding = profile.formulas is Formulas.GUARDED
    for row in rows:
        writer.writerow([_guarded(cell) for cell in row.cells] if guarding else row.cells)
    return buffer.getvalue().encode(profile.encoding)


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def read_back(content: bytes) -> list[dict[str, str]]:
    """The rows of a generic file, by the names of its columns, as they were before they were guarded."""
    rows = csv.reader(io.StringIO(content.decode(GENERIC.encoding), newline=""))
    header = next(rows)
    return [
        dict(zip(header, (cell[1:] if _GUARDED.match(cell) else cell for cell in row), strict=True)) for row in rows
    ]
