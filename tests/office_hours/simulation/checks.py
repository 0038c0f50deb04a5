"""What must be true when the weeks are over, asked of the database in its own language.

Each check returns what is wrong, as rows; none looks at how the portal would see it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.office_hours.simulation.order import out_of_turn
from tests.office_hours.simulation.rows import COUNTED, SEATED, Rows, instant, naive, rows
from tests.office_hours.simulation.world import CAP, QUOTA


def double_seats(session: Session) -> Rows:
    """Two bookings that had one seat at the same time, or more bookings than seats."""
    return rows(
        session,
        f"""
        SELECT one.uid, other.uid FROM office_booking AS one JOIN office_booking AS other
        ON one.slot_id = other.slot_id AND one.seat_no = other.seat_no AND one.id < other.id
        AND (one.state IN {SEATED} OR one.state_since > other.booked_at)
        UNION ALL SELECT booking.uid, '' FROM office_booking AS booking LEFT JOIN office_seat AS seat
        ON seat.slot_id = booking.slot_id AND seat.seat_no = booking.seat_no WHERE seat.slot_id IS NULL""",
    )


def people_in_two_places(session: Session) -> Rows:
    """Two seats of one participant that overlap in time."""
    return rows(
        session,
        f"""
        SELECT one.uid, other.uid FROM office_booking AS one JOIN office_booking AS other
        ON one.participant_id = other.participant_id AND one.id < other.id
        AND one.starts_at < other.ends_at AND other.starts_at < one.ends_at
        WHERE one.state IN {SEATED} AND other.state IN {SEATED}""",
    )


def hosts_in_two_places(session: Session) -> Rows:
    """Two slots of one host that overlap in time, whichever engineer they are."""
    held = """(
        SELECT id, host_id AS who, busy_from, busy_until FROM office_slot WHERE state = 'open'
        UNION ALL SELECT slot_id, account_id, busy_from, busy_until FROM office_slot_host WHERE live
    )"""
    return rows(
        session,
        f"""
        SELECT one.id, other.id FROM {held} AS one JOIN {held} AS other ON one.who = other.who AND one.id < other.id
        AND one.busy_from < other.busy_until AND other.busy_from < one.busy_until""",
    )


def over_the_quota(session: Session) -> Rows:
    """Participants with more bookings in a week than they may have, the week being counted anew."""
    found = rows(
        session,
        f"""
        SELECT booking.participant_id, booking.starts_at, challenge.zone FROM office_booking AS booking
        JOIN participant ON participant.id = booking.participant_id
        JOIN challenge ON challenge.id = participant.challenge_id WHERE booking.state IN {COUNTED}""",
    )
    weeks = Counter(
        (who, instant(starts_at).astimezone(ZoneInfo(zone)).isocalendar()[:2]) for who, starts_at, zone in found
    )
    return [(who, week, count) for (who, week), count in weeks.items() if count > QUOTA]


def over_the_cap(session: Session) -> Rows:
    """Participants with more bookings in some four weeks than they may have."""
    seats: dict[int, list[datetime]] = defaultdict(list)
    counted = f"SELECT participant_id, starts_at FROM office_booking WHERE state IN {COUNTED}"
    for who, starts_at in rows(session, counted):
        seats[who].append(instant(starts_at))
    stretch = timedelta(weeks=4)
    return [
        (who, first)
        for who, starts in seats.items()
        for first in starts
        if sum(first <= other < first + stretch for other in starts) > CAP
    ]


def off_the_wall_clock(session: Session) -> Rows:
    """Sessions that do not begin when the series says on its hosts' clock, or whose slots do not follow each other."""
    sessions = rows(
        session,
        """
        SELECT sitting.id, sitting.starts_at, series.first_local, series.zone FROM office_session AS sitting
        JOIN office_series AS series ON series.id = sitting.series_id""",
    )
    wrong = [
        (number, starts_at)
        for number, starts_at, first, zone in sessions
        if instant(starts_at).astimezone(ZoneInfo(zone)).replace(tzinfo=None).time() != naive(first).time()
    ]
    slots = rows(
        session,
        """
        SELECT slot.id, slot.starts_at, slot.ends_at, slot.position, sitting.starts_at, series.slot_minutes
        FROM office_slot AS slot JOIN office_session AS sitting ON sitting.id = slot.sitting_id
        JOIN office_series AS series ON series.id = sitting.series_id""",
    )
    for number, starts_at, ends_at, position, begin, minutes in slots:
        length = timedelta(minutes=minutes)
        begins = instant(begin) + (position - 1) * length
        if (instant(starts_at), instant(ends_at)) != (begins, begins + length):
            wrong.append((number, starts_at))
    return wrong


