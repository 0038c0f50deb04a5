"""Writing, answering, noting, settling. Whoever writes has read what was there before."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.challenges.models import Member, Participant
from portal.core import audit
from portal.core.db import insert
from portal.core.errors import Conflict
from portal.core.moves import take
from portal.line import rules, states
from portal.line.actions.mails import tell_members, tell_team
from portal.line.actions.reading import mark_read
from portal.line.addresses import Addresses
from portal.line.models import Conversation, Message
from portal.line.queries import conversations
from portal.line.states import Author, ConversationState, Via


class Draft(NamedTuple):
    """What somebody wants to say. The `key` of its form or mail makes it one message however often it is sent."""

    text: str
    key: str
    subject: str = ""
    # Whether the text may stand in the mail to the participant.
    in_mail: bool = False
    via: Via = Via.PAGE
    left_out: int = 0
    mail_id: str | None = None


def write(session: Session, member: Member, draft: Draft, *, at: datetime) -> Message:
    """Say something to the team, for a member's participant. The first message opens the conversation.

    Raises Refused where the text is none, too long, or one of too many.
    """
    rules.check_text(draft.text)
    begun = _open(session, member.participant, ConversationState.OPEN, at)
    conversation = conversations.locked(session, member.participant_id)
    sent = conversations.by_key(session, conversation.id, draft.key)
    if sent is not None:
        return sent
    rules.check_often(conversations.written_lately(session, member.account_id, at))
    turned = begun or _give_to_team(session, conversation, at)
    message = _add(session, conversation, Author.PARTICIPANT, draft, by=member.account_id, at=at)
    if turned:
        tell_team(session, conversation, message, at=at)
    return message


def _open(session: Session, participant: Participant, state: ConversationState, at: datetime) -> bool:
    """Make the participant's conversation unless there is one. Whether it was made."""
    challenge = participant.challenge
    days = conversations.days_of(session, challenge.id)
    values = {
        "challenge_id": challenge.id, "participant_id": participant.id, "state": state, "state_since": at,
        "opened_at": at, "last_at": at, "due_at": rules.due(state, at, days, challenge.zone),
    }  # fmt: skip
    made = insert(session, Conversation).values(values).on_conflict_do_nothing(index_elements=["participant_id"])
    return session.scalars(made.returning(Conversation.id)).one_or_none() is not None


def _give_to_team(session: Session, conversation: Conversation, at: datetime) -> bool:
    """Make it the team's turn, with a new clock, unless it is already. Whether it has become so."""
    for step in (states.FOLLOW_UP, states.REOPEN):
        if conversation.state in step.sources:
            challenge = conversation.challenge
            days = conversations.days_of(session, challenge.id)
            take(session, conversation, step, at=at, due_at=rules.due(step.target, at, days, challenge.zone))
            return True
    return False


def _add(
    session: Session, conversation: Conversation, author: Author, draft: Draft, *, by: int, at: datetime
) -> Message:
    message = Message(
        conversation_id=conversation.id, account_id=by, author=author, via=draft.via, at=at, subject=draft.subject,
        text=draft.text, key=draft.key, in_mail=draft.in_mail, left_out=draft.left_out, mail_id=draft.mail_id,
    )  # fmt: skip
    session.add(message)
    if author is not Author.NOTE:
        conversation.last_at, conversation.subject = at, draft.subject or conversation.subject
    session.flush()
    mark_read(session, conversation, message.id, by=by)
    _record(session, conversation, {"participant": "write", "team": "answer", "note": "note"}[author], by=by, at=at)
    return message


def _record(session: Session, conversation: Conversation, verb: str, *, by: int, at: datetime) -> None:
    audit.record(
        session, f"line:{verb}", f"line:{conversation.id}", by=by, at=at, scope=conversation.challenge.slug,
        after={"state": conversation.state},
    )  # fmt: skip


def answer(
    session: Session, conversation: Conversation, draft: Draft, *, seen: int, by: int, at: datetime,
    addresses: Addresses,
) -> Message:  # fmt: skip
    """Answer for the team; whoever answers what nobody has taken takes it. The members are told by mail.

    `seen` is the last message that the writer has read. Raises Conflict where more was said since, Refused for a text
    that is none and where the participant does not take part any more.
    """
    rules.check_text(draft.text)
    rules.check_takes_part(conversation.participant)
    conversation = conversations.locked(session, conversation.participant_id)
    sent = conversations.by_key(session, conversation.id, draft.key)
    if sent is not None:
        return sent
    _check_seen(session, conversation, seen)
    take(
        session, conversation, states.ANSWER, at=at, due_at=None, assignee_id=conversation.assignee_id or by
    )  # fmt: skip
    message = _add(session, conversation, Author.TEAM, draft, by=by, at=at)
    tell_members(session, conversation, message, addresses=addresses, at=at)
    return message


def begin(
    session: Session, participant: Participant, draft: Draft, *, by: int, at: datetime, addresses: Addresses
) -> Message:
    """Write to a participant of one's own accord. Raises Refused as `answer` does."""
    rules.check_text(draft.text)
    rules.check_takes_part(participant)
    _open(session, participant, ConversationState.WAITING_FOR_PARTICIPANT, at)
    conversation = conversations.locked(session, participant.id)
    seen = conversations.newest(session, conversation.id, Author.PARTICIPANT, Author.TEAM)
    return answer(session, conversation, draft, seen=seen, by=by, at=at, addresses=addresses)


def _check_seen(session: Session, conversation: Conversation, seen: int) -> None:
    if conversations.newest(session, conversation.id, Author.PARTICIPANT, Author.TEAM) > seen:
        raise Conflict("Something was said since you opened this page. Read it first; what you typed is still here.")


def note(session: Session, conversation: Conversation, draft: Draft, *, by: int, at: datetime) -> Message:
    """Write something for the team alone. Raises Refused for a text that is none."""
    rules.check_text(draft.text)
    sent = conversations.by_key(session, conversation.id, draft.key)
    return sent or _add(session, conversation, Author.NOTE, draft, by=by, at=at)


def settle(session: Session, conversation: Conversation, *, seen: int, by: int, at: datetime) -> None:
    """Say that nothing is left to answer, for the team or as the participant.

    Raises Refused where it is settled, Conflict where something was said that the person has not seen.
    """
    conversation = conversations.locked(session, conversation.participant_id)
    _check_seen(session, conversation, seen)
    take(session, conversation, states.SETTLE, at=at, due_at=None)
    _record(session, conversation, "settle", by=by, at=at)
