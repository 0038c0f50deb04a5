"""What the lead means to answer, and what the lead does to single applications."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications import states
from portal.applications.actions import move
from portal.applications.models import Application
from portal.applications.states import RELEASES, ApplicationState, Decision, Disqualified
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.errors import Invalid, Refused
from portal.core.moves import Move
from portal.selection.actions.mails import tell
from portal.selection.queries.holding import hold
from portal.selection.queries.queue import Filter, matching
from portal.selection.rules import LEAST_NOTICE, UNDECIDED

# The steps of the lead that concern one application at a time.
SINGLE_STEPS = (
    states.DISQUALIFY, states.REINSTATE, states.RESCIND, states.INVITE_AGAIN, states.INVITE_AFTER_ALL,
    states.WAITLIST_AFTER_ALL,
)  # fmt: skip


class Outcome(NamedTuple):
    """How many applications now have the decision, and how many of the chosen could not have it."""

    changed: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Given:
    """What a step of the lead was given; each step says which of it it needs."""

    reason: str = ""
    kind: Disqualified | None = None
    duplicate_of_id: int | None = None
    answer_by: datetime | None = None


def mean(
    session: Session, challenge: Challenge, chosen: Sequence[int] | Filter, decision: Decision | None, *,
    by: int, at: datetime,
) -> Outcome:  # fmt: skip
    """Note what shall be answered (None: nothing yet) to the applications with these numbers, or to all of a filter.

    Nobody is told before a wave is released. Those already in a wave, decided otherwise, or one's own are left out.
    Raises Refused where nothing was chosen: that never means everyone.
    """
    conditions = _chosen(challenge, chosen)
    asked = session.scalars(sa.select(sa.func.count()).select_from(Application).where(*conditions)).one()
    if not asked:
        raise Refused("No application was selected, so nothing was changed.")
    fit = (
        Application.id.in_(sa.select(Application.id).where(*conditions)),
        Application.wave_id.is_(None),
        Application.account_id != by,
        Application.state.in_(RELEASES[decision].sources if decision else UNDECIDED),
    )
    hold(session, *fit)
    changed = session.scalars(
        sa.update(Application)
        .where(*fit)
        .values(pending_decision=decision, pending_at=at if decision else None)
        .returning(Application.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.expire_all()
    audit.record(
        session, "selection:mean", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
        after={"decision": decision, "applications": sorted(changed)},
    )  # fmt: skip
    return Outcome(len(changed), asked - len(changed))


def _chosen(challenge: Challenge, chosen: Sequence[int] | Filter) -> list[sa.ColumnElement[bool]]:
    if isinstance(chosen, Filter):
        return matching(challenge.id, chosen)
    return [Application.challenge_id == challenge.id, Application.id.in_(list(chosen))]


def take_step(
    session: Session, application: Application, step: Move[ApplicationState], given: Given, *, by: int, at: datetime
) -> None:
    """Take one of `SINGLE_STEPS`. Raises Invalid for what the step needs and was not given, Refused and Conflict."""
    if application.account_id == by:
        raise Refused("This is your own application.")
    messages = missing(session, application, step, given, at)
    if messages:
        raise Invalid(messages)
    move(
        session, application, step, by=by, at=at, reason=given.reason or None, room="selection",
        **_columns(step, given, by, at),
    )  # fmt: skip
    _tell(session, application, step, given, at)


def missing(
    session: Session, application: Application, step: Move[ApplicationState], given: Given, at: datetime
) -> dict[str, str]:
    """What the step needs and was not given, by field."""
    words = {"reason": "Say why.", "kind": "Choose what it is.", "answer_by": "Say by when the answer is needed."}
    found = {name: words[name] for name in step.needs if not getattr(given, name)}
    if given.answer_by and given.answer_by < at + LEAST_NOTICE:
        found["answer_by"] = "Give at least a day to answer."
    duplicate = step is states.DISQUALIFY and given.kind is Disqualified.DUPLICATE
    if duplicate and not _is_other(session, application, given):
        found["duplicate_of_id"] = "Name the other application of this challenge by its number."
    return found


def _is_other(session: Session, application: Application, given: Given) -> bool:
    other = session.get(Application, given.duplicate_of_id) if given.duplicate_of_id else None
    return other is not None and other.id != application.id and other.challenge_id == application.challenge_id


def _columns(step: Move[ApplicationState], given: Given, by: int, at: datetime) -> dict[str, object]:
    decided: dict[str, object] = {"decided_by_id": by, "decided_at": at}
    if step is states.DISQUALIFY:
        original = given.duplicate_of_id if given.kind is Disqualified.DUPLICATE else None
        return {"disqualified": given.kind, "disqualified_reason": given.reason, "duplicate_of_id": original}
    if step is states.REINSTATE:
        return {"disqualified": None, "disqualified_reason": None, "duplicate_of_id": None}
    if step.target is ApplicationState.INVITED:
        return {**decided, "answer_by": given.answer_by, "reminded_at": None}
    return decided


def _tell(session: Session, application: Application, step: Move[ApplicationState], given: Given, at: datetime) -> None:
    """Mail of a single step. Whoever is disqualified reads it on their page: spam gets no answer."""
    occasion = f"{step.name}:{at.isoformat()}"
    if step.target is ApplicationState.INVITED:
        tell(session, application, "selection/invited", occasion, at=at)
    elif step.target is ApplicationState.WAITLISTED:
        tell(session, application, "selection/waitlisted", occasion, at=at)
    elif step is states.RESCIND:
        tell(session, application, "selection/rescinded", occasion, at=at, reason=given.reason)
