"""Addresses: given by the participant, sealed at once, seen only for a reason, forgotten in time."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, NotFound, Refused
from portal.kits import queries, rules, states
from portal.kits.actions.judging import judge_address, subject
from portal.kits.actions.returns import forget_labels
from portal.kits.actions.story import Line, note, step, tell
from portal.kits.models import AddressFinding, DeliveryAddress, Shipment, ShipmentHold
from portal.kits.postal import Address
from portal.kits.queries.holds import lock_address
from portal.kits.vault import Vault


def give_address(
    session: Session, member: Member, address: Address, *, doubtful: bool, vault: Vault, at: datetime
) -> None:
    """Set where the participant's parcels go. What was prepared for another address is prepared again.

    It is held against policies and lists at once. Raises Refused while a parcel is under way.
    """
    parcels = queries.parcels_of(session, member.participant_id)
    rules.check_address_change(parcel.state for parcel in parcels)
    kept = lock_address(session, member.participant_id)
    if kept is None:
        kept = DeliveryAddress(participant_id=member.participant_id, version=1)
        session.add(kept)
    elif kept.sealed is None or _opened(kept, vault) != address:
        kept.version += 1
    kept.sealed, kept.sealed_with = vault.seal(address.content(), subject(member.participant_id)), vault.key
    kept.country, kept.doubtful, kept.purged_at = address.country, doubtful, None
    kept.given_at, kept.given_by_id = at, member.account_id
    with conflicts():
        session.flush()
    audit.record(
        session, "kits:give-address", subject(member.participant_id), by=member.account_id, at=at,
        scope=member.participant.challenge.slug, after={"country": address.country, "doubtful": doubtful},
    )  # fmt: skip
    for parcel in parcels:
        _follow(session, queries.own_parcel(session, member.participant_id, parcel.id), by=member.account_id, at=at)
    judge_address(session, kept, address, by=None, at=at)


def _opened(kept: DeliveryAddress, vault: Vault) -> Address | None:
    """What is kept, in clear; None where its key is none of ours: then whatever replaces it is another address."""
    assert kept.sealed is not None
    try:
        return Address.of(vault.open(kept.sealed, subject(kept.participant_id)))
    except Refused:
        return None


def _follow(session: Session, shipment: Shipment, *, by: int, at: datetime) -> None:
    """Let a parcel go on, or back, with its address."""
    if shipment.state in states.CONFIRM_ADDRESS.sources:
        step(session, shipment, states.CONFIRM_ADDRESS, by=by, at=at)
        title = "Address given"
    elif shipment.state in states.CHANGE_ADDRESS.sources:
        step(session, shipment, states.CHANGE_ADDRESS, by=by, at=at, changes={"carrier": None, "tracking_number": None})
        title = "Address changed: it is prepared again"
    else:
        return
    key = f"{shipment.id}:address:{at.isoformat()}"
    tell(session, shipment, Line(title, key, status=shipment.state), by=by, at=at)


def own_address(session: Session, member: Member, vault: Vault) -> Address | None:
    """The address as the participant gave it; None where there is none, or no more.

    Raises Refused where its key is none of ours.
    """
    kept = queries.address_of(session, member.participant_id, sealed=True)
    if kept is None or kept.sealed is None:
        return None
    return Address.of(vault.open(kept.sealed, subject(member.participant_id)))


def own_address_if_open(session: Session, member: Member, vault: Vault) -> Address | None:
    """The same; None where its key is none of ours. The participant can give it anew."""
    try:
        return own_address(session, member, vault)
    except Refused:
        return None


def reveal_address(
    session: Session, shipment: Shipment, reason: str, *, vault: Vault, by: int, at: datetime
) -> Address:
    """Show an address to logistics; who saw it and why is in the audit. Raises NotFound where there is none."""
    if not reason:
        raise Invalid({"reason": "Say why you need it."})
    kept = queries.address_of(session, shipment.participant_id, sealed=True)
    if kept is None or kept.sealed is None:
        raise NotFound("address")
    note(session, shipment, "reveal-address", by=by, at=at, reason=reason)
    return Address.of(vault.open(kept.sealed, subject(shipment.participant_id)))


def purge_address(session: Session, participant_id: int, *, at: datetime) -> bool:
    """Forget an address and what was found about it; its country stays. False if it was gone already."""
    gone = forget_addresses(session, [DeliveryAddress.participant_id == participant_id], at=at)
    if not gone:
        return False
    audit.record(session, "kits:purge-address", subject(participant_id), by=None, at=at)
    return True


def forget_addresses(session: Session, which: Collection[sa.ColumnElement[bool]], *, at: datetime) -> Sequence[int]:
    """Forget these addresses, what else shows them, and which entries of lists they are like; verdicts stay.

    Whose they were.
    """
    gone = session.scalars(
        sa.update(DeliveryAddress)
        .where(DeliveryAddress.purged_at.is_(None), *which)
        .values(sealed=None, sealed_with=None, judged_by=None, purged_at=at)
        .returning(DeliveryAddress.participant_id)
        .execution_options(synchronize_session=False)
    ).all()
    parcels = sa.select(Shipment.id).where(Shipment.participant_id.in_(gone))
    if gone:
        session.execute(
            sa.delete(AddressFinding)
            .where(AddressFinding.participant_id.in_(gone))
            .execution_options(synchronize_session=False)
        )
        session.execute(
            sa.update(ShipmentHold)
            .where(ShipmentHold.shipment_id.in_(parcels))
            .values(evidence={}, field="", score=None)
            .execution_options(synchronize_session=False)
        )
        forget_labels(session, gone)
        session.expire_all()
    return gone
