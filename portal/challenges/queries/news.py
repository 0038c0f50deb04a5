"""Announcements: what is out, who has read it, and who is to be told of it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, undefer

from portal.accounts.models import Account
from portal.challenges.models import (
    Agreement,
    Announcement,
    AnnouncementMail,
    AnnouncementRead,
    Build,
    Challenge,
    Member,
    NewsChoice,
    Participant,
    Signature,
)
from portal.challenges.states import News, NewsMail, ParticipantState
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.core.todo import Task


def _out(challenge_id: int, at: datetime) -> sa.Select[Any]:
    return sa.select(Announcement).where(
        Announcement.challenge_id == challenge_id,
        Announcement.state == News.PUBLISHED,
        Announcement.publish_at <= at,
    )


def out(
    session: Session, challenge_id: int, at: datetime, *, after: str | None = None, limit: int = 25
) -> Page[Announcement]:
    """What is out, the latest first, without the texts."""
    order = [(Announcement.publish_at, "desc"), (Announcement.id, "desc")]
    rows = _out(challenge_id, at).options(joinedload(Announcement.build))
    return keyset(session, rows, order=order, after=after, limit=limit)


def about(session: Session, build: Build, at: datetime) -> Sequence[Announcement]:
    """What is out about a build, the latest first."""
    rows = _out(build.challenge_id, at).where(Announcement.build_id == build.id)
    return session.scalars(rows.order_by(Announcement.publish_at.desc(), Announcement.id.desc())).all()


def announcement_out(session: Session, challenge: Challenge, announcement_id: int, at: datetime) -> Announcement:
    """One announcement that is out, with its text. Raises NotFound."""
    rows = _out(challenge.id, at).where(Announcement.id == announcement_id)
    return _one(session, rows)


def announcement_of(session: Session, challenge: Challenge, announcement_id: int) -> Announcement:
    """One announcement, out or not, with its text. Raises NotFound."""
    return _one(
        session,
        sa.select(Announcement).where(Announcement.id == announcement_id, Announcement.challenge_id == challenge.id),
    )


def _one(session: Session, rows: sa.Select[Any]) -> Announcement:
    wanted = rows.options(undefer(Announcement.body), joinedload(Announcement.build))
    found: Announcement | None = session.scalars(wanted).one_or_none()
    if found is None:
        raise NotFound("announcement")
    return found


def read_by(session: Session, account_id: int, among: Collection[Announcement]) -> set[int]:
    """Which of some announcements a person has read."""
    marks = sa.select(AnnouncementRead.announcement_id).where(
        AnnouncementRead.account_id == account_id,
        AnnouncementRead.announcement_id.in_([each.id for each in among]),
    )
    return set(session.scalars(marks))


def _unread(account: Any) -> sa.ColumnElement[bool]:
    return ~(
        sa.select(AnnouncementRead.announcement_id)
        .where(AnnouncementRead.announcement_id == Announcement.id, AnnouncementRead.account_id == account)
        .exists()
    )


def unread(session: Session, challenge_id: int, account_id: int, at: datetime) -> Sequence[int]:
    """The numbers of what is out and not read."""
    return session.scalars(
        _out(challenge_id, at).where(_unread(account_id)).with_only_columns(Announcement.id).order_by(Announcement.id)
    ).all()


def unread_count(session: Session, slug: str, account_id: int, at: datetime) -> int:
    """How much of what is out in a challenge a person has not read."""
    return session.scalars(
        sa.select(sa.func.count())
        .select_from(Announcement)
        .join(Announcement.challenge)
        .where(
            Challenge.slug == slug, Announcement.state == News.PUBLISHED, Announcement.publish_at <= at,
            _unread(account_id),
        )
    ).one()  # fmt: skip


def tasks(session: Session, member: Member, at: datetime) -> list[Task]:
    """What is out and not read, in one line."""
    slug = member.participant.challenge.slug
    count = unread_count(session, slug, member.account_id, at)
    if not count:
        return []
    label = "Read the new announcement" if count == 1 else f"Read {count} new announcements"
    return [Task(label, f"/challenges/{slug}/resources/announcements")]


class Told(NamedTuple):
    """An announcement and how many of the present members have read it."""

    announcement: Announcement
    read: int


def told(session: Session, challenge_id: int, after: str | None) -> tuple[Page[Announcement], list[Told]]:
    """Every announcement, planned and withdrawn ones too, the latest first, with its count of readers."""
    rows = (
        sa.select(Announcement).options(joinedload(Announcement.build)).where(Announcement.challenge_id == challenge_id)
    )
    order = [(Announcement.publish_at, "desc"), (Announcement.id, "desc")]
    page = keyset(session, rows, order=order, after=after, limit=25)
    counts = session.execute(
        sa.select(AnnouncementRead.announcement_id, sa.func.count())
        .join(Member, Member.account_id == AnnouncementRead.account_id)
        .join(Member.participant)
        .where(
            AnnouncementRead.announcement_id.in_([each.id for each in page.rows]),
            Member.challenge_id == challenge_id,
            Participant.state == ParticipantState.ACTIVE,
        )
        .group_by(AnnouncementRead.announcement_id)
    )
    read = dict(iter(counts))
    return page, [Told(each, read.get(each.id, 0)) for each in page.rows]


def member_count(session: Session, challenge_id: int) -> int:
    """How many persons are in active participants."""
    return session.scalars(
        sa.select(sa.func.count(Member.id))
        .join(Member.participant)
        .where(Member.challenge_id == challenge_id, Participant.state == ParticipantState.ACTIVE)
    ).one()


def choice_of(session: Session, member_id: int) -> NewsMail:
    """When a member wants mail: daily where they have said nothing."""
    found = session.get(NewsChoice, member_id)
    return found.choice if found else NewsMail.DAILY


class Waiting(NamedTuple):
    """A member who has neither read an announcement nor been told of it by mail."""

    member: Member
    announcement: Announcement
    choice: NewsMail


def waiting(session: Session, at: datetime) -> list[Waiting]:
    """Whom to tell of what: signed members of active participants, by member, the earliest announcement first.

    What came out before somebody joined, or while they wanted no mail, is on the page and needs none.
    """
    mailed = sa.select(AnnouncementMail.member_id).where(
        AnnouncementMail.announcement_id == Announcement.id, AnnouncementMail.member_id == Member.id
    )
    rows = (
        sa.select(Member, Announcement, sa.func.coalesce(NewsChoice.choice, sa.literal(NewsMail.DAILY.value)))
        .join(Member.account)
        .join(Member.participant)
        .join(Announcement, Announcement.challenge_id == Member.challenge_id)
        .outerjoin(NewsChoice, NewsChoice.member_id == Member.id)
        .options(contains_eager(Member.account), joinedload(Announcement.challenge))
        .where(
            Announcement.state == News.PUBLISHED, Announcement.publish_at <= at,
            Announcement.publish_at >= sa.func.coalesce(NewsChoice.since, Member.joined_at),
            sa.or_(NewsChoice.choice.is_(None), NewsChoice.choice != NewsMail.NEVER),
            Participant.state == ParticipantState.ACTIVE, Account.active.is_(True),
            _has_signed(), _unread(Member.account_id), ~mailed.exists(),
        )
        .order_by(Member.id, Announcement.publish_at, Announcement.id)
    )  # fmt: skip
    return [Waiting(member, each, NewsMail(choice)) for member, each, choice in session.execute(rows)]


def _has_signed() -> sa.ColumnElement[bool]:
    """Whether the agreement in force bears the member's name, or there is none: what lies behind it is not mailed."""
    newest = sa.select(sa.func.max(Agreement.version)).where(Agreement.challenge_id == Member.challenge_id)
    signed = (
        sa.select(Signature.id)
        .join(Signature.agreement)
        .where(
            Agreement.challenge_id == Member.challenge_id,
            Agreement.version == newest.correlate(Member).scalar_subquery(),
            Signature.account_id == Member.account_id,
        )
    )
    any_version = sa.select(Agreement.id).where(Agreement.challenge_id == Member.challenge_id)
    return sa.or_(signed.exists(), ~any_version.exists())


