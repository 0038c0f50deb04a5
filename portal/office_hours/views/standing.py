"""What counts against a participant and until when, and what the hosts of a slot know."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from portal.core.db import db
from portal.office_hours import rules
from portal.office_hours.models import Series, Slot
from portal.office_hours.queries.components import components_of
from portal.office_hours.queries.strikes import strikes


def standing(challenge_id: int, participant_id: int, series: Sequence[Series], at: datetime) -> dict[str, Any]:
    """The strikes, and how they and the cap limit what can be booked; where series differ, the strictest is told."""
    found = strikes(db.session, challenge_id, at, [participant_id])
    lapses = tuple(strike.lapses_at for strike in found if strike.forgiven is None)
    limits = [(until, each) for each in series if (until := rules.limited_until(lapses, each)) is not None]
    until, strictest = max(limits, key=lambda limit: limit[0], default=(None, None))
    return {
        "strikes": found,
        "limited_until": until,
        "window": rules.hours(strictest.strike_hours) if strictest else "",
        "cap": min((each.rolling_cap for each in series if each.rolling_cap), default=None),
    }


def component_choices(slot: Slot) -> dict[str, str]:
    """What can be chosen: what any host of the series knows, with who of the slot's hosts knows it."""
    known = components_of(db.session, [slot.sitting.series_id])
    here = known.here(slot)
    labels = {name: f"{name} ({slot.names} can help)" if name in here else name for name in known.all()}
    return {"": "None in particular"} | dict(sorted(labels.items(), key=lambda item: (item[0] not in here, item[0])))
