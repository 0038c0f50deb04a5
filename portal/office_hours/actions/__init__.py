"""The verbs of office hours. Actor, time and the sender of mails are passed in; nothing is committed here."""

from portal.office_hours.actions.bookings import (
    Wish,
    book_slot,
    cancel_booking,
    confirm_booking,
    expire_holds,
    mark_booking,
    reschedule_booking,
)
from portal.office_hours.actions.feeds import open_feed, revoke_feed
from portal.office_hours.actions.reminders import remind
from portal.office_hours.actions.series import close_series, create_series
from portal.office_hours.actions.sittings import cancel_sitting, follow_zone_rules, materialise

__all__ = [
    "Wish",
    "book_slot",
    "cancel_booking",
    "cancel_sitting",
    "close_series",
    "confirm_booking",
    "create_series",
    "expire_holds",
    "follow_zone_rules",
    "mark_booking",
    "materialise",
    "open_feed",
    "remind",
    "reschedule_booking",
    "revoke_feed",
]
