"""First come, first served, and everybody comes in the moment of the opening."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core.errors import Conflict
from portal.office_hours.actions import Wish, book_slot
from portal.office_hours.models import Booking, Slot
from tests.office_hours.simulation.first_come import FirstCome
from tests.office_hours.simulation.people import Person, chance, everybody
from tests.office_hours.simulation.storm import CROWD, Errand, Storm
from tests.office_hours.simulation.weeks import SENDER, Weeks


def book(session: Session, errand: Errand, at: datetime) -> str:
    """Take the first of the slots that has a seat, in a transaction for each try; the uid of the booking."""
    for slot_id in errand.slots:
        try:
            member, slot = session.get_one(Member, errand.member_id), session.get_one(Slot, slot_id)
            return book_slot(session, slot, member, Wish(errand.key, "A topic"), at=at, sender=SENDER).uid
        except Conflict as refusal:
            session.rollback()
            reason = refusal
    raise reason


def crowd_of(weeks: Weeks, sitting_id: int) -> dict[Errand, Person]:
    """Sixty-four people who would take either of two slots of a session."""
    slots = [chair.id for chair in weeks.sittings[sitting_id]]
    crowd = sorted(everybody(), key=lambda who: chance("comes", sitting_id, who.number))[:CROWD]
    return {
        Errand(
            f"{who.number}-{sitting_id}", weeks.world.members[who.number], sitting_id,
            tuple(sorted(slots, key=lambda slot: chance("likes", who.number, slot))[:2]),
        ): who
        for who in crowd
    }  # fmt: skip


class Stormy(FirstCome):
    """At every other opening sixty-four ask for two slots each, and one or two of the four processes die of it."""

    def __init__(self, weeks: Weeks, storm: Storm) -> None:
        super().__init__(weeks)
        self.storm = storm

    def opening(self, sitting_id: int, at: datetime) -> None:
        """All at once."""
        if sitting_id % 2:
            super().opening(sitting_id, at)
            return
        chairs = {chair.id: chair for chair in self.weeks.sittings[sitting_id]}
        crowd = crowd_of(self.weeks, sitting_id)
        kills = [int(chance("kills", sitting_id, number) * 12) for number in range(1 + sitting_id % 4 // 2)]
        self.weeks.session.rollback()
        answers = self.storm.run(book, list(crowd), at, kills)
        people = {errand.key: who for errand, who in crowd.items()}
        made = self.weeks.session.execute(
            sa.select(Booking.idempotency_key, Booking.uid, Booking.id, Booking.slot_id)
            .where(Booking.idempotency_key.in_(answers))
            .order_by(Booking.id)
        ).all()
        self.weeks.session.rollback()
        # Whoever was given a booking has it, and nobody has one who was not.
        given = {key: uid for key, uid in answers.items() if uid not in ("Conflict", "Refused")}
        assert {key: uid for key, uid, *_ in made} == given
        for key, _, number, slot_id in made:
            self.weeks.booked(people[key], number, chairs[slot_id], at)