def still_wanted(session: Session, announcement_ids: Sequence[int], member_id: int) -> bool:
    """Whether any of some announcements is still out and unread, and its member still wants mail."""
    rows = (
        sa.select(sa.func.count())
        .select_from(Announcement)
        .join(Member, Member.challenge_id == Announcement.challenge_id)
        .join(Member.participant)
        .outerjoin(NewsChoice, NewsChoice.member_id == Member.id)
        .where(
            Announcement.id.in_(announcement_ids), Announcement.state == News.PUBLISHED, Member.id == member_id,
            Participant.state == ParticipantState.ACTIVE, _unread(Member.account_id),
            sa.or_(NewsChoice.choice.is_(None), NewsChoice.choice != NewsMail.NEVER),
        )
    )  # fmt: skip
    return session.scalars(rows).one() > 0


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """What a person has read and when they want mail."""
    marks = session.execute(
        sa.select(Announcement.title, AnnouncementRead.read_at)
        .join(Announcement, Announcement.id == AnnouncementRead.announcement_id)
        .where(AnnouncementRead.account_id == account_id)
        .order_by(AnnouncementRead.read_at, Announcement.id)
    )
    choices = session.execute(
        sa.select(Challenge.slug, NewsChoice.choice)
        .join(NewsChoice.member)
        .join(Challenge, Challenge.id == Member.challenge_id)
        .where(Member.account_id == account_id)
        .order_by(Member.id)
    )
    return {
        "announcements_read": [{"title": title, "read_at": read_at} for title, read_at in marks],
        "mail_about_announcements": [{"challenge": slug, "when": choice} for slug, choice in choices],
    }
