"""Answers that are no pages: CSV, JSON, and what has not changed."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from itertools import chain

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

from portal.core.tables import guarded


def wants_json() -> bool:
    """Whether the client asked for JSON rather than a page, or where there are none."""
    if "/api/" in request.path:
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return best == "application/json"


def cell(value: object) -> str:
    """One value as text: instants in ISO 8601 UTC, and nothing that a spreadsheet would run (OWASP: CSV injection)."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, int | float | Decimal):
        return str(value)
    return guarded(str(value))


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow([cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def csv_response(filename: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A CSV download in UTF-8 with a header line, guarded against formulas."""
    response = Response("".join(_lines(chain([header], rows))), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def conditional(answer: ResponseReturnValue) -> Response:
    """The answer with an ETag, or 304 where the client has it already."""
    response = make_response(answer)
    response.add_etag()
    response.make_conditional(request)
    return response
