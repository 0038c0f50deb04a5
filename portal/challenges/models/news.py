"""Announcements, who has read them, and who was told of them by mail."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.challenges.models.course import Challenge, Member
from portal.challenges.models.resources import Build
from portal.challenges.states import News, NewsMail
from portal.core.db import Model, refers
from portal.core.moves import Moving


class Announcement(Moving[News], Model):
    """Something that every participant should know, from `publish_at` on; perhaps about one build."""

    __tablename__ = "announcement"
    __table_args__ = (
        sa.ForeignKeyConstraint(["challenge_id", "build_id"], ["build.challenge_id", "build.id"]),
        sa.CheckConstraint("publish_at >= created_at", name="never_backdated"),
        sa.Index("ix_announcement_out", "challenge_id", "publish_at", "id"),
        sa.Index("ix_announcement_build", "build_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    build_id: Mapped[int | None]
    title: Mapped[str] = mapped_column(sa.String(120))
    body: Mapped[str] = mapped_column(sa.Text, deferred=True)
    publish_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    state: Mapped[News] = mapped_column(default=News.PUBLISHED)
    state_since: Mapped[datetime]
    challenge: Mapped[Challenge] = refers()
    build: Mapped[Build | None] = refers()


class AnnouncementRead(Model):
    """A person has opened an announcement, or said that all are read."""

    __tablename__ = "announcement_read"

    announcement_id: Mapped[int] = mapped_column(sa.ForeignKey("announcement.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), primary_key=True, index=True)
    read_at: Mapped[datetime]


class AnnouncementMail(Model):
    """A member was told of an announcement by mail: written with the mail, and so once for ever."""

    __tablename__ = "announcement_mail"

    announcement_id: Mapped[int] = mapped_column(sa.ForeignKey("announcement.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(sa.ForeignKey("member.id"), primary_key=True, index=True)
    posted_at: Mapped[datetime]


class NewsChoice(Model):
    """When a member wants mail about announcements; without a row, daily. What came out before `since` is not told."""

    __tablename__ = "news_choice"

    member_id: Mapped[int] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    choice: Mapped[NewsMail]
    since: Mapped[datetime]
    member: Mapped[Member] = refers()
