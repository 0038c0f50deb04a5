"""Answers to invitations, and what time does to those that are not answered."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications import states
from portal.applications.actions import move
from portal.applications.models import Application
from portal.applications.states import ApplicantKind, ApplicationState
from portal.challenges.actions import add_participant, sign_agreement
from portal.challenges.models import Participant
from portal.challenges.queries import current_agreement, signature_of
from portal.challenges.states import ParticipantKind
from portal.core import audit
from portal.core.errors import Invalid, Refused
from portal.selection import rules, supply
from portal.selection.actions.mails import tell


class Signing(NamedTuple):
    """The name that the invited typed, the SHA-256 of the agreement that they read, where they did it."""

    typed_name: str
    seen: str | None = None
    address_hash: str | None = None


def accept_invitation(
    session: Session, application: Application, account: Account, signing: Signing, *, at: datetime
) -> Participant:
    """Sign the current agreement and take part. Raises Refused once the time is over, Conflict for a lost race."""
    _refuse_late(application, at)
    if not signing.typed_name.strip():
        raise Invalid({"typed_name": "Type your name to sign."})
    move(session, application, states.ACCEPT, by=account.id, at=at, room="selection")
    challenge = application.challenge
    agreement = current_agreement(session, challenge.id)
    if agreement and not signature_of(session, agreement, account.id):
        sign_agreement(
            session, agreement, account, typed_name=signing.typed_name, at=at, address_hash=signing.address_hash,
            seen=signing.seen,
        )  # fmt: skip
    team = application.kind is ApplicantKind.TEAM
    participant = add_participant(
        session, challenge, account, name=(application.affiliation if team else "") or application.name,
        kind=ParticipantKind.TEAM if team else ParticipantKind.RESEARCHER, country=application.country, by=account.id,
        at=at, needs_kit=application.needs_kit,
    )  # fmt: skip
    supply.pass_on(session, application.id, participant.id)
    tell(session, application, "selection/accepted", f"accepted:{participant.id}", at=at)
    return participant


def refuse_invitation(session: Session, application: Application, account: Account, *, at: datetime) -> None:
    """Give the place back. Whoever has refused is not invited again by themselves."""
    _refuse_late(application, at)
    move(session, application, states.REFUSE, by=account.id, at=at, room="selection")


def _refuse_late(application: Application, at: datetime) -> None:
    if application.state is ApplicationState.INVITED and application.answer_by and application.answer_by <= at:
        raise Refused("The time to answer is over. Write to the people who run the challenge if you want the place.")


def expire_invitation(session: Session, application: Application, *, at: datetime) -> None:
    """End an invitation that nobody answered in time. Raises Refused before that, Conflict for a lost race."""
    if application.answer_by is not None and application.answer_by > at:
        raise Refused("There is still time to answer.")
    move(session, application, states.EXPIRE, by=None, at=at, room="selection")
    tell(session, application, "selection/expired", f"expired:{at.isoformat()}", at=at)


def remind(session: Session, application: Application, *, at: datetime) -> bool:
    """Remind the invited of the time to answer, if it is due. Returns whether it was; whoever is first reminds."""
    if not rules.reminder_due(application, at):
        return False
    last = application.reminded_at
    due = sa.update(Application).where(
        Application.id == application.id,
        Application.state == ApplicationState.INVITED,
        Application.answer_by == application.answer_by,
        Application.reminded_at.is_(None) if last is None else Application.reminded_at == last,
    )
    done = session.execute(due.values(reminded_at=at).execution_options(synchronize_session=False))
    assert isinstance(done, CursorResult)
    if done.rowcount != 1:
        return False
    session.refresh(application)
    tell(session, application, "selection/reminder", f"reminder:{at.isoformat()}", at=at)
    audit.record(
        session, "selection:remind", f"application:{application.id}", by=None, at=at, scope=application.challenge.slug
    )
    return True
