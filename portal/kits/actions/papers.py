"""What a parcel's papers need: who sends it, and the addresses, each opened for a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.errors import Invalid
from portal.kits.actions.story import note
from portal.kits.models import Sender, Shipment
from portal.kits.postal import Address
from portal.kits.queries import bench
from portal.kits.vault import Vault


@dataclass(frozen=True, slots=True)
class SenderSpec:
    """What is told of the sender."""

    name: str
    street: str
    city: str
    country: str
    phone: str
    export_reason: str
    company: str = ""
    region: str = ""
    postal_code: str = ""
    tax_id: str = ""
    packaging_g: int = 0


def set_sender(session: Session, challenge: Challenge, spec: SenderSpec, *, by: int, at: datetime) -> Sender:
    """Say who sends the challenge's parcels."""
    kept = bench.sender(session, challenge.id)
    before = {name: getattr(kept, name) for name in asdict(spec)} if kept else None
    if kept is None:
        kept = Sender(challenge_id=challenge.id)
        session.add(kept)
    for name, value in asdict(spec).items():
        setattr(kept, name, value)
    kept.changed_at, kept.changed_by_id = at, by
    session.flush()
    audit.record(
        session, "kits:set-sender", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug, before=before,
        after=asdict(spec),
    )  # fmt: skip
    return kept


def open_addresses(
    session: Session, shipments: Sequence[Shipment], reason: str, paper: str, *, vault: Vault, by: int, at: datetime
) -> Mapping[int, Address]:
    """The addresses of these parcels by the parcels' ids; who had them printed, on what and why is in the audit.

    A parcel without an address is left out. Raises Invalid without a reason.
    """
    if not reason:
        raise Invalid({"reason": "Say why you need it."})
    sealed = bench.addresses(session, {parcel.participant_id for parcel in shipments})
    opened = {}
    for parcel in shipments:
        kept = sealed.get(parcel.participant_id)
        if kept is None or kept.sealed is None:
            continue
        opened[parcel.id] = Address.of(vault.open(kept.sealed, f"participant:{parcel.participant_id}"))
        note(session, parcel, "reveal-address", by=by, at=at, reason=reason, paper=paper)
    return opened
