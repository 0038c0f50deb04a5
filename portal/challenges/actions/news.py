"""Announcements: published, read, withdrawn, and told by mail, once to each member."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from portal.challenges.models import (
    Announcement,
    AnnouncementMail,
    AnnouncementRead,
    Challenge,
    Member,
    NewsChoice,
)
from portal.challenges.queries import news, resources
from portal.challenges.rules import is_due
from portal.challenges.states import RETRACT, News, NewsMail
from portal.core import audit, outbox
from portal.core.db import insert
from portal.core.errors import Invalid, Refused
from portal.core.moves import take
from portal.core.outbox import OutgoingMail

TEMPLATE = "challenges/news"
# So many titles at most stand in a mail; the page has them all.
TITLES = 20


@dataclass(frozen=True, slots=True)
class Notice:
    """What an announcement says; `body` is Markdown, `publish_at` an instant, or None for now."""

    title: str
    body: str
    build_id: int | None = None
    publish_at: datetime | None = None


def announce(session: Session, challenge: Challenge, notice: Notice, *, by: int | None, at: datetime) -> Announcement:
    """Tell every participant something, now or at an instant. Raises Invalid or NotFound."""
    publish_at = _checked(session, challenge, notice, at)
    announcement = Announcement(
        challenge_id=challenge.id, created_at=at, created_by_id=by, state=News.PUBLISHED, state_since=at,
        **(asdict(notice) | {"publish_at": publish_at}),
    )  # fmt: skip
    session.add(announcement)
    session.flush()
    after = {"title": notice.title, "publish_at": publish_at}
    audit.record(
        session, "challenges:announce", f"announcement:{announcement.id}", by=by, at=at, scope=challenge.slug,
        after=after,
    )  # fmt: skip
    return announcement


def change_announcement(
    session: Session, challenge: Challenge, announcement: Announcement, notice: Notice, *, by: int, at: datetime
) -> None:
    """Say something else before it is out. Raises Refused afterwards: nobody's mark may stand under another text."""
    if announcement.publish_at <= at or announcement.state is not News.PUBLISHED:
        raise Refused("This is out already. Withdraw it and publish what is right.")
    publish_at = _checked(session, challenge, notice, at)
    before = {"title": announcement.title, "publish_at": announcement.publish_at}
    announcement.title, announcement.body, announcement.build_id = notice.title, notice.body, notice.build_id
    announcement.publish_at = publish_at
    audit.record(
        session, "challenges:change-announcement", f"announcement:{announcement.id}", by=by, at=at,
        scope=challenge.slug, before=before, after={"title": notice.title, "publish_at": publish_at},
    )  # fmt: skip


def _checked(session: Session, challenge: Challenge, notice: Notice, at: datetime) -> datetime:
    wrong = {}
    if not notice.title or len(notice.title) > 120:
        wrong["title"] = "A title of at most 120 signs."
    if not notice.body:
        wrong["body"] = "An announcement needs a text."
    publish_at = notice.publish_at or at
    if publish_at < at:
        wrong["publish_at"] = "This time has passed. Leave it empty to publish now."
    if wrong:
        raise Invalid(wrong)
    if notice.build_id is not None:
        resources.build_of(session, challenge, notice.build_id)
    return publish_at


def withdraw_announcement(
    session: Session, challenge: Challenge, announcement: Announcement, *, by: int, at: datetime
) -> None:
    """Take an announcement back: it is neither shown nor mailed any more. Raises Refused or Conflict."""
    take(session, announcement, RETRACT, at=at)
    audit.record(
        session, "challenges:withdraw-announcement", f"announcement:{announcement.id}", by=by, at=at,
        scope=challenge.slug,
    )  # fmt: skip


def mark_read(session: Session, announcement_ids: Sequence[int], account_id: int, *, at: datetime) -> None:
    """Note that a person has read some announcements; what was read before keeps its time."""
    if announcement_ids:
        rows = [{"announcement_id": each, "account_id": account_id, "read_at": at} for each in sorted(announcement_ids)]
        session.execute(insert(session, AnnouncementRead).on_conflict_do_nothing(), rows)


def mark_all_read(session: Session, member: Member, until: datetime, *, at: datetime) -> int:
    """Note that a member has read all that was out at an instant, not what came out since; how much that was."""
    unread = news.unread(session, member.challenge_id, member.account_id, min(until, at))
    mark_read(session, unread, member.account_id, at=at)
    return len(unread)


def choose_mail(session: Session, member: Member, choice: NewsMail, *, at: datetime) -> None:
    """Say when a member wants mail. Whoever wants some again is told of what comes out from now on."""
    found = session.get(NewsChoice, member.id)
    since = found.since if found else member.joined_at
    if found and found.choice is NewsMail.NEVER and choice is not NewsMail.NEVER:
        since = at
    made = insert(session, NewsChoice).values(member_id=member.id, choice=choice, since=since)
    session.execute(
        made.on_conflict_do_update(index_elements=["member_id"], set_={"choice": choice, "since": since}),
        execution_options={"synchronize_session": False},
    )
    if found:
        session.expire(found)


def tell(session: Session, *, at: datetime) -> int:
    """Post the mails that are due, each announcement to each member once, however often this runs; how many mails."""
    due = [
        each
        for each in news.waiting(session, at)
        if is_due(each.choice, each.member.account.zone, each.announcement.publish_at, at)
    ]
    ours = _claim(session, due, at)
    mails = []
    for _, group in groupby(due, key=lambda each: each.member.id):
        mine = [each for each in group if (each.announcement.id, each.member.id) in ours]
        if mine:
            mails.append(_mail(mine, at))
    outbox.post_all(session, mails)
    return len(mails)


def _claim(session: Session, due: Sequence[news.Waiting], at: datetime) -> set[tuple[int, int]]:
    """Write down who is told of what; those pairs that nobody else has written down."""
    if not due:
        return set()
    rows = [
        {"announcement_id": each.announcement.id, "member_id": each.member.id, "posted_at": at}
        for each in sorted(due, key=lambda each: (each.announcement.id, each.member.id))
    ]
    claimed = (
        insert(session, AnnouncementMail)
        .on_conflict_do_nothing()
        .returning(AnnouncementMail.announcement_id, AnnouncementMail.member_id)
    )
    return {(announcement_id, member_id) for announcement_id, member_id in session.execute(claimed, rows)}


def _mail(waiting: Sequence[news.Waiting], at: datetime) -> dict[str, object]:
    """One mail about all that a member has not seen. Its key names the first: no other mail ever tells of that one."""
    member, first = waiting[0].member, waiting[0].announcement
    titles = [each.announcement.title for each in waiting]
    challenge = first.challenge
    return outbox.row(
        TEMPLATE, to=member.account.email, key=f"news:{first.id}:{member.id}", at=at, scope=challenge.slug,
        subject=f"member:{member.id}",
        context={
            "name": member.account.name, "challenge": challenge.title, "slug": challenge.slug, "member": member.id,
            "titles": titles[:TITLES], "more": max(len(titles) - TITLES, 0),
            "ids": [each.announcement.id for each in waiting],
        },
    )  # fmt: skip


def still_true(session: Session, mail: OutgoingMail) -> bool:
    """Whether there is still something unread that the mail speaks of."""
    return news.still_wanted(session, mail.context["ids"], mail.context["member"])


outbox.guard(TEMPLATE, still_true)
