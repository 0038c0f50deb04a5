"""What is true of office hours. The database itself refuses double seats, overlaps and more bookings than the quota."""

from portal.office_hours.models.amnesties import Amnesty
from portal.office_hours.models.bookings import Booking
from portal.office_hours.models.calendars import BusySpan, HostCalendar
from portal.office_hours.models.feeds import Feed
from portal.office_hours.models.programs import ProgramToken
from portal.office_hours.models.reminders import ReminderChoice
from portal.office_hours.models.rounds import Round, RoundRequest, RoundWish
from portal.office_hours.models.series import Series, SeriesHost
from portal.office_hours.models.sittings import Seat, Sitting, Slot, SlotHost
from portal.office_hours.models.waiting import SeatOffer, Waiter, WaiterSlot
from portal.office_hours.models.withdrawals import Withdrawal

__all__ = [
    "Amnesty",
    "Booking",
    "BusySpan",
    "Feed",
    "HostCalendar",
    "ProgramToken",
    "ReminderChoice",
    "Round",
    "RoundRequest",
    "RoundWish",
    "Seat",
    "SeatOffer",
    "Series",
    "SeriesHost",
    "Sitting",
    "Slot",
    "SlotHost",
    "Waiter",
    "WaiterSlot",
    "Withdrawal",
]
