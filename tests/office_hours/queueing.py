"""A full session on stage, and people who wait for it."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.accounts.models import Account
from portal.challenges.models import Member
from portal.office_hours import actions, queries
from portal.office_hours.actions import Wish
from portal.office_hours.actions import waiting as lists
from portal.office_hours.jobs import offer_seats
from portal.office_hours.models import Booking, SeatOffer, Series, Slot, Waiter
from portal.office_hours.queries.waiting import offer_of, slots_in, waiter_in
from portal.office_hours.states import BookingState, WaiterState
from tests.cast import NOON, make_account, make_participant
from tests.office_hours.conftest import SENDER, Stage

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


class Queue:
    """A session that is full: its one slot is taken by somebody called Early."""

    def __init__(self, stage: Stage, **plan: object) -> None:
        self.stage, self.session = stage, stage.session
        self.series: Series = stage.series(**{"slots": 1, **plan})
        self.slots = list(slots_in(self.session, stage.slots(self.series)[0].sitting_id))
        self.sitting_id = self.slots[0].sitting_id
        self.taken = [stage.book(slot, self.person(f"Early {number}")) for number, slot in enumerate(self.slots)]
        self.session.commit()

    def person(self, name: str, zone: str = "UTC") -> Member:
        account = make_account(self.session, name, zone=zone)
        return make_participant(self.session, self.stage.cast.challenge, account).members[0]

    def join(self, who: Member | str, *slots: Slot, at: datetime = NOON, zone: str = "UTC") -> Waiter:
        member = self.person(who, zone) if isinstance(who, str) else who
        sitting = queries.sitting_of(self.session, self.stage.cast.challenge.id, self.sitting_id)
        waiter = lists.join_list(self.session, sitting, slots, member, Wish("", "Booting"), at=at)
        self.session.commit()
        return waiter_in(self.session, self.stage.cast.challenge.id, waiter.id)

    def free(self, number: int = 0, at: datetime = NOON) -> None:
        """Somebody gives a seat back."""
        booking = self.taken[number]
        actions.cancel_booking(self.session, booking, by=booking.account_id, at=at, sender=SENDER)
        self.session.commit()

    def tick(self, at: datetime = NOON) -> list[str]:
        """Run the job; to whom seats are kept then."""
        offer_seats(self.session, at)
        return self.held()

    def held(self) -> list[str]:
        rows = sa.select(Waiter.account_id).join(SeatOffer, SeatOffer.waiter_id == Waiter.id)
        rows = rows.join(Booking, Booking.id == SeatOffer.booking_id).where(Booking.state == BookingState.HELD)
        return [self.name(account_id) for account_id in self.session.scalars(rows.order_by(Booking.id))]

    def name(self, account_id: int) -> str:
        return self.session.get_one(Account, account_id).name

    def offer(self, waiter: Waiter) -> SeatOffer:
        """The latest offer to somebody, as they see it."""
        uid = self.session.scalars(
            sa.select(Booking.uid)
            .join(SeatOffer, SeatOffer.booking_id == Booking.id)
            .where(SeatOffer.waiter_id == waiter.id)
            .order_by(Booking.id.desc())
        ).first()
        member = self.session.scalars(sa.select(Member).where(Member.account_id == waiter.account_id)).one()
        return offer_of(self.session, member, uid or "")

    def again(self, waiter: Waiter) -> Waiter:
        """A place on the list as it is now, with all that belongs to it."""
        return waiter_in(self.session, self.stage.cast.challenge.id, waiter.id)

    def state(self, waiter: Waiter) -> WaiterState:
        self.session.refresh(waiter, ["state"])
        return waiter.state

    def member(self, waiter: Waiter) -> Member:
        """Who waits."""
        return self.session.scalars(sa.select(Member).where(Member.account_id == waiter.account_id)).one()

    def early(self) -> Member:
        """Who has the first seat."""
        return self.session.scalars(sa.select(Member).where(Member.account_id == self.taken[0].account_id)).one()
