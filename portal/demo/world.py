"""What the parts of the demonstration share while it is made."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge, Member, Scenario
from portal.core.blobs import Blobs
from portal.demo.people import Names
from portal.office_hours.ics import Sender
from portal.reports.models import KeySet
from portal.reports.receipts import Signer


@dataclass
class World:
    """The session in which it is written, the source of chance, and who there is.

    `now` is the present: nothing of the demonstration happens after it, except what is planned.
    """

    session: Session
    random: Random
    names: Names
    now: datetime
    staff: dict[str, int]
    password_hash: str
    store: Blobs
    signer: Signer
    sender: Sender
    key_set: KeySet | None = None

    def minutes(self, least: int, most: int) -> timedelta:
        """Some time between so many minutes."""
        return timedelta(minutes=self.random.randint(least, most))

    def someone(self, kind: str) -> int:
        """The account of one of the staff whose handles begin so."""
        return self.staff[self.random.choice([handle for handle in self.staff if handle.startswith(kind)])]


@dataclass
class Stage:
    """One challenge of the demonstration: its rows, and its participants' members, the leading one first."""

    challenge: Challenge
    scenarios: dict[str, Scenario]
    participants: list[list[Member]]

    @property
    def slug(self) -> str:
        """Its name in addresses."""
        return self.challenge.slug


def noon(day: date, zone: str) -> datetime:
    """Twelve o'clock of a day in a zone."""
    return datetime.combine(day, time(12), ZoneInfo(zone)).astimezone(UTC)


def days(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
