"""What is asked before a session: hosts' certificates, sealed questions, the report that goes with one, and answers."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.office_hours.models.bookings import Booking
from portal.office_hours.states import EarlyState
from portal.reports.models import Report

_LIVE = sa.text("retired_at IS NULL")
_OFFERED = sa.text("state = 'offered'")


class HostKey(Model):
    """A host's OpenPGP certificate. The live one is what questions are sealed to; those before it stay as history.

    `key_ids` are those of its encryption subkeys, sixteen hexadecimal digits each.
    """

    __tablename__ = "office_host_key"
    __table_args__ = (
        sa.CheckConstraint("length(fingerprint) = 40", name="fingerprint_whole"),
        sa.CheckConstraint("retired_at >= given_at", name="retired_after"),
        sa.Index("uq_office_host_key_live", "account_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        sa.Index("ix_office_host_key_account", "account_id", "given_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    name: Mapped[str] = mapped_column(sa.String(200))
    fingerprint: Mapped[str] = mapped_column(sa.String(40))
    certificate: Mapped[str] = mapped_column(sa.Text)
    key_ids: Mapped[list[str]] = mapped_column(sa.JSON)
    expires_at: Mapped[datetime | None]
    given_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class SealedQuestion(Model):
    """The sealed question of a booking: ciphertext, and what shows of it. A new one takes its place; no old one stays.

    `recipients` are the key ids that the message names.
    """

    __tablename__ = "office_question"
    __table_args__ = (
        sa.CheckConstraint("length(sha256) = 64", name="sha256_whole"),
        sa.CheckConstraint("size > 0", name="size_positive"),
    )

    booking_id: Mapped[int] = mapped_column(sa.ForeignKey(Booking.id), primary_key=True)
    sealed_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    sealed_at: Mapped[datetime]
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    recipients: Mapped[list[str]] = mapped_column(sa.JSON)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)

    sealed_by: Mapped[Account] = refers(lazy="raise_on_sql")


class LinkedReport(Model):
    """The report that a booking is about; its hosts then see reference, title and state."""

    __tablename__ = "office_booking_report"

    booking_id: Mapped[int] = mapped_column(sa.ForeignKey(Booking.id), primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), index=True)

    report: Mapped[Report] = refers(lazy="raise_on_sql")


class WrittenAnswer(Moving[EarlyState], Model):
    """A host's written answer ahead of the session, in clear: the host says that it holds no secret."""

    __tablename__ = "office_written_answer"
    __table_args__ = (
        sa.CheckConstraint("(state = 'taken_back') = (length(text) = 0)", name="taken_back_is_gone"),
        sa.Index("uq_office_written_answer_offered", "booking_id", unique=True, sqlite_where=_OFFERED,
                 postgresql_where=_OFFERED),
        sa.Index("ix_office_written_answer_booking", "booking_id", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(sa.ForeignKey(Booking.id))
    by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    offered_at: Mapped[datetime]
    state: Mapped[EarlyState] = mapped_column(default=EarlyState.OFFERED)
    state_since: Mapped[datetime]
    text: Mapped[str] = mapped_column(sa.Text)

    by: Mapped[Account] = refers(lazy="raise_on_sql")


explain(
    "uq_office_host_key_live",
    "You have just given another certificate. Look at the page again.",
    columns="office_host_key.account_id",
)
explain(
    "uq_office_written_answer_offered",
    "Somebody has just answered. Look at the booking again.",
    columns="office_written_answer.booking_id",
)
