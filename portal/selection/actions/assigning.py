"""Who reads what: given out evenly, added to, handed on."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.db import insert
from portal.core.errors import NotFound
from portal.selection.actions.scores import lock_plan
from portal.selection.models import Assignment, Conflict, Plan, Review, Reviewer
from portal.selection.queries import assigning as queries
from portal.selection.queries import plan as plans
from portal.selection.queries.reviewing import in_pool
from portal.selection.rules.assigning import Seat, distribute
from portal.selection.states import ConflictKind


class Proposal(NamedTuple):
    """What assigning now would do: the new pairs, how many each reviewer gets, and applications that lack readers."""

    pairs: Sequence[tuple[int, int]]
    missing: Sequence[tuple[int, int]]

    @property
    def by_reviewer(self) -> dict[int, int]:
        """How many are new for each reviewer."""
        return dict(Counter(reviewer for _, reviewer in self.pairs))

    @property
    def applications(self) -> int:
        """How many applications get readers."""
        return len({application for application, _ in self.pairs})


def propose(session: Session, challenge: Challenge, plan: Plan) -> Proposal:
    """Who would read what besides, if it were assigned now. Writes nothing; the same answer until something changes."""
    assigned, reviewed = queries.pairs(session, challenge.id)
    held = assigned | reviewed
    barred: Mapping[tuple[int, int], object] = {
        **queries.noted_conflicts(session, challenge.id),
        **queries.known_conflicts(session, challenge, *in_pool(plan)),
    }  # fmt: skip
    wanted = queries.wanting(session, plan)
    seats = queries.seats(session, challenge, Counter(reviewer for _, reviewer in held))
    everybody = [
        (number, seat.reviewer)
        for number, calibration in wanted
        if calibration
        for seat in seats
        if seat.capacity != 0  # reads no more
        and (number, seat.reviewer) not in held
        and (number, seat.reviewer) not in barred
    ]
    more = Counter(reviewer for _, reviewer in everybody)
    seats = [Seat(seat.reviewer, seat.load + more[seat.reviewer], seat.capacity) for seat in seats]
    found = distribute(queries.needs(plan, wanted, held, barred), seats, Random(f"{challenge.id}:{len(held)}"))  # noqa: S311 - no secret
    return Proposal([*everybody, *found.pairs], found.missing)


def assign(session: Session, challenge: Challenge, *, by: int | None, at: datetime) -> Proposal:
    """Give every application of the second pass the readers that it lacks. What is assigned already stays."""
    plan = lock_plan(session, challenge.id)
    note_conflicts(session, challenge, at=at)
    found = propose(session, challenge, plan)
    _write(session, found.pairs, by, at)
    if found.pairs:
        audit.record(
            session, "selection:assign", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
            after={"assignments": len(found.pairs), "applications": found.applications, "lacking": len(found.missing)},
        )  # fmt: skip
    return found


def _write(session: Session, pairs: Sequence[tuple[int, int]], by: int | None, at: datetime) -> None:
    rows = [
        {"application_id": application, "reviewer_id": reviewer, "assigned_at": at, "assigned_by_id": by}
        for application, reviewer in sorted(pairs)
    ]
    if rows:
        session.execute(insert(session, Assignment).on_conflict_do_nothing(), rows)


def note_conflicts(session: Session, challenge: Challenge, *, at: datetime) -> int:
    """Note the conflicts of interest that the portal knows by itself, and forget those that are none any more.

    What is assigned in spite of one is taken back, unless it is written already. Returns how many notes changed.
    """
    known = queries.known_conflicts(session, challenge)
    noted = queries.noted_conflicts(session, challenge.id)
    over = [pair for pair, kind in noted.items() if kind is not ConflictKind.DECLARED and pair not in known]
    new = [pair for pair in known if pair not in noted]
    for application, reviewer in sorted(over):
        session.execute(
            sa.delete(Conflict).where(Conflict.application_id == application, Conflict.reviewer_id == reviewer)
        )
    if new:
        rows = [
            {"application_id": pair[0], "reviewer_id": pair[1], "kind": known[pair], "noted_at": at}
            for pair in sorted(new)
        ]
        session.execute(insert(session, Conflict).on_conflict_do_nothing(), rows)
    assigned, reviewed = queries.pairs(session, challenge.id)
    _take_back(session, [pair for pair in assigned - reviewed if pair in known or (pair in noted and pair not in over)])
    return len(over) + len(new)


def _take_back(session: Session, pairs: Sequence[tuple[int, int]]) -> None:
    for application, reviewer in sorted(pairs):
        session.execute(
            sa.delete(Assignment).where(Assignment.application_id == application, Assignment.reviewer_id == reviewer)
        )


def hand_on(session: Session, challenge: Challenge, account_id: int, *, by: int, at: datetime) -> tuple[int, Proposal]:
    """A reviewer reads no more: what is open goes to the others. Returns how many that were, and who got what.

    Raises NotFound for somebody who has never been asked to read here.
    """
    lock_plan(session, challenge.id)
    known = session.get(Reviewer, (challenge.id, account_id))
    written = sa.exists().where(
        Review.application_id == Assignment.application_id, Review.reviewer_id == Assignment.reviewer_id
    )
    of_challenge = sa.select(Application.id).where(Application.challenge_id == challenge.id)
    held = sa.and_(Assignment.reviewer_id == account_id, Assignment.application_id.in_(of_challenge))
    everybody = {judge.account_id for judge in plans.judges(session, challenge)}
    if account_id not in everybody and not session.scalars(sa.select(Assignment).where(held).limit(1)).one_or_none():
        raise NotFound("reviewer")
    taken = session.scalars(
        sa.delete(Assignment).where(held, ~written).returning(Assignment.application_id)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    if known is None:
        known = Reviewer(challenge_id=challenge.id, account_id=account_id)
        session.add(known)
    known.capacity = 0
    session.flush()
    audit.record(
        session, "selection:hand-on", f"account:{account_id}", by=by, at=at, scope=challenge.slug,
        after={"assignments": len(taken)},
    )  # fmt: skip
    return len(taken), assign(session, challenge, by=by, at=at)


def set_calibration(
    session: Session, challenge: Challenge, numbers: Collection[int], wanted: bool, *, by: int, at: datetime
) -> None:
    """Let every reviewer read the applications with these numbers, so that their scores can be compared; or no longer.

    Whoever has begun keeps it: what is assigned stays assigned.
    """
    lock_plan(session, challenge.id)
    marked = sa.update(Application).where(Application.id.in_(numbers)).values(calibration=wanted)
    session.execute(marked.execution_options(synchronize_session=False))
    session.expire_all()
    verb = "selection:calibrate" if wanted else "selection:end-calibration"
    for number in sorted(numbers):
        audit.record(session, verb, f"application:{number}", by=by, at=at, scope=challenge.slug)
    if wanted:
        note_conflicts(session, challenge, at=at)
        pairs = propose(session, challenge, plans.plan_of(session, challenge.id)).pairs
        _write(session, [pair for pair in pairs if pair[0] in numbers], by, at)
