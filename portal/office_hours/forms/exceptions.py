"""What is typed about single sessions: another time, one more, somebody else, and hosts' calendars."""

from datetime import datetime

from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, RadioField, StringField, TimeField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from portal.core.forms import Form


class _TimeForm(Form):
    """A day and a time on the clock of the series."""

    day = DateField("Day", [InputRequired("Write a date.")])
    start = TimeField("Begins at", [InputRequired("Write a time, such as 09:00.")])

    def local(self) -> datetime:
        """The naive time that was typed."""
        assert self.day.data is not None
        assert self.start.data is not None
        return datetime.combine(self.day.data, self.start.data)


class MoveSittingForm(_TimeForm):
    """Another time for a session."""

    reason = StringField("Reason", [Optional(), Length(max=300)], description="For the team; it is not mailed.")


class AddSittingForm(_TimeForm):
    """One session more."""


class SubstituteForm(Form):
    """Who holds a slot instead."""

    host = RadioField("Who holds it", [InputRequired("Choose somebody.")], coerce=int)
    whole = BooleanField("All their slots of this session")


class CalendarFileForm(Form):
    """A calendar that is read once."""

    file = FileField("Calendar file", [FileRequired("Choose a file.")], description="An .ics file of up to 8 MB.")


class CalendarAddressForm(Form):
    """A calendar that is read again every hour."""

    url = StringField(
        "Calendar address", [DataRequired("Write the address."), Length(max=2000)],
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip
