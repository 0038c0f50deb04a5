"""What is true of office hours. The database itself refuses double seats, overlaps and more bookings than the quota."""

from portal.office_hours.models.amnesties import Amnesty
from portal.office_hours.models.answers import Answer
from portal.office_hours.models.bookings import Booking
from portal.office_hours.models.calendars import BusySpan, HostCalendar
from portal.office_hours.models.days import Arrival, Course, HostArrival
from portal.office_hours.models.feeds import Feed
from portal.office_hours.models.links import MeetingLink
from portal.office_hours.models.notes import Note, Promise
from portal.office_hours.models.programs import ProgramToken
from portal.office_hours.models.questions import HostKey, LinkedReport, SealedQuestion, WrittenAnswer
from portal.office_hours.models.reminders import ReminderChoice
from portal.office_hours.models.rounds import Round, RoundRequest, RoundWish
from portal.office_hours.models.series import Series, SeriesHost
from portal.office_hours.models.sittings import Seat, Sitting, Slot, SlotHost
from portal.office_hours.models.waiting import SeatOffer, Waiter, WaiterSlot
from portal.office_hours.models.withdrawals import Withdrawal

__all__ = [
    "Amnesty",
    "Answer",
    "Arrival",
    "Booking",
    "BusySpan",
    "Course",
    "Feed",
    "HostArrival",
    "HostCalendar",
    "HostKey",
    "LinkedReport",
    "MeetingLink",
    "Note",
    "ProgramToken",
    "Promise",
    "ReminderChoice",
    "Round",
    "RoundRequest",
    "RoundWish",
    "SealedQuestion",
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
    "WrittenAnswer",
]
