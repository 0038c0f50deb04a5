"""What is true of office hours. The database itself refuses double seats, overlaps and more bookings than the quota."""

from portal.office_hours.models.amnesties import Amnesty
from portal.office_hours.models.bookings import Booking
from portal.office_hours.models.calendars import BusySpan, HostCalendar
from portal.office_hours.models.feeds import Feed
from portal.office_hours.models.programs import ProgramToken
from portal.office_hours.models.reminders import ReminderChoice
from portal.office_hours.models.series import Series, SeriesHost
from portal.office_hours.models.sittings import Seat, Sitting, Slot, SlotHost

__all__ = [
    "Amnesty",
    "Booking",
    "BusySpan",
    "Feed",
    "HostCalendar",
    "ProgramToken",
    "ReminderChoice",
    "Seat",
    "Series",
    "SeriesHost",
    "Sitting",
    "Slot",
    "SlotHost",
]
