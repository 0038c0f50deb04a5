"""A day, an hour and a zone, as people type them, and the instant that they mean."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from wtforms import DateField, RadioField, SelectField, TimeField
from wtforms.validators import InputRequired, Optional

from portal.accounts.rules import is_zone, zones_by_region
from portal.core.forms import Form
from portal.core.walls import instants

JUMPED = "Clocks there jump over this hour on that day. Choose another one."
TWICE = "Clocks there go back on that day, so that this hour comes twice. Say which one is meant."


def zone_choices() -> dict[str, str | dict[str, str]]:
    """Every zone by region, as `accounts` names them."""
    return zones_by_region()


class HourForm(Form):
    """An hour to agree on. Hours that never come, or come twice, are asked again."""

    day = DateField("Day", [InputRequired("Choose a day.")])
    hour = TimeField("Hour", [InputRequired("Choose an hour.")])
    zone = SelectField("Time zone", choices=zone_choices, validate_choice=False)
    turn = RadioField(
        "Which of the two", [Optional()], default="",
        choices={"first": "The first, before clocks go back", "second": "The second, after clocks have gone back"},
    )  # fmt: skip

    # The instant that was typed, once it is valid.
    instant: datetime | None = None
    # Whether the hour comes twice, so that the page asks which one is meant.
    twice: bool = False

    @classmethod
    def at(cls, moment: datetime, zone: str, **values: object) -> "HourForm":
        """The form with an instant as clocks in a zone show it."""
        local = moment.astimezone(ZoneInfo(zone))
        shown = local.time().replace(second=0, microsecond=0)
        return cls(formdata=None, data={"day": local.date(), "hour": shown, "zone": zone, **values})

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Each field by itself, then whether clocks ever show this."""
        return super().validate(extra_validators) and self.read_clock()

    def read_clock(self) -> bool:
        """Work out the instant; if there is none, or one of two, the field says so."""
        if not is_zone(self.zone.data or ""):
            self.zone.errors = ["Choose a time zone from the list."]
            return False
        assert self.day.data is not None
        assert self.hour.data is not None
        found = instants(datetime.combine(self.day.data, self.hour.data), str(self.zone.data))
        self.twice = len(found) == 2
        if not found:
            self.hour.errors = [JUMPED]
        elif self.twice and not self.turn.data:
            self.turn.errors = [TWICE]
        else:
            self.instant = found[-1 if self.turn.data == "second" else 0]
        return self.instant is not None
