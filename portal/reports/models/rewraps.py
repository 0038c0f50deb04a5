"""Session keys that a triager has wrapped for somebody else's certificate."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.reports.models.uploads import Upload
from portal.reports.states.rewraps import RewrapState

LARGEST = 4096
_STANDING = sa.text("state = 'standing'")


class Rewrap(Moving[RewrapState], Model):
    """One more recipient of a sealed file: a packet that is put before its bytes, which stay what they are.

    `packet` is a public-key encrypted session key packet (version 3) with its header, for the subkey `key_id` of the
    certificate `fingerprint`. What is in it only that key can tell, so its owner may refute it; then it no longer
    counts, and stays. `refuted_by` is nobody where an operator did it for a key that is nobody's.
    """

    __tablename__ = "report_rewrap"
    __table_args__ = (
        sa.CheckConstraint("length(fingerprint) = 40", name="fingerprint_whole"),
        sa.CheckConstraint("length(key_id) = 16", name="key_id_whole"),
        sa.CheckConstraint(f"length(packet) BETWEEN 12 AND {LARGEST}", name="packet_small"),
        sa.CheckConstraint("state = 'refuted' OR refuted_by_id IS NULL", name="refuted_by"),
        sa.Index(
            "uq_report_rewrap_standing", "upload_id", "key_id", unique=True,
            sqlite_where=_STANDING, postgresql_where=_STANDING,
        ),
        sa.Index("ix_report_rewrap_refuted", "state", "state_since", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    upload_id: Mapped[str] = mapped_column(sa.ForeignKey(Upload.id))
    fingerprint: Mapped[str] = mapped_column(sa.String(40))
    key_id: Mapped[str] = mapped_column(sa.String(16))
    packet: Mapped[bytes] = mapped_column(sa.LargeBinary)
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    state: Mapped[RewrapState] = mapped_column(default=RewrapState.STANDING)
    state_since: Mapped[datetime]
    refuted_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    by: Mapped[Account] = refers(foreign_keys=by_id, lazy="raise_on_sql")
    refuted_by: Mapped[Account | None] = refers(foreign_keys=refuted_by_id, lazy="raise_on_sql")
    upload: Mapped[Upload] = refers(lazy="raise_on_sql")


explain(
    "uq_report_rewrap_standing",
    "Somebody has just wrapped this file for that key.",
    columns="report_rewrap.upload_id, report_rewrap.key_id",
)
