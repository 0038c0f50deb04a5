"""Kits of the demonstration: addresses, and every parcel's way through the same steps as a real one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal.challenges.models import Member
from portal.core.moves import Move
from portal.demo.world import Stage, World
from portal.kits import states
from portal.kits.actions import addresses, packing, replacements, shipments, tracking
from portal.kits.models import Shipment, Unit
from portal.kits.postal import Address
from portal.kits.states import ShipmentState, UnitState, Word
from portal.kits.vault import Vault

CARRIERS = ("UPS", "DHL", "FedEx")
# City, region, postal code and the country's telephone prefix of somewhere in each participant's country.
SOMEWHERE = {
    "AR": ("Buenos Aires", "Buenos Aires", "C1425", "54"), "AU": ("Newtown", "NSW", "2042", "61"),
    "BR": ("Campinas", "SP", "13083-970", "55"), "CA": ("Toronto", "ON", "M5S 2E4", "1"),
    "CN": ("Hangzhou", "Zhejiang", "310027", "86"), "CZ": ("Brno", "", "602 00", "420"),
    "DE": ("Bochum", "", "44801", "49"), "ES": ("Valencia", "Valencia", "46022", "34"),
    "FR": ("Rennes", "", "35000", "33"), "GB": ("Bristol", "", "BS8 1TR", "44"), "IL": ("Haifa", "", "3200003", "972"),
    "IN": ("Pune", "Maharashtra", "411007", "91"), "IT": ("Milano", "MI", "20133", "39"),
    "JP": ("Chiyoda-ku", "Tokyo", "101-0021", "81"), "KR": ("Seoul", "", "04524", "82"),
    "NL": ("Enschede", "", "7522 NB", "31"), "PL": ("Kraków", "", "30-059", "48"), "SE": ("Lund", "", "223 62", "46"),
    "SG": ("", "", "138632", "65"), "US": ("Boulder", "CO", "80302", "1"), "VN": ("Đà Nẵng", "", "550000", "84"),
}  # fmt: skip
STREETS = ("Mill Lane", "Station Road", "Garden Street", "Observatory Way", "Canal Street", "Workshop Row")


@dataclass
class Parcel:
    """One parcel on its way, and the time that it has reached; nothing happens to it after `until`.

    Of one that `vanishes` nothing is heard once it is in transit.
    """

    world: World
    member: Member
    shipment: Shipment
    at: datetime
    until: datetime
    vanishes: bool = False

    def later(self, least_hours: float, most_hours: float) -> bool:
        """Let some hours pass; whether it is still before the end."""
        step = timedelta(hours=self.world.random.uniform(least_hours, most_hours))
        if self.at + step > self.until:
            return False
        self.at += step
        return True

    def advance(self, move: Move[ShipmentState], **given: str) -> None:
        """One of logistics' steps."""
        by = self.world.staff["logistics"]
        fresh = _whole(self.world, self.shipment.id)
        shipments.advance(self.world.session, fresh, move, shipments.Given(**given), by=by, at=self.at)

    def scan_in(self) -> None:
        """Its slip, what belongs in it, and the press of Enter that closes it, as at the packing bench."""
        session, fresh, by = self.world.session, _whole(self.world, self.shipment.id), self.world.staff["logistics"]
        for number, code in enumerate((fresh.reference, *(unit.serial for unit in fresh.units), "")):
            typed = packing.Typed(code, f"demo:{fresh.id}:{number}")
            packing.scan(session, fresh.challenge, typed, "", by=by, at=self.at)

    def scan(self, status: ShipmentState) -> None:
        """The carrier tells of it."""
        key = f"demo:{self.shipment.id}:{status}:{self.at.isoformat()}"
        news = tracking.Scan("demo", key, status, self.at)
        tracking.note_scan(self.world.session, _whole(self.world, self.shipment.id), news, by=None, at=self.at)


def _whole(world: World, number: int) -> Shipment:
    return world.session.scalars(
        sa.select(Shipment)
        .where(Shipment.id == number)
        .options(
            joinedload(Shipment.challenge), joinedload(Shipment.participant), joinedload(Shipment.places)
        )
    ).unique().one()  # fmt: skip


