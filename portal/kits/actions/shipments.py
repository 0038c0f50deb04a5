"""Planning parcels, filling them, and every step up to the participant's word."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge, Participant
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, Refused
from portal.core.moves import Move, take
from portal.kits import queries, rules, states
from portal.kits.actions import holds, judging, reservations
from portal.kits.actions.story import Line, note, step, tell
from portal.kits.models import Shipment, ShipmentUnit, Unit
from portal.kits.queries.holds import lock_address
from portal.kits.rules.packing import check_scanned
from portal.kits.states import ShipmentState, Word

TITLES = {
    Word.RECEIVED: "Reported: received", Word.DAMAGED: "Reported: received, but damaged",
    Word.DUTY: "Reported: duty demanded", Word.NOTHING: "Reported: nothing came",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given:
    """What a form brings with a step."""

    reason: str = ""
    carrier: str = ""
    tracking_number: str = ""


def plan(
    session: Session, challenge: Challenge, participants: Iterable[Participant], *, by: int, at: datetime
) -> list[Shipment]:
    """Plan a parcel for each; whose address is known need not be asked. Raises Conflict if somebody was first."""
    return [_plan(session, challenge, participant.id, by=by, at=at) for participant in participants]


def _plan(
    session: Session, challenge: Challenge, participant_id: int, *, by: int, at: datetime, replaces: int | None = None
) -> Shipment:
    last = session.scalars(
        sa.select(sa.func.max(Shipment.number)).where(Shipment.participant_id == participant_id)
    ).one()
    planned = Shipment(
        challenge_id=challenge.id, participant_id=participant_id, number=(last or 0) + 1, replaces_id=replaces,
        state=ShipmentState.PLANNED, state_since=at, created_at=at,
    )  # fmt: skip
    session.add(planned)
    with conflicts():
        session.flush()
    shipment = queries.shipment(session, challenge.id, planned.id)
    tell(session, shipment, _line(shipment, "plan", "Planned", ShipmentState.PLANNED, at), by=by, at=at)
    note(session, shipment, "plan", by=by, at=at, participant=participant_id, replaces=replaces)
    kept = reservations.fill(session, shipment, at=at)
    if kept:
        note(session, shipment, "fill", by=by, at=at, units=sorted(kept))
    address = lock_address(session, participant_id)
    if address is not None and address.purged_at is None:
        step(session, shipment, states.CONFIRM_ADDRESS, by=None, at=at)
        tell(session, shipment, _line(shipment, "address", "Address known", shipment.state, at), by=None, at=at)
        holds.follow_findings(session, participant_id, by=None, at=at)
    return queries.shipment(session, challenge.id, planned.id)


def replace(session: Session, shipment: Shipment, *, by: int, at: datetime) -> Shipment:
    """Plan another parcel instead of one that was lost, came back, or arrived damaged."""
    broken = shipment.state is ShipmentState.RECEIVED and shipment.word is Word.DAMAGED
    if shipment.state not in (ShipmentState.LOST, ShipmentState.RETURNED) and not broken:
        raise Refused("A parcel is replaced when it is lost, has come back, or has arrived damaged.")
    made = _plan(session, shipment.challenge, shipment.participant_id, by=by, at=at, replaces=shipment.id)
    if shipment.complained:
        settle(session, shipment, by=by, at=at)
    return made


def ask_for_addresses(session: Session, shipments: Sequence[Shipment], *, by: int, at: datetime) -> None:
    """Ask the participants of planned parcels where to send them, by mail."""
    for shipment in shipments:
        advance(session, shipment, states.REQUEST_ADDRESS, Given(), by=by, at=at)


def advance(
    session: Session, shipment: Shipment, move: Move[ShipmentState], given: Given, *, by: int, at: datetime
) -> None:
    """Take one of logistics' steps.

    Raises Refused where it is not possible now, Invalid where what it needs is missing, Conflict if somebody was first.
    """
    if not move.by:
        raise Refused(f"“{move.label}” comes from tracking or from the participant.")
    missing = {name: "This is needed." for name in move.needs if not getattr(given, name)}
    if missing:
        raise Invalid(missing)
    if move is states.HOLD:
        holds.hold_by_hand(session, shipment, given.reason, by=by, at=at)
        return
    if move is states.HAND_OVER:
        judging.check_judged(session, shipment.participant_id, shipment.challenge_id, at=at)
    address = queries.address_of(session, shipment.participant_id)
    rules.check_step(move, len(shipment.units), address is not None and address.purged_at is None)
    if move is states.PACK:
        check_scanned(shipment.places)
    step(session, shipment, move, by=by, at=at, reason=given.reason or None, changes=_values(move, given, at))
    title = shipment.state.replace("_", " ").capitalize()
    line = _line(shipment, move.name, title, shipment.state, at, given.reason)
    tell(session, shipment, line, by=by, at=at)


def _values(move: Move[ShipmentState], given: Given, at: datetime) -> dict[str, object]:
    """The columns that change with a step."""
    values: dict[str, dict[str, object]] = {
        states.LABEL.name: {"carrier": given.carrier, "tracking_number": given.tracking_number},
        states.HAND_OVER.name: {"handed_over_at": at, "tracked_at": at},
        states.RECEIVE.name: {"received_at": at},
    }
    return values.get(move.name, {})


def assign_unit(session: Session, shipment: Shipment, unit: Unit, *, by: int, at: datetime) -> None:
    """Put a unit that is at hand into an open parcel. Raises Conflict where somebody else has just taken it."""
    rules.check_assign(shipment.state, unit.state)
    take(session, unit, states.RESERVE, at=at)
    session.add(ShipmentUnit(shipment_id=shipment.id, unit_id=unit.id, since=at, scanned_at=at))
    with conflicts():
        session.flush()
    session.expire(shipment, ["places"])
    note(session, shipment, "assign-unit", by=by, at=at, serial=unit.serial)


def take_out(session: Session, shipment: Shipment, place: ShipmentUnit, *, by: int, at: datetime) -> None:
    """Take a unit out of an open parcel, back into the stock."""
    if shipment.state not in states.OPEN_BOX:
        raise Refused("The parcel is packed. Units come out before that, or when it is cancelled.")
    take(session, place.unit, states.RELEASE, at=at)
    place.live = False
    session.flush()
    note(session, shipment, "take-out-unit", by=by, at=at, serial=place.unit.serial)


def say(session: Session, shipment: Shipment, word: Word, text: str, *, by: int, at: datetime) -> None:
    """The participant's word: it came, well or damaged; or something keeps it from them, which logistics will see."""
    rules.check_word(shipment.state, word)
    told: dict[str, object] = {"word": word, "word_note": text or None, "word_at": at, "settled_at": None}
    if shipment.state is not ShipmentState.RECEIVED and word in (Word.RECEIVED, Word.DAMAGED):
        step(session, shipment, states.RECEIVE, by=by, at=at, changes={"received_at": at, **told})
    else:
        for name, value in told.items():
            setattr(shipment, name, value)
        session.flush()
    note(session, shipment, "say", by=by, at=at, word=word)
    line = _line(shipment, f"say-{word}", TITLES[word], shipment.state, at, text)
    tell(session, shipment, line, by=by, at=at)


def settle(session: Session, shipment: Shipment, *, by: int, at: datetime) -> None:
    """Note that a participant's trouble has been dealt with."""
    if not shipment.complained:
        raise Refused("There is no open trouble with this parcel.")
    shipment.settled_at = at
    session.flush()
    note(session, shipment, "settle", by=by, at=at, word=shipment.word)


def _line(shipment: Shipment, what: str, title: str, status: ShipmentState, at: datetime, detail: str = "") -> Line:
    key = f"{shipment.id}:{what}:{at.isoformat()}"
    return Line(title=title, key=key, status=status, detail=detail)
