"""What the line keeps of a person, and what is forgotten with them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.challenges.models import Challenge, Member
from portal.line.models import Conversation, Incoming, Message, ReadMark, Silence
from portal.line.rules import KEEP_INCOMING, KEEP_SENDER
from portal.line.states import Author


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """What the person wrote on the line, and where they want no mails. Notes of the team are the team's."""
    written = session.execute(
        sa.select(Challenge.slug, Message)
        .join(Conversation, Conversation.challenge_id == Challenge.id)
        .join(Message, Message.conversation_id == Conversation.id)
        .where(Message.account_id == account_id, Message.author != Author.NOTE)
        .order_by(Message.id)
    ).all()
    silent = session.scalars(
        sa.select(Challenge.slug)
        .join(Member, Member.challenge_id == Challenge.id)
        .join(Silence, Silence.member_id == Member.id)
        .where(Member.account_id == account_id)
        .order_by(Challenge.slug)
    ).all()
    return {
        "messages": [
            {
                "challenge": slug, "at": message.at, "as": message.author, "by": message.via,
                "subject": message.subject, "text": message.text,
            }
            for slug, message in written
        ],
        "no_mails_in": list(silent),
    }  # fmt: skip


def erase(session: Session, account_id: int, _at: datetime) -> None:
    """Forget what the person wrote as a participant, and their mails. That something was asked and answered stays."""
    own = (Message.account_id == account_id, Message.author == Author.PARTICIPANT)
    places = sa.select(Member.id).where(Member.account_id == account_id)
    touched = sa.select(Message.conversation_id).where(*own)
    for statement in (
        sa.update(Conversation).where(Conversation.id.in_(touched)).values(subject=""),
        sa.update(Message).where(*own).values(subject="", text="Erased", mail_id=None),
        sa.delete(ReadMark).where(ReadMark.account_id == account_id),
        sa.delete(Silence).where(Silence.member_id.in_(places)),
        sa.delete(Incoming).where(Incoming.account_id == account_id),
    ):
        session.execute(statement.execution_options(synchronize_session="fetch"))


personal.exporters["line"] = exported
personal.erasers.append(erase)
personal.kept += [
    personal.Kept(
        "Messages on the direct line", "To answer you, and so that whoever answers next knows what was said.",
        "Until you erase your account; answers of the team as long as the challenge's records.",
    ),
    personal.Kept(
        "Mails to the line: when, and whether they were taken",
        "So that no mail is taken twice. Their text is not kept.",
        f"{KEEP_INCOMING.days} days; the address of a mail that was not yours to send {KEEP_SENDER.days} days.",
    ),
]  # fmt: skip
