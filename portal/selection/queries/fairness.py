"""What became of groups of applicants, and how reviewers worked, in a fixed number of statements."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application, Step, application_scenario
from portal.applications.states import ApplicantKind, ApplicationState, Decision, Triage
from portal.challenges.models import Member, Scenario
from portal.selection.models import Assignment, Review, Reviewer, Verdict, Wave, WaveEntry
from portal.selection.rules.fairness import Load, Steps, Sums, WaveCounts
from portal.selection.rules.scores import is_calibrated
from portal.selection.states import EntryState

_S = ApplicationState
# States that only come after an invitation, and those that only come after accepting it.
_AFTER_INVITATION = (_S.INVITED, _S.ACCEPTED, _S.REFUSED, _S.EXPIRED, _S.RESCINDED, _S.REMOVED)
_AFTER_ACCEPTING = (_S.ACCEPTED, _S.REMOVED)
# States that do not tell how far it came before; the steps taken do.
_SILENT = (_S.WITHDRAWN, _S.ERASED)


def _came_to(state: ApplicationState, after: Iterable[ApplicationState]) -> sa.ColumnElement[bool]:
    taken = sa.select(Step.id).where(Step.application_id == Application.id, Step.state == state)
    return sa.or_(Application.state.in_(after), sa.and_(Application.state.in_(_SILENT), taken.exists()))


def _steps() -> list[sa.ColumnElement[int]]:
    """How many of a group came to each of the steps, in the order of Steps."""
    conditions = (
        Application.looks > 0,
        Application.triage.in_([Triage.YES, Triage.MAYBE]),
        sa.or_(Application.in_review, Application.review_count > 0),
        _came_to(_S.INVITED, _AFTER_INVITATION),
        _came_to(_S.ACCEPTED, _AFTER_ACCEPTING),
    )
    return [sa.func.count(), *(sa.func.sum(sa.case((condition, 1), else_=0)) for condition in conditions)]


def _handed_in(challenge_id: int) -> list[sa.ColumnElement[bool]]:
    """What was ever handed in: also what was withdrawn or erased since."""
    return [Application.challenge_id == challenge_id, Application.submitted_at.is_not(None)]


class Kind(NamedTuple):
    """What is counted of applicants who are alike in this."""

    country: str
    kind: ApplicantKind
    first_time: bool
    steps: Steps


def kinds(session: Session, challenge_id: int) -> list[Kind]:
    """How far applicants came, by country, by one or several, and by whether they took part elsewhere before."""
    before = (
        sa.select(Member.account_id, sa.func.min(Member.joined_at).label("since"))
        .where(Member.challenge_id != challenge_id)
        .group_by(Member.account_id)
        .subquery()
    )
    first_time = sa.case((before.c.since < Application.submitted_at, 0), else_=1)
    rows = session.execute(
        sa.select(Application.country, Application.kind, first_time, *_steps())
        .outerjoin(before, before.c.account_id == Application.account_id)
        .where(*_handed_in(challenge_id))
        .group_by(Application.country, Application.kind, first_time)
    )
    return [Kind(country, kind, bool(first), Steps(*steps)) for country, kind, first, *steps in rows]


def scenarios(session: Session, challenge_id: int) -> list[tuple[str, Steps]]:
    """How far applicants came, by the scenarios that they are interested in; who names several counts in each."""
    rows = session.execute(
        sa.select(Scenario.code, Scenario.title, *_steps())
        .select_from(Application)
        .join(application_scenario, application_scenario.c.application_id == Application.id)
        .join(Scenario, Scenario.id == application_scenario.c.scenario_id)
        .where(*_handed_in(challenge_id))
        .group_by(Scenario.code, Scenario.title)
    )
    return [(f"{code} {title}", Steps(*steps)) for code, title, *steps in rows]


def loads(session: Session, challenge_id: int) -> list[Load]:
    """What each person did and how their scores lie; four statements."""
    looks = _counted(
        session,
        sa.select(
            Verdict.reviewer_id, sa.func.count(),
            sa.func.sum(sa.case((Verdict.verdict.in_([Triage.YES, Triage.MAYBE]), 1), else_=0)),
        )
        .where(Verdict.challenge_id == challenge_id)
        .group_by(Verdict.reviewer_id),
    )  # fmt: skip
    assigned = _counted(
        session,
        sa.select(Assignment.reviewer_id, sa.func.count())
        .join(Application, Application.id == Assignment.application_id)
        .where(Application.challenge_id == challenge_id)
        .group_by(Assignment.reviewer_id),
    )
    reviews = _counted(session, _reviews(challenge_id))
    people = session.execute(
        sa.select(
            Account.id, sa.func.coalesce(sa.func.nullif(Account.name, ""), Account.email), Reviewer.offset,
            Reviewer.review_count,
        )
        .outerjoin(Reviewer, sa.and_(Reviewer.account_id == Account.id, Reviewer.challenge_id == challenge_id))
        .where(Account.id.in_({*looks, *assigned, *reviews}))
    ).all()  # fmt: skip
    found = []
    for number, name, offset, fitted in people:
        done, mean, apart = reviews.get(number, (0, None, None))
        seen, promising = looks.get(number, (0, 0))
        (given,) = assigned.get(number, (0,))
        known = offset if fitted else None
        found.append(Load(name, seen, promising, given, done, mean, known, apart, is_calibrated(done)))
    return sorted(found, key=lambda load: (-load.reviews, -load.looks, load.name))


def _counted(session: Session, rows: sa.Select[*tuple[Any, ...]]) -> dict[int, tuple[Any, ...]]:
    return {number: tuple(rest) for number, *rest in session.execute(rows)}


def _reviews(challenge_id: int) -> sa.Select[*tuple[Any, ...]]:
    """Number, mean, and mean distance from the mean of the others on the same applications, by reviewer."""
    others = (Application.score_mean * Application.review_count - Review.score) / (Application.review_count - 1)
    apart = sa.case((Application.review_count > 1, sa.func.abs(Review.score - others)))
    return (
        sa.select(Review.reviewer_id, sa.func.count(), sa.func.avg(Review.score), sa.func.avg(apart))
        .join(Application, Application.id == Review.application_id)
        .where(Application.challenge_id == challenge_id)
        .group_by(Review.reviewer_id)
    )


def agreement(session: Session, challenge_id: int) -> Sums:
    """The sums from which alpha follows; see rules.fairness.Sums."""
    number, total = sa.func.count().label("number"), sa.func.sum(Review.score).label("total")
    unit = (
        sa.select(number, total, sa.func.sum(Review.score * Review.score).label("squares"))
        .join(Application, Application.id == Review.application_id)
        .where(Application.challenge_id == challenge_id)
        .group_by(Review.application_id)
        .having(number > 1)
        .subquery()
    )
    of = unit.c
    within = 2.0 * (of.number * of.squares - of.total * of.total) / (of.number - 1)
    row = session.execute(
        sa.select(sa.func.sum(of.number), sa.func.sum(of.total), sa.func.sum(of.squares), sa.func.sum(within))
    ).one()
    return Sums(int(row[0] or 0), *(float(value or 0) for value in row[1:]))


def waiting_hours(session: Session, challenge_id: int) -> dict[int, int]:
    """How many applications waited so many whole hours from being handed in to the answer that stands."""
    if session.get_bind().dialect.name == "postgresql":
        seconds = sa.extract("epoch", Application.decided_at - Application.submitted_at)
        hours = sa.cast(sa.func.floor(seconds / 3600), sa.Integer)
    else:
        between = sa.func.unixepoch(Application.decided_at) - sa.func.unixepoch(Application.submitted_at)
        hours = sa.cast(between / 3600, sa.Integer)
    rows = session.execute(
        sa.select(hours, sa.func.count())
        .where(*_handed_in(challenge_id), Application.decided_at.is_not(None))
        .group_by(hours)
    )
    return {max(0, hour): number for hour, number in rows}


def waves(session: Session, challenge_id: int) -> Sequence[WaveCounts]:
    """What each wave answered that was released, the first first."""

    def number(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.sum(sa.case((sa.and_(*conditions), 1), else_=0))

    done = WaveEntry.state == EntryState.DONE
    rows = session.execute(
        sa.select(
            Wave.number, Wave.released_at,
            *(number(done, WaveEntry.decision == kind) for kind in Decision),
            number(WaveEntry.state == EntryState.SKIPPED), number(WaveEntry.state == EntryState.PENDING),
        )
        .join(WaveEntry, WaveEntry.wave_id == Wave.id)
        .where(Wave.challenge_id == challenge_id, Wave.released_at.is_not(None))
        .group_by(Wave.number, Wave.released_at)
        .order_by(Wave.number)
    )  # fmt: skip
    return [WaveCounts._make(row) for row in rows]
