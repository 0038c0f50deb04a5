"""Neutral mails about the line: that there is something to read, and where. Asked once more when they go."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Member
from portal.core import outbox
from portal.core.outbox import OutgoingMail
from portal.line.addresses import Addresses
from portal.line.models import Conversation, Message
from portal.line.queries import conversations, inbox
from portal.line.states import WAITING


def _context(conversation: Conversation, **more: object) -> dict[str, object]:
    challenge = conversation.challenge
    return {"challenge": challenge.title, "slug": challenge.slug, "conversation": conversation.id, **more}


def tell_team(session: Session, conversation: Conversation, message: Message, *, at: datetime) -> None:
    """Tell those who should answer: the one who has taken it, or else everybody of the team."""
    slug = conversation.challenge.slug
    for person in _responsible(session, conversation, slug):
        outbox.post(
            session, "line/asked", to=person.email, key=f"line:message:{message.id}:{person.id}", at=at,
            context=_context(conversation, message=message.id), subject=f"line:{conversation.id}", scope=slug,
        )  # fmt: skip


def _responsible(session: Session, conversation: Conversation, slug: str) -> Sequence[Account]:
    people = inbox.team(session, slug, conversation.participant_id)
    return [person for person in people if person.id == conversation.assignee_id] or people


def tell_assignee(session: Session, conversation: Conversation, person: Account, *, at: datetime) -> None:
    """Tell somebody that a conversation is theirs now."""
    slug = conversation.challenge.slug
    outbox.post(
        session, "line/assigned", to=person.email, key=f"line:{conversation.id}:assigned:{person.id}:{at.isoformat()}",
        at=at, context=_context(conversation), subject=f"line:{conversation.id}", scope=slug,
    )  # fmt: skip


def tell_members(
    session: Session, conversation: Conversation, message: Message, *, addresses: Addresses, at: datetime
) -> None:
    """Tell every member who wants it that the team has written; the text goes along only where it is harmless."""
    last = conversations.last_mail(session, conversation.id)
    for member in conversations.listeners(session, conversation.participant_id):
        follows = [addresses.root(conversation.id)]
        if last is not None and last.account_id == member.account_id and last.mail_id:
            follows.append(last.mail_id)
        context = _context(
            conversation, message=message.id, account=member.account_id, mail=addresses.mailbox is not None
        )
        outbox.post(
            session, "line/answered", to=member.account.email, key=f"line:message:{message.id}:{member.account_id}",
            at=at, context=context | ({"text": message.text} if message.in_mail else {}),
            subject=f"line:{conversation.id}", scope=conversation.challenge.slug,
            reply_to=addresses.reply_to(conversation.id, member.id), thread=" ".join(follows),
        )  # fmt: skip


def tell_to_seal(session: Session, conversation: Conversation, member: Member, *, at: datetime) -> None:
    """Tell somebody, at most once a day, that this is no way for files or for anything encrypted."""
    outbox.post(
        session, "line/sealed", to=member.account.email,
        key=f"line:{conversation.id}:seal:{member.account_id}:{at.date().isoformat()}", at=at,
        context=_context(conversation), subject=f"line:{conversation.id}", scope=conversation.challenge.slug,
    )  # fmt: skip


def still_unanswered(session: Session, mail: OutgoingMail) -> bool:
    """Whether the team still owes an answer."""
    conversation = session.get(Conversation, mail.context["conversation"])
    return conversation is not None and conversation.state in WAITING


def still_unread(session: Session, mail: OutgoingMail) -> bool:
    """Whether the member has not read the answer by now."""
    read = conversations.read_up_to(session, mail.context["conversation"], mail.context["account"])
    return read < int(mail.context["message"])


outbox.guard("line/asked", still_unanswered)
outbox.guard("line/answered", still_unread)
