"""Seats that are drawn: a series of deep dives, whose last round is drawn and whose next one gathers requests."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from portal.demo.world import Stage, World
from portal.office_hours import actions
from portal.office_hours.actions import requests, rounds
from portal.office_hours.actions.requests import Asking
from portal.office_hours.models import Round, Series, Sitting
from portal.office_hours.queries.rounds import round_of, slots_in
from portal.office_hours.rules import Plan, Share
from portal.office_hours.time import Weekly

ZONE, HOURS = "Europe/Berlin", 36
TOPICS = (
    "Threat model of the secure world", "A whole evening on the boot chain", "From a crash to a report",
    "Reading the update server's log", "How the kernel is hardened", "What an exploit chain has to show",
)  # fmt: skip
# So many ask in the round that is drawn, and so many yet in the one that gathers.
ASKED, ASKING = 9, 5


def draw_seats(world: World, stage: Stage) -> None:
    """Make the series, and let time pass from the opening of its first round until now."""
    opened, advance = _opening(world.now)
    first = (opened + timedelta(days=advance - 7)).replace(tzinfo=None)
    plan = Plan(
        title="Deep dives",
        rule=Weekly(first, ZONE, count=4),
        hosts=tuple(Share(world.staff[host]) for host in ("host1", "host2", "host3")),
        slots=4,
        slot_minutes=40,
        buffer_after=5,
        advance_days=advance,
        weekly_quota=2,
        round_hours=HOURS,
    )
    at = opened - timedelta(days=8)
    made = actions.create_series(world.session, stage.challenge, plan, by=world.staff["lead"], at=at)
    actions.materialise(world.session, made.id, since=at, before=opened + timedelta(days=advance + 1), at=at)
    for week, (asking, begin) in enumerate(((ASKED, opened - timedelta(days=7)), (ASKING, opened))):
        _hold(world, stage, made, week, asking, begin)


def _opening(now: datetime) -> tuple[datetime, int]:
    """The latest afternoon at three that is an hour past, and so many days on until a working day."""
    there = (now - timedelta(hours=1)).astimezone(ZoneInfo(ZONE))
    opened = there.replace(hour=15, minute=0, second=0, microsecond=0)
    if opened > there:
        opened -= timedelta(days=1)
    return opened, next(days for days in (14, 15, 16) if (opened + timedelta(days=days)).weekday() < 5)


def _hold(world: World, stage: Stage, series: Series, week: int, asking: int, begin: datetime) -> None:
    """Open the round of one session, let so many ask, and draw it if its window is over."""
    session = world.session
    sitting_id = session.scalars(
        sa.select(Sitting.id).where(Sitting.series_id == series.id).order_by(Sitting.starts_at).offset(week).limit(1)
    ).one()
    rounds.open_round(session, sitting_id, at=begin, seed=f"{world.random.getrandbits(256):064x}")
    session.flush()
    number = session.scalars(sa.select(Round.id).where(Round.sitting_id == sitting_id)).one()
    slots = [slot.id for slot in slots_in(session, sitting_id)]
    for member, *_ in stage.participants[:asking]:
        found = round_of(session, stage.challenge.id, number)
        chosen = tuple(world.random.sample(slots, min(len(slots), world.random.randint(1, 3))))
        anywhere = world.random.random() < 0.3
        wish = Asking(world.random.choice(TOPICS), () if anywhere else chosen, anywhere=anywhere)
        at = min(begin + world.minutes(5, 60 * HOURS - 60), world.now)
        asked = requests.ask(session, found, member, wish, at=at)
        # The same seed makes the same demonstration; the draw goes by these numbers.
        asked.public_id = f"{world.random.getrandbits(128):032x}"
    rounds.draw_round(session, number, at=min(begin + timedelta(hours=HOURS), world.now), sender=world.sender)
