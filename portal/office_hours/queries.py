"""Finding sessions, slots, bookings and feeds, each for the person who asks."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload, undefer
from sqlalchemy.orm.interfaces import ORMOption

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member, Participant
from portal.challenges.states import ParticipantState
from portal.core.errors import NotFound
from portal.core.todo import Queue, Task
from portal.office_hours.models import Booking, Feed, Seat, Series, SeriesHost, Sitting, Slot
from portal.office_hours.states import COUNTED, LIVE, SEATED, BookingState, FeedScope, SeriesState, SlotState
from portal.office_hours.time import iso_week

# Calendars keep showing what was; a feed need not carry more than the last months.
FEED_PAST = timedelta(days=90)

Row = TypeVar("Row")


class Offer(NamedTuple):
    """A slot on show and how full it is."""

    slot: Slot
    seats: int
    taken: int


@dataclass(slots=True)
class SittingRow:
    """A session as staff see it. `bookings` holds, by slot, only those that the person may see."""

    sitting: Sitting
    offers: list[Offer] = field(default_factory=list)
    bookings: dict[int, list[Booking]] = field(default_factory=dict)

    @property
    def seats(self) -> int:
        """Seats in all slots."""
        return sum(offer.seats for offer in self.offers)

    @property
    def taken(self) -> int:
        """Seats taken in all slots."""
        return sum(offer.taken for offer in self.offers)


class WeekLoad(NamedTuple):
    """One ISO week in the programme's zone: seats offered, and bookings by state."""

    week: str
    seats: int
    bookings: dict[BookingState, int]

    @property
    def taken(self) -> int:
        """Seats that are or were filled."""
        return sum(self.bookings.get(state, 0) for state in SEATED)


def _whole_slot() -> tuple[ORMOption, ...]:
    return (joinedload(Slot.host), joinedload(Slot.sitting).joinedload(Sitting.series).joinedload(Series.challenge))


def _whole_booking() -> tuple[ORMOption, ...]:
    slot = joinedload(Booking.slot)
    return (
        slot.joinedload(Slot.host),
        slot.joinedload(Slot.sitting).joinedload(Sitting.series).joinedload(Series.challenge),
        joinedload(Booking.participant),
        joinedload(Booking.account),
        joinedload(Booking.scenario),
    )


# Series and their hosts


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
    return _one(session, sa.select(Series).where(Series.id == series_id, Series.challenge_id == challenge_id), "series")


def open_series(session: Session) -> Sequence[int]:
    """The series of all challenges that sessions are still made of."""
    return session.scalars(sa.select(Series.id).where(Series.state == SeriesState.OPEN).order_by(Series.id)).all()


# Sessions and slots


def _offers(challenge_id: int, since: datetime, before: datetime) -> "sa.Select[Slot, int, int]":
    seats = sa.select(sa.func.count()).where(Seat.slot_id == Slot.id).correlate(Slot).scalar_subquery()
    taken = (
        sa.select(sa.func.count())
        .where(Booking.slot_id == Slot.id, Booking.state.in_(SEATED))
        .correlate(Slot)
        .scalar_subquery()
    )
    return (
        sa.select(Slot, seats, taken)
        .join(Slot.sitting)
        .join(Sitting.series)
        .options(
            contains_eager(Slot.sitting).contains_eager(Sitting.series).joinedload(Series.challenge),
            joinedload(Slot.host),
        )
        .where(Series.challenge_id == challenge_id, Slot.starts_at >= since, Slot.starts_at < before)
        .order_by(Slot.starts_at, Slot.id)
    )


def offers(session: Session, challenge_id: int, since: datetime, before: datetime) -> list[Offer]:
    """The open slots that start in a span, with their sessions, series and hosts, in order; one statement."""
    rows = _offers(challenge_id, since, before).where(Slot.state == SlotState.OPEN)
    return [Offer(*row) for row in session.execute(rows)]


def slot_of(session: Session, challenge_id: int, slot_id: int) -> Slot:
    """One slot of a challenge. Raises NotFound."""
    return _one(
        session,
        sa.select(Slot)
        .join(Slot.sitting)
        .join(Sitting.series)
        .options(*_whole_slot())
        .where(Slot.id == slot_id, Series.challenge_id == challenge_id),
        "slot",
    )


def sitting_of(session: Session, challenge_id: int, sitting_id: int) -> Sitting:
    """One session of a challenge. Raises NotFound."""
    return _one(
        session,
        sa.select(Sitting)
        .join(Sitting.series)
        .options(contains_eager(Sitting.series).joinedload(Series.challenge))
        .where(Sitting.id == sitting_id, Series.challenge_id == challenge_id),
        "session",
    )


