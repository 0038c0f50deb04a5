"""What there is to do next, as every room tells it to the home pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Task(NamedTuple):
    """One thing that a person should do, with the address where it is done and the instant by which."""

    label: str
    url: str
    due: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """One pile of work of the staff: how many wait, and since when the oldest has."""

    label: str
    url: str
    count: int
    oldest: datetime | None = None