def address_of(world: World, member: Member) -> Address:
    """An invented address in the person's country."""
    city, region, code, prefix = SOMEWHERE[member.country]
    return Address(
        country=member.country,
        recipient=member.account.name,
        street=f"{world.random.randint(1, 180)} {world.random.choice(STREETS)}",
        city=city,
        region=region,
        postal_code=code,
        phone=f"+{prefix}{world.random.randint(200_000_000, 899_999_999)}",
    )


def ship(
    world: World, stage: Stage, chosen: Sequence[list[Member]], first: datetime, until: Callable[[int], datetime],
    vault: Vault, vanishes: int | None = None,
) -> None:  # fmt: skip
    """Plan a parcel for each of these participants and let it get as far as it does before `until` (of its number)."""
    people = [members[0].participant for members in chosen]
    planned = shipments.plan(world.session, stage.challenge, people, by=world.staff["logistics"], at=first)
    for number, (shipment, members) in enumerate(zip(planned, chosen, strict=True)):
        _send(Parcel(world, members[0], shipment, first, until(number), number == vanishes), vault)


def replace_lost(world: World, stage: Stage, patience: timedelta) -> None:
    """What is in transit for so long after it was handed over is given up, and another parcel goes there."""
    leads = {members[0].participant_id: members[0] for members in stage.participants}
    late = sa.select(Shipment.id).where(
        Shipment.challenge_id == stage.challenge.id, Shipment.state == ShipmentState.IN_TRANSIT
    )
    for number in world.session.scalars(late.order_by(Shipment.id)).all():
        lost, by = _whole(world, number), world.staff["logistics"]
        assert lost.handed_over_at is not None
        given_up = Parcel(world, leads[lost.participant_id], lost, lost.handed_over_at + patience, world.now)
        given_up.advance(states.LOSE, reason="The carrier cannot find it.")
        at = given_up.at + timedelta(hours=2)
        made = replacements.plan(world.session, _whole(world, number), by=by, at=at)
        shipments.assign_unit(world.session, made, free_unit(world, stage.challenge.id), by=by, at=at)
        _pack(Parcel(world, given_up.member, made, at, world.now))


def free_unit(world: World, challenge_id: int) -> Unit:
    """The first one in stock."""
    rows = sa.select(Unit).where(Unit.challenge_id == challenge_id, Unit.state == UnitState.IN_STOCK)
    return world.session.scalars(rows.order_by(Unit.serial).limit(1)).one()


def _send(parcel: Parcel, vault: Vault) -> None:
    """From the plan to the participant's word, or as far as time allows."""
    if parcel.later(1, 6):
        parcel.advance(states.REQUEST_ADDRESS)
        if parcel.later(2, 60):
            address = address_of(parcel.world, parcel.member)
            session = parcel.world.session
            addresses.give_address(session, parcel.member, address, doubtful=False, vault=vault, at=parcel.at)
            _pack(parcel)


def _pack(parcel: Parcel) -> None:
    """What was reserved at the invitation is in the parcel since it was planned."""
    if not parcel.later(4, 40):
        return
    parcel.advance(states.READY)
    if parcel.later(1, 20):
        parcel.scan_in()
        if parcel.later(0.1, 3):
            carrier = parcel.world.random.choice(CARRIERS)
            number = f"1Z{parcel.world.random.randrange(10**15):015}"
            parcel.advance(states.LABEL, carrier=carrier, tracking_number=number)
            if parcel.later(1, 24):
                parcel.advance(states.HAND_OVER)
                _travel(parcel)


def _travel(parcel: Parcel) -> None:
    """What the carrier tells, now and then with a stay at customs."""
    random = parcel.world.random
    stations = [ShipmentState.IN_TRANSIT]
    if random.random() < 0.25:
        stations += [ShipmentState.CUSTOMS_HOLD, ShipmentState.IN_TRANSIT]
    stations += [ShipmentState.OUT_FOR_DELIVERY, ShipmentState.DELIVERED]
    if parcel.vanishes:
        del stations[1:]
    for station in stations:
        if not parcel.later(10, 48):
            return
        parcel.scan(station)
    if not parcel.vanishes and parcel.later(1, 40):
        say(parcel, Word.RECEIVED)


def say(parcel: Parcel, word: Word, text: str = "") -> None:
    """The participant's word."""
    whole = _whole(parcel.world, parcel.shipment.id)
    shipments.say(parcel.world.session, whole, word, text, by=parcel.member.account_id, at=parcel.at)
