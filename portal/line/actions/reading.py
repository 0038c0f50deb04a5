"""What everybody has read, and whether they want mails."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core.db import insert
from portal.line.models import Conversation, ReadMark, Silence


def mark_read(session: Session, conversation: Conversation, message_id: int, *, by: int) -> None:
    """Note that a person has read a conversation up to a message; never back to an earlier one."""
    made = insert(session, ReadMark).values(conversation_id=conversation.id, account_id=by, message_id=message_id)
    further = made.on_conflict_do_update(
        index_elements=["conversation_id", "account_id"],
        set_={"message_id": message_id},
        where=ReadMark.message_id < message_id,
    )
    session.execute(further)


def choose_mails(session: Session, member: Member, *, wanted: bool, at: datetime) -> None:
    """Let a member be written to when the team has answered, or not. Choosing the same again changes nothing."""
    if wanted:
        session.execute(sa.delete(Silence).where(Silence.member_id == member.id))
        return
    made = insert(session, Silence).values(member_id=member.id, since=at)
    session.execute(made.on_conflict_do_nothing(index_elements=["member_id"]))
