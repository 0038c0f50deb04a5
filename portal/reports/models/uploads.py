"""The files of a report: ordered lists of immutable chunks, and the tokens with which programs send them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.pieces import TAG, TAG_KNOWN
from portal.reports.models.keys import KeySet
from portal.reports.models.reports import Report
from portal.reports.models.threads import Message
from portal.reports.states import UploadState

_LIVE = sa.text("state IN ('open', 'complete') AND message_id IS NULL")
_LIVE_MESSAGE = sa.text("state IN ('open', 'complete') AND message_id IS NOT NULL")


class Upload(Model):
    """One file of a report on its way or arrived. Number 0 is the body, 1, 2, … the attachments, in order of creation.

    Of a message it holds the sealed bytes, and the number is the message's.

    `offset` is how many bytes are kept, `walker` where the walker stands there, `refusal` its code and sentence.
    """

    __tablename__ = "report_upload"
    __table_args__ = (
        sa.CheckConstraint("length IS NULL OR (length >= 0 AND position <= length)", name="position_within"),
        sa.CheckConstraint("position >= 0 AND number >= 0", name="not_negative"),
        sa.CheckConstraint(
            "(state = 'complete') = (sha256 IS NOT NULL) AND (state <> 'complete' OR position = length)",
            name="complete_is_whole",
        ),
        sa.CheckConstraint("(state = 'complete') = (key_set_id IS NOT NULL)", name="complete_has_key_set"),
        sa.CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="refused_says_why"),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended_time"),
        sa.Index(
            "uq_report_upload_live", "report_id", "number", unique=True,
            sqlite_where=_LIVE, postgresql_where=_LIVE,
        ),
        sa.Index(
            "uq_report_upload_message", "message_id", unique=True,
            sqlite_where=_LIVE_MESSAGE, postgresql_where=_LIVE_MESSAGE,
        ),
        sa.Index("ix_report_upload_due", "state", "expires_at"),
        sa.Index("ix_report_upload_unswept", "swept", "ended_at"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey(Report.id), index=True)
    message_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Message.id))
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    number: Mapped[int]
    state: Mapped[UploadState] = mapped_column(default=UploadState.OPEN)
    position: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    length: Mapped[int | None] = mapped_column(sa.BigInteger)
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
    key_set_id: Mapped[int | None] = mapped_column(sa.ForeignKey(KeySet.id))
    walker: Mapped[dict[str, Any] | None]
    refusal: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    # Which request sends its bytes now. A newer one takes over, for the older may hang on a line that is dead.
    holder: Mapped[str | None] = mapped_column(sa.String(16))
    # Whether the store has been searched for pieces of it that no row names.
    swept: Mapped[bool] = mapped_column(default=False)
    report: Mapped[Report] = refers(lazy="raise_on_sql")
    key_set: Mapped[KeySet | None] = refers(lazy="raise_on_sql")


class Chunk(Model):
    """A piece of a file, at most 8 MiB, under `key` in the store. It never changes: `tag` tells (core/pieces.py)."""

    __tablename__ = "report_chunk"
    __table_args__ = (
        sa.UniqueConstraint("upload_id", "offset"),
        sa.CheckConstraint("size > 0", name="size_positive"),
        sa.CheckConstraint(TAG_KNOWN, name="tag_known"),
    )

    upload_id: Mapped[str] = mapped_column(sa.ForeignKey("report_upload.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[int] = mapped_column(sa.BigInteger)
    size: Mapped[int]
    tag: Mapped[str] = mapped_column(sa.String(TAG))
    key: Mapped[str] = mapped_column(sa.String(120), unique=True)


class UploadToken(Model):
    """A personal bearer token for programs, kept as a hash. It acts for its account in one challenge's reports."""

    __tablename__ = "upload_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    name: Mapped[str] = mapped_column(sa.String(60))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    account: Mapped[Account] = refers(lazy="raise_on_sql")


explain(
    "uq_report_upload_live",
    "This report has such a file already, or another upload has just begun. Remove the first one, or try again.",
    columns="report_upload.report_id, report_upload.number",
)
explain(
    "uq_report_upload_message",
    "This message is being sent already, or has just been begun anew. Try again.",
    columns="report_upload.message_id",
)
