"""Holding parcels, and what people say of it. A parcel is held exactly while something holds it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, Refused
from portal.kits import queries, states
from portal.kits.actions.story import Line, note, step, tell
from portal.kits.models import AddressFinding, Shipment, ShipmentHold
from portal.kits.queries import holds as found
from portal.kits.states import ShipmentState
from portal.kits.states.holds import FOUND, HoldKind, Judgement

Wanted = Mapping[tuple[HoldKind, str], AddressFinding]


def hold_by_hand(session: Session, shipment: Shipment, reason: str, *, by: int, at: datetime) -> None:
    """Hold a parcel for a reason of somebody's own. Raises Refused where it cannot be held, or is already."""
    if shipment.state not in states.HOLD.sources:
        state = shipment.state.replace("_", " ")
        raise Refused(f"“{states.HOLD.label}” is not possible: it is {state}. The carrier must not have it yet.")
    session.add(
        ShipmentHold(
            shipment_id=shipment.id, kind=HoldKind.MANUAL, reason=reason, evidence={}, placed_at=at, placed_by_id=by
        )
    )
    settle(session, shipment, by=by, at=at, reason=reason)


def follow_findings(session: Session, participant_id: int, *, by: int | None, at: datetime) -> None:
    """Hold the participant's parcels for what speaks against the address now, and let go what nothing holds any more.

    What was cleared for this very address is not held for again; what was confirmed stays held.
    """
    kept = queries.address_of(session, participant_id)
    version = kept.version if kept else 0
    cleared = found.cleared(session, participant_id, version)
    wanted = {(each.kind, each.ref): each for each in found.findings(session, participant_id)}
    wanted = {key: each for key, each in wanted.items() if key not in cleared}
    parcels = found.not_handed_over(session, participant_id)
    live = found.live_holds(session, [number for _, number in parcels])
    for challenge_id, number in parcels:
        mine = [hold for hold in live if hold.shipment_id == number]
        _lift_unwanted(mine, wanted, version, by=by, at=at)
        _place(session, number, mine, wanted, version, at=at)
        settle(session, queries.shipment(session, challenge_id, number), by=by, at=at)


def _lift_unwanted(
    holds: Sequence[ShipmentHold], wanted: Wanted, version: int, *, by: int | None, at: datetime
) -> None:
    for hold in holds:
        # A person has confirmed that it is the one on the list: that the list forgets them changes nothing.
        confirmed = hold.kind is HoldKind.SCREENING and hold.verdict is not None and hold.address_version == version
        stays = (hold.kind, hold.ref) in wanted and hold.address_version == version
        if hold.kind in FOUND and not confirmed and not stays:
            hold.lifted_at, hold.lifted_by_id = at, by


def _place(
    session: Session, shipment_id: int, holds: Sequence[ShipmentHold], wanted: Wanted, version: int, *, at: datetime
) -> None:
    session.flush()
    held = {(hold.kind, hold.ref) for hold in holds if hold.lifted_at is None}
    for key, finding in wanted.items():
        if key not in held:
            session.add(
                ShipmentHold(
                    shipment_id=shipment_id, kind=finding.kind, ref=finding.ref, reason=finding.reason,
                    address_version=version, field=finding.field, score=finding.score, evidence=finding.evidence,
                    placed_at=at,
                )
            )  # fmt: skip


def settle(session: Session, shipment: Shipment, *, by: int | None, at: datetime, reason: str | None = None) -> None:
    """Bring a parcel's state in line with what holds it."""
    with conflicts():
        session.flush()
    live = found.live_holds(session, [shipment.id])
    if live and shipment.state is not ShipmentState.HELD:
        changes: dict[str, Any] = {"hold_reason": live[0].reason, "carrier": None, "tracking_number": None}
        step(session, shipment, states.HOLD, by=by, at=at, reason=reason, changes=changes)
        _tell(session, shipment, "Held", live[0].reason, by=by, at=at)
    elif live and shipment.hold_reason != live[0].reason:
        shipment.hold_reason = live[0].reason
        session.flush()
    elif not live and shipment.state is ShipmentState.HELD:
        kept = queries.address_of(session, shipment.participant_id)
        known = kept is not None and kept.purged_at is None
        step(session, shipment, states.LET_GO if known else states.LET_WAIT, by=by, at=at)
        _tell(session, shipment, "Nothing holds it any more", "", by=by, at=at)


def _tell(session: Session, shipment: Shipment, title: str, detail: str, *, by: int | None, at: datetime) -> None:
    """For the staff alone: why a parcel is held is between them and their lawyers."""
    key = f"{shipment.id}:{title}:{shipment.state}:{at.isoformat()}"
    line = Line(title, key, status=shipment.state, detail=detail, told=False)
    tell(session, shipment, line, by=by, at=at)


def judge_hold(
    session: Session, hold: ShipmentHold, judgement: Judgement, words: str, *, by: int, at: datetime
) -> None:
    """Give a person's verdict on what holds a parcel.

    "Cleared" counts for every parcel of the participant that is held for the same, as long as the address is the same.
    Raises Invalid without a note, Refused where it cannot be cleared, Conflict where somebody was first.
    """
    if not words:
        raise Invalid({"note": "Say what you have looked at."})
    if hold.kind is HoldKind.POLICY_BLOCKED and judgement is Judgement.CLEARED:
        raise Refused("The policy says that nothing goes there. It goes on when the policy is changed.")
    shipment = queries.shipment(session, hold.shipment.challenge_id, hold.shipment_id)
    same = _same(session, hold, shipment.participant_id) if judgement is Judgement.CLEARED else [hold.id]
    _write(session, hold, same, judgement, words, by=by, at=at)
    note(
        session, shipment, "judge-hold", by=by, at=at, reason=words, hold=hold.id, kind=hold.kind, ref=hold.ref,
        verdict=judgement,
    )  # fmt: skip
    for number in {*session.scalars(sa.select(ShipmentHold.shipment_id).where(ShipmentHold.id.in_(same)))}:
        parcel = queries.shipment(session, shipment.challenge_id, number)
        _tell(session, parcel, f"Hold {judgement}", words, by=by, at=at)
        settle(session, parcel, by=by, at=at)


def _same(session: Session, hold: ShipmentHold, participant_id: int) -> list[int]:
    """The live holds of the participant's parcels for the same; a hold by hand is the same as no other."""
    if hold.kind is HoldKind.MANUAL:
        return [hold.id]
    parcels = sa.select(Shipment.id).where(Shipment.participant_id == participant_id)
    rows = sa.select(ShipmentHold.id).where(
        ShipmentHold.shipment_id.in_(parcels), ShipmentHold.kind == hold.kind, ShipmentHold.ref == hold.ref,
        ShipmentHold.lifted_at.is_(None), ShipmentHold.verdict.is_(None),
    )  # fmt: skip
    return [*session.scalars(rows)]


def _write(
    session: Session, hold: ShipmentHold, same: Sequence[int], judgement: Judgement, words: str, *, by: int,
    at: datetime,
) -> None:  # fmt: skip
    lifted: dict[str, object] = {"lifted_at": at, "lifted_by_id": by} if judgement is Judgement.CLEARED else {}
    changed = session.execute(
        sa.update(ShipmentHold)
        .where(ShipmentHold.id.in_(same), ShipmentHold.verdict.is_(None), ShipmentHold.lifted_at.is_(None))
        .values(verdict=judgement, note=words[:500], judged_at=at, judged_by_id=by, **lifted)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    if hold.id not in same or changed.rowcount != len(same):
        raise Conflict("Somebody has just given a verdict on this. Look at it again.")
    session.expire_all()