def unfinished(session: Session) -> Rows:
    """Bookings of which nobody knows how they ended."""
    return rows(session, "SELECT uid FROM office_booking WHERE state IN ('held', 'confirmed')")


def wrongly_told(session: Session) -> Rows:
    """People who were not told exactly once of a booking, or of its end; and mails that nobody should have had."""
    people = """(
        SELECT booking.id, booking.account_id AS who FROM office_booking AS booking
        UNION SELECT booking.id, slot.host_id FROM office_booking AS booking
        JOIN office_slot AS slot ON slot.id = booking.slot_id
        UNION SELECT booking.id, second.account_id FROM office_booking AS booking
        JOIN office_slot_host AS second ON second.slot_id = booking.slot_id
    )"""
    due = rows(
        session,
        f"""
        SELECT booking.uid, booking.state, account.email FROM office_booking AS booking
        JOIN {people} AS people ON people.id = booking.id JOIN account ON account.id = people.who
        WHERE EXISTS (SELECT 1 FROM audit_entry AS entry WHERE entry.subject = 'booking:' || booking.id
        AND entry.tag IN ('office_hours:book', 'office_hours:confirm'))""",
    )
    expected = Counter((uid, to, "booked") for uid, _, to in due)
    expected += Counter((uid, to, "cancelled") for uid, state, to in due if state in ("cancelled", "late_cancelled"))
    sent = Counter(mails(session, "booked") + mails(session, "cancelled"))
    return [*(expected - sent).items(), *(sent - expected).items()]


def mails(session: Session, news: str) -> list[tuple[str, str, str]]:
    """The mails of one kind: booking, address, kind."""
    like = f"office-hours:%:{news}:%"
    statement = sa.text('SELECT dedupe_key, "to" FROM outgoing_mail WHERE dedupe_key LIKE :like')
    return [(key.split(":")[1], to, news) for key, to in session.execute(statement, {"like": like})]


def untimely_reminders(session: Session) -> Rows:
    """Reminders that came too early, after the beginning, twice, or not at all though the seat was booked in time."""
    wrong: list[tuple[Any, ...]] = []
    kept: dict[str, object] = dict(
        rows(session, "SELECT uid, starts_at FROM office_booking WHERE state IN ('attended', 'no_show')")
    )
    sent = rows(
        session,
        """
        SELECT mail.dedupe_key, mail.created_at, booking.uid, booking.starts_at FROM outgoing_mail AS mail
        LEFT JOIN office_booking AS booking ON mail.dedupe_key LIKE 'reminder:' || booking.uid || ':%'
        WHERE mail.template = 'office_hours/reminder'""",
    )
    told = Counter[tuple[str, str]]()
    for key, created_at, uid, starts_at in sent:
        minutes, who = key.split(":")[-2:]
        told[uid, f"{minutes}:{who}"] += 1
        ahead = instant(starts_at) - instant(created_at)
        if not timedelta() < ahead <= timedelta(minutes=int(minutes)):
            wrong.append((key, ahead))
    wrong += [(each, count) for each, count in told.items() if count > 1]
    hourly = {uid for uid, which in told if which.startswith("60:")}
    # Nobody can book later than two hours before the beginning, so that everybody is reminded an hour before.
    return wrong + [(uid,) for uid in kept if uid not in hourly]


CHECKS: tuple[Callable[[Session], Rows], ...] = (
    double_seats, people_in_two_places, hosts_in_two_places, over_the_quota, over_the_cap, off_the_wall_clock,
    unfinished, wrongly_told, untimely_reminders, out_of_turn,
)  # fmt: skip


def faults(session: Session) -> dict[str, Rows]:
    """What is wrong, by check; nothing, if all is well."""
    found = {check.__name__: check(session) for check in CHECKS}
    session.rollback()
    return {name: wrong for name, wrong in found.items() if wrong}
