"""Finding sessions, slots, bookings and feeds, each for the person who asks."""

from portal.office_hours.queries.bookings import (
    booking_for_host,
    booking_of,
    bookings_of,
    quota_used,
    upcoming,
    whole_booking,
)
from portal.office_hours.queries.feeds import (
    FEED_PAST,
    busy_address,
    busy_times,
    feed_bookings,
    feed_by_token,
    live_feeds,
    token_hash,
)
from portal.office_hours.queries.load import WeekLoad, load_by_week
from portal.office_hours.queries.record import hold_of, holds_let_go, record_of
from portal.office_hours.queries.reminders import chosen_offsets
from portal.office_hours.queries.sittings import (
    Offer,
    SittingRow,
    free_seats,
    hosts_in,
    offers,
    one_series,
    open_series,
    series_of,
    sitting_of,
    slot_of,
    timetable,
)
from portal.office_hours.queries.todo import queues, tasks, unserved

__all__ = [
    "FEED_PAST",
    "Offer",
    "SittingRow",
    "WeekLoad",
    "booking_for_host",
    "booking_of",
    "bookings_of",
    "busy_address",
    "busy_times",
    "chosen_offsets",
    "feed_bookings",
    "feed_by_token",
    "free_seats",
    "hold_of",
    "holds_let_go",
    "hosts_in",
    "live_feeds",
    "load_by_week",
    "offers",
    "one_series",
    "open_series",
    "queues",
    "quota_used",
    "record_of",
    "series_of",
    "sitting_of",
    "slot_of",
    "tasks",
    "timetable",
    "token_hash",
    "unserved",
    "upcoming",
    "whole_booking",
]
