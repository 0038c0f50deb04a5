"""Signatures over advisories' files, which people make on their own machines."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model
from portal.reports.models.advisories import Advisory


class AdvisorySignature(Model):
    """An OpenPGP signature, detached and armored, over the bytes of an advisory's CSAF document.

    `sha256` is that of the bytes, in hexadecimal digits: where they change, the signature counts no more, and no row
    has to be touched for that. `fingerprint` is the certificate's that made it.
    """

    __tablename__ = "advisory_signature"
    __table_args__ = (
        sa.UniqueConstraint("advisory_id", "sha256", "fingerprint"),
        sa.CheckConstraint("length(sha256) = 64 AND length(fingerprint) = 40", name="hashes_whole"),
        sa.CheckConstraint("length(signature) > 0", name="signature_there"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    advisory_id: Mapped[int] = mapped_column(sa.ForeignKey(Advisory.id))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    fingerprint: Mapped[str] = mapped_column(sa.String(40))
    signature: Mapped[str] = mapped_column(sa.Text)
    signed_at: Mapped[datetime]
    given_at: Mapped[datetime]
    given_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="SET NULL"))


explain(
    "uq_advisory_signature_advisory_id_sha256_fingerprint",
    "This key has signed it already.",
    columns="advisory_signature.advisory_id, advisory_signature.sha256, advisory_signature.fingerprint",
)
