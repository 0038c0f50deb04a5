"""Packing by scanner: each scan is dealt with once, in the order in which it was made, and its words are kept.

The parcel that is open before somebody, the question that waits for an answer and every scan are rows, so that a
reload, a crash or another device loses nothing.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, NotFound, Refused
from portal.core.moves import take
from portal.kits import queries, states
from portal.kits.actions.shipments import Given, advance, assign_unit
from portal.kits.actions.story import note
from portal.kits.models import PackingScan, PackingStation, Shipment, ShipmentUnit, Unit
from portal.kits.queries import packing as found
from portal.kits.rules import codes
from portal.kits.rules import packing as rules
from portal.kits.rules.packing import Box, Finding
from portal.kits.states.packing import Act, ScanResult

R = ScanResult


class Typed(NamedTuple):
    """What came from the bench. `key` names this scan; the same one sent again is the same scan."""

    code: str
    key: str
    act: Act = Act.SCAN

    @property
    def digest(self) -> str:
        """Sixty-four signs that stand for key, act and code."""
        return hashlib.sha256(f"{self.key}\0{self.act}\0{self.code}".encode()).hexdigest()


@dataclass(slots=True)
class _Bench:
    """One scan being dealt with: who stands at the bench, and what it has come to so far."""

    session: Session
    challenge: Challenge
    station: PackingStation
    by: int
    at: datetime
    replaced: ShipmentUnit | None = None

    def box(self, shipment_id: int) -> Box:
        """A parcel as it is now, and what belongs into it."""
        parcel = queries.shipment(self.session, self.challenge.id, shipment_id)
        further = parcel.id in found.further(self.session, [parcel])
        return rules.look_into(parcel, queries.models(self.session, self.challenge.id), further=further)

    def present(self) -> Box | None:
        """The open parcel, which nobody can move until this scan is done."""
        if self.station.shipment_id is None:
            return None
        found.hold_still(self.session, self.station.shipment_id)
        return self.box(self.station.shipment_id)

    def open(self, shipment_id: int | None) -> None:
        """Put a parcel before the person, or put aside the one that is there."""
        self.station.shipment_id, self.station.since = shipment_id, self.at if shipment_id else None
        with conflicts():
            self.session.flush()


def scan(
    session: Session, challenge: Challenge, typed: Typed, packing_page: str, *, by: int, at: datetime
) -> PackingScan:
    """Deal with a scan, or tell again what it came to. A wrong one changes nothing but the list of scans.

    Raises Conflict where others are in the way again and again; the same scan may then be sent once more.
    """
    station = found.own_station(session, challenge.id, by)
    known = found.scan_by_key(session, station, typed.digest)
    if known is not None:
        return known
    bench = _Bench(session, challenge, station, by, at)
    finding = _settled(bench, typed, packing_page)
    if finding.result is not R.ASKED:
        station.asked_id = station.asked_at = None
    made = PackingScan(
        station_id=station.id, key=typed.digest, code=typed.code[:120], result=finding.result, words=finding.words,
        shipment_id=station.shipment_id, place_id=finding.place.id if finding.place else None,
        replaced_id=bench.replaced.id if bench.replaced else None, at=at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _settled(bench: _Bench, typed: Typed, packing_page: str) -> Finding:
    """What a scan comes to. Who loses a race looks once more and then sees why; what a rule refuses is a wrong scan."""
    for last in (False, True):
        try:
            with bench.session.begin_nested():
                return _dealt_with(bench, typed, packing_page)
        except Conflict:
            if last:
                raise
        except Refused as refusal:
            return Finding(R.INCOMPLETE, refusal.reason)
        bench.session.expire_all()
    raise AssertionError


def _dealt_with(bench: _Bench, typed: Typed, packing_page: str) -> Finding:
    bench.replaced = None
    if typed.act is Act.UNDO:
        return _undo(bench)
    if typed.act is Act.LEAVE:
        return _leave(bench)
    if not typed.code.strip():
        return _close(bench)
    code = codes.read_code(typed.code, packing_page)
    if code.foreign:
        return rules.foreign_code()
    if code.parcel is not None:
        return _slip(bench, code.parcel, sure=typed.act is Act.ANYWAY)
    return _serial(bench, code.text)


# Slips


def _slip(bench: _Bench, shipment_id: int, *, sure: bool) -> Finding:
    """Open a parcel, and close the one before it where that is complete; ask where it is not."""
    present = bench.present()
    try:
        wanted = present if present and present.parcel.id == shipment_id else bench.box(shipment_id)
    except NotFound:
        return rules.unknown_slip(f"S-{shipment_id}")
    barred = rules.not_ready(wanted.parcel)
    if barred:
        if wanted is present:
            bench.open(None)
        return barred
    if wanted is present:
        return Finding(R.OPENED, f"{wanted.parcel.reference} is open. {rules.next_step(wanted)}")
    other = found.other_station(bench.session, bench.station, shipment_id)
    question = _question(present, wanted, other, bench.at)
    again = bench.station.asked_id == shipment_id and rules.confirmed(bench.station.asked_at, bench.at)
    if question and not (sure or again):
        if bench.station.asked_id != shipment_id:
            bench.station.asked_id, bench.station.asked_at = shipment_id, bench.at
        return Finding(R.ASKED, question)
    return _open(bench, present, wanted, other)


def _question(present: Box | None, wanted: Box, other: PackingStation | None, at: datetime) -> str:
    """What is to be asked before another parcel is opened; "" for nothing."""
    doubts = []
    if present and rules.not_ready(present.parcel) is None and not present.complete:
        doubts.append(f"{present.parcel.reference} is incomplete: it lacks {rules.lacks(present) or 'everything'}.")
    if other:
        minutes = int((at - (other.since or at)).total_seconds() // 60)
        since = f"for {minutes} min" if minutes else "since a moment ago"
        doubts.append(f"{other.account.name} has had {wanted.parcel.reference} open {since}.")
    if not doubts:
        return ""
    return " ".join([*doubts, f"Go on with {wanted.parcel.reference} all the same? Then scan its slip once more."])


def _open(bench: _Bench, present: Box | None, wanted: Box, other: PackingStation | None) -> Finding:
    before = ""
    if present:
        barred = rules.not_ready(present.parcel)
        if barred:
            before = f"{barred.words} "
        elif present.complete:
            _pack(bench, present)
            before = f"{present.parcel.reference} is packed. "
        else:
            before = f"{present.parcel.reference} is left incomplete. "
    if other:
        other.shipment_id = other.since = None
        bench.session.flush()
        note(bench.session, wanted.parcel, "take-over", by=bench.by, at=bench.at, taken_from=other.account_id)
    bench.open(wanted.parcel.id)
    to = f"{wanted.parcel.reference} to {wanted.parcel.participant.name} is open."
    return Finding(R.OPENED, f"{before}{to} {rules.next_step(wanted)}")


def _pack(bench: _Bench, box: Box) -> None:
    advance(bench.session, box.parcel, states.PACK, Given(), by=bench.by, at=bench.at)
    bench.open(None)


def _close(bench: _Bench) -> Finding:
    """Enter on an empty field: the open parcel is packed, if it is complete."""
    present = bench.present()
    if present is None:
        return Finding(R.NOTHING, "Nothing was scanned, and no parcel is open. Scan a slip.")
    barred = rules.not_ready(present.parcel)
    if barred:
        bench.open(None)
        return barred
    if not present.complete:
        return rules.incomplete(present)
    _pack(bench, present)
    return Finding(R.PACKED, f"{present.parcel.reference} is packed. Scan the next slip.")


def _leave(bench: _Bench) -> Finding:
    """Put the open parcel aside as it is."""
    present = bench.present()
    if present is None:
        return Finding(R.NOTHING, "No parcel is open. Scan a slip.")
    bench.open(None)
    return Finding(R.LEFT, f"{present.parcel.reference} is put aside as it is. Scan its slip to go on with it.")


# Units


def _serial(bench: _Bench, text: str) -> Finding:
    """Check a unit off, take it from the stock, or say why it cannot go."""
    present = bench.present()
    barred = rules.not_ready(present.parcel) if present else None
    if barred:
        bench.open(None)
        return barred
    unit = found.unit_scanned(bench.session, bench.challenge.id, text)
    if unit is None:
        return rules.unknown_serial(text)
    bound = found.live_place(bench.session, unit)
    if present is None:
        return rules.without_parcel(unit, bound)
    return _done(bench, present, unit, rules.judge_unit(present, unit, bound))


def _done(bench: _Bench, box: Box, unit: Unit, finding: Finding) -> Finding:
    """Do what was found, and add to the words what comes next."""
    parcel, place = box.parcel, finding.place
    if finding.result is R.CHECKED and place is not None:
        _check_off(bench, parcel, place)
    elif finding.result is R.SWAPPED and place is not None:
        swap_unit(bench.session, parcel, place, unit, by=bench.by, at=bench.at)
        bench.replaced = place
    elif finding.result is R.ADDED:
        assign_unit(bench.session, parcel, unit, by=bench.by, at=bench.at)
    else:
        return finding
    now = bench.box(parcel.id)
    made = next((place for place in now.scanned if place.unit_id == unit.id), None)
    if made is None:
        raise Conflict(f"Somebody has just taken {unit.serial} out of {parcel.reference}.")
    return Finding(finding.result, f"{finding.words} {rules.next_step(now)}", made)


def _check_off(bench: _Bench, parcel: Shipment, place: ShipmentUnit) -> None:
    place.scanned_at = bench.at
    bench.session.flush()
    note(bench.session, parcel, "scan-unit", by=bench.by, at=bench.at, serial=place.unit.serial)


def swap_unit(session: Session, shipment: Shipment, place: ShipmentUnit, unit: Unit, *, by: int, at: datetime) -> None:
    """Let a free unit that is at hand take the place of one that was reserved for a parcel.

    Raises Conflict where somebody else has just taken either of them.
    """
    take(session, unit, states.RESERVE, at=at)
    take(session, place.unit, states.RELEASE, at=at)
    place.live = False
    session.add(ShipmentUnit(shipment_id=shipment.id, unit_id=unit.id, since=at, scanned_at=at))
    with conflicts():
        session.flush()
    session.expire(shipment, ["places"])
    note(session, shipment, "swap-unit", by=by, at=at, serial=unit.serial, instead_of=place.unit.serial)


# Taking back


def _undo(bench: _Bench) -> Finding:
    """Take back the last scan that changed the open parcel."""
    present = bench.present()
    barred = rules.not_ready(present.parcel) if present else None
    if barred:
        bench.open(None)
        return barred
    last = found.last_change(bench.session, bench.station)
    if present is None or last is None or last.place is None or not last.place.live:
        return Finding(R.NOTHING, "There is no scan of the open parcel that could be taken back.")
    last.undone_at = bench.at
    serial = last.place.unit.serial
    if last.result is R.CHECKED:
        last.place.scanned_at = None
        words = f"{serial} counts as not scanned."
    else:
        take(bench.session, last.place.unit, states.RELEASE, at=bench.at)
        last.place.live = False
        words = f"{serial} is back in stock: put it on the shelf."
        if last.replaced is not None:
            words += _put_back(bench, present.parcel, last.replaced)
    bench.session.flush()
    bench.session.expire(present.parcel, ["places"])
    note(bench.session, present.parcel, "undo-scan", by=bench.by, at=bench.at, serial=serial)
    return Finding(R.UNDONE, f"{words} {rules.next_step(bench.box(present.parcel.id))}")


def _put_back(bench: _Bench, parcel: Shipment, replaced: ShipmentUnit) -> str:
    """Reserve for the parcel again what had to make room, if it is still free."""
    unit = replaced.unit
    if unit.state not in states.RESERVE.sources:
        return f" {unit.serial} is not free any more."
    take(bench.session, unit, states.RESERVE, at=bench.at)
    bench.session.add(ShipmentUnit(shipment_id=parcel.id, unit_id=unit.id, since=bench.at))
    with conflicts():
        bench.session.flush()
    return f" {unit.serial} is reserved for {parcel.reference} again."
