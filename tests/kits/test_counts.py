"""Whatever is done in whatever order, stock and parcels agree."""

import random
from collections import Counter
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.errors import PortalError
from portal.kits import actions, queries, states
from portal.kits.actions import Scan
from portal.kits.models import Reservation, Shipment, ShipmentUnit, Unit
from portal.kits.queries.reservations import LIVE
from portal.kits.states import ShipmentState, UnitState, Word
from tests.cast import NOON, Cast
from tests.kits.conftest import Bench

S, U = ShipmentState, UnitState
UNITS, ACTS = 6, 150
# Where a unit is, by where its parcel is.
BEFORE = frozenset(states.BEFORE_HAND_OVER)
AGREED = {
    U.RESERVED: BEFORE, U.SHIPPED: {*states.ARRIVING, S.RETURNING}, U.WITH_PARTICIPANT: {S.RECEIVED, S.RETURNING},
}  # fmt: skip


class Hands:
    """Does anything that anybody could do, whether or not it is possible."""

    def __init__(self, session: Session, cast: Cast, bench: Bench, seed: int) -> None:
        self.session, self.cast, self.bench = session, cast, bench
        self.random = random.Random(seed)
        self.at = NOON

    def act(self) -> bool:
        """One act at random; False if it was refused."""
        self.at += timedelta(hours=1)
        act = self.random.choice([self.plan, self.step, self.step, self.step, self.fill, self.fill, self.empty,
                                  self.bench_work, self.scan, self.say, self.give])  # fmt: skip
        try:
            act(self.at)
        except PortalError:
            self.session.rollback()
            return False
        self.session.commit()
        return True

    def parcel(self) -> Shipment:
        """Any parcel."""
        ids = self.session.scalars(sa.select(Shipment.id).order_by(Shipment.id)).all()
        return queries.shipment(self.session, self.cast.challenge.id, self.random.choice([*ids, 0]))

    def unit(self) -> Unit:
        """Any unit."""
        return self.random.choice(self.session.scalars(sa.select(Unit).order_by(Unit.id)).all())

    def plan(self, at: datetime) -> None:
        self.bench.parcel(self.random.choice([self.cast.participant, self.cast.team]), at=at)

    def give(self, at: datetime) -> None:
        self.bench.address(self.random.choice([self.cast.member, self.cast.team.members[0]]), at=at)

    def step(self, at: datetime) -> None:
        parcel = self.parcel()
        moves = [move for move in states.MOVES if move.by and parcel.state in move.sources]
        # The right way is more likely, so that parcels come far enough.
        moves = [move for move in moves if move not in (states.CANCEL, states.HOLD)] * 3 + moves
        move = self.random.choice([*moves, self.random.choice(states.MOVES)])
        self.bench.advance(parcel, move.name, at=at)

    def fill(self, at: datetime) -> None:
        actions.assign_unit(self.session, self.parcel(), self.unit(), by=self.bench.by, at=at)

    def empty(self, at: datetime) -> None:
        parcel = self.parcel()
        places = [place for place in parcel.places if place.live]
        if places:
            actions.take_out(self.session, parcel, self.random.choice(places), by=self.bench.by, at=at)

    def bench_work(self, at: datetime) -> None:
        move = self.random.choice(states.UNIT_MOVES)
        actions.move_unit(self.session, self.unit(), move, scope=self.cast.slug, by=self.bench.by, at=at)

    def scan(self, at: datetime) -> None:
        status = self.random.choice([move.target for move in states.TRACKING])
        news = Scan("dhl", str(self.random.random()), status, at - timedelta(hours=self.random.randrange(9)))
        actions.note_scan(self.session, self.parcel(), news, by=None, at=at)

    def say(self, at: datetime) -> None:
        word = self.random.choice(list(Word))
        actions.say(self.session, self.parcel(), word, "", by=self.cast.researcher.id, at=at)


def disagreements(session: Session, challenge_id: int) -> list[str]:
    """What does not fit: each unit counted once, and where its parcel is."""
    session.expire_all()
    counted: Counter[UnitState] = Counter()
    for row in queries.unit_counts(session, challenge_id).values():
        counted.update(row)
    units = session.scalars(sa.select(Unit)).all()
    found = [] if counted == Counter(unit.state for unit in units) else [f"counted {counted}"]
    if counted.total() != UNITS:
        found.append(f"{counted.total()} units instead of {UNITS}")
    for unit in units:
        where = session.scalars(
            sa.select(Shipment.state)
            .join(ShipmentUnit, ShipmentUnit.shipment_id == Shipment.id)
            .where(ShipmentUnit.unit_id == unit.id, ShipmentUnit.live)
        ).all()
        kept = session.scalars(sa.select(Reservation.id).where(Reservation.unit_id == unit.id, LIVE)).all()
        bound = unit.state in states.BOUND
        if len(where) + len(kept) != int(bound) or (where and where[0] not in AGREED[unit.state]):
            found.append(f"{unit.serial} is {unit.state} in parcels that are {where}")
    return found


@pytest.mark.parametrize("seed", range(6))
def test_units_and_parcels_always_agree(session: Session, cast: Cast, bench: Bench, seed: int) -> None:
    bench.units(*(f"KIT-{number}" for number in range(UNITS)))
    hands, done = Hands(session, cast, bench, seed), 0
    session.commit()

    for _ in range(ACTS):
        done += hands.act()
        assert disagreements(session, cast.challenge.id) == []

    assert done > ACTS / 5
