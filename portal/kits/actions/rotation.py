"""Sealing addresses anew under the current key, some at a time."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session, undefer

from portal.core.errors import Refused
from portal.kits.actions.judging import subject
from portal.kits.models import DeliveryAddress
from portal.kits.vault import Vault


class Step(NamedTuple):
    """How far a rotation has come: the last participant that was looked at (None at the end), and what became of them.

    `unknown` are addresses whose key is none of ours; they stay as they are.
    """

    last: int | None
    resealed: int
    unknown: int


def reseal(session: Session, vault: Vault, *, after: int = 0, limit: int = 50) -> Step:
    """Seal the next addresses anew that are not under the current key. Safe beside everybody else and to begin again:
    what somebody changes meanwhile is sealed by them."""
    rows = session.scalars(
        sa.select(DeliveryAddress)
        .options(undefer(DeliveryAddress.sealed))
        .where(
            DeliveryAddress.participant_id > after,
            DeliveryAddress.sealed.is_not(None),
            sa.or_(DeliveryAddress.sealed_with.is_(None), DeliveryAddress.sealed_with != vault.key),
        )
        .order_by(DeliveryAddress.participant_id)
        .limit(limit)
    ).all()
    done = [_reseal(session, vault, kept) for kept in rows]
    return Step(rows[-1].participant_id if rows else None, done.count(True), done.count(None))


def _reseal(session: Session, vault: Vault, kept: DeliveryAddress) -> bool | None:
    """Whether it was sealed anew; None where it cannot be opened."""
    assert kept.sealed is not None
    whose = subject(kept.participant_id)
    try:
        content = vault.open(kept.sealed, whose)
    except Refused:
        return None
    changed = session.execute(
        sa.update(DeliveryAddress)
        .where(DeliveryAddress.participant_id == kept.participant_id, DeliveryAddress.sealed == kept.sealed)
        .values(sealed=vault.seal(content, whose), sealed_with=vault.key)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    return changed.rowcount == 1
