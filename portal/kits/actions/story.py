"""A parcel's steps, its story, and the mails about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.moves import Move, take
from portal.core.outbox import OutgoingMail
from portal.kits.actions import backs
from portal.kits.actions.reservations import keep_after_all
from portal.kits.models import Shipment, ShipmentEvent, ShipmentHold, Unit
from portal.kits.queries import mailing
from portal.kits.rules.mails import NEWS, ONLY_WHILE, TOPIC_OF
from portal.kits.states import CANCEL, EMPTIES, UNITS_WITH, ShipmentState

OURSELVES = "portal"


class Line(NamedTuple):
    """One line of the story. `key` makes it one line however often its teller tells it."""

    title: str
    key: str
    provider: str = OURSELVES
    status: ShipmentState | None = None
    detail: str = ""
    told: bool = True
    occurred_at: datetime | None = None


def tell(session: Session, shipment: Shipment, line: Line, *, by: int | None, at: datetime) -> bool:
    """Add a line to a parcel's story; False if it is there already."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {
        "shipment_id": shipment.id, "provider": line.provider, "event_key": line.key, "status": line.status,
        "title": line.title, "detail": line.detail, "told": line.told, "occurred_at": line.occurred_at or at,
        "recorded_at": at, "account_id": by,
    }  # fmt: skip
    added = session.execute(
        insert(ShipmentEvent)
        .values(values)
        .on_conflict_do_nothing(index_elements=["provider", "event_key"])
        .returning(ShipmentEvent.id)
    ).one_or_none()
    return added is not None


def note(
    session: Session, shipment: Shipment, verb: str, *, by: int | None, at: datetime, reason: str | None = None,
    **after: object,
) -> None:  # fmt: skip
    """Write into the audit what was done to a parcel."""
    slug = shipment.challenge.slug
    audit.record(
        session, f"kits:{verb}", f"shipment:{shipment.id}", by=by, at=at, scope=slug, after=after or None, reason=reason
    )


def step(
    session: Session, shipment: Shipment, move: Move[ShipmentState], *, by: int | None, at: datetime,
    reason: str | None = None, changes: Mapping[str, object] | None = None,
) -> None:  # fmt: skip
    """Take one step of a parcel's way with the `changes` of columns that belong to it.

    What is in it goes along, so does a return that is expected, and the participant is told what they want to know.
    Nothing holds a parcel any more that leaves its hold.
    """
    before = shipment.state
    values: dict[str, object] = {"hold_reason": None} if before is ShipmentState.HELD else {}
    with conflicts():
        take(session, shipment, move, at=at, **values, **(changes or {}))
    if before is ShipmentState.HELD:
        session.execute(
            sa.update(ShipmentHold)
            .where(ShipmentHold.shipment_id == shipment.id, ShipmentHold.lifted_at.is_(None))
            .values(lifted_at=at, lifted_by_id=by)
            .execution_options(synchronize_session="fetch")
        )
    moved = _move_units(session, shipment, move, at)
    note(session, shipment, move.name, by=by, at=at, reason=reason, state=move.target, was=before)
    backs.follow(session, shipment, move, moved, by=by, at=at)
    if move.name in NEWS:
        mail(session, shipment, NEWS[move.name], at=at)


def _move_units(session: Session, shipment: Shipment, move: Move[ShipmentState], at: datetime) -> list[Unit]:
    """Let what is in the parcel go its way; which of it did."""
    with_it, moved = UNITS_WITH.get(move.name), []
    if with_it is None:
        return []
    kept = keep_after_all(session, shipment, at=at) if move is CANCEL else set()
    for place in shipment.places:
        # One that was lost or kept meanwhile has its own story.
        if place.live and place.unit.state in with_it.sources and place.unit_id not in kept:
            take(session, place.unit, with_it, at=at)
            moved.append(place.unit)
        if move.name in EMPTIES:
            place.live = False
    session.flush()
    return moved


def mail(
    session: Session, shipment: Shipment, news: str, *, at: datetime, about: str = "", **more: object
) -> None:  # fmt: skip
    """Tell those by mail who want to know, once a parcel and kind of news; `about` tells apart what may come again."""
    context = {
        "challenge": shipment.challenge.title, "slug": shipment.challenge.slug, "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number, "kits": [unit.model.label for unit in shipment.units], **more,
    }  # fmt: skip
    key = f"shipment:{shipment.id}:{news}{about and f':{about}'}"
    rows = [
        outbox.row(
            f"kits/{news}", to=person.email, key=key if leads else f"{key}:{person.id}", at=at, context=context,
            subject=f"shipment:{shipment.id}", scope=shipment.challenge.slug,
        )
        for person, leads in mailing.recipients(session, shipment.participant_id, TOPIC_OF[news])
    ]  # fmt: skip
    outbox.post_all(session, rows)


def _still_so(session: Session, letter: OutgoingMail) -> bool:
    """Whether a parcel is still where a mail says that it is."""
    number = int((letter.subject or "").removeprefix("shipment:") or 0)
    return not number or mailing.state_of(session, number) is ONLY_WHILE[letter.template.removeprefix("kits/")]


for _news in ONLY_WHILE:
    outbox.guard(f"kits/{_news}", _still_so)
