"""What is true of office hours. The database itself refuses double seats, overlaps and more bookings than the quota."""

from portal.office_hours.models.bookings import Booking
from portal.office_hours.models.calendars import BusySpan, HostCalendar
from portal.office_hours.models.feeds import Feed
from portal.office_hours.models.links import MeetingLink
from portal.office_hours.models.questions import HostKey, LinkedReport, SealedQuestion, WrittenAnswer
from portal.office_hours.models.reminders import ReminderChoice
from portal.office_hours.models.series import Series, SeriesHost
from portal.office_hours.models.sittings import Seat, Sitting, Slot, SlotHost

__all__ = [
    "Booking",
    "BusySpan",
    "Feed",
    "HostCalendar",
    "HostKey",
    "LinkedReport",
    "MeetingLink",
    "ReminderChoice",
    "SealedQuestion",
    "Seat",
    "Series",
    "SeriesHost",
    "Sitting",
    "Slot",
    "SlotHost",
    "WrittenAnswer",
]