def hosts_in(session: Session, sitting: Sitting, account_id: int) -> bool:
    """Whether the person holds a slot of the session."""
    held = sa.select(Slot.id).where(Slot.sitting_id == sitting.id, Slot.host_id == account_id).limit(1)
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
    rows = _offers(challenge_id, since, before)
    if sitting_id is not None:
        rows = rows.where(Slot.sitting_id == sitting_id)
    table: dict[int, SittingRow] = {}
    for slot, seats, taken in session.execute(rows):
        table.setdefault(slot.sitting_id, SittingRow(slot.sitting)).offers.append(Offer(slot, seats, taken))
    own = [offer.slot.id for row in table.values() for offer in row.offers if offer.slot.host_id == viewer_id]
    for booking in _bookings_in(session, own):
        table[booking.slot.sitting_id].bookings.setdefault(booking.slot_id, []).append(booking)
    return list(table.values())


def _bookings_in(session: Session, slot_ids: Sequence[int]) -> Sequence[Booking]:
    told = SEATED | {BookingState.LATE_CANCELLED}
    return session.scalars(
        sa.select(Booking)
        .options(*_whole_booking(), undefer(Booking.question))
        .where(Booking.slot_id.in_(slot_ids), Booking.state.in_(told))
        .order_by(Booking.starts_at, Booking.seat_no, Booking.id)
    ).all()


# Bookings


def bookings_of(session: Session, participant_id: int, since: datetime) -> Sequence[Booking]:
    """The participant's bookings that end after `since`, the next one first; cancelled and expired ones left out."""
    return session.scalars(
        sa.select(Booking)
        .options(*_whole_booking())
        .where(Booking.participant_id == participant_id, Booking.state.in_(SEATED), Booking.ends_at > since)
        .order_by(Booking.starts_at, Booking.id)
    ).all()


def booking_of(session: Session, member: Member, uid: str) -> Booking:
    """A booking of the member's own participant. Raises NotFound."""
    mine = sa.select(Booking).where(Booking.uid == uid, Booking.participant_id == member.participant_id)
    return _one(session, mine.options(*_whole_booking(), undefer(Booking.question)), "booking")


def booking_for_host(session: Session, challenge_id: int, host_id: int, uid: str) -> Booking:
    """A booking in a slot that the person holds. Raises NotFound."""
    own = (
        sa.select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Slot.sitting)
        .join(Sitting.series)
        .where(Booking.uid == uid, Slot.host_id == host_id, Series.challenge_id == challenge_id)
    )
    return _one(session, own.options(*_whole_booking()), "booking")


def whole_booking(session: Session, booking_id: int) -> Booking:
    """A booking as the database has it at this moment, with everything that is told of it."""
    return session.scalars(
        sa.select(Booking)
        .options(*_whole_booking())
        .where(Booking.id == booking_id)
        .execution_options(populate_existing=True)
    ).one()


def quota_used(session: Session, participant_id: int, periods: Iterable[str]) -> Counter[str]:
    """How many bookings count in each of the weeks."""
    rows = session.execute(
        sa.select(Booking.quota_period, sa.func.count())
        .where(
            Booking.participant_id == participant_id,
            Booking.quota_period.in_(sorted(set(periods))),
            Booking.state.in_(COUNTED),
        )
        .group_by(Booking.quota_period)
    )
    return Counter(dict(rows.all()))


def upcoming(session: Session, at: datetime, before: datetime) -> Sequence[Booking]:
    """The confirmed bookings of active participants that start after `at` and not after `before`."""
    return session.scalars(
        sa.select(Booking)
        .join(Booking.participant)
        .options(*_whole_booking())
        .where(
            Participant.state == ParticipantState.ACTIVE,
            Booking.state == BookingState.CONFIRMED,
            Booking.starts_at > at,
            Booking.starts_at <= before,
        )
        .order_by(Booking.starts_at, Booking.id)
    ).all()


# Calendars


def token_hash(token: str) -> str:
    """What is kept of a feed's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def feed_by_token(session: Session, token: str) -> Feed:
    """The live feed behind an address. Raises NotFound."""
    return _one(
        session,
        sa.select(Feed)
        .join(Feed.account)
        .options(contains_eager(Feed.account))
        .where(Feed.token_hash == token_hash(token), Feed.revoked_at.is_(None), Account.active),
        "calendar",
    )


def live_feeds(session: Session, account_id: int) -> dict[FeedScope, Feed]:
    """The person's calendar addresses by what they show."""
    feeds = session.scalars(sa.select(Feed).where(Feed.account_id == account_id, Feed.revoked_at.is_(None)))
    return {feed.scope: feed for feed in feeds}


