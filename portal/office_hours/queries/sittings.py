"""Finding series, sessions and slots."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from portal.accounts.models import Account
from portal.office_hours.models import Booking, Seat, Series, SeriesHost, Sitting, Slot, SlotHost
from portal.office_hours.queries.base import held_by, one, whole_booking_options, whole_slot
from portal.office_hours.queries.rounds import sittings_to_draw
from portal.office_hours.states import SEATED, BookingState, SeriesState, SittingState, SlotState


class Offer(NamedTuple):
    """A slot on show and how full it is. Of the seats taken, some may only be `held` and become free again."""

    slot: Slot
    seats: int
    taken: int
    held: int = 0

    @property
    def hosts(self) -> list[tuple[str, int]]:
        """Who holds the slot: names and accounts, the first engineer first."""
        return [(host.name, host.id) for host in hosts_of(self.slot)]


@dataclass(slots=True)
class SittingRow:
    """A session as staff see it. `bookings` holds, by slot, only those that the person may see."""

    sitting: Sitting
    offers: list[Offer] = field(default_factory=list)
    bookings: dict[int, list[Booking]] = field(default_factory=dict)

    @property
    def hosts(self) -> list[str]:
        """The names of everybody who holds a slot, each once."""
        return list(dict.fromkeys(name for offer in self.offers for name, _ in offer.hosts))

    @property
    def seats(self) -> int:
        """Seats in all slots."""
        return sum(offer.seats for offer in self.offers)

    @property
    def taken(self) -> int:
        """Seats taken in all slots."""
        return sum(offer.taken for offer in self.offers)


def series_of(session: Session, challenge_id: int) -> Sequence[Series]:
    """All series of a challenge with their hosts, the open ones first."""
    return session.scalars(
        sa.select(Series)
        .options(selectinload(Series.hosts).joinedload(SeriesHost.account))
        .where(Series.challenge_id == challenge_id)
        .order_by(Series.state.desc(), Series.first_local, Series.id)
    ).all()


def one_series(session: Session, challenge_id: int, series_id: int) -> Series:
    """One series of a challenge. Raises NotFound."""
    own = sa.select(Series).where(Series.id == series_id, Series.challenge_id == challenge_id)
    return one(session, own.options(joinedload(Series.challenge)), "series")


def open_series(session: Session) -> Sequence[int]:
    """The series of all challenges that sessions are still made of."""
    return session.scalars(sa.select(Series.id).where(Series.state == SeriesState.OPEN).order_by(Series.id)).all()


def _offers(
    challenge_id: int, since: datetime, before: datetime, at: datetime | None = None
) -> "sa.Select[Slot, int, int, int]":
    """Slots with their seats, those taken, and of these those that are only held: at `at`, if holds then matter."""
    run_out = sa.false() if at is None else sa.and_(Booking.state == BookingState.HELD, Booking.hold_expires_at <= at)
    seats = sa.select(sa.func.count()).where(Seat.slot_id == Slot.id).correlate(Slot).scalar_subquery()
    taken = (
        sa.select(sa.func.count())
        .where(Booking.slot_id == Slot.id, Booking.state.in_(SEATED), ~run_out)
        .correlate(Slot)
        .scalar_subquery()
    )
    held = (
        sa.select(sa.func.count())
        .where(Booking.slot_id == Slot.id, Booking.state == BookingState.HELD, ~run_out)
        .correlate(Slot)
        .scalar_subquery()
    )
    return (
        sa.select(Slot, seats, taken, held)
        .join(Slot.sitting)
        .join(Sitting.series)
        .options(
            contains_eager(Slot.sitting).contains_eager(Sitting.series).joinedload(Series.challenge),
            joinedload(Slot.host),
            selectinload(Slot.seconds).joinedload(SlotHost.account),
        )
        .where(Series.challenge_id == challenge_id, Slot.starts_at >= since, Slot.starts_at < before)
        .order_by(Slot.starts_at, Slot.id)
    )


def offers(session: Session, challenge_id: int, since: datetime, before: datetime) -> list[Offer]:
    """The open slots that start in a span, seen from its beginning, with their sessions, series and hosts, in order.

    Without those whose seats are drawn first, and at `since` are not drawn yet.
    """
    rows = _offers(challenge_id, since, before, since).where(Slot.state == SlotState.OPEN)
    to_draw = sittings_to_draw(session, challenge_id, since)
    return [Offer(*row) for row in session.execute(rows) if row[0].sitting_id not in to_draw]


def free_seats(session: Session, slot: Slot, at: datetime) -> int:
    """How many seats of a slot are free at `at`."""
    counts = _offers(slot.sitting.series.challenge_id, slot.starts_at, slot.ends_at, at).where(Slot.id == slot.id)
    _, seats, taken, _ = session.execute(counts).one()
    return int(seats - taken)


def slot_of(session: Session, challenge_id: int, slot_id: int) -> Slot:
    """One slot of a challenge. Raises NotFound."""
    return one(
        session,
        sa.select(Slot)
        .join(Slot.sitting)
        .join(Sitting.series)
        .options(*whole_slot())
        .where(Slot.id == slot_id, Series.challenge_id == challenge_id),
        "slot",
    )


def sitting_of(session: Session, challenge_id: int, sitting_id: int) -> Sitting:
    """One session of a challenge. Raises NotFound."""
    return one(
        session,
        sa.select(Sitting)
        .join(Sitting.series)
        .options(contains_eager(Sitting.series).joinedload(Series.challenge))
        .where(Sitting.id == sitting_id, Series.challenge_id == challenge_id),
        "session",
    )


def hosts_of(slot: Slot) -> list[Account]:
    """Everybody who holds a slot, the first engineer first. The slot is a whole one."""
    return [slot.host, *(second.account for second in slot.seconds)]


def ids_of(slot: Slot) -> list[int]:
    """The accounts of everybody who holds a slot."""
    return [slot.host_id, *(second.account_id for second in slot.seconds)]


def hosts_in(session: Session, sitting: Sitting, account_id: int) -> bool:
    """Whether the person holds a slot of the session."""
    held = sa.select(Slot.id).where(Slot.sitting_id == sitting.id, held_by(account_id)).limit(1)
    return session.scalars(held).one_or_none() is not None


def timetable(
    session: Session,
    challenge_id: int,
    since: datetime,
    before: datetime,
    *,
    viewer_id: int,
    sitting_id: int | None = None,
) -> list[SittingRow]:
    """Sessions in a span as the person may see them: all with their counts, but bookings only of the own slots."""
    # The slots of a session that has moved stay behind, cancelled; only a cancelled session shows such slots.
    rows = _offers(challenge_id, since, before).where(
        sa.or_(Slot.state == SlotState.OPEN, Sitting.state == SittingState.CANCELLED)
    )
    if sitting_id is not None:
        rows = rows.where(Slot.sitting_id == sitting_id)
    table: dict[int, SittingRow] = {}
    for slot, *numbers in session.execute(rows):
        table.setdefault(slot.sitting_id, SittingRow(slot.sitting)).offers.append(Offer(slot, *numbers))
    own = [offer.slot.id for row in table.values() for offer in row.offers if viewer_id in ids_of(offer.slot)]
    for booking in _bookings_in(session, own):
        table[booking.slot.sitting_id].bookings.setdefault(booking.slot_id, []).append(booking)
    return list(table.values())


def _bookings_in(session: Session, slot_ids: Sequence[int]) -> Sequence[Booking]:
    told = SEATED | {BookingState.LATE_CANCELLED}
    return session.scalars(
        sa.select(Booking)
        .options(*whole_booking_options())
        .where(Booking.slot_id.in_(slot_ids), Booking.state.in_(told))
        .order_by(Booking.starts_at, Booking.seat_no, Booking.id)
    ).all()
