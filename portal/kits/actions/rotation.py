"""Sealing addresses, and what else is under their key, anew under the current one, some at a time."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session, undefer

from portal.core.errors import Refused
from portal.kits.actions import judging
from portal.kits.models import DeliveryAddress
from portal.kits.queries.sealed import Sealed
from portal.kits.vault import Vault


class Step(NamedTuple):
    """How far a rotation has come: the last row that was looked at (None at the end), and what became of them.

    `unknown` are those whose key is none of ours; they stay as they are.
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
    done = [_reseal_address(session, vault, kept) for kept in rows]
    return _step([kept.participant_id for kept in rows], done)


def reseal_kept(session: Session, vault: Vault, sealed: Sealed, *, after: int = 0, limit: int = 50) -> Step:
    """The same for whatever else is sealed; what is forgotten meanwhile stays forgotten."""
    rows = session.execute(
        sa.select(sealed.number, sealed.content)
        .where(sealed.number > after, sealed.content.is_not(None), sealed.head != vault.head)
        .order_by(sealed.number)
        .limit(limit)
    ).all()
    done = [_reseal_kept(session, vault, sealed, number, content) for number, content in rows]
    return _step([number for number, _ in rows], done)


def _step(ids: Sequence[int], done: Sequence[bool | None]) -> Step:
    return Step(ids[-1] if ids else None, done.count(True), done.count(None))


def _reseal_address(session: Session, vault: Vault, kept: DeliveryAddress) -> bool | None:
    """Whether it was sealed anew; None where it cannot be opened."""
    assert kept.sealed is not None
    anew = _anew(vault, kept.sealed, judging.subject(kept.participant_id))
    same = [DeliveryAddress.participant_id == kept.participant_id, DeliveryAddress.sealed == kept.sealed]
    if anew is None:
        return None
    return _changed(session, sa.update(DeliveryAddress).where(*same).values(sealed=anew, sealed_with=vault.key))


def _reseal_kept(session: Session, vault: Vault, sealed: Sealed, number: int, content: bytes) -> bool | None:
    anew = _anew(vault, content, sealed.subject(number))
    same = [sealed.number == number, sealed.content == content]
    change = sa.update(sealed.kind).where(*same).values({sealed.column: anew})
    return None if anew is None else _changed(session, change)


def _anew(vault: Vault, sealed: bytes, whose: str) -> bytes | None:
    try:
        return vault.seal(vault.open(sealed, whose), whose)
    except Refused:
        return None


def _changed(session: Session, change: sa.Update) -> bool:
    changed = session.execute(change.execution_options(synchronize_session=False))
    assert isinstance(changed, CursorResult)
    return changed.rowcount == 1
