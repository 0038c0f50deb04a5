"""Who publishes advisories. Settings say it; what files say is what was noted of them, each with its instant."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.reports.csaf import Publisher
from portal.reports.models import AdvisoryPublisher


def noted(session: Session) -> Sequence[AdvisoryPublisher]:
    """Every one that was noted, in their order."""
    return session.scalars(sa.select(AdvisoryPublisher).order_by(AdvisoryPublisher.number)).all()


def row_at(rows: Sequence[AdvisoryPublisher], at: datetime) -> AdvisoryPublisher | None:
    """The one that counts at an instant: the first one also for what was before it. None where none is noted yet."""
    return next((each for each in reversed(rows) if each.at <= at), rows[0] if rows else None)


def publisher(row: AdvisoryPublisher | None) -> Publisher | None:
    """As files say it."""
    return Publisher(row.name, row.namespace, row.contact, row.here) if row else None


def moved(rows: Sequence[AdvisoryPublisher]) -> list[datetime]:
    """When another one took the place of the one before."""
    return [each.at for each in rows[1:]]
