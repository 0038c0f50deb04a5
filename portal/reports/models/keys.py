"""Key sets: to whom a report is sealed."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model
from portal.reports.states import KeyRole


class KeySet(Model):
    """The certificates to which every report of its time is sealed. Published once, never changed."""

    __tablename__ = "key_set"
    __table_args__ = (
        sa.CheckConstraint("number > 0", name="number_positive"),
        sa.CheckConstraint("signed_at IS NULL OR signature IS NOT NULL", name="signed_time"),
        sa.CheckConstraint("number = 1 OR signed_at IS NOT NULL OR restarted IS NOT NULL", name="vouched_for"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    published_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id", ondelete="SET NULL"))
    # The signature of the recovery key of the set before, over `rules.statement`; detached and armored.
    signature: Mapped[str | None] = mapped_column(sa.Text)
    # When it says that it was made; it was verified then.
    signed_at: Mapped[datetime | None]
    # Why nobody vouches for it although there was a set before: the recovery key was lost, say.
    restarted: Mapped[str | None] = mapped_column(sa.String(300))
    members: Mapped[list["KeySetMember"]] = relationship(back_populates="key_set", order_by="KeySetMember.id")

    @property
    def expires_at(self) -> datetime | None:
        """When the first of its keys expires."""
        return min((member.expires_at for member in self.members if member.expires_at), default=None)

    @property
    def recovery_fingerprint(self) -> str:
        """The fingerprint of the off-line recovery key."""
        return self._recovery.fingerprint

    @property
    def recovery_certificate(self) -> str:
        """The certificate of the off-line recovery key, armored."""
        return self._recovery.certificate

    @property
    def _recovery(self) -> "KeySetMember":
        return next(member for member in self.members if member.role is KeyRole.RECOVERY)


class KeySetMember(Model):
    """One certificate of a set. `key_ids` are those of its encryption subkeys, sixteen hexadecimal digits each."""

    __tablename__ = "key_set_member"
    __table_args__ = (
        sa.UniqueConstraint("key_set_id", "fingerprint"),
        sa.CheckConstraint("length(fingerprint) = 40", name="fingerprint_whole"),
        sa.CheckConstraint("role = 'triager' OR account_id IS NULL", name="recovery_is_nobodys"),
        sa.Index(
            "uq_key_set_member_recovery", "key_set_id", unique=True,
            sqlite_where=sa.text("role = 'recovery'"), postgresql_where=sa.text("role = 'recovery'"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    key_set_id: Mapped[int] = mapped_column(sa.ForeignKey("key_set.id"))
    role: Mapped[KeyRole]
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    name: Mapped[str] = mapped_column(sa.String(200))
    fingerprint: Mapped[str] = mapped_column(sa.String(40))
    certificate: Mapped[str] = mapped_column(sa.Text)
    key_ids: Mapped[list[str]] = mapped_column(sa.JSON)
    expires_at: Mapped[datetime | None]
    key_set: Mapped[KeySet] = relationship(back_populates="members")


explain("uq_key_set_number", "Somebody has just published a key set. Look at it first.", columns="key_set.number")
explain(
    "uq_key_set_member_key_set_id_fingerprint",
    "The same certificate is there twice.",
    columns="key_set_member.key_set_id, key_set_member.fingerprint",
)
