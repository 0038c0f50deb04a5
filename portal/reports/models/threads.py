"""Sealed messages both ways, who reads them, and with which certificate."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.reports.models.reports import Report
from portal.reports.states.sides import Side
from portal.reports.states.threads import CertificateState, MessageState

_LIVE, _OFFERED, _DRAFT = (sa.text(f"state = '{each}'") for each in ("live", "offered", "uploading"))


class ResearcherCertificate(Moving[CertificateState], Model):
    """A public OpenPGP certificate to which the team seals what it writes to this person.

    While it is offered, `challenge` is an armored message sealed to it, and `proof_hash` that of the digits inside.
    """

    __tablename__ = "researcher_certificate"
    __table_args__ = (
        sa.CheckConstraint("length(fingerprint) = 40", name="fingerprint_whole"),
        sa.CheckConstraint("(state = 'offered') = (challenge IS NOT NULL)", name="offered_has_challenge"),
        sa.CheckConstraint("(challenge IS NULL) = (proof_hash IS NULL)", name="challenge_has_proof"),
        sa.CheckConstraint("state NOT IN ('live', 'replaced') OR proved_at IS NOT NULL", name="live_is_proved"),
        sa.Index(
            "uq_researcher_certificate_live", "account_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
        ),
        sa.Index(
            "uq_researcher_certificate_offered", "account_id", unique=True,
            sqlite_where=_OFFERED, postgresql_where=_OFFERED,
        ),
        sa.Index("ix_researcher_certificate_account", "account_id", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    fingerprint: Mapped[str] = mapped_column(sa.String(40))
    name: Mapped[str] = mapped_column(sa.String(200))
    certificate: Mapped[str] = mapped_column(sa.Text)
    key_ids: Mapped[list[str]] = mapped_column(sa.JSON)
    expires_at: Mapped[datetime | None]
    given_at: Mapped[datetime]
    state: Mapped[CertificateState] = mapped_column(default=CertificateState.OFFERED)
    state_since: Mapped[datetime]
    challenge: Mapped[str | None] = mapped_column(sa.Text)
    proof_hash: Mapped[str | None] = mapped_column(sa.String(64))
    tries: Mapped[int] = mapped_column(default=0)
    proved_at: Mapped[datetime | None]
    account: Mapped[Account] = refers(lazy="raise_on_sql")


class Message(Moving[MessageState], Model):
    """One sealed message about a report; its bytes are an upload. `reason` and its words are in clear."""

    __tablename__ = "report_message"
    __table_args__ = (
        sa.UniqueConstraint("report_id", "number"),
        sa.CheckConstraint("number > 0", name="number_positive"),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        sa.CheckConstraint("side = 'team' OR reason IS NULL", name="reason_is_the_teams"),
        sa.CheckConstraint("(reason IS NULL) = (reason_words IS NULL)", name="reason_has_words"),
        sa.Index(
            "uq_report_message_draft", "report_id", "author_id", unique=True,
            sqlite_where=_DRAFT, postgresql_where=_DRAFT,
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id))
    number: Mapped[int]
    side: Mapped[Side]
    author_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    state: Mapped[MessageState] = mapped_column(default=MessageState.UPLOADING)
    state_since: Mapped[datetime]
    begun_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(sa.String(40))
    reason_words: Mapped[str | None] = mapped_column(sa.String(120))
    author: Mapped[Account] = refers(lazy="raise_on_sql")
    report: Mapped[Report] = refers(lazy="raise_on_sql")


class MessageReader(Model):
    """A researcher's certificate to which a message is sealed. It stays when the certificate is replaced."""

    __tablename__ = "report_message_reader"

    message_id: Mapped[int] = mapped_column(sa.ForeignKey(Message.id), primary_key=True)
    certificate_id: Mapped[int] = mapped_column(sa.ForeignKey(ResearcherCertificate.id), primary_key=True, index=True)


class ReportReader(Model):
    """A colleague who reads what the team writes about a report, beside the one who sent it."""

    __tablename__ = "report_reader"

    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True)


class Reading(Model):
    """How far a person has read a report's messages, and when they were last mailed about them (or will be)."""

    __tablename__ = "report_reading"

    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True)
    number: Mapped[int] = mapped_column(default=0)
    told_at: Mapped[datetime | None]


class ReplyTemplate(Model):
    """General words with which the team begins a reply. `code` is the reason that goes with it, in clear.

    `move` names the move of triage that it goes with, empty where none does.
    """

    __tablename__ = "reply_template"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "code"),
        sa.CheckConstraint("version > 0", name="version_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    code: Mapped[str] = mapped_column(sa.String(40))
    title: Mapped[str] = mapped_column(sa.String(120))
    move: Mapped[str] = mapped_column(sa.String(40), default="")
    text: Mapped[str] = mapped_column(sa.Text)
    version: Mapped[int] = mapped_column(default=1)
    active: Mapped[bool] = mapped_column(default=True)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))


explain(
    "uq_researcher_certificate_live", "Another certificate has just become yours. Look at it first.",
    columns="researcher_certificate.account_id",
)  # fmt: skip
explain(
    "uq_report_message_report_id_number", "Somebody has just begun a message. Try again.",
    columns="report_message.report_id, report_message.number",
)  # fmt: skip
explain(
    "uq_report_message_draft", "You have just begun a message elsewhere. Try again.",
    columns="report_message.report_id, report_message.author_id",
)  # fmt: skip
explain(
    "uq_reply_template_challenge_id_code", "There is a template with this code already.",
    columns="reply_template.challenge_id, reply_template.code",
)  # fmt: skip
