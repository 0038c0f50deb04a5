"""Which signatures there are over advisories' files."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.reports.models import AdvisorySignature


def signatures(session: Session, advisory_ids: Iterable[int]) -> dict[tuple[int, str], list[AdvisorySignature]]:
    """The signatures over advisories' files, the first one first, by advisory and hash of the file."""
    found: dict[tuple[int, str], list[AdvisorySignature]] = {}
    rows = session.scalars(
        sa.select(AdvisorySignature)
        .where(AdvisorySignature.advisory_id.in_(list(advisory_ids)))
        .order_by(AdvisorySignature.id)
    )
    for each in rows:
        found.setdefault((each.advisory_id, each.sha256), []).append(each)
    return found
