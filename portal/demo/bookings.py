"""Bookings that are no one's own doing: made by staff, missed too often, forgiven."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.errors import PortalError
from portal.demo.world import Stage, World
from portal.office_hours import actions, queries, states
from portal.office_hours.actions.bookings import Wish
from portal.office_hours.models import Booking, Series, Sitting, Slot
from portal.office_hours.queries.strikes import strikes
from portal.office_hours.states import BookingState, Source


def show_bookings(world: World, stage: Stage) -> None:
    """For a challenge that still runs: one participant may book late only, one is forgiven, one is booked by a host."""
    lately = _lately(world.session, stage, world)
    if not lately:
        return
    _miss(world, lately)
    _forgive(world, stage)
    _book(world, stage)


def _lately(session: Session, stage: Stage, world: World) -> Sequence[Booking]:
    return session.scalars(
        sa.select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Sitting, Sitting.id == Slot.sitting_id)
        .join(Series, Series.id == Sitting.series_id)
        .where(
            Series.challenge_id == stage.challenge.id,
            Booking.state == BookingState.ATTENDED,
            Booking.ends_at > world.now - timedelta(days=26),
            Booking.ends_at < world.now,
        )
        .order_by(Booking.starts_at, Booking.id)
    ).all()


def _miss(world: World, lately: Sequence[Booking]) -> None:
    """Whoever came twice has, after all, not come at all: their host corrects both marks; and one of somebody else."""
    by_participant: defaultdict[int, list[Booking]] = defaultdict(list)
    for booking in lately:
        by_participant[booking.participant_id].append(booking)
    twice = next((found for found in by_participant.values() if len(found) == 2), [])
    once = next((found for found in by_participant.values() if len(found) == 1), [])
    for booking in [*twice, *once]:
        whole = queries.whole_booking(world.session, booking.id)
        actions.mark_booking(
            world.session, whole, states.MISS, by=whole.slot.host_id, at=whole.ends_at + timedelta(hours=1)
        )


def _forgive(world: World, stage: Stage) -> None:
    """The last strike of somebody who has but one is forgiven."""
    live = strikes(world.session, stage.challenge.id, world.now)
    counts = [strike.participant_id for strike in live]
    single = [strike for strike in live if counts.count(strike.participant_id) == 1]
    if not single:
        return
    booking = queries.whole_booking(world.session, single[-1].booking_id)
    actions.forgive_strike(
        world.session, stage.challenge, booking, "The meeting did not open for the first ten minutes.",
        by=world.staff["lead"], at=world.now - timedelta(hours=1), sender=world.sender,
    )  # fmt: skip


def _book(world: World, stage: Stage) -> None:
    """A host books the next free slot of theirs for the first participant who can have it."""
    host = world.staff["host1"]
    offers = queries.offers(world.session, stage.challenge.id, world.now, world.now + timedelta(days=14))
    free = [offer.slot for offer in offers if offer.taken < offer.seats and offer.slot.host_id == host]
    for members in stage.participants[:10]:
        wish = Wish(key=f"demo-{stage.slug}-by-host", topic="Walk through the crash dump", component="kernel")
        try:
            with world.session.begin_nested():
                actions.book_slot(
                    world.session,
                    free[-1],
                    members[0],
                    wish,
                    at=world.now,
                    sender=world.sender,
                    source=Source.STAFF,
                    by=host,
                )
            return
        except (PortalError, IndexError):
            continue
