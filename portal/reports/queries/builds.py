"""Builds: which one a report names, and what it turned out to be on them."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Build
from portal.challenges.states import BuildState
from portal.reports.models import BuildFinding, Report
from portal.reports.states import Finding


def named(session: Session, challenge_id: int, name: str) -> int | None:
    """The build of this name, whatever its capitals; None where it is not in the challenge's list."""
    wanted = sa.func.lower(name.strip())
    return session.scalars(
        sa.select(Build.id).where(Build.challenge_id == challenge_id, sa.func.lower(Build.name) == wanted).limit(1)
    ).first()


def findings(session: Session, report: Report) -> dict[int, Finding]:
    """What triage found of a report, by build."""
    rows = session.execute(
        sa.select(BuildFinding.build_id, BuildFinding.finding).where(BuildFinding.report_id == report.id)
    )
    return dict(rows.all())


def listed(session: Session, challenge_id: int) -> Sequence[tuple[int, str, bool]]:
    """Every build: its number, its name, and whether it is pinned; the newest first."""
    rows = session.execute(
        sa.select(Build.id, Build.name, Build.state)
        .where(Build.challenge_id == challenge_id)
        .order_by(Build.released_on.desc(), Build.id.desc())
    )
    return [(number, name, state is BuildState.PINNED) for number, name, state in rows]
