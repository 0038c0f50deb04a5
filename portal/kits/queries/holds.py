"""Finding what holds parcels."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, undefer

from portal.accounts.models import Account
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.kits.models import AddressFinding, DeliveryAddress, Shipment, ShipmentHold
from portal.kits.states import BEFORE_HAND_OVER
from portal.kits.states.holds import HoldKind, Judgement


def live_holds(session: Session, shipment_ids: Collection[int]) -> Sequence[ShipmentHold]:
    """What holds these parcels now: the strictest first, then the likest."""
    order = sa.case({kind: place for place, kind in enumerate(HoldKind)}, value=ShipmentHold.kind)
    return session.scalars(
        sa.select(ShipmentHold)
        .where(ShipmentHold.shipment_id.in_(shipment_ids), ShipmentHold.lifted_at.is_(None))
        .order_by(order, ShipmentHold.score.desc(), ShipmentHold.id)
    ).all()


def holds_of(session: Session, shipment_id: int) -> Sequence[ShipmentHold]:
    """All that has ever held a parcel, what holds it now first."""
    return session.scalars(
        sa.select(ShipmentHold)
        .where(ShipmentHold.shipment_id == shipment_id)
        .order_by(ShipmentHold.lifted_at.is_not(None), ShipmentHold.placed_at, ShipmentHold.id)
    ).all()


def hold(session: Session, challenge_id: int, hold_id: int) -> ShipmentHold:
    """One that a parcel of the challenge is or was held for. Raises NotFound."""
    found = session.scalars(
        sa.select(ShipmentHold)
        .join(ShipmentHold.shipment)
        .where(ShipmentHold.id == hold_id, Shipment.challenge_id == challenge_id)
    ).one_or_none()
    if found is None:
        raise NotFound("hold")
    return found


def like(session: Session, one: ShipmentHold) -> Sequence[ShipmentHold]:
    """The other screening hits for which the same parcel waits, where `one` is such a hit."""
    if one.kind is not HoldKind.SCREENING:
        return []
    return [
        hold
        for hold in live_holds(session, [one.shipment_id])
        if hold.kind is HoldKind.SCREENING and hold.verdict is None and hold.id != one.id
    ]


def queue(
    session: Session, challenge_id: int, kind: str = "", after: str | None = None, limit: int = 50
) -> Page[ShipmentHold]:
    """What waits for somebody's verdict, the oldest first. Raises NotFound for a kind that there is not."""
    rows = (
        sa.select(ShipmentHold)
        .join(ShipmentHold.shipment)
        .options(contains_eager(ShipmentHold.shipment).joinedload(Shipment.participant))
        .where(Shipment.challenge_id == challenge_id, ShipmentHold.lifted_at.is_(None))
    )
    if kind == "confirmed":
        rows = rows.where(ShipmentHold.verdict == Judgement.CONFIRMED)
    else:
        rows = rows.where(ShipmentHold.verdict.is_(None))
        if kind and kind not in list(HoldKind):
            raise NotFound("kind")
        rows = rows.where(ShipmentHold.kind == HoldKind(kind)) if kind else rows
    order = [(ShipmentHold.placed_at, "asc"), (ShipmentHold.id, "asc")]
    return keyset(session, rows, order=order, after=after, limit=limit)


def queue_counts(session: Session, challenge_id: int) -> dict[str, int]:
    """How many holds of each kind wait for a verdict; "confirmed" those that have had theirs."""
    kind = sa.cast(ShipmentHold.kind, sa.String(32))
    confirmed = sa.case((ShipmentHold.verdict.is_not(None), "confirmed"), else_=kind)
    rows = session.execute(
        sa.select(confirmed, sa.func.count())
        .join(Shipment, Shipment.id == ShipmentHold.shipment_id)
        .where(Shipment.challenge_id == challenge_id, ShipmentHold.lifted_at.is_(None))
        .group_by(confirmed)
    )
    return {name: count for name, count in rows}  # noqa: C416 - a row is no pair to dict()


def judges_of(session: Session, holds: Sequence[ShipmentHold]) -> dict[int, str]:
    """The names of those who placed, judged and lifted, by account."""
    ids = {number for hold in holds for number in (hold.placed_by_id, hold.judged_by_id, hold.lifted_by_id) if number}
    rows = session.execute(sa.select(Account.id, Account.name).where(Account.id.in_(ids)))
    return {account_id: name for account_id, name in rows}  # noqa: C416 - a row is no pair to dict()


def findings(session: Session, participant_id: int) -> Sequence[AddressFinding]:
    """What speaks against a participant's address as it is now."""
    rows = sa.select(AddressFinding).where(AddressFinding.participant_id == participant_id)
    return session.scalars(rows.order_by(AddressFinding.id)).all()


def cleared(session: Session, participant_id: int, version: int) -> set[tuple[HoldKind, str]]:
    """What somebody has cleared for this very address."""
    rows = session.execute(
        sa.select(ShipmentHold.kind, ShipmentHold.ref)
        .join(Shipment, Shipment.id == ShipmentHold.shipment_id)
        .where(
            Shipment.participant_id == participant_id,
            ShipmentHold.address_version == version,
            ShipmentHold.verdict == Judgement.CLEARED,
        )
    )
    return {(kind, ref) for kind, ref in rows}


def not_handed_over(session: Session, participant_id: int) -> Sequence[tuple[int, int]]:
    """Challenge and number of the participant's parcels that no carrier has yet."""
    rows = session.execute(
        sa.select(Shipment.challenge_id, Shipment.id)
        .where(Shipment.participant_id == participant_id, Shipment.state.in_(BEFORE_HAND_OVER))
        .order_by(Shipment.id)
    )
    return [(challenge_id, shipment_id) for challenge_id, shipment_id in rows]


def lock_address(session: Session, participant_id: int) -> DeliveryAddress | None:
    """The participant's address, which nobody else judges or plans for until the commit."""
    return session.scalars(
        sa.select(DeliveryAddress)
        .options(undefer(DeliveryAddress.sealed))
        .where(DeliveryAddress.participant_id == participant_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
