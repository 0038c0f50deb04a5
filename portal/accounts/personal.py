"""What the rooms keep of a person: how it is handed over, what stands against erasing it, and how long it is kept.

The rooms above put themselves in here when they are loaded, since this room may not know them.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from portal.accounts import queries

# (session, account id) → what the room keeps of the person, fit for JSON.
Exporter = Callable[[Session, int], Mapping[str, Any]]
# (session, account id, now) → why the account cannot be erased now, or None. A whole sentence for the person.
Objection = Callable[[Session, int, datetime], str | None]
# (session, account id, now): forget what only the person needed; called within the erasure's transaction.
Eraser = Callable[[Session, int, datetime], None]


class Kept(NamedTuple):
    """One line of the privacy page."""

    what: str
    why: str
    how_long: str


def _holds_role(session: Session, account_id: int, _at: datetime) -> str | None:
    held = queries.roles_of(session, account_id)
    return "You hold a role of the staff. Ask an admin to withdraw it first." if held else None


exporters: dict[str, Exporter] = {"account": queries.exported}
objections: list[Objection] = [_holds_role]
erasers: list[Eraser] = []
kept: list[Kept] = [
    Kept(
        "E-mail address, name, time zone",
        "To sign you in, to write to you, and to show you your times.",
        "Until you erase your account.",
    ),
    Kept(
        "Password, second factors, recovery codes",
        "To know that it is you. The password is kept as an argon2id hash.",
        "Until you erase your account.",
    ),
    Kept(
        "What was done in your name",
        "So that decisions can be traced. It names the account by its number, never the person.",
        "As long as the challenge's records.",
    ),
]


def objection_to_erasing(session: Session, account_id: int, at: datetime) -> str | None:
    """The first reason for which the account cannot be erased now."""
    return next((reason for ask in objections if (reason := ask(session, account_id, at))), None)


def export(session: Session, account_id: int) -> dict[str, Any]:
    """All that the rooms keep of a person, by room."""
    return {room: dict(exporter(session, account_id)) for room, exporter in exporters.items()}
