"""Releasing results, and giving and withdrawing consent to be thanked. Actor and time are passed in."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.actions.course import end_moved, hold
from portal.challenges.models import Challenge, Member
from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Refused
from portal.core.moves import take
from portal.core.outbox import OutgoingMail
from portal.results import queries, rules, states
from portal.results.models import Acknowledgement, ResultsRelease
from portal.results.states import ReleaseState


class Hour(NamedTuple):
    """When results are to get out, in the zone in which it was typed; without an instant, once it is confirmed."""

    release_at: datetime | None
    zone: str = "UTC"


def propose_release(session: Session, challenge: Challenge, hour: Hour, *, by: int, at: datetime) -> ResultsRelease:
    """Propose an hour, which somebody else confirms. Raises Refused, Invalid, Conflict if somebody was first."""
    hold(session, challenge)
    rules.check_hour(challenge, hour.release_at, at)
    made = ResultsRelease(
        challenge_id=challenge.id, state=ReleaseState.PROPOSED, state_since=at, release_at=hour.release_at,
        zone=hour.zone, proposed_by_id=by, proposed_at=at,
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    _note_release(session, challenge, made, "propose-release", by=by, at=at)
    for account in queries.heads(session, challenge):
        if account.id != by:
            outbox.post(
                session, "results/confirm", to=account.email, key=f"release:{made.id}:{account.id}", at=at,
                context={"slug": challenge.slug, "release": made.id}, subject=f"challenge:{challenge.id}",
                scope=challenge.slug,
            )  # fmt: skip
    return made


def still_proposed(session: Session, mail: OutgoingMail) -> bool:
    """Whether there is still something to confirm."""
    found = session.get(ResultsRelease, mail.context.get("release", 0))
    return found is None or found.state is ReleaseState.PROPOSED


outbox.guard("results/confirm", still_proposed)


def confirm_release(session: Session, challenge: Challenge, found: ResultsRelease, *, by: int, at: datetime) -> None:
    """Let everybody see the results from the proposed hour on, or from now where it is over.

    No job is needed for that. Raises Refused for whoever proposed it, Conflict if somebody was first.
    """
    if found.proposed_by_id == by:
        raise Refused("You proposed it. Somebody else confirms it: another lead, or an admin.")
    hold(session, challenge)
    since = max(found.release_at, at) if found.release_at else at
    rules.check_release(challenge, since)
    take(session, found, states.CONFIRM, at=at, release_at=since, decided_by_id=by, decided_at=at)
    _set(session, challenge, Challenge.results_released_at.is_(None), since)
    figures = queries.figures(session, challenge, at)
    audit.record(
        session, "results:release", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
        after={
            "release_at": since, "submissions": figures.submissions, "eligible": figures.eligible,
            "awarded": figures.awarded.amount,
        },
    )  # fmt: skip


def cancel_release(session: Session, challenge: Challenge, found: ResultsRelease, *, by: int, at: datetime) -> None:
    """Stop a release that is not out yet; one person is enough for that. To move it, propose another hour."""
    hold(session, challenge)
    if rules.released(challenge, at):
        raise Refused("The results are out. What everybody has read cannot be taken back.")
    confirmed = found.state is ReleaseState.CONFIRMED
    take(session, found, states.CANCEL, at=at, decided_by_id=by, decided_at=at)
    if confirmed:
        _set(session, challenge, Challenge.results_released_at > at, None)
    _note_release(session, challenge, found, "cancel-release", by=by, at=at)


def follow_end(session: Session, challenge: Challenge, *, by: int, at: datetime) -> list[str]:
    """The last day of a challenge has moved: a release whose hour would come before its end is void.

    Two people had agreed on the hour for another end, so it does not move by itself: both are told, and another hour
    is proposed. Raises Invalid where the results are out: their challenge is over.
    """
    rules.check_end(challenge, at)
    if rules.before_end(challenge, challenge.results_released_at):
        _set(session, challenge, Challenge.results_released_at > at, None)
    found = queries.live_release(session, challenge.id)
    if found is None or not rules.before_end(challenge, found.release_at):
        return []
    confirmed = found.state is ReleaseState.CONFIRMED
    take(session, found, states.VOID, at=at, **({} if confirmed else {"decided_by_id": by, "decided_at": at}))
    _note_release(session, challenge, found, "void-release", by=by, at=at)
    for account in queries.who_set(session, found):
        outbox.post(
            session, "results/void", to=account.email, key=f"release:{found.id}:void:{account.id}", at=at,
            context={"slug": challenge.slug}, subject=f"challenge:{challenge.id}", scope=challenge.slug,
        )  # fmt: skip
    return ["The hour of the results was before the new end: it is void. Propose another one."]


end_moved.append(follow_end)


def _set(session: Session, challenge: Challenge, still: sa.ColumnElement[bool], since: datetime | None) -> None:
    """Set the instant from which everybody sees everything, if it is still as it was read."""
    done = session.execute(
        sa.update(Challenge)
        .where(Challenge.id == challenge.id, still)
        .values(results_released_at=since)
        .returning(Challenge.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if done is None:
        raise Conflict("Somebody has just released the results, or stopped it. Look at it again.")
    session.refresh(challenge)


def _note_release(
    session: Session, challenge: Challenge, found: ResultsRelease, verb: str, *, by: int, at: datetime
) -> None:
    audit.record(
        session, f"results:{verb}", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
        after={"release_at": found.release_at},
    )  # fmt: skip


def consent(session: Session, member: Member, name: str, *, at: datetime, url: str | None = None) -> None:
    """Let the results thank a member under this name; said again, under the new name."""
    given = queries.acknowledgement_of(session, member)
    if given is None:
        given = Acknowledgement(member_id=member.id)
        session.add(given)
    given.name, given.url, given.given_at = name, url, at
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
