"""The team's inbox: what waits, for whom, since when, and what there is to do."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import EVERYWHERE, Role
from portal.challenges.models import Challenge, Member, Participant
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.core.todo import Queue, Task
from portal.line.models import CannedAnswer, Conversation, Incoming, Message, ReadMark
from portal.line.queries.conversations import not_own
from portal.line.queries.incoming import of_others
from portal.line.states import TEAM, WAITING, Author, ConversationState, Outcome

S = ConversationState
SHOWS = ("", "mine", "unassigned", "late", "theirs", "settled", "all")


class Pile(NamedTuple):
    """How many conversations there are of each kind that the inbox shows."""

    waiting: int
    mine: int
    unassigned: int
    late: int
    theirs: int
    settled: int
    all: int


def _kinds(account_id: int, at: datetime) -> dict[str, sa.ColumnElement[bool]]:
    waiting = Conversation.state.in_(WAITING)
    return {
        "": waiting,
        "mine": waiting & (Conversation.assignee_id == account_id),
        "unassigned": waiting & Conversation.assignee_id.is_(None),
        "late": Conversation.due_at < at,
        "theirs": Conversation.state == S.WAITING_FOR_PARTICIPANT,
        "settled": Conversation.state == S.SETTLED,
        "all": sa.true(),
    }


def inbox(
    session: Session, challenge_id: int, show: str, account_id: int, at: datetime, *, text: str = "",
    after: str | None = None, limit: int = 50,
) -> Page[Conversation]:  # fmt: skip
    """Conversations of others, what is due first on top; `text` is searched for. Raises NotFound for no `show`."""
    kinds = _kinds(account_id, at)
    if show not in kinds:
        raise NotFound("list")
    rows = (
        sa.select(Conversation)
        .options(joinedload(Conversation.participant), joinedload(Conversation.assignee))
        .where(Conversation.challenge_id == challenge_id, kinds[show], not_own(account_id))
    )
    if text:
        rows = rows.where(_tells(text))
    order = [(Conversation.due_at, "asc"), (Conversation.id, "desc" if show in ("theirs", "settled") else "asc")]
    return keyset(session, rows, order=order, after=after, limit=limit)


def _tells(text: str) -> sa.ColumnElement[bool]:
    said = sa.select(Message.conversation_id).where(
        Message.subject.icontains(text, autoescape=True) | Message.text.icontains(text, autoescape=True)
    )
    named = sa.select(Participant.id).where(Participant.name.icontains(text, autoescape=True))
    return Conversation.id.in_(said) | Conversation.participant_id.in_(named)


def pile(session: Session, challenge_id: int, account_id: int, at: datetime) -> Pile:
    """The counts, in one statement."""
    counted = [
        sa.func.coalesce(sa.func.sum(sa.case((kind, 1), else_=0)), 0) for kind in _kinds(account_id, at).values()
    ]
    where = (Conversation.challenge_id == challenge_id, not_own(account_id))
    row = session.execute(sa.select(*counted).where(*where)).one()
    return Pile(*(int(number) for number in row))


def unread(session: Session, conversations: Iterable[Conversation], account_id: int) -> set[int]:
    """The conversations among these in which the participant has said something that a person has not read."""
    read = sa.func.coalesce(sa.func.max(ReadMark.message_id), 0)
    rows: sa.Select[Any] = (
        sa.select(Message.conversation_id)
        .outerjoin(
            ReadMark,
            sa.and_(ReadMark.conversation_id == Message.conversation_id, ReadMark.account_id == account_id),
        )
        .where(Message.conversation_id.in_([each.id for each in conversations]), Message.author == Author.PARTICIPANT)
        .group_by(Message.conversation_id)
        .having(sa.func.max(Message.id) > read)
    )
    return set(session.scalars(rows))


def team(session: Session, slug: str, participant_id: int) -> Sequence[Account]:
    """Everybody who answers a participant of a challenge, each once, by name: none of its own members."""
    theirs = sa.select(Member.account_id).where(Member.participant_id == participant_id)
    held = sa.select(RoleGrant.account_id).where(RoleGrant.role.in_(TEAM), RoleGrant.scope.in_([slug, EVERYWHERE]))
    rows = sa.select(Account).where(Account.active, Account.id.in_(held), Account.id.not_in(theirs))
    return session.scalars(rows.order_by(Account.name, Account.email)).all()


def canned(session: Session, challenge_id: int) -> Sequence[CannedAnswer]:
    """The canned answers of a challenge by title."""
    rows = sa.select(CannedAnswer).where(CannedAnswer.challenge_id == challenge_id)
    return session.scalars(rows.order_by(CannedAnswer.title)).all()


def canned_answer(session: Session, challenge: Challenge, answer_id: int) -> CannedAnswer:
    """One of them. Raises NotFound."""
    rows = sa.select(CannedAnswer).where(CannedAnswer.id == answer_id, CannedAnswer.challenge_id == challenge.id)
    found = session.scalars(rows).one_or_none()
    if found is None:
        raise NotFound("canned answer")
    return found


# --- what there is to do ---------------------------------------------------------------------------------------------


def tasks(session: Session, member: Member, _at: datetime) -> list[Task]:
    """What a participant has not read yet."""
    rows = (
        sa.select(sa.func.count(Message.id))
        .join(Conversation, Conversation.id == Message.conversation_id)
        .outerjoin(
            ReadMark,
            sa.and_(ReadMark.conversation_id == Conversation.id, ReadMark.account_id == member.account_id),
        )
        .where(
            Conversation.participant_id == member.participant_id,
            Message.author == Author.TEAM,
            Message.id > sa.func.coalesce(ReadMark.message_id, 0),
        )
    )
    count = session.scalars(rows).one()
    if not count:
        return []
    url = f"/challenges/{member.participant.challenge.slug}/line"
    return [Task("Read what the team answered", url, None, f"{count} new message{'' if count == 1 else 's'}")]


def queues(session: Session, challenge: Challenge, roles: frozenset[Role], at: datetime, *, reader: int) -> list[Queue]:
    """What waits for the team of a challenge, for those who belong to it, without their own."""
    if not roles & set(TEAM):
        return []
    waiting = Conversation.state.in_(WAITING)
    counted = sa.select(
        sa.func.count(),
        sa.func.min(Conversation.state_since),
        sa.func.coalesce(sa.func.sum(sa.case((Conversation.due_at < at, 1), else_=0)), 0),
    ).where(Conversation.challenge_id == challenge.id, waiting, not_own(reader))
    count, oldest, late = session.execute(counted).one()
    strange, since = session.execute(
        sa.select(sa.func.count(), sa.func.min(Incoming.at)).where(
            of_others(reader),
            Incoming.challenge_id == challenge.id,
            Incoming.outcome == Outcome.OTHER_SENDER,
            Incoming.handled_at.is_(None),
        )
    ).one()
    page = f"/staff/{challenge.slug}/line"
    return [
        Queue("Line: waiting for an answer", page, count, oldest),
        Queue("Line: past its deadline", f"{page}?show=late", int(late)),
        Queue("Line: mails from another address", f"{page}/mail", strange, since),
    ]
