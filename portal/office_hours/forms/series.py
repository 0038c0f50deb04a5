"""A weekly series, as it is typed."""

from datetime import datetime, timedelta
from typing import Any

from wtforms import (
    DateField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TimeField,
    ValidationError,
)
from wtforms.validators import URL, DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core.forms import Form
from portal.office_hours.actions.series import LONGEST
from portal.office_hours.rules import Plan, Share
from portal.office_hours.time import MAX_COUNT, MAX_INTERVAL, Weekly, known_zones

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _between(least: int, most: int) -> list[InputRequired | NumberRange]:
    return [InputRequired("Write a number."), NumberRange(least, most, f"From {least:,} to {most:,}.")]


class SeriesForm(Form):
    """A weekly series. Times are on the clock of the series' own zone."""

    title = StringField(
        "Title", [DataRequired("Give it a title."), Length(max=80)], description="Shown to participants."
    )
    hosts = SelectMultipleField(
        "Hosts", [InputRequired("Choose at least one host.")], coerce=int, widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(), description="They take turns, slot by slot.",
    )  # fmt: skip
    weekly_max = IntegerField("Most slots a week and host", [Optional(), NumberRange(1, 100, "From 1 to 100.")])
    weekday = SelectField(
        "Weekday", coerce=int, choices={str(number): day for number, day in enumerate(DAYS)}, default=2
    )
    start = TimeField("Begins at", [InputRequired("Write a time, such as 09:00.")])
    zone = SelectField("Time zone", description="09:00 stays 09:00 there when its clocks change.")
    weeks = IntegerField("Every … weeks", _between(1, MAX_INTERVAL), default=1)
    first_on = DateField("On or after", [InputRequired("Write a date.")])
    until = DateField("Last day", [Optional()], description="Or a number of sessions, one of the two.")
    count = IntegerField("Sessions", [Optional(), NumberRange(1, MAX_COUNT, f"From 1 to {MAX_COUNT}.")])
    slots = IntegerField("Slots a session", _between(1, 48), default=4)
    slot_minutes = IntegerField("Minutes a slot", _between(5, 240), default=30)
    seats = IntegerField("Seats a slot", _between(1, 50), default=1)
    buffer_before = IntegerField("Minutes free before a slot", _between(0, 120), default=0)
    buffer_after = IntegerField("Minutes free after a slot", _between(0, 120), default=5)
    notice_hours = IntegerField("Book at least … hours before", _between(0, 336), default=2)
    advance_days = IntegerField("Book at most … days before", _between(1, 56), default=28)
    cutoff_hours = IntegerField("Cancel at least … hours before", _between(0, 336), default=12,
                                description="Later, the booking still counts for its week.")  # fmt: skip
    weekly_quota = IntegerField("Bookings a week and participant", _between(1, 14), default=1)
    meeting_url = StringField(
        "Meeting link", [Optional(), URL(message="An address that begins with https://"), Length(max=300)],
        description="Shown to those who booked, from 15 minutes before.",
    )  # fmt: skip

    def __init__(self, hosts: dict[str, Any], zone: str, **values: object) -> None:
        super().__init__(**values)
        self.hosts.choices = hosts
        self.zone.choices = {name: name for name in sorted(known_zones())}
        if not self.is_submitted():
            self.zone.data = zone

    def validate(self, extra_validators: Any = None) -> bool:
        """Besides each field by itself: one of the two ways to end, not both and not neither."""
        fine = bool(super().validate(extra_validators))
        if not self.count.errors and (self.until.data is None) == (self.count.data is None):
            self.count.errors = [*self.count.errors, "Give either a last day or a number of sessions."]
            return False
        return fine

    def validate_until(self, field: DateField) -> None:
        """Not over before it begins."""
        if field.data and self.first_on.data and field.data < self._first().date():
            raise ValidationError("The series would end before its first session.")

    def validate_slots(self, _field: IntegerField) -> None:
        """A working day has an end."""
        parts = (self.buffer_before.data, self.slot_minutes.data, self.buffer_after.data, self.slots.data)
        before, length, after, slots = (part or 0 for part in parts)
        if slots * timedelta(minutes=before + length + after) > LONGEST:
            raise ValidationError("A session lasts at most 12 hours, breaks included.")

    def _first(self) -> datetime:
        assert self.first_on.data is not None
        assert self.start.data is not None
        day = self.first_on.data + timedelta(days=(self.weekday.data - self.first_on.data.weekday()) % 7)
        return datetime.combine(day, self.start.data)

    def plan(self) -> Plan:
        """The series that the form describes."""
        rule = Weekly(self._first(), self.zone.data, self.weeks.data or 1, self.until.data, self.count.data)
        numbers = {
            name: self[name].data
            for name in (
                "slots",
                "slot_minutes",
                "seats",
                "buffer_before",
                "buffer_after",
                "advance_days",
                "weekly_quota",
            )
        }
        return Plan(
            title=self.title.data or "", rule=rule,
            hosts=tuple(Share(host, 1, self.weekly_max.data) for host in self.hosts.data or ()),
            notice_minutes=60 * (self.notice_hours.data or 0), cutoff_minutes=60 * (self.cutoff_hours.data or 0),
            meeting_url=self.meeting_url.data or "", **numbers,
        )  # fmt: skip
