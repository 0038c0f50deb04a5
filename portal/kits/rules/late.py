"""When a parcel has been waiting for too long: the same three answers for tasks, board and marks."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from portal.kits import states
from portal.kits.rules.shipments import ADDRESS_WITHIN, SILENT_AFTER
from portal.kits.states import ShipmentState

# After how long a hold should have got its verdict.
HELD_AFTER = timedelta(days=3)
# A reminder of an address, or of a return that is late, goes out so often, and so often at most.
REMIND_EVERY, REMINDERS = timedelta(days=7), 3


class Late(StrEnum):
    """Why somebody should look after a parcel."""

    ADDRESS = "address"
    HELD = "held"
    SILENT = "silent"


class Lateness(NamedTuple):
    """States in which a parcel may be late in one way, and from when on."""

    states: tuple[ShipmentState, ...]
    after: timedelta
    label: str


LATE = {
    Late.ADDRESS: Lateness((ShipmentState.ADDRESS_REQUESTED,), ADDRESS_WITHIN, "address missing"),
    Late.HELD: Lateness((ShipmentState.HELD,), HELD_AFTER, "held"),
    Late.SILENT: Lateness(states.ON_THE_WAY, SILENT_AFTER, "no scan"),
}


def label(late: Late) -> str:
    """The rule in words: "no scan for 5 days"."""
    rule = LATE[late]
    return f"{rule.label} for {rule.after.days} days"


def lateness(state: ShipmentState, since: datetime, heard: datetime | None, at: datetime) -> Late | None:
    """How a parcel is late; `since` is when it came into its state, `heard` when the carrier last told anything."""
    for late, rule in LATE.items():
        if state in rule.states:
            waited = at - (heard or since if late is Late.SILENT else since)
            return late if waited > rule.after else None
    return None


def waits(late: Late, since: datetime, heard: datetime | None, at: datetime) -> str:
    """How late, in words: "no scan for 6 days"."""
    begun = heard or since if late is Late.SILENT else since
    return f"{LATE[late].label} for {(at - begun).days} days"
