"""Returns: asked for, announced with a day and a label, arrived, inspected unit by unit; or called off."""

from base64 import b64decode, b64encode
from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core import audit
from portal.core.errors import Invalid, NotFound, Refused
from portal.core.moves import take
from portal.kits import states
from portal.kits.actions import backs
from portal.kits.actions.stock import move_unit
from portal.kits.actions.story import Line, mail, step, tell
from portal.kits.models import KitReturn, Shipment, Unit, UnitReturn
from portal.kits.queries import returns as queries
from portal.kits.queries.sealed import Sealed, everything
from portal.kits.rules.returns import OUTCOMES, check_label, check_restock, check_return, day_of
from portal.kits.rules.vocabulary import plain_number
from portal.kits.states import ShipmentState, UnitState
from portal.kits.states.returns import ANNOUNCE, CANCEL_RETURN, EXPECTED, INSPECT, Condition, ReturnState
from portal.kits.vault import Vault


class Announcement(NamedTuple):
    """How something is to come back. `label` is a PDF; None leaves the one that there is."""

    expected_on: date
    carrier: str = ""
    tracking_number: str = ""
    instructions: str = ""
    label: bytes | None = None


class Finding(NamedTuple):
    """What somebody saw of a unit that came back, and what becomes of it: a name of `OUTCOMES`, or "" for later."""

    condition: Condition
    wiped: bool
    note: str = ""
    outcome: str = ""


def _told(
    session: Session, shipment: Shipment, what: str, title: str, detail: str, by: int | None, at: datetime
) -> None:
    """One line of the story, which the participant reads."""
    tell(session, shipment, Line(title, f"{shipment.id}:{what}:{at.isoformat()}", detail=detail), by=by, at=at)


def ask(session: Session, shipment: Shipment, reason: str, *, by: int, at: datetime) -> KitReturn:
    """Ask for a kit to go back, as participant or as logistics.

    Raises Refused where there is nothing to come back, Conflict where it has been asked for already.
    """
    if not reason:
        raise Invalid({"reason": "Say why."})
    check_return(shipment.state, len(shipment.units))
    made = backs.begin(session, shipment, reason, by=by, at=at)
    _told(session, shipment, "ask-return", "Return asked for", "", by, at)
    return made


def announce(
    session: Session, kit_return: KitReturn, told: Announcement, *, vault: Vault, by: int, at: datetime
) -> None:
    """Say how and until when it is to come back; again, to correct it. The participant is told."""
    shipment = kit_return.shipment
    check_label(told.label)
    if told.expected_on < day_of(at, shipment.challenge.zone):
        raise Invalid({"expected_on": "This day is over."})
    values: dict[str, object] = {
        "expected_on": told.expected_on, "carrier": told.carrier or None, "instructions": told.instructions,
        "tracking_number": told.tracking_number or None,
    }  # fmt: skip
    if plain_number(told.tracking_number) != plain_number(kit_return.tracking_number):
        values |= _unheard(kit_return)
    if told.label is not None:
        values["label"] = vault.seal({"pdf": b64encode(told.label).decode()}, subject(kit_return.id))
    if shipment.state is ShipmentState.RECEIVED:
        step(session, shipment, states.SEND_BACK, by=by, at=at)
    take(session, kit_return, ANNOUNCE, at=at, **values)
    backs.record(
        session, shipment, kit_return, "announce-return", by=by, at=at, expected_on=told.expected_on.isoformat(),
        label=told.label is not None,
    )  # fmt: skip
    day = f"{told.expected_on:%-d %B %Y}"
    _told(session, shipment, "announce-return", f"Return expected by {day}", "", by, at)
    mail(session, shipment, "return_announced", at=at, about=f"{kit_return.id}:{at.isoformat()}", day=day)


def _unheard(kit_return: KitReturn) -> dict[str, object]:
    """What was heard of another number says nothing of this one; what the participant said stays."""
    by_carrier = kit_return.scanned_at is not None and kit_return.sent_at == kit_return.scanned_at
    return {"scanned_at": None, "delivered_at": None, **({"sent_at": None} if by_carrier else {})}


def subject(return_id: int) -> str:
    """What a return's label is sealed for."""
    return f"kit-return:{return_id}"


everything.append(Sealed("labels", KitReturn, "id", "label", subject))


def label_of(kit_return: KitReturn, vault: Vault) -> bytes:
    """The label as it was uploaded. Raises NotFound where there is none, or no more."""
    if kit_return.label is None:
        raise NotFound("label")
    return b64decode(vault.open(kit_return.label, subject(kit_return.id))["pdf"])


def say_sent(session: Session, kit_return: KitReturn, *, by: int, at: datetime) -> None:
    """The participant says that it is on its way; where the carrier has said so, it is known already."""
    if kit_return.state is ReturnState.ANNOUNCED and kit_return.scanned_at is not None:
        return
    if kit_return.state is not ReturnState.ANNOUNCED or kit_return.sent_at is not None:
        raise Refused("Only a return that is announced and not yet sent can be.")
    kit_return.sent_at = at
    session.flush()
    backs.record(session, kit_return.shipment, kit_return, "send-return", by=by, at=at)
    _told(session, kit_return.shipment, "sent-return", "Reported: sent back", "", by, at)


