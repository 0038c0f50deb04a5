"""A series of office hours on stage."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Member
from portal.office_hours import actions
from portal.office_hours.actions import Wish
from portal.office_hours.actions.hostkeys import give_certificate
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking, HostKey, Series, Sitting, Slot
from portal.office_hours.rules import Plan, Share
from portal.office_hours.time import Weekly
from tests.cast import NOON, Cast
from tests.reports.openpgp import certificate, message

SENDER = Sender("portal@localhost", "http://localhost")
# Wednesday, two days after NOON; nine in Los Angeles is 16:00 UTC in summer.
FIRST = datetime(2020, 6, 17, 16, tzinfo=UTC)


def local(*parts: int) -> datetime:
    """A wall-clock time, whose zone is told elsewhere."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc, arg-type]


class Stage:
    """Makes series, sessions and bookings in the test challenge."""

    def __init__(self, session: Session, cast: Cast) -> None:
        self.session = session
        self.cast = cast

    def plan(self, **changes: Any) -> Plan:
        """Wednesdays at nine in Los Angeles, four half hours with the host, one booking a week."""
        rule = Weekly(
            changes.pop("first", local(2020, 6, 17, 9)),
            changes.pop("zone", "America/Los_Angeles"),
            interval=changes.pop("interval", 1),
            until=changes.pop("until", None),
            count=changes.pop("count", 10),
        )
        hosts = changes.pop("hosts", (Share(self.cast.host.id),))
        return Plan(**{"title": "With the kernel team", "rule": rule, "hosts": hosts, "slots": 4, "slot_minutes": 30,
                       **changes})  # fmt: skip

    def series(self, **changes: Any) -> Series:
        """A series with its sessions of eight weeks, committed."""
        series = actions.create_series(
            self.session, self.cast.challenge, self.plan(**changes), by=self.cast.host.id, at=NOON
        )
        actions.materialise(
            self.session, series.id, since=NOON - timedelta(weeks=8), before=NOON + timedelta(weeks=8), at=NOON
        )
        self.session.commit()
        return series

    def slots(self, series: Series) -> list[Slot]:
        """All slots of a series, in order."""
        rows = sa.select(Slot).join(Slot.sitting).where(Sitting.series_id == series.id)
        return list(self.session.scalars(rows.order_by(Slot.starts_at, Slot.id)))

    def book(
        self, slot: Slot, member: Member | None = None, *, at: datetime = NOON, key: str = "", **more: Any
    ) -> Booking:
        """Book a slot for the researcher, or somebody else."""
        who = member or self.cast.member
        wish = Wish(key or f"{who.id}-{slot.id}-{at.timestamp()}", more.pop("topic", "Reading the device capability"))
        return actions.book_slot(self.session, slot, who, wish, at=at, sender=SENDER, **more)

    def certify(self, *hosts: Account, at: datetime = NOON, seed: int = 0) -> list[HostKey]:
        """Give certificates that look real to hosts (to the host of the cast, if to nobody else)."""
        made = []
        for host in hosts or (self.cast.host,):
            text = certificate(f"{host.name} <{host.email}>", seed=20 + host.id + seed)
            made.append(give_certificate(self.session, host.id, text, at=at))
        self.session.commit()
        return made

    def sealed(self, *keys: HostKey, size: int = 64) -> bytes:
        """What looks like a message that is sealed to certificates."""
        return message(size, [key_id for key in keys for key_id in key.key_ids])


@pytest.fixture
def stage(session: Session, cast: Cast) -> Stage:
    """The stage."""
    return Stage(session, cast)
