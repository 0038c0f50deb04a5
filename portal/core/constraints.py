"""What people are told when the database refuses: a sentence for each constraint, in one place."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from portal.core.errors import Conflict

_SENTENCES: dict[str, str] = {}
_NAME = re.compile(r"""constraint "(?P<postgresql>[^"]+)"|CHECK constraint failed: (?P<check>\S+)""")
_SQLITE_COLUMNS = re.compile(r"UNIQUE constraint failed: (?P<columns>[\w., ]+)")
_SQLITE_INDEX = re.compile(r"index '(?P<index>[^']+)'")


def explain(name: str, sentence: str, *, columns: str = "") -> None:
    """Say what a violation of the constraint `name` means to a person.

    SQLite names a partial unique index by its columns only ("booking.slot_id, booking.seat_no"): `columns` says which.
    """
    _SENTENCES[name] = sentence
    if columns:
        _SENTENCES[columns] = sentence


def violated(error: IntegrityError) -> str:
    """The name of the violated constraint, or, on SQLite, the columns of the violated unique index."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None and diagnosis.constraint_name:
        return str(diagnosis.constraint_name)
    text = str(error.orig)
    for pattern in (_NAME, _SQLITE_INDEX, _SQLITE_COLUMNS):
        found = pattern.search(text)
        if found:
            return next(group for group in found.groups() if group)
    return text


def translate(error: IntegrityError) -> Conflict:
    """The answer for a person to what the database refused."""
    name = violated(error)
    return Conflict(_SENTENCES.get(name, "This clashes with something that was saved a moment ago. Look at it again."))


@contextmanager
def conflicts() -> Iterator[None]:
    """Turn a refusal of the database within into Conflict with the sentence of its constraint."""
    try:
        yield
    except IntegrityError as error:
        raise translate(error) from error
