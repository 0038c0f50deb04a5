"""The fair rules, and all people and many workers come in the same moment, some of them to die."""

from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.office_hours import jobs, queries
from portal.office_hours.actions import Wish, requests, rounds, waiting
from portal.office_hours.models import Booking, Waiter
from portal.office_hours.queries import rounds as queries_rounds
from portal.office_hours.queries.waiting import slots_in, slots_waited_for
from portal.office_hours.states import Source
from tests.office_hours.simulation.fair import DRAWING, Fair
from tests.office_hours.simulation.people import HOUR, chance
from tests.office_hours.simulation.storm import Act, Errand, Storm
from tests.office_hours.simulation.stormy import crowd_of
from tests.office_hours.simulation.weeks import SENDER, Weeks


def ask(session: Session, errand: Errand, at: datetime) -> str:
    """Ask for seats in the round; the request's name."""
    member = session.get_one(Member, errand.member_id)
    found = queries_rounds.round_in(session, errand.sitting_id)
    assert found is not None
    whole = queries_rounds.round_of(session, member.challenge_id, found.id)
    return requests.ask(session, whole, member, requests.Asking("A topic", errand.slots), at=at).public_id


def draw(session: Session, _errand: Errand, at: datetime) -> str:
    """Draw what is due, as a worker does."""
    for round_id in queries_rounds.rounds_due(session, at):
        rounds.draw_round(session, round_id, at=at, sender=SENDER)
    return "done"


def wait(session: Session, errand: Errand, at: datetime) -> str:
    """Join the list, unless that has been done; the number of the place on it."""
    member = session.get_one(Member, errand.member_id)
    mine = Waiter.sitting_id == errand.sitting_id, Waiter.participant_id == member.participant_id
    known = session.scalars(sa.select(Waiter.id).where(*mine)).one_or_none()
    if known is not None:
        return str(known)
    sitting = queries.sitting_of(session, member.challenge_id, errand.sitting_id)
    slots = [slot for slot in slots_in(session, errand.sitting_id) if slot.id in errand.slots]
    return str(waiting.join_list(session, sitting, slots, member, Wish("", "A topic"), at=at).id)


def offer(session: Session, _errand: Errand, at: datetime) -> str:
    """Offer whatever is free, as a worker does."""
    free = [slot.id for slot in slots_waited_for(session, at)]
    session.commit()
    for slot_id in free:
        jobs.offer_slot(session, slot_id, at=at, sender=SENDER)
    return "done"


class StormyFair(Fair):
    """Sixty-four ask, many workers draw, the unlucky ones wait; then seats become free and are offered at once."""

    def __init__(self, weeks: Weeks, storm: Storm) -> None:
        super().__init__(weeks)
        self.storm = storm

    def opening(self, sitting_id: int, at: datetime) -> None:
        """The round of the first session; people ask in its last hour."""
        if sitting_id != min(self.weeks.sittings):
            return
        self.weeks.work([DRAWING], at)
        found = self.round_of(sitting_id)
        assert found is not None
        for hours, act in ((-1, ask), (0, draw), (1, wait)):
            self.weeks.at(found.draws_at + hours * HOUR, partial(self.all_at_once, sitting_id, act))
        self.weeks.at(found.draws_at + 2 * HOUR, partial(self.give_some_back, sitting_id))

    def all_at_once(self, sitting_id: int, act: Act, at: datetime) -> None:
        """Everybody does it, or sixteen workers do, and the first of the processes dies of it."""
        crowd = list(crowd_of(self.weeks, sitting_id))
        self.weeks.session.rollback()
        self.storm.run(
            act, crowd if act in (ask, wait) else crowd[:16], at, [int(chance("kills", sitting_id, act.__name__) * 4)]
        )
        self.watch(at)

    def give_some_back(self, sitting_id: int, at: datetime) -> None:
        """Three give their seats back; workers offer them."""
        rows = sa.select(Booking.id).where(Booking.source == Source.ROUND).order_by(Booking.id.desc()).limit(3)
        for number in self.weeks.session.scalars(rows).all():
            self.weeks.give_up(number, at)
        self.all_at_once(sitting_id, offer, at)
