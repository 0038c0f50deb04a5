"""When advisories come out, and which signatures there are over their files."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.reports.models import Advisory, AdvisoryRevision, AdvisorySignature
from portal.reports.queries.disclosing import embargoes
from portal.reports.rules.advisories import Text


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


def hours(session: Session, challenge: Challenge) -> dict[int, datetime]:
    """From which instant the last version of each advisory of a challenge is out, by the numbers of their rows.

    It is known once two people have set when the results come out.
    """
    released = challenge.results_released_at
    if released is None:
        return {}
    rows = session.scalars(
        sa.select(AdvisoryRevision)
        .join(Advisory, Advisory.id == AdvisoryRevision.advisory_id)
        .where(Advisory.challenge_id == challenge.id)
        .order_by(AdvisoryRevision.advisory_id, AdvisoryRevision.number)
    )
    last = {each.advisory_id: each for each in rows}
    covered = {number: Text.read(each.content).report_ids for number, each in last.items()}
    until = embargoes(session, {number for ids in covered.values() for number in ids})
    return {
        number: max(each.at, released, *(until[report] for report in covered[number]))
        for number, each in last.items()
        if covered[number] <= until.keys()
    }
