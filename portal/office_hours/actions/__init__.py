"""The verbs of office hours. Actor, time and the sender of mails are passed in; nothing is committed here."""

from portal.office_hours.actions.amnesties import forgive_sitting, forgive_strike
from portal.office_hours.actions.bookings import (
    Wish,
    book_slot,
    cancel_booking,
    confirm_booking,
    mark_booking,
    reschedule_booking,
    withdraw_booking,
)
from portal.office_hours.actions.exceptions import add_sitting, move_sitting, reopen_sitting
from portal.office_hours.actions.feeds import open_feed, publish_busy_times, revoke_feed, withdraw_busy_times
from portal.office_hours.actions.holds import give_hold_back, hold_slot
from portal.office_hours.actions.places import expire_holds
from portal.office_hours.actions.reminders import choose_reminders, remind
from portal.office_hours.actions.series import check_plan, close_series, create_series
from portal.office_hours.actions.sittings import cancel_sitting, follow_zone_rules, materialise
from portal.office_hours.actions.substitutes import substitute

__all__ = [
    "Wish",
    "add_sitting",
    "book_slot",
    "cancel_booking",
    "cancel_sitting",
    "check_plan",
    "choose_reminders",
    "close_series",
    "confirm_booking",
    "create_series",
    "expire_holds",
    "follow_zone_rules",
    "forgive_sitting",
    "forgive_strike",
    "give_hold_back",
    "hold_slot",
    "mark_booking",
    "materialise",
    "move_sitting",
    "open_feed",
    "publish_busy_times",
    "remind",
    "reopen_sitting",
    "reschedule_booking",
    "revoke_feed",
    "substitute",
    "withdraw_booking",
    "withdraw_busy_times",
]
