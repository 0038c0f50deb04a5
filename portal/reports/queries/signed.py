"""The signed security.txt, and the keys of receipts."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.core.errors import NotFound
from portal.reports.models import ReceiptKey, SecurityText


def newest_text(session: Session) -> SecurityText | None:
    """The security.txt that was signed last, with its key set."""
    return session.scalars(
        sa.select(SecurityText).options(joinedload(SecurityText.key_set)).order_by(SecurityText.id.desc()).limit(1)
    ).one_or_none()


def served_text(session: Session, key_set_id: int, at: datetime) -> SecurityText | None:
    """The signed security.txt that counts: the newest of this key set, unless it has expired."""
    return session.scalars(
        sa.select(SecurityText)
        .where(SecurityText.key_set_id == key_set_id, SecurityText.expires_at > at)
        .order_by(SecurityText.id.desc())
        .limit(1)
    ).one_or_none()


def receipt_keys(session: Session) -> Sequence[ReceiptKey]:
    """Every key with which a receipt was signed, the newest first."""
    return session.scalars(sa.select(ReceiptKey).order_by(ReceiptKey.first_used_at.desc(), ReceiptKey.key_id)).all()


def receipt_key(session: Session, key_id: str) -> ReceiptKey:
    """One of them. Raises NotFound."""
    found = session.get(ReceiptKey, key_id)
    if found is None:
        raise NotFound("key")
    return found
