"""What lets a program book for a person."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.challenges.models import Member
from portal.core.db import Model, refers


class ProgramToken(Model):
    """A person's bearer token for office hours of one challenge, kept as a hash; a new one replaces it.

    It does nothing else: upload tokens do not book, and this one reads no reports.
    """

    __tablename__ = "office_program_token"
    __table_args__ = (sa.CheckConstraint("expires_at > created_at", name="forward"),)

    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id, ondelete="CASCADE"), primary_key=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    member: Mapped[Member] = refers(lazy="raise_on_sql")
