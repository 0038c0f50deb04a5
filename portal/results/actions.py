"""Releasing results, and giving and withdrawing consent to be thanked. Actor and time are passed in."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge, Member
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict
from portal.results import queries, rules
from portal.results.models import Acknowledgement


def release(session: Session, challenge: Challenge, *, by: int, at: datetime) -> None:
    """Let everybody see the results from now on. Raises Refused, or Conflict if somebody was first."""
    rules.check_release(challenge, at)
    done = session.execute(
        sa.update(Challenge)
        .where(Challenge.id == challenge.id, Challenge.results_released_at.is_(None))
        .values(results_released_at=at)
        .returning(Challenge.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if done is None:
        raise Conflict("Somebody has just released the results.")
    session.refresh(challenge)
    found = queries.figures(session, challenge, at)
    audit.record(
        session, "results:release", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
        after={"submissions": found.submissions, "eligible": found.eligible, "awarded": found.awarded.amount},
    )  # fmt: skip


def consent(session: Session, member: Member, name: str, *, at: datetime) -> None:
    """Let the results thank a member under this name; said again, under the new name."""
    given = queries.acknowledgement_of(session, member)
    if given is None:
        given = Acknowledgement(member_id=member.id)
        session.add(given)
    given.name, given.given_at = name, at
    with conflicts():
        session.flush()
    _record(session, member, "consent", at=at)


def withdraw_consent(session: Session, member: Member, *, at: datetime) -> None:
    """Take the name off again. Said twice, it changes nothing."""
    given = queries.acknowledgement_of(session, member)
    if given is None:
        return
    session.delete(given)
    session.flush()
    _record(session, member, "withdraw-consent", at=at)


def _record(session: Session, member: Member, verb: str, *, at: datetime) -> None:
    """The audit tells that it was done, not the name."""
    scope = member.participant.challenge.slug
    audit.record(session, f"results:{verb}", f"member:{member.id}", by=member.account_id, at=at, scope=scope)
