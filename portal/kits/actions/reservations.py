"""Keeping units for places: from the invitation to the parcel, and back when there is none."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.challenges.states import ParticipantState
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, Refused
from portal.kits.models import Reservation, Shipment, ShipmentUnit, Unit
from portal.kits.queries import reservations as queries
from portal.kits.queries.people import is_served
from portal.kits.rules.books import Books, Place, lacking_of, lacks
from portal.kits.states import UnitState

BATCH = 500
BUSY = "Somebody is taking units out of the stock at this moment. Try again."


def reserve(session: Session, challenge: Challenge, holders: Sequence[str], *, by: int | None, at: datetime) -> None:
    """Keep a kit for each of these holders, all or nothing; whoever has one already needs none.

    Raises Refused with the number of kits that are missing.
    """
    queries.lock_contents(session, challenge.id)
    books = queries.books(session, challenge.id)
    if not books.counted:
        return
    has = queries.held_by(session, challenge.id, holders)
    wanted = [Place(holder, None, lacks(books.contents, has[holder])) for holder in holders]
    _keep(session, challenge, books, [place for place in wanted if place.lacks], by=by, at=at)


def reserve_missing(session: Session, challenge: Challenge, *, by: int, at: datetime) -> int:
    """Keep what is missing for every place that was promised a kit; how many places. Raises Refused."""
    queries.lock_contents(session, challenge.id)
    books = queries.books(session, challenge.id)
    wanted = [place for place in books.places if place.holder]
    if not wanted:
        raise Refused("Every place that is promised a kit has one.")
    _keep(session, challenge, books, wanted, by=by, at=at)
    return len(wanted)


def _keep(
    session: Session, challenge: Challenge, books: Books, wanted: Sequence[Place], *, by: int | None, at: datetime
) -> None:
    if not wanted:
        return
    missing = books.missing(wanted)
    if missing:
        raise Refused(
            f"Kits are short: {len(wanted)} needed, {max(0, len(wanted) - missing)} free, {missing} missing. "
            "Nothing was changed. Add units to the stock, or say who needs no kit."
        )
    taken = {model: iter(_take(session, model, number, at)) for model, number in lacking_of(wanted).items()}
    rows = [
        {"challenge_id": challenge.id, "unit_id": unit, "holder": place.holder, "since": at,
         "participant_id": place.participant_id}
        for place in wanted for model, number in place.lacks.items() for unit in islice(taken[model], number)
    ]  # fmt: skip
    with conflicts():
        session.execute(sa.insert(Reservation), rows)
    subject = wanted[0].holder if len(wanted) == 1 else f"challenge:{challenge.id}"
    audit.record(
        session, "kits:reserve", subject, by=by, at=at, scope=challenge.slug,
        after={"places": len(wanted), "units": len(rows)},
    )  # fmt: skip


def _take(session: Session, model_id: int, number: int, at: datetime) -> Sequence[int]:
    """Take so many units of a model out of the stock. Raises Conflict where the bench takes the last ones."""
    free = (
        sa.select(Unit.id)
        .where(Unit.model_id == model_id, Unit.state == UnitState.IN_STOCK)
        .order_by(Unit.serial)
        .limit(number)
    )
    units = session.scalars(free.with_for_update(skip_locked=True)).all()
    if len(units) < number or _move(session, units, UnitState.IN_STOCK, UnitState.RESERVED, at) < number:
        raise Conflict(BUSY)
    return units


def _move(session: Session, units: Sequence[int], source: UnitState, target: UnitState, at: datetime) -> int:
    """Move units that only reserving and releasing move, as many as are still where they were; how many."""
    moved = 0
    for part in _batches(units):
        changed = session.execute(
            sa.update(Unit)
            .where(Unit.id.in_(part), Unit.state == source)
            .values(state=target, state_since=at)
            .execution_options(synchronize_session="fetch")
        )
        assert isinstance(changed, CursorResult)
        moved += changed.rowcount
    return moved


def _batches(rows: Sequence[int] | Sequence[str]) -> Iterable[Sequence[int] | Sequence[str]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def release(session: Session, challenge: Challenge, holders: Sequence[str], *, by: int | None, at: datetime) -> None:
    """Put what is kept for these holders back into the stock. What is in a parcel already stays there."""
    for part in _batches(holders):
        units = _end(session, Reservation.challenge_id == challenge.id, Reservation.holder.in_(part), at=at)
        if not units:
            continue
        _move(session, units, UnitState.RESERVED, UnitState.IN_STOCK, at)
        subject = str(part[0]) if len(part) == 1 else f"challenge:{challenge.id}"
        audit.record(
            session, "kits:release", subject, by=by, at=at, scope=challenge.slug, after={"units": len(units)}
        )  # fmt: skip


def _end(session: Session, *which: sa.ColumnElement[bool], at: datetime) -> Sequence[int]:
    """End reservations; the units that they kept."""
    return session.scalars(
        sa.update(Reservation)
        .where(queries.LIVE, *which)
        .values(ended_at=at)
        .returning(Reservation.unit_id)
        .execution_options(synchronize_session=False)
    ).all()


def release_one(
    session: Session, challenge: Challenge, held: queries.Held, reason: str, *, by: int, at: datetime
) -> None:
    """Put back a unit whose holder is gone. Raises Refused where it is still promised, Invalid without a reason."""
    if not held.gone:
        raise Refused(
            "This unit is still promised to somebody. Rescind the invitation, or end the participation first."
        )
    if not reason:
        raise Invalid({"reason": "Say why."})
    row = held.reservation
    if not _end(session, Reservation.id == row.id, at=at):
        raise Conflict("Somebody has just released it.")
    _move(session, [row.unit_id], UnitState.RESERVED, UnitState.IN_STOCK, at)
    session.expire(row)
    audit.record(
        session, "kits:release", row.holder, by=by, at=at, scope=challenge.slug, after={"unit": row.unit_id},
        reason=reason,
    )  # fmt: skip


def pass_on(session: Session, holder: str, participant_id: int) -> None:
    """Keep for the participant what was kept for the invited."""
    session.execute(
        sa.update(Reservation)
        .where(Reservation.holder == holder, queries.LIVE)
        .values(participant_id=participant_id)
        .execution_options(synchronize_session="fetch")
    )


def fill(session: Session, shipment: Shipment, *, at: datetime) -> Sequence[int]:
    """Put what is kept for its participant into a parcel that was just planned; the units."""
    units = _end(session, Reservation.participant_id == shipment.participant_id, at=at)
    if units:
        session.execute(
            sa.insert(ShipmentUnit),
            [{"shipment_id": shipment.id, "unit_id": unit, "live": True, "since": at} for unit in sorted(units)],
        )
        session.expire(shipment, ["places"])
    return units


def keep_after_all(session: Session, shipment: Shipment, *, at: datetime) -> set[int]:
    """Keep for its participant what a cancelled parcel held, if they still need it; the units that are kept.

    They stay reserved. Others, such as accessories and what is too many, are the caller's to put back.
    """
    who = shipment.participant
    if who.state is not ParticipantState.ACTIVE or not who.needs_kit or is_served(session, who.id):
        return set()
    last = sa.select(Reservation.holder).where(Reservation.participant_id == who.id).order_by(Reservation.id.desc())
    holder = session.scalars(last.limit(1)).one_or_none() or f"participant:{who.id}"
    left, kept = dict[int, int](), set[int]()
    for unit in (place.unit for place in shipment.places if place.live):
        many = left.setdefault(unit.model_id, unit.model.per_place)
        if unit.state is UnitState.RESERVED and many:
            left[unit.model_id] = many - 1
            kept.add(unit.id)
            session.add(
                Reservation(
                    challenge_id=shipment.challenge_id, unit_id=unit.id, holder=holder, participant_id=who.id, since=at
                )
            )
    return kept


def stand_in(session: Session, row: Reservation, *, at: datetime) -> None:
    """Keep another unit of the same model for whoever loses this one, if there is one; else the place lacks it."""
    _end(session, Reservation.id == row.id, at=at)
    free = sa.select(Unit.id).where(Unit.model_id == row.unit.model_id, Unit.state == UnitState.IN_STOCK)
    for unit in session.scalars(free.order_by(Unit.serial).limit(1).with_for_update(skip_locked=True)).all():
        _move(session, [unit], UnitState.IN_STOCK, UnitState.RESERVED, at)
        session.add(
            Reservation(
                challenge_id=row.challenge_id,
                unit_id=unit,
                holder=row.holder,
                participant_id=row.participant_id,
                since=at,
            )
        )
    session.flush()
