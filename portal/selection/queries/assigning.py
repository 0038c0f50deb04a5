"""Who has what to read, and who could."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, load_only

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.states import VISIBLE, ApplicationState
from portal.challenges.models import Challenge
from portal.selection.models import Assignment, Conflict, Plan, Review, Reviewer
from portal.selection.queries.plan import judges, reviewers
from portal.selection.queries.reviewing import OF_CONFLICT, in_pool
from portal.selection.rules.assigning import Need, Seat
from portal.selection.rules.reviews import conflict_of
from portal.selection.rules.scores import is_calibrated
from portal.selection.states import ConflictKind


class Load(NamedTuple):
    """One reviewer's share: how much is assigned to them, written of it, and late, and how they score.

    `reviews` counts whatever they have written, `known` those that their offset rests on.
    """

    account: Account
    reviewer: Reviewer | None
    holds_role: bool
    assigned: int
    done: int
    late: int
    reviews: int

    @property
    def calibrated(self) -> bool:
        """Whether enough is known of how they score."""
        return self.reviewer is not None and is_calibrated(self.reviewer.review_count)

    @property
    def open(self) -> int:
        """Assigned and not written."""
        return self.assigned - self.done


def known_conflicts(
    session: Session, challenge: Challenge, *among: sa.ColumnElement[bool]
) -> dict[tuple[int, int], ConflictKind]:
    """Every conflict that the portal can tell by itself, among some applications: (application, reviewer) → why."""
    who = judges(session, challenge)
    rows = session.scalars(
        sa.select(Application)
        .options(load_only(*OF_CONFLICT))
        .where(Application.challenge_id == challenge.id, Application.state == ApplicationState.SUBMITTED, *among)
        .execution_options(yield_per=1000)
    )
    return {
        (row.id, judge.account_id): kind
        for row in rows
        for judge in who
        if (kind := conflict_of(row, judge)) is not None
    }


def noted_conflicts(session: Session, challenge_id: int) -> dict[tuple[int, int], ConflictKind]:
    """What is noted of conflicts of interest."""
    rows = session.execute(
        sa.select(Conflict.application_id, Conflict.reviewer_id, Conflict.kind)
        .join(Application, Application.id == Conflict.application_id)
        .where(Application.challenge_id == challenge_id)
    )
    return {(application, reviewer): kind for application, reviewer, kind in rows}


def pairs(session: Session, challenge_id: int) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """(application, reviewer) of everything that is assigned, and of everything that is reviewed."""
    found = []
    for kind in (Assignment, Review):
        rows = session.execute(
            sa.select(kind.application_id, kind.reviewer_id)
            .join(Application, Application.id == kind.application_id)
            .where(Application.challenge_id == challenge_id)
        )
        found.append({(application, reviewer) for application, reviewer in rows})
    return found[0], found[1]


def wanting(session: Session, plan: Plan) -> Sequence[tuple[int, bool]]:
    """The applications of the second pass in an order of chance, and whether everybody reads them."""
    rows = session.execute(
        sa.select(Application.id, Application.calibration)
        .where(*in_pool(plan))
        .order_by(Application.rnd, Application.id)
    )
    return [(number, calibration) for number, calibration in rows]


def seats(session: Session, challenge: Challenge, taken: Mapping[int, int]) -> list[Seat]:
    """Everybody who can be given something to read, with what they have."""
    known = reviewers(session, challenge.id)
    return [
        Seat(judge.account_id, taken.get(judge.account_id, 0), known[judge.account_id].capacity)
        if judge.account_id in known
        else Seat(judge.account_id, taken.get(judge.account_id, 0))
        for judge in judges(session, challenge)
    ]


def needs(
    plan: Plan, wanted: Sequence[tuple[int, bool]], held: set[tuple[int, int]], barred: Mapping[tuple[int, int], object]
) -> list[Need]:
    """What each application lacks, whoever has it already or must not have it left out."""
    readers: dict[int, set[int]] = defaultdict(set)
    for application, reviewer in held:
        readers[application].add(reviewer)
    out: dict[int, set[int]] = defaultdict(set)
    for application, reviewer in barred:
        out[application].add(reviewer)
    return [
        Need(number, plan.reviews_each - len(readers[number]), readers[number] | out[number])
        for number, calibration in wanted
        if not calibration and len(readers[number]) < plan.reviews_each
    ]


def loads(session: Session, challenge: Challenge, plan: Plan, at: datetime) -> list[Load]:
    """Everybody's share, reviewers first; the same statements for however many."""
    assigned, reviewed = pairs(session, challenge.id)
    withdrawn = _closed(session, challenge.id)
    holders = {judge.account_id for judge in judges(session, challenge)}
    known = reviewers(session, challenge.id)
    ids = holders | known.keys() | {who for _, who in assigned | reviewed}
    accounts = session.scalars(sa.select(Account).where(Account.id.in_(ids)).order_by(Account.name, Account.email))
    over = plan.review_until is not None and plan.review_until < at

    def load(account: Account) -> Load:
        mine = {pair for pair in assigned if pair[1] == account.id and (pair in reviewed or pair[0] not in withdrawn)}
        done = len(mine & reviewed)
        return Load(
            account, known.get(account.id), account.id in holders, len(mine), done, len(mine) - done if over else 0,
            sum(who == account.id for _, who in reviewed),
        )  # fmt: skip

    return sorted((load(account) for account in accounts), key=lambda one: not one.holds_role)


def _closed(session: Session, challenge_id: int) -> set[int]:
    """Assigned applications that nobody has to read any more."""
    rows = session.scalars(
        sa.select(Application.id)
        .where(Application.challenge_id == challenge_id, Application.state != ApplicationState.SUBMITTED)
        .where(sa.exists().where(Assignment.application_id == Application.id))
    )
    return set(rows)


class Compared(NamedTuple):
    """One application that everybody reads, and how each reviewer scored it."""

    application: Application
    scores: dict[int, float]


def calibration(session: Session, challenge_id: int) -> list[Compared]:
    """The calibration set and how reviewers scored it beside each other; two statements."""
    rows = session.scalars(
        sa.select(Application)
        .options(load_only(Application.id, Application.name, Application.rnd, Application.state, Application.score_mean,
                           Application.score_spread, Application.canonical_email, Application.challenge_id))
        .where(Application.challenge_id == challenge_id, Application.calibration, Application.state.in_(VISIBLE))
        .order_by(Application.rnd, Application.id)
    ).all()  # fmt: skip
    given: dict[int, dict[int, float]] = defaultdict(dict)
    for number, who, score in session.execute(
        sa.select(Review.application_id, Review.reviewer_id, Review.score).where(
            Review.application_id.in_([row.id for row in rows])
        )
    ):
        given[number][who] = score
    return [Compared(row, given[row.id]) for row in rows]
