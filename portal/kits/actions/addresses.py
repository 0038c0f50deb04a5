"""Addresses: given by the participant, sealed at once, seen only for a reason, forgotten in time."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, NotFound
from portal.kits import queries, rules, states
from portal.kits.actions.returns import forget_labels
from portal.kits.actions.story import Line, note, step, tell
from portal.kits.models import DeliveryAddress, Shipment
from portal.kits.postal import Address
from portal.kits.vault import Vault


def _subject(participant_id: int) -> str:
    return f"participant:{participant_id}"


def give_address(
    session: Session, member: Member, address: Address, *, doubtful: bool, vault: Vault, at: datetime
) -> None:
    """Set where the participant's parcels go. What was prepared for another address is prepared again.

    Raises Refused while a parcel is under way.
    """
    parcels = queries.parcels_of(session, member.participant_id)
    rules.check_address_change(parcel.state for parcel in parcels)
    kept = queries.address_of(session, member.participant_id, sealed=True)
    if kept is None:
        kept = DeliveryAddress(participant_id=member.participant_id)
        session.add(kept)
    kept.sealed = vault.seal(address.content(), _subject(member.participant_id))
    kept.country, kept.doubtful, kept.purged_at = address.country, doubtful, None
    kept.given_at, kept.given_by_id = at, member.account_id
    with conflicts():
        session.flush()
    audit.record(
        session, "kits:give-address", _subject(member.participant_id), by=member.account_id, at=at,
        scope=member.participant.challenge.slug, after={"country": address.country, "doubtful": doubtful},
    )  # fmt: skip
    for parcel in parcels:
        _follow(session, queries.own_parcel(session, member.participant_id, parcel.id), by=member.account_id, at=at)


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
    """The address as the participant gave it; None where there is none, or no more."""
    kept = queries.address_of(session, member.participant_id, sealed=True)
    if kept is None or kept.sealed is None:
        return None
    return Address.of(vault.open(kept.sealed, _subject(member.participant_id)))


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
    return Address.of(vault.open(kept.sealed, _subject(shipment.participant_id)))


def purge_address(session: Session, participant_id: int, *, at: datetime) -> bool:
    """Forget an address and what else shows it; its country stays. False if it was gone already."""
    gone = session.execute(
        sa.update(DeliveryAddress)
        .where(DeliveryAddress.participant_id == participant_id, DeliveryAddress.purged_at.is_(None))
        .values(sealed=None, purged_at=at)
        .returning(DeliveryAddress.participant_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if gone is None:
        return False
    forget_labels(session, participant_id)
    audit.record(session, "kits:purge-address", _subject(participant_id), by=None, at=at)
    return True
