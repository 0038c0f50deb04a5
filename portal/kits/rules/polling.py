"""When a service is asked about a parcel, and what it needs to know. Chance comes from a seed: the parcel itself."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol

from portal.kits.rules.payloads import News
from portal.kits.states import ON_THE_WAY, ShipmentState

# Only these are asked for, and what comes back under a label of ours; all else is followed by people.
ASKED = (ShipmentState.LABELLED, *ON_THE_WAY)
USUALLY = timedelta(hours=3)
OTHERWISE = {
    ShipmentState.LABELLED: timedelta(hours=6), ShipmentState.OUT_FOR_DELIVERY: timedelta(hours=1),
}  # fmt: skip
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=15), timedelta(hours=24)
SPREAD = 0.2


class Asked(NamedTuple):
    """A parcel as a service is asked for it: its carrier by our name, its number in plain form."""

    shipment_id: int
    carrier: str
    number: str
    state: ShipmentState


class Unanswered(Exception):
    """A service did not answer. `wait` is how long it wants to be left alone; `stop` that it wants so for all parcels.

    The text says why, without anything that it said itself.
    """

    def __init__(self, reason: str, *, wait: timedelta = timedelta(), stop: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.wait, self.stop = reason, min(wait, LONGEST_WAIT), stop


class Adapter(Protocol):
    """A service that can be asked: its name, whose parcels it knows, how many it takes in one request."""

    name: str
    carriers: frozenset[str]
    most: int

    def ask(self, parcels: Sequence[Asked]) -> Sequence[News]:
        """What it knows of these parcels, of which there are at most `most`. Raises Unanswered."""


def _spread(span: timedelta, seed: str) -> timedelta:
    """A span up to a fifth longer, so that what began together does not stay together; the same for the same seed."""
    share = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4]) / 2**32
    return span * (1 + SPREAD * share)


def ask_again_after(parcel: Asked) -> timedelta:
    """How long after an answer a parcel is asked for again."""
    return _spread(OTHERWISE.get(parcel.state, USUALLY), f"{parcel.shipment_id}")


def back_off(parcel_id: int, failures: int, wait: timedelta = timedelta()) -> timedelta:
    """How long after the n-th failure in a row: a quarter of an hour, then twice as long each time, at most a day.

    Never shorter than the service asked for.
    """
    span = min(LONGEST_WAIT, FIRST_WAIT * float(2 ** min(failures - 1, 10)))
    return max(wait, _spread(span, f"{parcel_id}:{failures}"))
