"""What comes after the parcels of the demonstration: troubles, another kit, the way back, and kits that stay."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.challenges.models import Member
from portal.challenges.rules import ends_at
from portal.demo.world import Stage, World
from portal.kits import queries, states
from portal.kits.actions import replacements, returns, shipments
from portal.kits.actions.returns import Announcement, Finding
from portal.kits.models import KitReturn, Shipment
from portal.kits.queries import returns as lists
from portal.kits.rules.returns import day_of
from portal.kits.states import ShipmentState, Word
from portal.kits.states.returns import Condition
from portal.kits.vault import Vault

DAY = timedelta(days=1)
HOW = "Use the box in which it came. Hand it in at any of the carrier’s shops; the label is paid for."
# So many of the finished challenge's participants gave their kits back; the others keep them.
GAVE_BACK = 6


class After:
    """The parcels of a stage, and the hands of those who look after them."""

    def __init__(self, world: World, stage: Stage, vault: Vault) -> None:
        self.world, self.stage, self.vault = world, stage, vault
        self.session, self.by = world.session, world.staff["logistics"]
        self.leads = {members[0].participant_id: members[0] for members in stage.participants}

    def parcels(self, *which: ShipmentState) -> list[Shipment]:
        """Those in one of these states, by their numbers."""
        rows = sa.select(Shipment.id).where(Shipment.challenge_id == self.stage.challenge.id, Shipment.state.in_(which))
        return [self.whole(number) for number in self.session.scalars(rows.order_by(Shipment.id))]

    def whole(self, number: int) -> Shipment:
        """A parcel as it is now."""
        return queries.shipment(self.session, self.stage.challenge.id, number)

    def member(self, parcel: Shipment) -> Member:
        """Who leads the parcel's participant."""
        return self.leads[parcel.participant_id]

    def say(self, parcel: Shipment, word: Word, text: str, at: datetime) -> None:
        """The participant's word."""
        shipments.say(self.session, parcel, word, text, by=self.member(parcel).account_id, at=at)

    def ask_back(self, parcel: Shipment, reason: str, at: datetime) -> KitReturn:
        """The participant asks how to send it back."""
        by = self.member(parcel).account_id
        made = returns.ask(self.session, self.whole(parcel.id), reason, by=by, at=at)
        return lists.one(self.session, self.stage.challenge.id, made.id)

    def announce(self, back: KitReturn, at: datetime, within: timedelta) -> KitReturn:
        """Logistics say how, with a label."""
        day = day_of(at + within, self.stage.challenge.zone)
        told = Announcement(day, "DHL", f"RT{back.id:09}", HOW, label=label(back.reference))
        returns.announce(self.session, back, told, vault=self.vault, by=self.by, at=at)
        return lists.one(self.session, self.stage.challenge.id, back.id)

    def take_in(self, back: KitReturn, at: datetime, found: Finding | None) -> None:
        """It is here, and somebody looks at it, or not yet."""
        returns.arrive(self.session, back, by=self.by, at=at)
        back = lists.one(self.session, self.stage.challenge.id, back.id)
        for time in back.units if found else ():
            assert found is not None
            returns.inspect(
                self.session, time.unit, found, scope=self.stage.slug, by=self.by, at=at + timedelta(hours=2)
            )


def label(reference: str) -> bytes:
    """A page of PDF that says for which return it is."""
    text = f"BT /F1 24 Tf 40 200 Td (Return {reference}) Tj ET".encode()
    parts = (
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 298] /Contents 4 0 R "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
    )  # fmt: skip
    made, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(made)
    return made + b"xref\n0 5\n0000000000 65535 f \n" + table + end


def go_on(world: World, stage: Stage, vault: Vault) -> None:
    """The running challenge: something of everything that logistics and participants have to do."""
    after, now = After(world, stage, vault), world.now
    received: list[Shipment] = after.parcels(ShipmentState.RECEIVED)
    steps: Sequence[Callable[[Shipment], None]] = (
        lambda parcel: _damaged(after, parcel, now - 3 * DAY),
        lambda parcel: after.take_in(
            after.announce(after.ask_back(parcel, "We work on another target now.", now - 14 * DAY), now - 13 * DAY,
                           10 * DAY), now - 2 * DAY, None),
        lambda parcel: _late(after, parcel),
        lambda parcel: _due(after, parcel),
        lambda parcel: _asks(after, parcel),
    )  # fmt: skip
    for step, parcel in zip(steps, received[2:], strict=False):
        step(parcel)
    for parcel in after.parcels(*states.ON_THE_WAY)[:1]:
        after.say(parcel, Word.DUTY, "The carrier asks for 23 euros before it hands the parcel out.", now - DAY / 2)


def _damaged(after: After, parcel: Shipment, at: datetime) -> None:
    after.say(parcel, Word.DAMAGED, "The USB connector has come off the board.", at)
    why = "It cannot be powered any more, and we are in the middle of a finding."
    by = after.member(parcel).account_id
    replacements.ask(after.session, after.whole(parcel.id), why, by=by, at=at + timedelta(hours=1))


def _late(after: After, parcel: Shipment) -> None:
    asked = after.ask_back(parcel, "Our laboratory moves to another house.", after.world.now - 16 * DAY)
    after.announce(asked, after.world.now - 15 * DAY, 12 * DAY)


def _due(after: After, parcel: Shipment) -> None:
    asked = after.ask_back(parcel, "We are done with it.", after.world.now - 5 * DAY)
    after.announce(asked, after.world.now - 4 * DAY, 10 * DAY)


def _asks(after: After, parcel: Shipment) -> None:
    after.ask_back(parcel, "Two of us have one; one is enough.", after.world.now - DAY)


def wind_up(world: World, stage: Stage, vault: Vault) -> None:
    """The finished challenge: some kits back in stock, the others kept."""
    after, over = After(world, stage, vault), ends_at(stage.challenge)
    theirs = after.parcels(ShipmentState.RECEIVED)
    good, worn = (
        Finding(Condition.GOOD, wiped=True, outcome=states.RESTOCK.name),
        Finding(Condition.WORN, wiped=True, note="One header is bent.", outcome=states.RETIRE.name),
    )
    for number, parcel in enumerate(theirs[:GAVE_BACK]):
        at = over + (2 + number) * DAY
        announced = after.announce(after.ask_back(parcel, "The challenge is over.", at), at + DAY / 4, 14 * DAY)
        after.take_in(announced, at + 9 * DAY, worn if number == 2 else good)
    _keep(after, theirs[GAVE_BACK:], over + 20 * DAY)


def _keep(after: After, parcels: Iterable[Shipment], at: datetime) -> None:
    for parcel in parcels:
        if any(unit.state == states.UnitState.WITH_PARTICIPANT for unit in parcel.units):
            returns.let_keep(after.session, parcel, by=after.by, at=at)
