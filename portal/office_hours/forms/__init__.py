"""What is typed about office hours."""

from portal.office_hours.forms.bookings import NEUTRAL, BookForm, MoveForm, ReasonForm
from portal.office_hours.forms.reminders import RemindersForm
from portal.office_hours.forms.series import DAYS, SeriesForm

__all__ = ["DAYS", "NEUTRAL", "BookForm", "MoveForm", "ReasonForm", "RemindersForm", "SeriesForm"]
