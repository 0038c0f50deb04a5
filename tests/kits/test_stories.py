"""Ten thousand events in any order: moves, words, scans by hand, webhooks that are late, repeated, or about nobody.

Whatever happens, every unit is in exactly one place, and nothing that came late undoes anything.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import PortalError
from portal.kits import actions, follow, queries, states
from portal.kits.actions import inbox
from portal.kits.models import Shipment, ShipmentEvent, TrackingNews, Unit
from portal.kits.rules import payloads, vocabulary
from portal.kits.states import RANK, ShipmentState
from portal.kits.states.tracking import NewsState
from tests.cast import NOON, Cast
from tests.kits import services
from tests.kits.conftest import Bench
from tests.kits.services import Scans, body_of
from tests.kits.test_counts import UNITS, Hands, disagreements

S, N = ShipmentState, NewsState
# Four stories on each of two databases: ten thousand events in all.
STORIES, EVENTS = 4, 1_250
# (how a service writes it, its words) by service.
SERVICES: dict[str, tuple[Callable[[str, Scans], object], list[tuple[str, str]]]] = {
    "easypost": (services.easypost, [(status, "unknown") for status in vocabulary.EASYPOST] + [
        ("in_transit", "held"), ("in_transit", "arrived_at_facility"), ("teleported", "brand_new"),
    ]),
    "shippo": (services.shippo, [(status, "") for status in vocabulary.SHIPPO] + [
        ("TRANSIT", "out_for_delivery"), ("TRANSIT", "notice_left"), ("TRANSIT", "package_accepted"),
    ]),
    "shipstation": (services.shipstation, [(status, "") for status in vocabulary.SHIPSTATION] + [
        ("IT", "HELD_BY_CUSTOMS"), ("IT", "OUT_FOR_DELIVERY"), ("EX", "PARCEL_LOST"),
    ]),
}  # fmt: skip
# Words that end a journey come less often, or every story would be over at once.
ENDS = {S.DELIVERED, S.RETURNING}


class World(Hands):
    """Everybody who does anything to parcels, and the services that tell of them; counts what happened."""

    def __init__(self, session: Session, cast: Cast, bench: Bench, seed: int) -> None:
        super().__init__(session, cast, bench, seed)
        self.happened: Counter[str] = Counter()
        self.histories: dict[tuple[str, str], Scans] = {}
        self.sent: list[tuple[str, bytes]] = []
        self.clocks: dict[int, datetime] = {}

    def tick(self) -> None:
        """Somebody does something, and a service posts something."""
        self.happened["acts"] += 1
        self.happened["done" if self.act() else "refused"] += 1
        self.at -= timedelta(minutes=50)
        if self.random.random() < 0.1:
            self._try(self.replace)
        for _ in range(2):
            replayed = self.sent and self.random.random() < 0.35
            self._post(*(self.random.choice(self.sent) if replayed else self._message()))
        if self.random.random() < 0.4:
            follow.take_news(self.session, self.at)

    def begin(self) -> None:
        """Parcels with labels, several for each of two participants."""
        for who in (self.cast.member, self.cast.team.members[0]):
            self.bench.address(who)
        units = self.bench.units(*(f"KIT-{number}" for number in range(UNITS)))
        for number, unit in enumerate(units[:-1]):
            parcel = self.bench.parcel(self.cast.team if number % 2 else self.cast.participant)
            actions.assign_unit(self.session, self.bench.again(parcel), unit, by=self.bench.by, at=NOON)
            self.bench.advance(self.bench.again(parcel), "ready", "pack", "label")
        self.session.commit()

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except PortalError:
            self.session.rollback()
        else:
            self.session.commit()

    def replace(self) -> None:
        """Another parcel instead of one that is lost or back, and now and then somebody says whose a number is."""
        lost = self.session.scalars(
            sa.select(Shipment.id).where(Shipment.state.in_([S.LOST, S.RETURNED])).order_by(Shipment.id)
        ).all()
        if lost:
            parcel = queries.shipment(self.session, self.cast.challenge.id, self.random.choice(lost))
            actions.replace(self.session, parcel, by=self.bench.by, at=self.at)
            self.happened["replaced"] += 1
        elif self.random.random() < 0.5:
            inbox.match(self.session, "NOBODY1", self.parcel(), by=self.bench.by, at=self.at)
            self.happened["matched"] += 1

    def _message(self) -> tuple[str, bytes]:
        """The history of some parcel with one or two more scans in it, many of them late."""
        numbers = self.session.scalars(
            sa.select(Shipment.tracking_number).where(Shipment.tracking_number.is_not(None)).order_by(Shipment.id)
        ).all()
        self.session.commit()
        number = self.random.choice([*numbers[-8:] * 3, "NOBODY1", "NOBODY2"]) or ""
        provider = self.random.choice(sorted(SERVICES))
        write, words = SERVICES[provider]
        history = self.histories.setdefault((provider, number), [])
        for _ in range(self.random.randint(1, 2)):
            status, detail = self.random.choice(words)
            meaning = getattr(vocabulary, provider)(status, detail)
            if meaning and meaning.status in ENDS and self.random.random() < 0.6:
                continue
            history.append((status, detail, self.at - timedelta(hours=self.random.choice([0, 0, 0.2, 0.5, 1, 3, 9]))))
        scans = sorted(history or [(*words[0], self.at)], key=lambda scan: scan[2])[-20:]
        return provider, body_of(write(number, scans))  # type: ignore[arg-type]

    def _post(self, provider: str, body: bytes) -> None:
        told = payloads.read_webhook(provider, body)
        new = inbox.receive(self.session, told, at=self.at)
        self.session.commit()
        self.sent.append((provider, body))
        self.happened["scans"] += len(told)
        self.happened["new"] += new

    @property
    def events(self) -> int:
        """How much has happened in all."""
        return self.happened["acts"] + self.happened["scans"]

    def check(self) -> None:
        """What must hold at any time."""
        assert disagreements(self.session, self.cast.challenge.id) == []
        for parcel in self.session.scalars(sa.select(Shipment).where(Shipment.tracked_at.is_not(None))):
            assert parcel.tracked_at is not None
            assert parcel.state is S.HANDED_OVER or parcel.tracked_at >= self.clocks.get(parcel.id, parcel.tracked_at)
            if parcel.state is not S.HANDED_OVER:
                self.clocks[parcel.id] = parcel.tracked_at
        self.session.commit()


def ways(session: Session) -> dict[int, list[tuple[str, S, S, int | None]]]:
    """Every step that every parcel took, as the audit has it: (move, from, to, who)."""
    found: dict[int, list[tuple[str, S, S, int | None]]] = {}
    names = {f"kits:{move.name}": move.name for move in states.MOVES}
    rows = sa.select(AuditEntry).where(AuditEntry.subject.startswith("shipment:")).order_by(AuditEntry.id)
    for entry in session.scalars(rows):
        after = entry.detail.get("after") or {}
        if entry.tag in names and "was" in after:
            number = int(entry.subject.partition(":")[2])
            step = (names[entry.tag], S(after["was"]), S(after["state"]), entry.actor_id)
            found.setdefault(number, []).append(step)
    return found


def downgrades(steps: list[tuple[str, S, S, int | None]]) -> list[tuple[str, S, S]]:
    """Steps back in rank, which only a later trouble may take, and steps that do not follow each other."""
    found, here = [], S.PLANNED
    for name, was, now, _ in steps:
        legal = any(move.name == name and was in move.sources and move.target is now for move in states.MOVES)
        back = was in RANK and now in RANK and RANK[now] < RANK[was]
        if was is not here or not legal or (back and name != "exception"):
            found.append((name, was, now))
        here = now
    return found


def picture(session: Session) -> list[tuple[object, ...]]:
    """Everything that may not change when everything is told again."""
    session.commit()
    parcels = session.execute(sa.select(Shipment.id, Shipment.state, Shipment.tracked_at, Shipment.tracking_number))
    units = session.execute(sa.select(Unit.id, Unit.state))
    lines = session.execute(sa.select(sa.func.count(), sa.func.max(ShipmentEvent.id)).select_from(ShipmentEvent))
    return [tuple(row) for rows in (parcels, units, lines) for row in sorted(rows.all())]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(STORIES))
def test_ten_thousand_events_leave_every_unit_in_one_place_and_no_parcel_downgraded(
    session: Session, cast: Cast, bench: Bench, seed: int
) -> None:
    world = World(session, cast, bench, seed)
    world.begin()

    ticks = 0
    while world.events < EVENTS:
        world.tick()
        ticks += 1
        if ticks % 20 == 0:
            world.check()
    follow.take_news(session, world.at)
    world.check()

    steps = ways(session)
    assert {number: wrong for number, way in steps.items() if (wrong := downgrades(way))} == {}
    for number, state in session.execute(sa.select(Shipment.id, Shipment.state)).all():
        assert state is (steps[number][-1][2] if number in steps else S.PLANNED)
    keys = session.execute(sa.select(ShipmentEvent.provider, ShipmentEvent.event_key)).all()
    assert len(keys) == len(set(keys))
    outcomes = Counter(session.scalars(sa.select(TrackingNews.state)))
    told = {(row.provider, row.event_key) for row in session.scalars(
        sa.select(TrackingNews).where(TrackingNews.state == N.TAKEN)
    )}  # fmt: skip
    assert told <= {tuple(key) for key in keys}
    assert outcomes[N.WAITING] == outcomes[N.FAILED] == 0

    before = picture(session)
    for provider, body in world.random.sample(world.sent, 40):
        assert inbox.receive(session, payloads.read_webhook(provider, body), at=world.at) == 0
        session.commit()
    follow.take_news(session, world.at)
    assert picture(session) == before

    # The stories went far enough to mean something.
    alone = Counter(name for way in steps.values() for name, _, _, who in way if who is None)
    assert alone.total() - alone["confirm-address"] >= 5
    assert len(alone.keys() & {move.name for move in states.TRACKING}) >= 2
    assert world.happened["done"] > ticks / 4
    assert outcomes[N.TAKEN] > 40
    assert outcomes[N.IGNORED] > 10
    assert world.happened["scans"] > 4 * world.happened["new"]
