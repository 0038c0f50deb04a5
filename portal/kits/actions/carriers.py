"""Files for carriers' programs, and the tracking numbers that come back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import take
from portal.kits import rules, states
from portal.kits.actions.judging import subject as address_subject
from portal.kits.actions.story import OURSELVES
from portal.kits.models import CarrierExport, Shipment, ShipmentEvent
from portal.kits.postal import Address
from portal.kits.queries import carriers as queries
from portal.kits.rules.carriers import Profile
from portal.kits.rules.carriers.files import File, bundle, files_of
from portal.kits.rules.carriers.preflight import row_of
from portal.kits.rules.carriers.profile import Consignment, Fault, Goods, Options, Row
from portal.kits.rules.carriers.returns import Line, Table, Verdict, judged, lines_of
from portal.kits.vault import Vault


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asks for: parcels for a program, why, and what is to stand in a cell instead (by parcel, place)."""

    profile: Profile
    options: Options
    chosen: frozenset[int]
    reason: str
    typed: Mapping[int, Mapping[int, str]] = field(default_factory=dict)


def check_for_carrier(
    session: Session, challenge: Challenge, order: Order, *, vault: Vault, by: int, at: datetime
) -> list[Row]:
    """Open the addresses of the chosen parcels and hold them against the program's table.

    Each opening is in the audit. Raises Invalid without a reason, Conflict where a parcel is packed no more.
    """
    rows = _rows(session, challenge, order, vault)
    _note(session, challenge, order, rows, "check-for-carrier", by=by, at=at)
    return rows