def feed_bookings(session: Session, feed: Feed, at: datetime) -> Sequence[Booking]:
    """What a feed shows: bookings of the person's participants, or in the slots that they hold."""
    if feed.scope is FeedScope.MINE:
        own = Booking.participant_id.in_(sa.select(Member.participant_id).where(Member.account_id == feed.account_id))
    else:
        own = Booking.slot_id.in_(sa.select(Slot.id).where(Slot.host_id == feed.account_id))
    shown = SEATED - {BookingState.HELD}
    return session.scalars(
        sa.select(Booking)
        .options(*_whole_booking())
        .where(own, Booking.state.in_(shown), Booking.ends_at > at - FEED_PAST)
        .order_by(Booking.starts_at, Booking.uid)
    ).all()


# Home pages and charts


def tasks(session: Session, member: Member, at: datetime) -> list[Task]:
    """What a participant should know: the next booking, or that this week has free seats and none is booked."""
    challenge = session.get_one(Challenge, member.challenge_id)
    page = f"/challenges/{challenge.slug}/office-hours"
    booked = [booking for booking in bookings_of(session, member.participant_id, at) if booking.state in LIVE]
    if booked:
        first = booked[0]
        label = f"Office hours with {first.slot.host.name or 'the security team'}"
        return [Task(label, f"{page}/bookings/{first.uid}", first.starts_at, first.topic)]
    week = iso_week(at, challenge.zone)
    if quota_used(session, member.participant_id, [week])[week]:
        return []
    open_now = [
        offer
        for offer in offers(session, challenge.id, at, at + timedelta(days=7))
        if offer.taken < offer.seats
        and at <= offer.slot.starts_at - offer.slot.sitting.series.notice
        and iso_week(offer.slot.starts_at, challenge.zone) == week
    ]
    if not open_now:
        return []
    last = open_now[-1].slot
    detail = "1 slot is free" if len(open_now) == 1 else f"{len(open_now)} slots are free"
    return [Task("Book this week's office hours", page, last.starts_at - last.sitting.series.notice, detail)]


def queues(session: Session, challenge: Challenge, account: Account, at: datetime) -> list[Queue]:
    """What waits for a host: bookings that are over and not yet marked, and those of the coming week."""
    page = f"/staff/{challenge.slug}/office-hours"
    own = (
        sa.select(sa.func.count(), sa.func.min(Booking.ends_at))
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Slot.sitting)
        .join(Sitting.series)
        .where(
            Series.challenge_id == challenge.id,
            Slot.host_id == account.id,
            Booking.state == BookingState.CONFIRMED,
        )
    )
    unmarked, oldest = session.execute(own.where(Booking.ends_at <= at)).one()
    coming, _ = session.execute(own.where(Booking.ends_at > at, Booking.starts_at <= at + timedelta(days=7))).one()
    return [
        Queue("Office hours to mark", f"{page}?show=past", unmarked, oldest),
        Queue("Your office hours in the next 7 days", page, coming),
    ]


def load_by_week(session: Session, challenge: Challenge) -> list[WeekLoad]:
    """How full office hours were and are, week by week; cancelled slots do not count as offered."""
    seats: Counter[str] = Counter()
    bookings: defaultdict[str, Counter[BookingState]] = defaultdict(Counter)
    offered = (
        sa.select(Slot.starts_at, sa.func.count())
        .join(Slot.sitting)
        .join(Sitting.series)
        .join(Seat, Seat.slot_id == Slot.id)
        .where(Series.challenge_id == challenge.id, Slot.state == SlotState.OPEN)
        .group_by(Slot.starts_at)
    )
    for starts_at, number in session.execute(offered):
        seats[iso_week(starts_at, challenge.zone)] += number
    booked = (
        sa.select(Booking.starts_at, Booking.state, sa.func.count())
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Slot.sitting)
        .join(Sitting.series)
        .where(Series.challenge_id == challenge.id)
        .group_by(Booking.starts_at, Booking.state)
    )
    for starts_at, state, number in session.execute(booked):
        bookings[iso_week(starts_at, challenge.zone)][state] += number
    return [WeekLoad(week, seats[week], dict(bookings[week])) for week in sorted({*seats, *bookings})]


def _one(session: Session, rows: sa.Select[Row], what: str) -> Row:
    found = session.scalars(rows).one_or_none()
    if found is None:
        raise NotFound(what)
    return found
