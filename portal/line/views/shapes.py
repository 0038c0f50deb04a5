"""What several pages of the line show."""

from collections.abc import Sequence
from typing import NamedTuple

from flask import current_app, request

from portal.core.db import db, start_writing
from portal.core.mail import config_of
from portal.core.paging import Page
from portal.line.actions.reading import mark_read
from portal.line.addresses import Addresses
from portal.line.models import Conversation, Message
from portal.line.queries import conversations


class Talk(NamedTuple):
    """A part of a conversation: its messages from the oldest to the latest, and what was unread among them.

    `newest` is the last message where the end of the conversation is shown, else 0.
    """

    messages: Sequence[Message]
    earlier: str | None
    searched: str
    unread_after: int
    newest: int


def addresses() -> Addresses:
    """How answers by mail are addressed."""
    return Addresses.of(config_of(current_app))


def talk_of(conversation: Conversation | None, account_id: int, *, notes: bool) -> Talk:
    """What a person sees of a conversation."""
    searched = request.args.get("q", "").replace("\0", "").strip()[:120]
    if conversation is None:
        return Talk((), None, searched, 0, 0)
    after = request.args.get("after")
    page: Page[Message] = conversations.messages(db.session, conversation, notes=notes, text=searched, after=after)
    read = conversations.read_up_to(db.session, conversation.id, account_id)
    last = page.rows[0].id if page.rows and not searched and not after else 0
    return Talk(list(reversed(page.rows)), page.next, searched, read, last)


def note_read(conversation: Conversation | None, talk: Talk, account_id: int) -> None:
    """Write down that its end was seen; called when the page is made, as nothing that was read outlives the commit."""
    if conversation is None or talk.newest <= talk.unread_after:
        return
    start_writing(db.session)
    mark_read(db.session, conversation, talk.newest, by=account_id)
    db.session.commit()
