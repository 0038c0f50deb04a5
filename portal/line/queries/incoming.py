"""The mails that came in: which are known, to whom their addresses belong, what became of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member, Participant
from portal.challenges.states import ParticipantState
from portal.core.errors import NotFound
from portal.core.outbox import MailState, OutgoingMail
from portal.line.addresses import Named
from portal.line.models import Conversation, Incoming
from portal.line.queries.conversations import not_own
from portal.line.states import Outcome

_MOST_LATELY = 500


def known(session: Session, mailbox: str, validity: int, uid: int) -> Incoming | None:
    """What became of the mail in this place, if it has been looked at."""
    rows = sa.select(Incoming).where(
        Incoming.mailbox == mailbox, Incoming.validity == validity, Incoming.uid == uid
    )  # fmt: skip
    return session.scalars(rows).one_or_none()


def repeated(session: Session, digest: str) -> bool:
    """Whether the same mail has come before."""
    return session.scalars(sa.select(Incoming.id).where(Incoming.digest == digest)).one_or_none() is not None


def place_of(session: Session, named: Named) -> tuple[Conversation, Member] | None:
    """The conversation and the member whom an address names, while both still belong together and take part."""
    member = session.scalars(
        sa.select(Member)
        .join(Member.participant)
        .join(Member.account)
        .options(contains_eager(Member.participant).joinedload(Participant.challenge), contains_eager(Member.account))
        .where(
            Member.id == named.member_id,
            Participant.state == ParticipantState.ACTIVE,
            Account.active,
            Account.confirmed_at.is_not(None),
        )
    ).one_or_none()
    conversation = session.get(Conversation, named.conversation_id)
    if member is None or conversation is None or conversation.participant_id != member.participant_id:
        return None
    return conversation, member


def came_lately(session: Session, account_id: int, at: datetime) -> int:
    """How many mails came from a member within the last hour, whatever became of them."""
    rows = sa.select(sa.func.count()).where(Incoming.account_id == account_id, Incoming.at > at - timedelta(hours=1))
    return session.scalars(rows).one()


def sent_mail(session: Session, token: str, recipient: str) -> OutgoingMail | None:
    """The mail that went to an address under a Message-ID, among the last that did."""
    rows = sa.select(OutgoingMail).where(OutgoingMail.to == recipient, OutgoingMail.state == MailState.SENT)
    lately = session.scalars(rows.order_by(OutgoingMail.id.desc()).limit(_MOST_LATELY))
    return next((mail for mail in lately if mail.token == token), None)


def of_others(reader: int) -> sa.ColumnElement[bool]:
    """Mails to no conversation of a participant to whom the reader belongs."""
    theirs = sa.select(Conversation.id).where(not_own(reader))
    return sa.or_(Incoming.conversation_id.is_(None), Incoming.conversation_id.in_(theirs))


def to_look_at(session: Session, challenge: Challenge, *, reader: int) -> Sequence[tuple[Incoming, str]]:
    """The mails under a member's address that somebody else sent, with the participant's name; the oldest first."""
    rows = (
        sa.select(Incoming, Participant.name)
        .join(Conversation, Conversation.id == Incoming.conversation_id)
        .join(Conversation.participant)
        .where(
            Incoming.challenge_id == challenge.id,
            Incoming.outcome == Outcome.OTHER_SENDER,
            Incoming.handled_at.is_(None),
            of_others(reader),
        )
        .order_by(Incoming.id)
        .limit(100)
    )
    return [(incoming, name) for incoming, name in session.execute(rows)]


def strange(session: Session, challenge: Challenge, incoming_id: int, *, reader: int) -> Incoming:
    """One of them, handled or not. Raises NotFound."""
    rows = sa.select(Incoming).where(
        Incoming.id == incoming_id,
        Incoming.challenge_id == challenge.id,
        Incoming.outcome == Outcome.OTHER_SENDER,
        of_others(reader),
    )
    found = session.scalars(rows).one_or_none()
    if found is None:
        raise NotFound("mail")
    return found


def counts(session: Session, challenge: Challenge, *, reader: int) -> dict[Outcome, int]:
    """How many mails came in for a challenge, by what became of them; those that named none are everybody's."""
    rows = (
        sa.select(Incoming.outcome, sa.func.count())
        .where(sa.or_(Incoming.challenge_id == challenge.id, Incoming.challenge_id.is_(None)), of_others(reader))
        .group_by(Incoming.outcome)
    )
    counted = dict(session.execute(rows).all())
    return {outcome: counted[outcome] for outcome in Outcome if outcome in counted}


def lately(session: Session, challenge: Challenge, limit: int = 30, *, reader: int) -> Sequence[Incoming]:
    """The last mails for a challenge."""
    rows = sa.select(Incoming).where(Incoming.challenge_id == challenge.id, of_others(reader))
    return session.scalars(rows.order_by(Incoming.id.desc()).limit(limit)).all()
