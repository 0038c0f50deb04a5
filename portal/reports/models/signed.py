"""What else is signed: security.txt by a triager's key, and with which keys receipts were."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Model, refers
from portal.reports.models.keys import KeySet


class SecurityText(Model):
    """A signed security.txt (RFC 9116), as it is served; the newest of the current key set counts."""

    __tablename__ = "security_text"
    __table_args__ = (sa.CheckConstraint("length(fingerprint) = 40", name="fingerprint_whole"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key_set_id: Mapped[int] = mapped_column(sa.ForeignKey(KeySet.id), index=True)
    text: Mapped[str] = mapped_column(sa.Text)
    fingerprint: Mapped[str] = mapped_column(sa.String(40))
    signed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    published_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id", ondelete="SET NULL"))
    key_set: Mapped[KeySet] = refers(lazy="raise_on_sql")


class ReceiptKey(Model):
    """A public key with which receipts were signed, kept as long as they are: `key_id` is its SHA-256 (DER form)."""

    __tablename__ = "receipt_key"

    key_id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    public_pem: Mapped[str] = mapped_column(sa.Text)
    first_used_at: Mapped[datetime]
