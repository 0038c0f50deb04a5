"""Changes of many applications: what is left to do, and what became of each."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, undefer

from portal.applications.models import Application
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.selection.models import BulkItem, BulkMove
from portal.selection.states import BulkState, EntryState

OPEN = (BulkState.QUEUED, BulkState.RUNNING)


def locked(session: Session, bulk_id: int) -> BulkMove | None:
    """An unfinished change, nobody else's until the commit; None where somebody is at it, or nothing is left."""
    return session.scalars(
        sa.select(BulkMove)
        .where(BulkMove.id == bulk_id, BulkMove.state.in_(OPEN))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def due(session: Session, bulk_id: int, limit: int) -> Sequence[Application]:
    """The next applications of a change, kept from everybody else until the commit."""
    return session.scalars(
        sa.select(Application)
        .join(BulkItem, BulkItem.application_id == Application.id)
        .options(undefer(Application.flags), joinedload(Application.challenge))
        .where(BulkItem.bulk_id == bulk_id, BulkItem.state == EntryState.PENDING)
        .order_by(BulkItem.application_id)
        .limit(limit)
        .with_for_update(of=Application)
        .execution_options(populate_existing=True)
    ).all()


def unfinished(session: Session) -> Sequence[int]:
    """The changes that the job goes on with, the oldest first."""
    return session.scalars(sa.select(BulkMove.id).where(BulkMove.state.in_(OPEN)).order_by(BulkMove.id)).all()


def one(session: Session, challenge_id: int, bulk_id: int) -> BulkMove:
    """One change of the challenge. Raises NotFound."""
    found = session.scalars(
        sa.select(BulkMove)
        .options(joinedload(BulkMove.by))
        .where(BulkMove.id == bulk_id, BulkMove.challenge_id == challenge_id)
    ).one_or_none()
    if found is None:
        raise NotFound("change")
    return found


def latest(session: Session, challenge_id: int, after: str | None = None) -> Page[BulkMove]:
    """The changes of a challenge, the newest first."""
    rows = sa.select(BulkMove).options(joinedload(BulkMove.by)).where(BulkMove.challenge_id == challenge_id)
    return keyset(session, rows, order=((BulkMove.id, "desc"),), after=after)


def reasons(session: Session, bulk_id: int) -> Sequence[sa.Row[str | None, int]]:
    """Why applications were left out, and how many each time."""
    return session.execute(
        sa.select(BulkItem.reason, sa.func.count())
        .where(BulkItem.bulk_id == bulk_id, BulkItem.state == EntryState.SKIPPED)
        .group_by(BulkItem.reason)
        .order_by(sa.func.count().desc(), BulkItem.reason)
    ).all()


def left_out(session: Session, bulk_id: int, after: str | None = None) -> Page[Any]:
    """The applications that were left out, with the reason."""
    rows = (
        sa.select(BulkItem)
        .options(joinedload(BulkItem.application).load_only(Application.name, Application.state))
        .where(BulkItem.bulk_id == bulk_id, BulkItem.state == EntryState.SKIPPED)
    )
    return keyset(session, rows, order=((BulkItem.application_id, "asc"),), after=after)
