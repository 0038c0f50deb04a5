"""Finding what to review, and what was said."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, load_only

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.core.errors import NotFound
from portal.selection.models import Assignment, Conflict, Endorsement, Mark, Plan, Review
from portal.selection.queries.plan import judge
from portal.selection.rules.reviews import OVERALL, Opinion, conflict_of
from portal.selection.states import ConflictKind, Pool

_BATCH = 25
# What a conflict of interest is read from.
OF_CONFLICT = (
    Application.id, Application.account_id, Application.canonical_email, Application.affiliation, Application.team,
    Application.calibration,
)  # fmt: skip


class Progress(NamedTuple):
    """How far somebody has come: reviews written, assigned ones not yet written, and others that could be read."""

    done: int
    open: int
    rest: int


class Told(NamedTuple):
    """A review as it is shown: its marks by criterion, how many agree with it, and whether the reader does."""

    review: Review
    marks: Mapping[int, int]
    agreeing: int
    agreed: bool


def is_open_to(account_id: int) -> list[sa.ColumnElement[bool]]:
    """Submitted, not one's own, not reviewed by oneself, and without a noted conflict of interest."""
    own = sa.select(Review.id).where(Review.application_id == Application.id, Review.reviewer_id == account_id)
    barred = sa.select(Conflict.reviewer_id).where(
        Conflict.application_id == Application.id, Conflict.reviewer_id == account_id
    )
    return [
        Application.state == ApplicationState.SUBMITTED,
        Application.account_id != account_id,
        ~own.exists(),
        ~barred.exists(),
    ]


def assigned_to(account_id: int) -> sa.ColumnElement[bool]:
    """Whether an application is assigned to somebody."""
    return sa.exists().where(Assignment.application_id == Application.id, Assignment.reviewer_id == account_id)


def in_pool(plan: Plan) -> list[sa.ColumnElement[bool]]:
    """Applications of the second pass."""
    found = [Application.challenge_id == plan.challenge_id, Application.state == ApplicationState.SUBMITTED]
    if plan.pool is Pool.CHOSEN:
        found.append(sa.or_(Application.in_review, Application.calibration))
    return found


def next_to_review(session: Session, plan: Plan, account_id: int, skip: Collection[int] = ()) -> int | None:
    """The application that this reviewer should read next.

    First what everybody reads, then what is assigned to them, then the rest of the pool: the least reviewed, in an
    order of chance. Never their own, and never one with a conflict of interest.
    """
    me = judge(session, plan.challenge_id, account_id)
    free = [Application.challenge_id == plan.challenge_id, *is_open_to(account_id), Application.id.not_in(list(skip))]
    mine = (
        sa.select(Application)
        .where(*free, assigned_to(account_id))
        .order_by(Application.calibration.desc(), Application.rnd, Application.id)
    )
    rest = (
        sa.select(Application)
        .where(*free, *in_pool(plan))
        .order_by(Application.review_count, Application.rnd, Application.id)
    )
    for rows in (mine, rest):
        for candidate in _one_by_one(session, rows):
            if conflict_of(candidate, me) is None:
                return candidate.id
    return None


def _one_by_one(session: Session, rows: Any) -> Iterator[Application]:
    """All rows, some at a time: hardly anybody has conflicts with more than a few."""
    rows, start = rows.options(load_only(*OF_CONFLICT)), 0
    while found := session.scalars(rows.limit(_BATCH).offset(start)).all():
        yield from found
        start += _BATCH


def progress(session: Session, plan: Plan, account_id: int) -> Progress:
    """How far this reviewer has come."""
    done = sa.select(sa.func.count()).where(
        Review.reviewer_id == account_id, Review.application_id == Application.id,
        Application.challenge_id == plan.challenge_id,
    )  # fmt: skip
    free = [Application.challenge_id == plan.challenge_id, *is_open_to(account_id)]
    mine = sa.select(sa.func.count()).select_from(Application).where(*free, assigned_to(account_id))
    rest = sa.select(sa.func.count()).select_from(Application).where(*free, *in_pool(plan), ~assigned_to(account_id))
    return Progress(*(session.scalars(rows).one() for rows in (done, mine, rest)))


def is_assigned(session: Session, application_id: int, account_id: int) -> bool:
    """Whether somebody is asked to read an application."""
    return session.get(Assignment, (application_id, account_id)) is not None


