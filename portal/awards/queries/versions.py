"""Finding the rules of a challenge, and the version that holds for a report."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.awards import rules
from portal.awards.models import BountyRules
from portal.awards.rules import Table


def all_rules(session: Session, challenge_id: int) -> Sequence[BountyRules]:
    """Every version, the newest first."""
    return session.scalars(
        sa.select(BountyRules).where(BountyRules.challenge_id == challenge_id).order_by(BountyRules.version.desc())
    ).all()


def current_rules(session: Session, challenge_id: int, at: datetime) -> BountyRules | None:
    """The version by which is awarded what arrives at `at`."""
    return rules.in_force(all_rules(session, challenge_id), at, at)


def rules_for(session: Session, challenge_id: int, received_at: datetime, at: datetime) -> BountyRules | None:
    """The version for a report that arrived at `received_at`, as seen at `at`."""
    return rules.in_force(all_rules(session, challenge_id), received_at, at)


def table_of(version: BountyRules) -> Table:
    """A version as the calculator reads it."""
    return Table(
        base={(row.severity, row.quality): row.amount for row in version.bases},
        uplift={(row.kind, row.severity): row.percent for row in version.uplifts},
        fixed={row.scenario_id: row.amount for row in version.fixed},
        cap=version.cap,
    )
