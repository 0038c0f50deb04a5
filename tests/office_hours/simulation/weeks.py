"""The weeks themselves: what happens comes from a queue, in order of time; nobody asks a real clock."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core.errors import Conflict, Refused
from portal.office_hours import actions, jobs, queries, states
from portal.office_hours.actions import Wish
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, Sitting, Slot
from portal.office_hours.states import BookingState, SlotState
from tests.office_hours.simulation.people import DAY, HOUR, Person
from tests.office_hours.simulation.world import AHEAD, World

SENDER = Sender("portal@localhost", "http://localhost")
MINUTE = timedelta(minutes=1)
# Jobs that are due at moments which are known beforehand; once a day all of them run.
REMINDING = "office-hours-reminders"
OFFERING = "office-hours-waiting"
# The session, counted from the first one on, of which the host is ill.
ILL = 17
REMINDED = (timedelta(hours=24), timedelta(hours=1))


class Chair(NamedTuple):
    """A slot as people see it."""

    id: int
    starts_at: datetime
    sitting_id: int


class Request(NamedTuple):
    """Somebody wants one of the slots, the first best. The same key is the same request, sent again."""

    person: Person
    chairs: Sequence[Chair]
    key: str


def minute_after(at: datetime) -> datetime:
    """The next full minute."""
    return at.replace(second=0, microsecond=0) + MINUTE


class Weeks:
    """The course of a season: the portal's worker and hosts, and what becomes of seats. Who asks when is a policy's."""

    def __init__(self, session: Session, world: World) -> None:
        self.session, self.world = session, world
        self.now = world.season.begin - AHEAD - DAY
        self._queue: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._numbers = itertools.count()
        self._alarms: set[tuple[datetime, tuple[str, ...]]] = set()
        # The slots of each session.
        self.sittings: dict[int, list[Chair]] = {}
        # How many seats somebody has got in a week, given up or not.
        self.seats: dict[tuple[int, int], int] = defaultdict(int)
        # Called when all slots of a session can be booked, and when the worker has been there.
        self.when_opened: list[Callable[[int, datetime], None]] = []
        self.after_work: list[Callable[[datetime], None]] = []

    def at(self, when: datetime, what: Callable[[datetime], None]) -> None:
        """Let something happen."""
        assert when >= self.now
        heapq.heappush(self._queue, (when, next(self._numbers), what))

    def run(self) -> None:
        """From a fortnight before the season until it is over."""
        at = self.now
        while at < self.world.season.end + DAY:
            self.at(at, self._day)
            at += DAY
        while self._queue:
            self.now, _, what = heapq.heappop(self._queue)
            what(self.now)
            self.session.expunge_all()

    def week_of(self, chair: Chair) -> int:
        """The week of the season."""
        return self.world.season.week_of(chair.starts_at)

    # --- the portal ---

    def _day(self, at: datetime) -> None:
        """The worker, once a day; after it there may be new sessions."""
        self.work((), at)
        rows = (
            sa.select(Slot.id, Slot.starts_at, Slot.sitting_id)
            .join(Slot.sitting)
            .where(Slot.state == SlotState.OPEN, Sitting.id.not_in(self.sittings))
            .order_by(Slot.starts_at, Slot.id)
        )
        new: dict[int, list[Chair]] = defaultdict(list)
        for row in self.session.execute(rows):
            new[row.sitting_id].append(Chair(*row))
        self.session.commit()
        self.sittings |= new
        for sitting_id, chairs in new.items():
            self.at(chairs[-1].starts_at - AHEAD, partial(self._opened, sitting_id))
        if len(self.sittings) >= ILL > len(self.sittings) - len(new):
            ill = list(self.sittings)[ILL - 1]
            self.at(self.sittings[ill][0].starts_at - 30 * HOUR, partial(self._call_off, ill))

    def _call_off(self, sitting_id: int, at: datetime) -> None:
        """The host is ill. Whoever had a seat would like another one in that week."""
        sitting = queries.sitting_of(self.session, self.world.challenge_id, sitting_id)
        actions.cancel_sitting(self.session, sitting, "The host is ill.", by=self.world.host_id, at=at, sender=SENDER)
        self.session.commit()
        withdrawn = sa.select(Booking.participant_id).join(Slot, Slot.id == Booking.slot_id)
        gone = withdrawn.where(Slot.sitting_id == sitting_id, Booking.state_since == at)
        for who in self.session.scalars(gone.order_by(Booking.participant_id)).all():
            self.seats[self.world.people[who].number, self.week_of(self.sittings[sitting_id][0])] -= 1
        self.session.rollback()

    def _opened(self, sitting_id: int, at: datetime) -> None:
        for call in self.when_opened:
            call(sitting_id, at)

    def work(self, names: Collection[str], at: datetime) -> None:
        """What the worker does when it comes by, at a full minute: these jobs, or all."""
        for job in jobs.JOBS:
            if not names or job.name in names:
                job.run(self.session, at)
        for call in self.after_work:
            call(at)

    def alarm(self, at: datetime, *names: str) -> None:
        """Let the worker do these jobs at that moment. Every other time it has been there a minute before as well."""
        for when in (at - MINUTE, at)[at.minute // 30 :]:
            if when >= self.now and (when, names) not in self._alarms:
                self._alarms.add((when, names))
                self.at(when, partial(self.work, names))

    def soon(self, at: datetime) -> None:
        """Let the worker look for free seats at the next full minute, and when those are up who sleep now."""
        for later in (0, 9):
            self.alarm(minute_after(at) + later * HOUR, OFFERING)

    # --- the people ---

    def wants(self, person: Person, week: int) -> bool:
        """Whether somebody would like another seat in the week."""
        return self.seats[person.number, week] < person.wanted(week)

    def ask(self, request: Request, at: datetime, full: set[int]) -> bool:
        """Somebody tries to get one of the slots. Those that turn out to be taken are noted in `full`."""
        for chair in request.chairs:
            if chair.id in full:
                continue
            try:
                booking = self._book(request, chair, at)
            except Conflict:
                full.add(chair.id)
            except Refused:
                pass
            else:
                self.session.commit()
                self.booked(request.person, booking.id, chair, at)
                return True
            self.session.rollback()
        return False

    def _book(self, request: Request, chair: Chair, at: datetime) -> Booking:
        member = self.session.get_one(Member, self.world.members[request.person.number])
        slot = self.session.get_one(Slot, chair.id)
        return actions.book_slot(self.session, slot, member, Wish(request.key, "A topic"), at=at, sender=SENDER)

    def booked(self, person: Person, number: int, chair: Chair, at: datetime) -> None:
        """Somebody has a seat: they will be reminded, and come, or not, or give it back."""
        week = self.week_of(chair)
        if not self.wants(person, week):
            # Two draws went well, where one was enough.
            self.at(person.next_awake(at + MINUTE), partial(self.give_up, number))
        self.seats[person.number, week] += 1
        for offset in REMINDED:
            self.alarm(max(chair.starts_at - offset, minute_after(at)), REMINDING)
        given_up = person.gives_up(week, at, chair.starts_at)
        if given_up and at < given_up < chair.starts_at:
            self.at(given_up, partial(self.give_up, number))
        self.at(chair.starts_at + 10 * MINUTE, partial(self._mark, number, person.turns_up(week)))

    def give_up(self, number: int, at: datetime) -> None:
        """Somebody gives a seat back, if they have it still."""
        booking = queries.whole_booking(self.session, number)
        if booking.state is BookingState.CONFIRMED:
            actions.cancel_booking(self.session, booking, by=booking.account_id, at=at, sender=SENDER)
            self.soon(at)
        self.session.commit()

    def _mark(self, number: int, came: bool, at: datetime) -> None:
        booking = queries.whole_booking(self.session, number)
        if booking.state is BookingState.CONFIRMED:
            move = states.ATTEND if came else states.MISS
            actions.mark_booking(self.session, booking, move, by=booking.slot.host_id, at=at)
        self.session.commit()
