"""Kept views: one's own, and what there is to count."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import RoleGrant
from portal.accounts.states import EVERYWHERE, Role
from portal.challenges.models import Challenge
from portal.core.errors import NotFound
from portal.selection.models import SavedView


def own(session: Session, challenge_id: int, owner_id: int) -> Sequence[SavedView]:
    """The views that somebody keeps, by name."""
    return session.scalars(
        sa.select(SavedView)
        .where(SavedView.challenge_id == challenge_id, SavedView.owner_id == owner_id)
        .order_by(sa.func.lower(SavedView.name), SavedView.id)
    ).all()


def one(session: Session, challenge_id: int, owner_id: int, view_id: int) -> SavedView:
    """One of somebody's own views. Raises NotFound."""
    found = session.scalars(
        sa.select(SavedView).where(
            SavedView.id == view_id, SavedView.challenge_id == challenge_id, SavedView.owner_id == owner_id
        )
    ).one_or_none()
    if found is None:
        raise NotFound("view")
    return found


def outdated(session: Session, counted_before: datetime, limit: int = 200) -> Sequence[int]:
    """The views that were counted long ago or never."""
    return session.scalars(
        sa.select(SavedView.id)
        .where(sa.or_(SavedView.counted_at.is_(None), SavedView.counted_at < counted_before))
        .order_by(SavedView.counted_at.nulls_first(), SavedView.id)
        .limit(limit)
    ).all()


def whole(session: Session, view_id: int) -> tuple[SavedView, bool] | None:
    """A view, and whether its owner leads the challenge; None where it is gone."""
    leads = sa.select(1).where(
        RoleGrant.account_id == SavedView.owner_id, RoleGrant.role == Role.LEAD,
        RoleGrant.scope.in_([Challenge.slug, EVERYWHERE]),
    )  # fmt: skip
    row = session.execute(
        sa.select(SavedView, leads.correlate(SavedView, Challenge).exists())
        .join(Challenge, Challenge.id == SavedView.challenge_id)
        .where(SavedView.id == view_id)
    ).one_or_none()
    return (row[0], row[1]) if row else None
