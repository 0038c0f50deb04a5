"""Session keys that a triager has wrapped for somebody else's certificate."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model
from portal.reports.models.uploads import Upload

LARGEST = 4096


class Rewrap(Model):
    """One more recipient of a sealed file: a packet that is put before its bytes, which stay what they are.

    `packet` is a public-key encrypted session key packet (version 3) with its header, for the subkey `key_id` of the
    certificate `fingerprint`. What is in it only that key can tell.
    """

    __tablename__ = "report_rewrap"
    __table_args__ = (
        sa.UniqueConstraint("upload_id", "key_id"),
        sa.CheckConstraint("length(fingerprint) = 40", name="fingerprint_whole"),
        sa.CheckConstraint("length(key_id) = 16", name="key_id_whole"),
        sa.CheckConstraint(f"length(packet) BETWEEN 12 AND {LARGEST}", name="packet_small"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    upload_id: Mapped[str] = mapped_column(sa.ForeignKey(Upload.id))
    fingerprint: Mapped[str] = mapped_column(sa.String(40))
    key_id: Mapped[str] = mapped_column(sa.String(16))
    packet: Mapped[bytes] = mapped_column(sa.LargeBinary)
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))


explain(
    "uq_report_rewrap_upload_id_key_id",
    "Somebody has just wrapped this file for that key.",
    columns="report_rewrap.upload_id, report_rewrap.key_id",
)