def export_for_carrier(
    session: Session, challenge: Challenge, order: Order, *, vault: Vault, by: int, at: datetime
) -> tuple[list[Row], File | None]:
    """The file for a program, or a zip of several; none where a row does not fit, which its faults tell.

    It is kept nowhere; that it was made, and its hash, are. Raises as `check_for_carrier` does.
    """
    rows = _rows(session, challenge, order, vault)
    if any(row.faults for row in rows):
        _note(session, challenge, order, rows, "check-for-carrier", by=by, at=at)
        return rows, None
    _note(session, challenge, order, rows, "export-for-carrier", by=by, at=at)
    stem = f"{challenge.slug}-{order.profile.name}-{at:%Y-%m-%d-%H%M}"
    files = files_of(order.profile, rows, stem)
    made = CarrierExport(
        challenge_id=challenge.id, profile=order.profile.name, count=len(rows), at=at, by_id=by,
        files=[(file.name, file.rows, file.sha256) for file in files],
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.record(
        session, "kits:export-for-carrier", f"carrier-export:{made.id}", by=by, at=at, scope=challenge.slug,
        after={"profile": made.profile, "parcels": [row.reference for row in rows], "files": made.files},
        reason=order.reason,
    )  # fmt: skip
    return rows, bundle(files, stem)


def _rows(session: Session, challenge: Challenge, order: Order, vault: Vault) -> list[Row]:
    """The chosen parcels as rows."""
    if not order.reason:
        raise Invalid({"reason": "Say why you need them."})
    parcels = [parcel for parcel in queries.packed(session, challenge.id) if parcel.id in order.chosen]
    _check_all_there(order.chosen, {parcel.id for parcel in parcels})
    people = {parcel.participant_id for parcel in parcels}
    sealed = queries.sealed_addresses(session, people)
    emails = queries.contacts(session, people)
    rows = []
    for parcel in parcels:
        subject, secret = address_subject(parcel.participant_id), sealed.get(parcel.participant_id)
        if secret is None:
            rows.append(Row(parcel.id, parcel.reference, (), (Fault("There is no address any more.", ()),)))
            continue
        address = Address.of(vault.open(secret, subject))
        consignment = _consignment(parcel, address, emails.get(parcel.participant_id, ""))
        rows.append(row_of(order.profile, consignment, order.options, order.typed.get(parcel.id)))
    return rows


def _note(
    session: Session, challenge: Challenge, order: Order, rows: Sequence[Row], verb: str, *, by: int, at: datetime
) -> None:
    """Note each address that was opened; of what was typed over, the columns alone."""
    for row in rows:
        if not row.cells:
            continue
        after: dict[str, object] = {"profile": order.profile.name}
        if row.typed:
            after["typed"] = [order.profile.columns[place].name for place in sorted(row.typed)]
        audit.record(
            session, f"kits:{verb}", f"shipment:{row.id}", by=by, at=at, scope=challenge.slug, after=after,
            reason=order.reason,
        )  # fmt: skip


def _check_all_there(chosen: Collection[int], found: Collection[int]) -> None:
    if not chosen:
        raise Invalid({"parcels": "Choose at least one parcel."})
    missing = sorted(set(chosen) - set(found))
    if missing:
        names = ", ".join(f"S-{number}" for number in missing)
        raise Conflict(f"Not packed any more: {names}. Look at the list again.")


def _consignment(parcel: Shipment, address: Address, email: str) -> Consignment:
    models = [unit.model for unit in parcel.units]
    labels = list(dict.fromkeys(model.label for model in models))
    counts = {label: sum(model.label == label for model in models) for label in labels}
    currencies = {model.currency for model in models}
    goods = Goods(
        description=", ".join(f"{count} x {label}" for label, count in counts.items()),
        weight_g=sum(model.weight_g for model in models),
        value=sum((model.declared_value for model in models), Decimal(0)),
        currency=currencies.pop() if len(currencies) == 1 else "",
        hs_codes=tuple(sorted({model.hs_code for model in models if model.hs_code})),
        origins=tuple(sorted({model.origin for model in models if model.origin})),
        serials=tuple(unit.serial for unit in parcel.units),
    )
    return Consignment(parcel.id, parcel.reference, address, email, goods)


def check_numbers(
    session: Session, challenge: Challenge, table: Table, columns: Mapping[str, int], carrier: str
) -> list[Line]:
    """What would become of each row of a file of tracking numbers. Nothing is changed."""
    return _judged(session, challenge, table, columns, carrier, lock=False)[0]


def take_numbers(
    session: Session, challenge: Challenge, table: Table, columns: Mapping[str, int], carrier: str, *,
    seen: int | None, skip_faulty: bool, by: int, at: datetime,
) -> list[Line]:  # fmt: skip
    """Label the parcels of the good rows; rows that are there already change nothing.

    `seen` is how many good rows the person saw. Raises Conflict where it is another number by now, or somebody moves a
    parcel at the same moment; Refused where rows are faulty and are not to be skipped.
    """
    lines, parcels = _judged(session, challenge, table, columns, carrier, lock=True)
    faulty = sum(line.verdict is Verdict.FAULTY for line in lines)
    if faulty and not skip_faulty:
        raise Refused(f"Rows that are faulty: {faulty}. Mend them, or skip them.")
    good = [line for line in lines if line.verdict is Verdict.GOOD]
    rules.check_count(seen, len(good))
    _label(session, challenge, [(parcels[line.id], line) for line in good if line.id], by=by, at=at)
    return lines


def _judged(
    session: Session, challenge: Challenge, table: Table, columns: Mapping[str, int], carrier: str, *, lock: bool
) -> tuple[list[Line], dict[int, Shipment]]:
    lines = lines_of(table, columns, carrier)
    known = queries.known_parcels(session, challenge.id, {line.id for line in lines if line.id}, lock=lock)
    taken = queries.numbers_taken(session, {line.number for line in lines if line.verdict is Verdict.GOOD})
    told = judged(lines, {number: facts for number, (_, facts) in known.items()}, taken)
    return told, {number: parcel for number, (parcel, _) in known.items()}


def _label(
    session: Session, challenge: Challenge, pairs: Sequence[tuple[Shipment, Line]], *, by: int, at: datetime
) -> None:
    """The step “label” for many: one statement a parcel, one for all lines of the story, one for the audit."""
    label, told = states.LABEL, []
    for parcel, line in pairs:
        number = parcel.id
        with conflicts():
            take(session, parcel, label, at=at, carrier=line.carrier, tracking_number=line.number)
        told.append(
            {
                "shipment_id": number, "provider": OURSELVES, "event_key": f"{number}:{label.name}:{at.isoformat()}",
                "status": label.target, "title": "Labelled", "occurred_at": at, "recorded_at": at, "account_id": by,
            }
        )  # fmt: skip
        audit.record(
            session, f"kits:{label.name}", f"shipment:{number}", by=by, at=at, scope=challenge.slug,
            after={"state": label.target, "was": "packed", "from": "a file"},
        )  # fmt: skip
    if told:
        session.execute(sa.insert(ShipmentEvent), told)
