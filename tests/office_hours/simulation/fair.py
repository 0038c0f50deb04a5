"""The fair rules: wishes are gathered for a day and drawn; what becomes free is offered to those who wait.

People answer offers when they are awake, if they look in time at all.
"""

from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core.errors import Conflict, Refused
from portal.office_hours import queries
from portal.office_hours.actions import Wish, requests, waiting
from portal.office_hours.models import Booking, Round, RoundRequest
from portal.office_hours.queries import rounds as queries_rounds
from portal.office_hours.queries import waiting as queries_waiting
from portal.office_hours.states import BookingState, RequestState, Source
from tests.office_hours.simulation.first_come import FirstCome
from tests.office_hours.simulation.people import HOUR, Person, chance, everybody
from tests.office_hours.simulation.weeks import MINUTE, OFFERING, SENDER, Chair, Weeks

ROUND_HOURS = 24
DRAWING = "office-hours-rounds"


class Fair(FirstCome):
    """Whoever wants a seat asks for it in the round, if they look in time; else they take what is left, or wait."""

    def __init__(self, weeks: Weeks) -> None:
        super().__init__(weeks)
        self.newest = 0
        # Who has asked for, or waits for, which session; and who has asked for anything in which week.
        self.waits: set[tuple[int, int]] = set()
        self.asked: set[tuple[int, int]] = set()
        # The round of each session.
        self.rounds: dict[int, int] = {}
        weeks.after_work.append(self.watch)

    @property
    def session(self) -> Session:
        """The database."""
        return self.weeks.session

    def member(self, person: Person) -> Member:
        """Their place in the challenge."""
        return self.session.get_one(Member, self.weeks.world.members[person.number])

    # --- the round ---

    def opening(self, sitting_id: int, at: datetime) -> None:
        """The worker opens the round; people ask when they see it. A day later it is drawn."""
        self.weeks.work([DRAWING], at)
        found, chairs = self.round_of(sitting_id), self.weeks.sittings[sitting_id]
        if found is None:
            return
        self.weeks.alarm(found.draws_at, DRAWING)
        self.weeks.at(found.draws_at + MINUTE / 2, partial(self.drawn, sitting_id))
        for person in everybody():
            if person.wanted(self.weeks.week_of(chairs[0])) and person.best(chairs):
                self.weeks.at(person.sees(sitting_id, at), partial(self.request, sitting_id, person))

    def request(self, sitting_id: int, person: Person, at: datetime) -> None:
        """Ask for a seat, the best slots first; or, if the round is over by now, look what is left."""
        found, chairs = self.round_of(sitting_id), self.weeks.sittings[sitting_id]
        if found is None or not self.weeks.wants(person, self.weeks.week_of(chairs[0])):
            return
        slots = tuple(chair.id for chair in person.best(chairs))
        try:
            requests.ask(self.session, found, self.member(person), requests.Asking("A topic", slots), at=at)
            self.session.commit()
            self.asked.add((person.number, self.weeks.week_of(chairs[0])))
        except Refused:
            self.session.rollback()
            self.wait(sitting_id, person, at)

    def round_of(self, sitting_id: int) -> Round | None:
        """The round of a session, whole."""
        if sitting_id not in self.rounds:
            found = queries_rounds.round_in(self.session, sitting_id)
            if found is None:
                return None
            self.rounds[sitting_id] = found.id
        return queries_rounds.round_of(self.session, self.weeks.world.challenge_id, self.rounds[sitting_id])

    def drawn(self, sitting_id: int, at: datetime) -> None:
        """Half of those who were not lucky wait for a seat, from when they hear of it: within an hour of their day."""
        asked = sa.select(RoundRequest.participant_id).join(RoundRequest.round)
        unlucky = asked.where(Round.sitting_id == sitting_id, RoundRequest.state == RequestState.UNLUCKY)
        for who in self.session.scalars(unlucky.order_by(RoundRequest.participant_id)).all():
            person = self.weeks.world.people[who]
            if chance("waits", sitting_id, person.number) < 0.5:
                continue
            hears = person.next_awake(at + HOUR * chance("hears", sitting_id, person.number))
            self.weeks.at(hears, partial(self.wait, sitting_id, person))
        self.session.commit()

    # --- the waiting list ---

    def look(self, person: Person, week: int, at: datetime) -> None:
        """Somebody who has missed the rounds of a week looks at what is left of it."""
        if (person.number, week) in self.asked or not self.weeks.wants(person, week):
            return
        for sitting_id, chairs in list(self.weeks.sittings.items()):
            if self.weeks.week_of(chairs[0]) == week:
                self.wait(sitting_id, person, at)

    def wait(self, sitting_id: int, person: Person, at: datetime) -> None:
        """Join the waiting list of a session for the best two slots, or book one at once if it is free."""
        wanted = person.best(self.weeks.sittings[sitting_id])[:2]
        if not wanted or (sitting_id, person.number) in self.waits:
            return
        if not self.weeks.wants(person, self.weeks.week_of(wanted[0])):
            return
        sitting = queries.sitting_of(self.session, self.weeks.world.challenge_id, sitting_id)
        ids = {chair.id for chair in wanted}
        slots = [slot for slot in queries_waiting.slots_in(self.session, sitting_id) if slot.id in ids]
        try:
            waiting.join_list(self.session, sitting, slots, self.member(person), Wish("", "A topic"), at=at)
            self.session.commit()
            self.waits.add((sitting_id, person.number))
        except Conflict:
            self.session.rollback()
        except Refused as refusal:
            self.session.rollback()
            if "free" in refusal.reason:
                self.ask(person, wanted, at, set())

    def watch(self, at: datetime) -> None:
        """After the worker: who has got a seat, or is offered one?"""
        ways = [Source.ROUND, Source.WAITLIST]
        new = sa.select(Booking.id).where(Booking.id > self.newest, Booking.source.in_(ways)).order_by(Booking.id)
        for number in self.session.scalars(new).all():
            self.newest = number
            booking = queries.whole_booking(self.session, number)
            person = self.weeks.world.people[booking.participant_id]
            chair = Chair(booking.slot_id, booking.starts_at, booking.slot.sitting_id)
            if booking.state is BookingState.HELD:
                self.offered(booking, person, chair, at)
            else:
                self.weeks.booked(person, number, chair, at)
        self.session.commit()

    def offered(self, booking: Booking, person: Person, chair: Chair, at: datetime) -> None:
        """Most people answer within two hours of their day."""
        assert booking.hold_expires_at is not None
        self.weeks.alarm(booking.hold_expires_at, OFFERING)
        if chance("answers", person.number, chair.id) < person.pace.answers:
            when = person.next_awake(at + 2 * HOUR * chance("when", person.number, chair.id))
            self.weeks.at(when, partial(self.answer, booking.uid, person, chair))

    def answer(self, uid: str, person: Person, chair: Chair, at: datetime) -> None:
        """Take the seat, or let it go if it is not wanted any more."""
        offer = queries_waiting.offer_of(self.session, self.member(person), uid)
        number, by = offer.booking_id, offer.booking.account_id
        wanted = self.weeks.wants(person, self.weeks.week_of(chair))
        try:
            if wanted:
                waiting.accept_offer(self.session, offer, by=by, at=at, sender=SENDER)
            else:
                waiting.decline_offer(self.session, offer, stay=False, by=by, at=at)
            self.session.commit()
        except Refused:
            # It was too late, or the session was called off.
            self.session.rollback()
            return
        if wanted:
            self.weeks.booked(person, number, chair, at)
        self.weeks.soon(at)
