"""Noting that the files of published advisories change: everything that may change one of them is done in here."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.db import UtcDateTime
from portal.core.errors import Refused
from portal.reports.csaf import Publisher
from portal.reports.models import Advisory, AdvisoryChange, AdvisoryPublisher
from portal.reports.queries import published, publishers
from portal.reports.queries.published import Standing


@contextmanager
def noted(session: Session, challenge_ids: Collection[int], *, at: datetime) -> Iterator[datetime]:
    """Whatever changes an advisory's file while this lasts is a version of its own, of the instant that this gives.

    That is `at`, or the last one that is noted.
    What had changed it at hours before is noted first, since the rows that tell of it may be gone afterwards.
    Raises Refused where an advisory would not be public any more.
    """
    if not _hold(session, challenge_ids):
        yield at
        return
    at = _no_earlier(session, challenge_ids, at)
    before = _standing(session, challenge_ids, at)
    session.add_all(AdvisoryChange(advisory_id=number, at=hour) for number, was in before.items() for hour in was.hours)
    session.flush()
    yield at
    session.flush()
    after = _standing(session, challenge_ids, at)
    gone = [was.row.ident for number, was in before.items() if number not in after]
    if gone:
        raise Refused(f"Everybody may read {', '.join(gone)} by now: it cannot be hidden again.")
    for number, now in after.items():
        was = before.get(number)
        changed = was is None or now.hours or _passing(was) != _passing(now)
        if changed and now.noted != at:
            session.add(AdvisoryChange(advisory_id=number, at=at))
    session.flush()


def _hold(session: Session, challenge_ids: Collection[int]) -> bool:
    """Whether there are advisories; nobody else notes a change of them until the transaction is over."""
    rows = sa.select(Advisory.id).where(Advisory.challenge_id.in_(challenge_ids)).order_by(Advisory.id)
    return bool(session.scalars(rows.with_for_update(key_share=True)).all())


def _no_earlier(session: Session, challenge_ids: Collection[int], at: datetime) -> datetime:
    """Whoever held them before may have come with a later instant: nothing goes in before what is noted."""
    rows = sa.select(sa.func.max(AdvisoryChange.at, type_=UtcDateTime())).join(
        Advisory, Advisory.id == AdvisoryChange.advisory_id
    )
    last = session.scalars(rows.where(Advisory.challenge_id.in_(challenge_ids))).one()
    return max(at, last) if last else at


def _standing(session: Session, challenge_ids: Collection[int], at: datetime) -> dict[int, Standing]:
    found = [each for number in sorted(challenge_ids) for each in published.standing(session, at, number)]
    return {each.row.id: each for each in found}


def _passing(found: Standing) -> tuple[object, ...]:
    """What of its file changes without a version being written."""
    return found.advisory.links, found.advisory.thanks, found.publisher


def note_publisher(session: Session, told: Publisher, *, at: datetime) -> bool:
    """Note who publishes, as the settings say it; whether that is new. The first one counts for all that was before.

    Another one is a version of every advisory that is out. Raises Conflict where somebody was first.
    """
    rows = publishers.noted(session)
    if rows and publishers.publisher(rows[-1]) == told:
        return False
    challenges = session.scalars(sa.select(Advisory.challenge_id).distinct()).all() if rows else ()
    with noted(session, challenges, at=at) as since, conflicts():
        session.add(AdvisoryPublisher(number=len(rows) + 1, at=since, **asdict(told)))
        session.flush()
    audit.record(
        session, "reports:note-publisher", f"advisory-publisher:{len(rows) + 1}", by=None, at=at, after=asdict(told)
    )
    return True
