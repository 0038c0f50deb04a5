"""Whose a conversation is, the canned answers, and how soon the team means to answer."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Refused
from portal.line.actions.mails import tell_assignee
from portal.line.models import CannedAnswer, Conversation, Incoming, Pace
from portal.line.queries import inbox
from portal.line.rules import Days
from portal.line.states import Outcome


def assign(
    session: Session, conversation: Conversation, to: Account | None, *, seen: int | None, by: int, at: datetime
) -> None:
    """Take a conversation, hand it to a colleague, or give it back to the team (`to` is None).

    `seen` is whose it was when the person looked. Raises Conflict where that has changed, Refused where `to` does not
    answer for this challenge.
    """
    challenge = conversation.challenge
    people = inbox.team(session, challenge.slug, conversation.participant_id)
    if to is not None and to.id not in {person.id for person in people}:
        raise Refused("Only leads, hosts and triagers of this challenge answer on the line.")
    wanted = to.id if to else None
    was = Conversation.assignee_id.is_(None) if seen is None else Conversation.assignee_id == seen
    done = session.execute(
        sa.update(Conversation)
        .where(Conversation.id == conversation.id, was)
        .values(assignee_id=wanted)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(done, CursorResult)
    if done.rowcount != 1:
        raise Conflict("Somebody has just taken it or handed it over. Look at it again.")
    session.expire(conversation, ["assignee_id", "assignee"])
    if to is not None and to.id not in (by, seen):
        tell_assignee(session, conversation, to, at=at)
    audit.record(
        session, "line:assign", f"line:{conversation.id}", by=by, at=at, scope=challenge.slug,
        before={"assignee": seen}, after={"assignee": wanted},
    )  # fmt: skip


def set_pace(session: Session, challenge: Challenge, days: Days, *, by: int, at: datetime) -> None:
    """Say within how many business days the team answers. Clocks that run go on as they are."""
    pace = session.get(Pace, challenge.id) or Pace(challenge_id=challenge.id)
    pace.first_days, pace.next_days = days
    session.add(pace)
    session.flush()
    _record(session, challenge, "set-pace", f"challenge:{challenge.id}", by=by, at=at)


def add_canned(session: Session, challenge: Challenge, title: str, text: str, *, by: int, at: datetime) -> CannedAnswer:
    """Keep a text for later. Raises Conflict where there is one of this title."""
    made = CannedAnswer(challenge_id=challenge.id, title=title, text=text)
    session.add(made)
    with conflicts():
        session.flush()
    _record(session, challenge, "add-canned", f"canned:{made.id}", by=by, at=at)
    return made


def change_canned(
    session: Session, challenge: Challenge, canned: CannedAnswer, title: str, text: str, *, by: int, at: datetime
) -> None:
    """Say it better. Raises Conflict where another one has this title."""
    canned.title, canned.text = title, text
    with conflicts():
        session.flush()
    _record(session, challenge, "change-canned", f"canned:{canned.id}", by=by, at=at)


def remove_canned(session: Session, challenge: Challenge, canned: CannedAnswer, *, by: int, at: datetime) -> None:
    """Forget it; what was answered with it stays."""
    number = canned.id
    session.delete(canned)
    session.flush()
    _record(session, challenge, "remove-canned", f"canned:{number}", by=by, at=at)


def handle_mail(session: Session, challenge: Challenge, incoming: Incoming, *, by: int, at: datetime) -> None:
    """Note that somebody has looked at a mail from another address, which is forgotten now. Raises Conflict."""
    done = session.execute(
        sa.update(Incoming)
        .where(Incoming.id == incoming.id, Incoming.outcome == Outcome.OTHER_SENDER, Incoming.handled_at.is_(None))
        .values(handled_at=at, handled_by_id=by, sender=None)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(done, CursorResult)
    if done.rowcount != 1:
        raise Conflict("Somebody has looked after it already.")
    session.expire(incoming)
    _record(session, challenge, "handle-mail", f"incoming:{incoming.id}", by=by, at=at)


def _record(session: Session, challenge: Challenge, verb: str, subject: str, *, by: int, at: datetime) -> None:
    audit.record(session, f"line:{verb}", subject, by=by, at=at, scope=challenge.slug)
