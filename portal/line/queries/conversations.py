"""One conversation: who may see it, what was said, what somebody has read."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member, Participant
from portal.challenges.queries import participating
from portal.challenges.states import ParticipantState
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.line.models import Conversation, Message, Pace, ReadMark, Silence
from portal.line.rules import Days
from portal.line.states import Author, Via

_WHOLE = (joinedload(Conversation.participant), joinedload(Conversation.assignee), joinedload(Conversation.challenge))


def of_participant(session: Session, participant_id: int) -> Conversation | None:
    """The participant's conversation, once somebody has written."""
    rows = sa.select(Conversation).options(*_WHOLE).where(Conversation.participant_id == participant_id)
    return session.scalars(rows).one_or_none()


def not_own(account_id: int) -> sa.ColumnElement[bool]:
    """Conversations of participants to whom an account does not belong: who of the team takes part as well sees their
    own from their own side alone, without the team's notes.
    """
    return Conversation.participant_id.not_in(participating(account_id))


def of_challenge(session: Session, challenge: Challenge, conversation_id: int, *, reader: int) -> Conversation:
    """One conversation of a challenge, for its team, none of the reader's own. Raises NotFound."""
    rows = sa.select(Conversation).options(*_WHOLE)
    rows = rows.where(Conversation.id == conversation_id, Conversation.challenge_id == challenge.id, not_own(reader))
    found = session.scalars(rows).one_or_none()
    if found is None:
        raise NotFound("conversation")
    return found


def locked(session: Session, participant_id: int) -> Conversation:
    """The participant's conversation as it is now, which nobody else changes until this transaction ends."""
    rows = sa.select(Conversation).where(Conversation.participant_id == participant_id)
    fresh = rows.with_for_update(of=Conversation).execution_options(populate_existing=True)
    return session.scalars(fresh).one()


def _said(conversation: Conversation, *, notes: bool, text: str = "") -> sa.Select[Message]:
    rows = sa.select(Message).where(Message.conversation_id == conversation.id)
    if not notes:
        rows = rows.where(Message.author != Author.NOTE)
    if text:
        told = Message.subject.icontains(text, autoescape=True) | Message.text.icontains(text, autoescape=True)
        rows = rows.where(told)
    return rows


def messages(
    session: Session, conversation: Conversation, *, notes: bool, text: str = "", after: str | None = None,
    limit: int = 30,
) -> Page[Message]:  # fmt: skip
    """What was said, the latest first; notes of the team only where asked for. `text` is searched for."""
    rows = _said(conversation, notes=notes, text=text).options(joinedload(Message.account))
    return keyset(session, rows, order=[(Message.id, "desc")], after=after, limit=limit)


def newest(session: Session, conversation_id: int, *authors: Author) -> int:
    """The number of the last message from these sides; 0 where there is none."""
    rows = sa.select(sa.func.max(Message.id)).where(Message.conversation_id == conversation_id)
    return session.scalars(rows.where(Message.author.in_(authors))).one() or 0


def by_key(session: Session, conversation_id: int, key: str) -> Message | None:
    """The message that this form or mail has become already."""
    rows = sa.select(Message).where(Message.conversation_id == conversation_id, Message.key == key)
    return session.scalars(rows).one_or_none()


def written_lately(session: Session, account_id: int, at: datetime) -> int:
    """How many messages a person has written to the team within the last hour."""
    rows = sa.select(sa.func.count()).where(
        Message.account_id == account_id, Message.author == Author.PARTICIPANT, Message.at > at - timedelta(hours=1)
    )
    return session.scalars(rows).one()


def read_up_to(session: Session, conversation_id: int, account_id: int) -> int:
    """The last message that a person has read; 0 for none."""
    rows = sa.select(ReadMark.message_id).where(
        ReadMark.conversation_id == conversation_id, ReadMark.account_id == account_id
    )
    return session.scalars(rows).one_or_none() or 0


def last_mail(session: Session, conversation_id: int) -> Message | None:
    """The participant's last message, if it came by mail."""
    rows = sa.select(Message).where(
        Message.conversation_id == conversation_id, Message.author == Author.PARTICIPANT
    )  # fmt: skip
    last = session.scalars(rows.order_by(Message.id.desc()).limit(1)).one_or_none()
    return last if last is not None and last.via is Via.MAIL else None


def listeners(session: Session, participant_id: int) -> Sequence[Member]:
    """The members of a participant who want mails about answers, with their accounts."""
    silent = sa.select(Silence.member_id)
    rows = (
        sa.select(Member)
        .join(Member.account)
        .options(contains_eager(Member.account))
        .where(Member.participant_id == participant_id, Account.active, Member.id.not_in(silent))
        .order_by(Member.id)
    )
    return session.scalars(rows).all()


def wants_mails(session: Session, member: Member) -> bool:
    """Whether a member is written to when the team has answered."""
    return session.get(Silence, member.id) is None


def days_of(session: Session, challenge_id: int) -> Days:
    """How soon the team of a challenge means to answer."""
    pace = session.get(Pace, challenge_id)
    return Days(pace.first_days, pace.next_days) if pace else Days()


def addressees(session: Session, challenge_id: int, *, reader: int) -> Sequence[Participant]:
    """The active participants of a challenge by name: whom the reader, of the team, may write to first."""
    active = (Participant.challenge_id == challenge_id, Participant.state == ParticipantState.ACTIVE)
    rows = sa.select(Participant).where(*active, Participant.id.not_in(participating(reader)))
    return session.scalars(rows.order_by(Participant.name, Participant.id)).all()
