"""What is typed about the release of results, and about acknowledgements."""

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import DateField, RadioField, StringField, TimeField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from portal.challenges.forms.hours import HourForm
from portal.core.forms import Form
from portal.reports.rules.disclosing import link_fault
from portal.results.actions import Hour

AT_ONCE, AT_AN_HOUR = "confirmed", "hour"


class ConsentForm(Form):
    """The name under which somebody wants to be thanked."""

    name = StringField(
        "Name to print",
        [DataRequired("Write the name that should be printed."), Length(max=120)],
        description="Your name, a handle, with or without your team: as you like.",
    )
    url = StringField("Link", [Length(max=500)], description="A page of yours, if you want it linked. https:// only.")

    def validate_url(self, field: StringField) -> None:
        """Only what can be linked safely."""
        fault = link_fault(field.data or "") if field.data else None
        if fault:
            raise ValidationError(fault)


class ReleaseForm(HourForm):
    """When results get out."""

    when = RadioField(
        "When", default=AT_ONCE,
        choices={AT_ONCE: "As soon as somebody else has confirmed it", AT_AN_HOUR: "At an hour"},
    )  # fmt: skip
    day = DateField("Day", [Optional()])
    hour = TimeField("Hour", [Optional()])

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """An hour is needed only where one is meant."""
        if self.when.data == AT_AN_HOUR:
            for field, text in ((self.day, "Choose a day."), (self.hour, "Choose an hour.")):
                field.validators = [DataRequired(text)]
            return super().validate(extra_validators)
        return bool(Form.validate(self, extra_validators))

    def release(self, zone: str) -> Hour:
        """The values, once they are valid; `zone` is that of the challenge."""
        return Hour(self.instant, str(self.zone.data)) if self.instant else Hour(None, zone)