def arrive(session: Session, kit_return: KitReturn, *, by: int, at: datetime) -> None:
    """It is here: the parcel is returned, and what was in it waits to be looked at. The participant is told."""
    if kit_return.state not in EXPECTED:
        raise Refused(f"This return is {kit_return.state}.")
    shipment = kit_return.shipment
    if shipment.state is ShipmentState.RECEIVED:
        step(session, shipment, states.SEND_BACK, by=by, at=at)
    step(session, shipment, states.COME_BACK, by=by, at=at)
    _told(session, shipment, "come-back", "Back with us", "", by, at)
    mail(session, shipment, "return_arrived", at=at, about=str(kit_return.id))


def cancel(session: Session, kit_return: KitReturn, answer: str, *, by: int, at: datetime) -> None:
    """Call a return off: the participant goes on having the kit, and is told why."""
    if not answer:
        raise Invalid({"reason": "Say why."})
    shipment = kit_return.shipment
    take(session, kit_return, CANCEL_RETURN, at=at, answer=answer, label=None)
    backs.record(session, shipment, kit_return, "cancel-return", by=by, at=at, reason=answer)
    if shipment.state is ShipmentState.RETURNING and shipment.received_at is not None:
        step(session, shipment, states.STAY, by=by, at=at)
    _told(session, shipment, "cancel-return", "Return called off", answer, by, at)
    if kit_return.asked_by_id != by:
        mail(session, shipment, "return_cancelled", at=at, about=str(kit_return.id), answer=answer)


def let_keep(session: Session, shipment: Shipment, *, by: int, at: datetime) -> int:
    """Let the participant keep what they have of a parcel; how many units it is.

    Raises Refused where there is nothing, or where it is to come back.
    """
    if queries.expected_of(session, shipment.id) is not None:
        raise Refused("It is to come back. Cancel the return first.")
    theirs = [unit for unit in shipment.units if unit.state is UnitState.WITH_PARTICIPANT]
    if not theirs:
        raise Refused("There is nothing of it with the participant.")
    for unit in theirs:
        move_unit(session, unit, states.KEEP, scope=shipment.challenge.slug, by=by, at=at)
    session.expire(shipment, ["places"])
    _told(session, shipment, "keep", "Yours to keep", ", ".join(unit.serial for unit in theirs), by, at)
    return len(theirs)


def inspect(session: Session, unit: Unit, found: Finding, *, scope: str, by: int, at: datetime) -> None:
    """Note how a unit looks that came back, and say what becomes of it.

    Raises Refused where it may not go where it is meant to: what is not wiped does not go out again.
    """
    if unit.state is not UnitState.RETURNED:
        raise Refused(f"Only a unit that came back is inspected; this one is {unit.state.replace('_', ' ')}.")
    if found.outcome == states.RESTOCK.name:
        check_restock(found.condition, found.wiped)
    seen = queries.last_time(session, unit.id)
    if seen is None or seen.inspected_at is not None:
        # Looked at once more: what was seen before stays written.
        seen = UnitReturn(unit_id=unit.id, return_id=seen and seen.return_id, came_back_at=unit.state_since)
        session.add(seen)
    seen.condition, seen.wiped, seen.note = found.condition, found.wiped, found.note
    seen.inspected_at, seen.inspected_by_id = at, by
    session.flush()
    audit.record(
        session, "kits:inspect-unit", f"unit:{unit.id}", by=by, at=at, scope=scope,
        after={"condition": found.condition, "wiped": found.wiped, "note": found.note},
    )  # fmt: skip
    if found.outcome:
        move_unit(session, unit, OUTCOMES[found.outcome], scope=scope, by=by, at=at, reason=found.note or None)
    if seen.return_id is not None:
        _finish(session, seen.return_id, at)


def _finish(session: Session, return_id: int, at: datetime) -> None:
    """A return is inspected when nothing of it waits to be looked at."""
    waiting = sa.select(UnitReturn.id).where(UnitReturn.return_id == return_id, UnitReturn.inspected_at.is_(None))
    whole = session.get_one(KitReturn, return_id)
    if whole.state is ReturnState.ARRIVED and not session.scalars(waiting).first():
        take(session, whole, INSPECT, at=at)


def own_label(session: Session, member: Member, return_id: int, vault: Vault) -> bytes:
    """The label of one of the participant's returns. Raises NotFound, and Refused where its key is none of ours."""
    back = queries.own(session, member.participant_id, return_id, label=True)
    try:
        return label_of(back, vault)
    except Refused as problem:
        raise Refused("Your label cannot be opened at the moment. Write to us: we can give you another.") from problem


def forget_labels(session: Session, participants: Collection[int]) -> None:
    """Forget the labels of these participants' returns, together with their addresses."""
    theirs = sa.select(Shipment.id).where(Shipment.participant_id.in_(participants))
    session.execute(
        sa.update(KitReturn)
        .where(KitReturn.shipment_id.in_(theirs), KitReturn.label.is_not(None))
        .values(label=None)
        .execution_options(synchronize_session=False)
    )