def conflict(session: Session, application: Application, account_id: int) -> ConflictKind | None:
    """Why this person must not judge this application: what is noted, or what the portal knows."""
    noted = session.get(Conflict, (application.id, account_id))
    return noted.kind if noted else conflict_of(application, judge(session, application.challenge_id, account_id))


def own_review(session: Session, application_id: int, reviewer_id: int) -> Review | None:
    """What this reviewer made of it."""
    return session.scalars(
        sa.select(Review).where(Review.application_id == application_id, Review.reviewer_id == reviewer_id)
    ).one_or_none()


def opinion_of(session: Session, review: Review) -> Opinion:
    """A review as its author would write it again."""
    rows = session.execute(sa.select(Mark.criterion_id, Mark.mark).where(Mark.review_id == review.id)).all()
    marks = dict(rows) or {OVERALL: round(review.score)}
    return Opinion(marks, review.confidence, review.comment, review.note)


def reviews(session: Session, application_id: int) -> Sequence[Review]:
    """What everybody made of it, the first first."""
    return session.scalars(
        sa.select(Review)
        .options(joinedload(Review.reviewer).load_only(Account.name, Account.email))
        .where(Review.application_id == application_id)
        .order_by(Review.created_at, Review.id)
    ).all()


def told(session: Session, application_id: int, reader_id: int) -> list[Told]:
    """All reviews of an application with their marks and who agrees; three statements."""
    written = reviews(session, application_id)
    of_it = sa.select(Review.id).where(Review.application_id == application_id)
    marks: dict[int, dict[int, int]] = defaultdict(dict)
    for review_id, criterion, mark in session.execute(
        sa.select(Mark.review_id, Mark.criterion_id, Mark.mark).where(Mark.review_id.in_(of_it))
    ):
        marks[review_id][criterion] = mark
    agreeing: dict[int, set[int]] = defaultdict(set)
    for review_id, who in session.execute(
        sa.select(Endorsement.review_id, Endorsement.reviewer_id).where(Endorsement.review_id.in_(of_it))
    ):
        agreeing[review_id].add(who)
    return [
        Told(row, marks[row.id], len(agreeing[row.id]), reader_id in agreeing[row.id]) for row in written
    ]  # fmt: skip


def application_of_review(session: Session, challenge_id: int, review_id: int) -> int:
    """The application that a review of this challenge is about. Raises NotFound."""
    found = session.scalars(
        sa.select(Application.id)
        .join(Review, Review.application_id == Application.id)
        .where(Review.id == review_id, Application.challenge_id == challenge_id)
    ).one_or_none()
    if found is None:
        raise NotFound("review")
    return found


def _open_assignments(*columns: Any) -> sa.Select[Any]:
    """Assigned, not written, and still to be written."""
    written = sa.exists().where(
        Review.application_id == Assignment.application_id, Review.reviewer_id == Assignment.reviewer_id
    )
    return (
        sa.select(*columns)
        .select_from(Assignment)
        .join(Application, Application.id == Assignment.application_id)
        .where(Application.state == ApplicationState.SUBMITTED, ~written)
    )


def open_for(session: Session, challenge_id: int, account_id: int) -> int:
    """How many reviews are assigned to somebody and not written."""
    return waiting_for(session, challenge_id, account_id)[0]


def waiting_for(session: Session, challenge_id: int, account_id: int) -> tuple[int, datetime | None]:
    """How many reviews are assigned to somebody and not written, and since when the oldest has been."""
    number, oldest = session.execute(
        _open_assignments(sa.func.count(), sa.func.min(Assignment.assigned_at)).where(
            Application.challenge_id == challenge_id, Assignment.reviewer_id == account_id
        )
    ).one()
    return number, oldest


def due(session: Session, until: datetime, since: datetime) -> list[tuple[Plan, int, int]]:
    """Who has how many reviews to write in plans whose time ends until then, and did not end before `since`."""
    rows = session.execute(
        _open_assignments(Plan, Assignment.reviewer_id, sa.func.count())
        .join(Plan, Plan.challenge_id == Application.challenge_id)
        .where(Plan.review_until <= until, Plan.review_until > since)
        .group_by(Plan.challenge_id, Assignment.reviewer_id)
        .order_by(Plan.challenge_id, Assignment.reviewer_id)
    )
    return [(plan, account_id, number) for plan, account_id, number in rows]
