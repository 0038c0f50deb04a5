"""Known issues: what the team had written down before anybody reported it, sealed by a hash until it is needed."""

import base64
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.reports.models.reports import Report


class KnownIssue(Model):
    """One commitment. Its text is on the triagers' machines only, until one of them reveals it.

    `commitment` and `head` are SHA-256 in hexadecimal: of the salted text, and of the list up to this line. The line
    is signed (Ed25519, base64) with the key of the receipts.
    """

    __tablename__ = "known_issue"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "number"),
        sa.UniqueConstraint("challenge_id", "commitment"),
        sa.CheckConstraint("number > 0", name="number_positive"),
        sa.CheckConstraint("length(commitment) = 64 AND length(head) = 64", name="hashes_whole"),
        sa.CheckConstraint("(text IS NULL) = (salt IS NULL)", name="text_has_salt"),
        sa.CheckConstraint("(text IS NULL) = (revealed_at IS NULL)", name="revealed_time"),
        sa.CheckConstraint("public_at IS NULL OR text IS NOT NULL", name="public_has_text"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    number: Mapped[int]
    commitment: Mapped[str] = mapped_column(sa.String(64))
    committed_at: Mapped[datetime]
    committed_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    head: Mapped[str] = mapped_column(sa.String(64))
    signature: Mapped[str] = mapped_column(sa.String(88))
    text: Mapped[str | None] = mapped_column(sa.Text)
    salt: Mapped[str | None] = mapped_column(sa.String(64))
    revealed_at: Mapped[datetime | None]
    # From when everybody may read the text; until then only those of the reports for whom it was revealed.
    public_at: Mapped[datetime | None]
    challenge: Mapped[Challenge] = refers(lazy="raise_on_sql")

    @property
    def reference(self) -> str:
        """How people name it: K-3."""
        return f"K-{self.number}"

    @property
    def raw_signature(self) -> bytes:
        """The signature's sixty-four octets, as OpenSSL reads them."""
        return base64.b64decode(self.signature)


class KnownIssueReveal(Model):
    """A known issue was revealed to those who sent a report."""

    __tablename__ = "known_issue_reveal"

    issue_id: Mapped[int] = mapped_column(sa.ForeignKey(KnownIssue.id), primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), primary_key=True, index=True)
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    issue: Mapped[KnownIssue] = refers(lazy="raise_on_sql")


explain(
    "uq_known_issue_challenge_id_number",
    "Somebody has just committed a known issue. Try again.",
    columns="known_issue.challenge_id, known_issue.number",
)
explain(
    "uq_known_issue_challenge_id_commitment",
    "This commitment is on the list already.",
    columns="known_issue.challenge_id, known_issue.commitment",
)
