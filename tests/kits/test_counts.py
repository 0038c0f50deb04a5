"""Whatever is done in whatever order, stock and parcels agree."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from portal.applications.actions import withdraw_application
from portal.applications.models import Application
from portal.applications.states import RESCIND, ApplicationState, Decision
from portal.challenges.actions import remove_participant
from portal.challenges.models import Participant
from portal.challenges.states import ParticipantState
from portal.core.errors import NotFound, PortalError
from portal.kits import actions, queries, states
from portal.kits.actions import Scan, reservations
from portal.kits.models import Reservation, Shipment, ShipmentUnit, Unit
from portal.kits.queries.reservations import LIVE, count
from portal.kits.queries.reservations import reservations as kept_units
from portal.kits.states import ShipmentState, UnitState, Word
from portal.selection import supply
from portal.selection.actions.decisions import Given as Because
from portal.selection.actions.decisions import take_step
from portal.selection.actions.invitations import Signing, accept_invitation, expire_invitation, refuse_invitation
from portal.selection.actions.kits import set_need
from portal.selection.queries import whole_application
from tests.cast import NOON, Cast
from tests.kits.conftest import Bench
from tests.selection.conftest import Bench as Lead

S, U = ShipmentState, UnitState
UNITS, ACTS = 9, 80
# Where a unit is, by where its parcel is.
BEFORE = frozenset(states.BEFORE_HAND_OVER)
AGREED = {
    U.RESERVED: BEFORE, U.SHIPPED: {*states.ARRIVING, S.RETURNING}, U.WITH_PARTICIPANT: {S.RECEIVED, S.RETURNING},
}  # fmt: skip


class Hands:
    """Does anything that anybody could do, whether or not it is possible."""

    applied = 0

    def __init__(self, session: Session, cast: Cast, bench: Bench, seed: int) -> None:
        self.session, self.cast, self.bench = session, cast, bench
        self.lead = Lead(session, cast)
        self.random = random.Random(seed)
        self.at = NOON

    def act(self) -> bool:
        """One act at random; False if it was refused."""
        self.at += timedelta(hours=1)
        act = self.random.choice([
            self.plan, self.step, self.step, self.step, self.fill, self.fill, self.empty, self.bench_work, self.scan,
            self.say, self.give, self.invite, self.invite, self.answer, self.answer, self.need, self.leave,
            self.keep_missing, self.let_go,
        ])  # fmt: skip
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
        people = self.session.scalars(sa.select(Participant).order_by(Participant.id)).all()
        self.bench.parcel(self.random.choice(people), at=at)

    def application(self, *states: ApplicationState) -> Application:
        """Any application in one of these states."""
        rows = sa.select(Application.id).where(Application.state.in_(states)).order_by(Application.id)
        ids = self.session.scalars(rows).all()
        if not ids:
            raise NotFound("application")
        return whole_application(self.session, self.random.choice(ids))

    def invite(self, at: datetime) -> None:
        """One or two new ones; where kits are short, nobody."""
        self.applied += (new := self.random.choice([1, 2]))
        rows = self.lead.crowd([f"A{self.applied - number}" for number in range(new)])
        for row in rows[1:]:
            set_need(self.session, row, needs=False, reason="Has one.", by=self.cast.lead.id, at=at)
        wave = self.lead.wave(*((row, Decision.INVITE) for row in rows), answer_by=at + timedelta(days=9))
        self.lead.release(wave, len(rows), at=at)

    def answer(self, at: datetime) -> None:
        row = self.application(ApplicationState.INVITED)
        acts: list[Callable[[], object]] = [
            lambda: accept_invitation(self.session, row, row.account, Signing("A"), at=at),
            lambda: accept_invitation(self.session, row, row.account, Signing("A"), at=at),
            lambda: refuse_invitation(self.session, row, row.account, at=at),
            lambda: expire_invitation(self.session, row, at=at + timedelta(days=30)),
            lambda: withdraw_application(self.session, row, at=at),
            lambda: take_step(self.session, row, RESCIND, Because(reason="So."), by=self.cast.lead.id, at=at),
        ]
        self.random.choice(acts)()

    def need(self, at: datetime) -> None:
        row = self.application(ApplicationState.INVITED, ApplicationState.ACCEPTED, ApplicationState.SUBMITTED)
        set_need(self.session, row, needs=not row.needs_kit, reason="So.", by=self.cast.lead.id, at=at)

    def leave(self, at: datetime) -> None:
        """Now and then somebody who takes part gives the place back, or loses it."""
        if self.random.random() < 0.33:
            withdraw_application(self.session, self.application(ApplicationState.ACCEPTED), at=at)
        elif self.random.random() < 0.5:
            rows = sa.select(Participant).where(Participant.id > self.cast.team.id).order_by(Participant.id)
            someone = self.random.choice([*self.session.scalars(rows).all(), self.cast.team])
            admin = self.cast.admin.id
            remove_participant(self.session, self.cast.challenge, someone, reason="So.", by=admin, at=at)

    def keep_missing(self, at: datetime) -> None:
        reservations.reserve_missing(self.session, self.cast.challenge, by=self.bench.by, at=at)

    def let_go(self, at: datetime) -> None:
        for held in kept_units(self.session, self.cast.challenge.id).rows:
            if held.gone:
                reservations.release_one(self.session, self.cast.challenge, held, "So.", by=self.bench.by, at=at)

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
    packed: defaultdict[int, list[ShipmentState]] = defaultdict(list)
    places = sa.select(ShipmentUnit.unit_id, Shipment.state).join(Shipment, Shipment.id == ShipmentUnit.shipment_id)
    for unit_id, state in session.execute(places.where(ShipmentUnit.live)):
        packed[unit_id].append(state)
    kept = Counter(session.scalars(sa.select(Reservation.unit_id).where(LIVE)))
    for unit in units:
        where, bound = packed[unit.id], unit.state in states.BOUND
        if len(where) + kept[unit.id] != int(bound) or (where and where[0] not in AGREED[unit.state]):
            found.append(f"{unit.serial} is {unit.state} in parcels that are {where}")
    return found


def free(session: Session) -> int:
    """Units in stock that nobody waits for, counted one by one."""
    stock = session.scalars(sa.select(Unit).where(Unit.state == U.IN_STOCK)).all()
    live = session.scalars(sa.select(Reservation).where(LIVE)).all()
    holders, keepers = {row.holder for row in live}, {row.participant_id for row in live}
    waiting = 0
    for row in session.scalars(sa.select(Application).where(Application.state == ApplicationState.INVITED)):
        waiting += row.needs_kit and f"application:{row.id}" not in holders
    parcels = session.scalars(sa.select(Shipment).options(selectinload(Shipment.places))).all()
    for person in session.scalars(sa.select(Participant)):
        mine = [parcel for parcel in parcels if parcel.participant_id == person.id]
        serving = [parcel for parcel in mine if parcel.state not in (S.CANCELLED, S.LOST, S.RETURNED)]
        if person.state is ParticipantState.ACTIVE and person.needs_kit:
            waiting += not serving and person.id not in keepers
            waiting += sum(parcel.state in states.BEFORE_LABEL and not parcel.units for parcel in serving)
    return max(0, len(stock) - waiting)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_units_and_parcels_and_places_always_agree(session: Session, cast: Cast, bench: Bench, seed: int) -> None:
    bench.units(*(f"KIT-{number}" for number in range(UNITS)))
    hands, done = Hands(session, cast, bench, seed), 0
    session.commit()

    for _ in range(ACTS):
        done += hands.act()
        assert disagreements(session, cast.challenge.id) == []
        assert supply.free_kits(session, cast.challenge.id) == free(session)
        told = count(session, cast.challenge.id)
        units = session.scalars(sa.select(Unit).where(Unit.state == U.RESERVED)).all()
        assert (list(told.wrong), told.reserved, told.kept + told.packed) == ([], len(units), len(units))
        assert len(kept_units(session, cast.challenge.id).rows) == told.kept

    assert done > ACTS / 5
    # The story was one of reservations too.
    assert session.scalars(sa.select(sa.func.count()).select_from(Reservation)).one() > 3
