"""Releases, and the reports that they fix or are to fix."""

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.core.errors import NotFound
from portal.reports.models import Release, Report
from portal.reports.queries.apart import not_own


def of_challenge(session: Session, challenge_id: int) -> Sequence[Release]:
    """The releases of a challenge by their days, the newest first."""
    day = sa.func.coalesce(Release.released_on, Release.planned_on)
    return session.scalars(
        sa.select(Release).where(Release.challenge_id == challenge_id).order_by(day.desc(), Release.id.desc())
    ).all()


def one(session: Session, challenge_id: int, release_id: int) -> Release:
    """One release. Raises NotFound."""
    found = session.scalars(
        sa.select(Release).where(Release.challenge_id == challenge_id, Release.id == release_id)
    ).one_or_none()
    if found is None:
        raise NotFound("release")
    return found


def named(session: Session, challenge_id: int, name: str) -> int | None:
    """The number of the release of this name, if there is one."""
    return session.scalars(
        sa.select(Release.id).where(Release.challenge_id == challenge_id, Release.name == name)
    ).one_or_none()


def reports_by_release(session: Session, challenge_id: int, *, reader: int) -> dict[int, list[Report]]:
    """The reports that are planned for a release or fixed in it, by release, without the reader's own."""
    found: dict[int, list[Report]] = defaultdict(list)
    rows = (
        sa.select(Report)
        .options(joinedload(Report.assignee))
        .where(Report.challenge_id == challenge_id, Report.release_id.is_not(None), not_own(reader))
        .order_by(Report.number)
    )
    for report in session.scalars(rows):
        assert report.release_id is not None
        found[report.release_id].append(report)
    return found


def planned(session: Session, release: Release) -> Sequence[Report]:
    """The reports that are planned for a release, with what their moves need."""
    return session.scalars(
        sa.select(Report)
        .options(joinedload(Report.challenge), joinedload(Report.submitted_by))
        .where(Report.release_id == release.id)
        .order_by(Report.number)
    ).all()
