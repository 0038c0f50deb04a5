"""What goes into the files for carriers' programs, and what comes back from them."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload, undefer

from portal.accounts.models import Account
from portal.challenges.models import Member
from portal.challenges.states import MemberRole
from portal.core.paging import Page, keyset
from portal.kits.models import CarrierExport, DeliveryAddress, Shipment, ShipmentUnit, Unit
from portal.kits.rules.carriers.returns import Known
from portal.kits.states import ShipmentState


def packed(session: Session, challenge_id: int) -> Sequence[Shipment]:
    """The parcels that wait for a label, with what is in them, by number. The courier's program makes the label."""
    return session.scalars(
        sa.select(Shipment)
        .options(
            joinedload(Shipment.participant), joinedload(Shipment.challenge),
            selectinload(Shipment.places).joinedload(ShipmentUnit.unit).joinedload(Unit.model),
        )
        .where(Shipment.challenge_id == challenge_id, Shipment.state == ShipmentState.PACKED)
        .order_by(Shipment.id)
    ).all()  # fmt: skip


def sealed_addresses(session: Session, participant_ids: Collection[int]) -> dict[int, bytes]:
    """The addresses of these participants, sealed, where there are any."""
    found = session.scalars(
        sa.select(DeliveryAddress)
        .options(undefer(DeliveryAddress.sealed))
        .where(DeliveryAddress.participant_id.in_(participant_ids))
    )
    return {address.participant_id: address.sealed for address in found if address.sealed is not None}


def contacts(session: Session, participant_ids: Collection[int]) -> dict[int, str]:
    """The e-mail address of each participant: of the member who leads, else of the first who is active."""
    rows = session.execute(
        sa.select(Member.participant_id, Account.email)
        .join(Account, Account.id == Member.account_id)
        .where(Member.participant_id.in_(participant_ids), Account.active)
        .order_by(Member.role == MemberRole.LEAD, Member.id.desc())
    )
    # The last one counts.
    return {participant_id: email for participant_id, email in rows}  # noqa: C416 - a row is no pair to dict()


def exports(session: Session, challenge_id: int, after: str | None = None, limit: int = 20) -> Page[CarrierExport]:
    """The files that were made, the newest first."""
    rows = (
        sa.select(CarrierExport)
        .options(joinedload(CarrierExport.by))
        .where(CarrierExport.challenge_id == challenge_id)
    )  # fmt: skip
    return keyset(session, rows, order=[(CarrierExport.id, "desc")], after=after, limit=limit)


def known_parcels(
    session: Session, challenge_id: int, ids: Collection[int], *, lock: bool = False
) -> dict[int, tuple[Shipment, Known]]:
    """These parcels of a challenge, with what a tracking number needs to know. `lock` keeps others from moving them."""
    rows = (
        sa.select(Shipment, DeliveryAddress.participant_id)
        .outerjoin(
            DeliveryAddress,
            sa.and_(
                DeliveryAddress.participant_id == Shipment.participant_id, DeliveryAddress.purged_at.is_(None)
            ),
        )
        .where(Shipment.challenge_id == challenge_id, Shipment.id.in_(ids))
        .order_by(Shipment.id)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    found = session.execute(rows.with_for_update(of=Shipment) if lock else rows)
    return {
        parcel.id: (parcel, Known(parcel.state, parcel.carrier, parcel.tracking_number, address is not None))
        for parcel, address in found
    }


def numbers_taken(session: Session, numbers: Collection[str]) -> dict[tuple[str, str], int]:
    """Which parcel, of whatever challenge, has one of these tracking numbers, by carrier and number."""
    rows = session.execute(
        sa.select(Shipment.carrier, Shipment.tracking_number, Shipment.id).where(Shipment.tracking_number.in_(numbers))
    )
    return {(carrier or "", number or ""): shipment_id for carrier, number, shipment_id in rows}
