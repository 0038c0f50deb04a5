"""What is typed about office hours."""

from portal.office_hours.forms.bookings import NO_SECRETS, BookForm, MoveForm, ReasonForm
from portal.office_hours.forms.reminders import RemindersForm
from portal.office_hours.forms.series import DAYS, SeriesForm

__all__ = ["DAYS", "NO_SECRETS", "BookForm", "MoveForm", "ReasonForm", "RemindersForm", "SeriesForm"]
