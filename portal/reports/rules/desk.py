"""How a challenge's triagers are to work, as leads set it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from portal.core.errors import Invalid
from portal.reports.rules.clocks import Calendar

MOST_HOLIDAYS = 400


@dataclass(frozen=True, slots=True)
class Settings:
    """The calendar with its clocks, the holidays' names, and what happens without anybody doing it.

    With `assigns`, reports that arrive are given to whoever has the fewest. A fix that nobody disputes closes its
    report after `closes_after_days`.
    """

    calendar: Calendar
    holidays: Mapping[date, str]
    assigns: bool
    closes_after_days: int


def read_holidays(text: str) -> dict[date, str]:
    """Holidays as they are typed or pasted: a line each, the day as 2020-12-25, a comma (semicolon, tab), its name.

    Raises Invalid with the line that is wrong.
    """
    found: dict[date, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        told = [cell.strip(" \"'") for cell in re.split("[,;\t]", line, maxsplit=1)]
        if not any(told) or (number == 1 and told[0].lower() in ("day", "date")):
            continue
        try:
            day = date.fromisoformat(told[0])
        except ValueError as error:
            raise Invalid({"holidays": f"Line {number}: “{told[0][:20]}” is no day. Write 2020-12-25."}) from error
        found[day] = ("".join(told[1:]) or "Holiday")[:80]
    if len(found) > MOST_HOLIDAYS:
        raise Invalid({"holidays": f"At most {MOST_HOLIDAYS} days. Leave out those that are long past."})
    return found
