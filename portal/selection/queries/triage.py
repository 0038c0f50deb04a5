"""The first pass: whose cards are where, what was said, and how fast it goes."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, load_only, selectinload, undefer_group

from portal.accounts.models import Account
from portal.applications.models import Application, Question
from portal.applications.states import ApplicationState, Triage
from portal.challenges.models import Challenge
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.selection.models import Conflict, Look, Plan, Reviewer, Verdict
from portal.selection.rules.triage import RECENT, Pace, median
from portal.selection.states import ConflictKind

PAGE = 50
# Nobody needs to know more exactly how many more than these are left.
MANY = 1000


def open_to(plan: Plan) -> list[sa.ColumnElement[bool]]:
    """Which applications of a challenge still need a first look."""
    return [
        Application.challenge_id == plan.challenge_id,
        Application.state == ApplicationState.SUBMITTED,
        Application.looks < plan.looks,
    ]


def _mine(reviewer_id: int) -> list[sa.ColumnElement[bool]]:
    """Of those, the ones that this person may and should judge: neither theirs, nor judged by them, nor in conflict."""
    verdict = sa.select(Verdict.id).where(Verdict.application_id == Application.id, Verdict.reviewer_id == reviewer_id)
    conflict = sa.select(Conflict.reviewer_id).where(
        Conflict.application_id == Application.id, Conflict.reviewer_id == reviewer_id
    )
    return [Application.account_id != reviewer_id, ~verdict.exists(), ~conflict.exists()]


def candidate(session: Session, plan: Plan, reviewer_id: int, at: datetime) -> Application | None:
    """The application that this person should look at next, kept from everybody else until the commit.

    The least looked at first, then in an order of chance. What somebody is just being given (PostgreSQL: locked rows;
    SQLite has but one writer) or has on the screen is passed over.
    """
    seen = sa.select(Look.application_id).where(
        Look.application_id == Application.id, sa.or_(Look.until > at, Look.reviewer_id == reviewer_id)
    )
    return session.scalars(
        sa.select(Application)
        .options(load_only(Application.affiliation, Application.team))
        .where(*open_to(plan), *_mine(reviewer_id), ~seen.exists())
        .order_by(Application.looks, Application.rnd)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def held(session: Session, plan: Plan, reviewer_id: int) -> Sequence[tuple[Look, bool]]:
    """What this person was given and has not judged, the first first, and whether it still is to be judged by them."""
    rows = session.execute(
        sa.select(Look, sa.and_(*open_to(plan), *_mine(reviewer_id)))
        .join(Application, Application.id == Look.application_id)
        .where(Look.challenge_id == plan.challenge_id, Look.reviewer_id == reviewer_id)
        .order_by(Look.since, Look.application_id)
        .execution_options(populate_existing=True)
    )
    return [(look, bool(fits)) for look, fits in rows]


def on_screen(session: Session, plan: Plan, reviewer_id: int, at: datetime) -> list[int]:
    """The applications that are this person's now, the one to read first first."""
    return [look.application_id for look, fits in held(session, plan, reviewer_id) if fits and look.until > at]


def card(session: Session, challenge_id: int, application_id: int) -> Application:
    """One application with all that a card shows. Raises NotFound."""
    found = session.scalars(
        sa.select(Application)
        .options(undefer_group("text"), selectinload(Application.scenarios))
        .where(Application.id == application_id, Application.challenge_id == challenge_id)
    ).one_or_none()
    if found is None or found.state in (ApplicationState.DRAFT, ApplicationState.ERASED):
        raise NotFound("application")
    return found


def questions(session: Session, challenge_id: int) -> Sequence[Question]:
    """The lead's own questions, those that are asked no more with them: what was answered is shown."""
    return session.scalars(
        sa.select(Question).where(Question.challenge_id == challenge_id).order_by(Question.position, Question.id)
    ).all()


def locked(session: Session, challenge: Challenge, application_id: int) -> Application:
    """An application as it is now, kept from other writers until the commit. Raises NotFound."""
    found = session.scalars(
        sa.select(Application)
        .options(joinedload(Application.challenge))
        .where(Application.id == application_id, Application.challenge_id == challenge.id)
        .with_for_update(key_share=True, of=Application)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None or found.state in (ApplicationState.DRAFT, ApplicationState.ERASED):
        raise NotFound("application")
    return found


def look_at(session: Session, application_id: int) -> Look | None:
    """On whose screen an application is, or was last."""
    return session.get(Look, application_id, populate_existing=True)


def verdict_of(session: Session, application_id: int, reviewer_id: int) -> Verdict | None:
    """What one person said of an application at first sight."""
    return session.scalars(
        sa.select(Verdict)
        .where(Verdict.application_id == application_id, Verdict.reviewer_id == reviewer_id)
        .execution_options(populate_existing=True)
    ).one_or_none()


def verdicts(session: Session, application_id: int) -> Sequence[Triage]:
    """What everybody said of an application at first sight."""
    return session.scalars(sa.select(Verdict.verdict).where(Verdict.application_id == application_id)).all()


class Reader(NamedTuple):
    """What tells whether somebody must not judge an application."""

    affiliation: str
    emails: frozenset[str]


def reader(session: Session, challenge_id: int, account_id: int) -> Reader:
    """The affiliation and addresses of somebody who judges."""
    email, canonical, affiliation = session.execute(
        sa.select(Account.email, Account.canonical_email, Reviewer.affiliation)
        .outerjoin(Reviewer, sa.and_(Reviewer.account_id == Account.id, Reviewer.challenge_id == challenge_id))
        .where(Account.id == account_id)
    ).one()
    return Reader(affiliation or "", frozenset({email, canonical}))


class Last(NamedTuple):
    """The last thing that somebody said in the first pass: a verdict, or a conflict of their own."""

    application_id: int
    said: Triage
    at: datetime


def last_said(session: Session, challenge_id: int, reviewer_id: int) -> Last | None:
    """What an undo would take back."""
    said = session.execute(
        sa.select(Verdict.application_id, Verdict.verdict, Verdict.at)
        .where(Verdict.challenge_id == challenge_id, Verdict.reviewer_id == reviewer_id)
        .order_by(Verdict.at.desc(), Verdict.id.desc())
        .limit(1)
    ).one_or_none()
    declared = session.execute(
        sa.select(Conflict.application_id, sa.literal(Triage.CONFLICT, Verdict.verdict.type), Conflict.noted_at)
        .join(Application, Application.id == Conflict.application_id)
        .where(
            Application.challenge_id == challenge_id, Conflict.reviewer_id == reviewer_id,
            Conflict.kind == ConflictKind.DECLARED,
        )
        .order_by(Conflict.noted_at.desc(), Conflict.application_id.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    found = [Last(*row) for row in (said, declared) if row is not None]
    return max(found, key=lambda last: last.at, default=None)


def left_for(session: Session, plan: Plan, reviewer_id: int) -> int:
    """How many applications still wait for this person's look, whoever has them on the screen; counted to MANY + 1."""
    some = sa.select(Application.id).where(*open_to(plan), *_mine(reviewer_id)).limit(MANY + 1).subquery()
    return session.scalars(sa.select(sa.func.count()).select_from(some)).one()


def waiting(session: Session, plan: Plan) -> tuple[int, datetime | None]:
    """How many applications wait for a first look, and since when the oldest has."""
    number = session.scalars(sa.select(sa.func.count()).where(*open_to(plan))).one()
    # In the order of an index: the least of all would have to be looked for in all of them.
    oldest = sa.select(Application.submitted_at).where(*open_to(plan)).order_by(Application.submitted_at).limit(1)
    return number, session.scalars(oldest).one_or_none()


def pace(session: Session, plan: Plan, reviewer_id: int, midnight: datetime, at: datetime) -> Pace:
    """How far the first pass is and how fast it goes, by this person and by all; four statements."""
    total, done = session.execute(
        sa.select(
            sa.func.count(), sa.func.sum(sa.case((Application.looks < plan.looks, Application.looks), else_=plan.looks))
        ).where(Application.challenge_id == plan.challenge_id, Application.state == ApplicationState.SUBMITTED)
    ).one()
    mine = [Verdict.challenge_id == plan.challenge_id, Verdict.reviewer_id == reviewer_id]
    count, today = session.execute(
        sa.select(sa.func.count(), sa.func.sum(sa.case((Verdict.at >= midnight, 1), else_=0))).where(*mine)
    ).one()
    last = sa.select(Verdict.seconds).where(*mine).order_by(Verdict.at.desc()).limit(RECENT).subquery()
    seconds = session.execute(sa.select(last.c.seconds, sa.func.count()).group_by(last.c.seconds)).all()
    hourly, looking, since = session.execute(
        sa.select(sa.func.count(), sa.func.count(sa.distinct(Verdict.reviewer_id)), sa.func.min(Verdict.at)).where(
            Verdict.challenge_id == plan.challenge_id, Verdict.at > at - timedelta(hours=1)
        )
    ).one()
    return Pace(total * plan.looks, done or 0, count, today or 0, median(seconds), looking, hourly, since)


class Share(NamedTuple):
    """What one person has done in the first pass."""

    name: str
    done: int
    today: int
    seconds: float | None
    said: dict[Triage, int]
    last: datetime


def shares(session: Session, challenge_id: int, midnight: datetime) -> list[Share]:
    """What everybody has done, the most first; two statements."""
    rows = session.execute(
        sa.select(
            Verdict.reviewer_id, sa.func.coalesce(sa.func.nullif(Account.name, ""), Account.email), Verdict.verdict,
            sa.func.count(), sa.func.sum(sa.case((Verdict.at >= midnight, 1), else_=0)), sa.func.max(Verdict.at),
        )
        .join(Account, Account.id == Verdict.reviewer_id)
        .where(Verdict.challenge_id == challenge_id)
        .group_by(Verdict.reviewer_id, Account.name, Account.email, Verdict.verdict)
    ).all()  # fmt: skip
    looked = defaultdict(list)
    for reviewer_id, seconds, number in session.execute(
        sa.select(Verdict.reviewer_id, Verdict.seconds, sa.func.count())
        .where(Verdict.challenge_id == challenge_id)
        .group_by(Verdict.reviewer_id, Verdict.seconds)
    ).all():
        looked[reviewer_id].append((seconds, number))
    people: dict[int, Share] = {}
    for reviewer_id, name, verdict, number, today, last in rows:
        known = people.get(reviewer_id) or Share(name, 0, 0, median(looked[reviewer_id]), {}, last)
        people[reviewer_id] = known._replace(
            done=known.done + number, today=known.today + (today or 0), said={**known.said, verdict: number},
            last=max(known.last, last),
        )  # fmt: skip
    return sorted(people.values(), key=lambda share: (-share.done, share.name))


def said_by(session: Session, challenge_id: int, reviewer_id: int, after: str | None = None) -> Page[Verdict]:
    """What one person has said, the last first; one statement a page."""
    rows = sa.select(Verdict).where(Verdict.challenge_id == challenge_id, Verdict.reviewer_id == reviewer_id)
    return keyset(session, rows, order=((Verdict.at, "desc"), (Verdict.id, "desc")), after=after, limit=PAGE)


def named(session: Session, ids: Sequence[int]) -> dict[int, Application]:
    """Applications by number, as far as a list shows them."""
    rows = session.scalars(
        sa.select(Application)
        .options(
            load_only(
                Application.name, Application.rnd, Application.state, Application.triage, Application.account_id
            )
        )
        .where(Application.id.in_(ids))
    )  # fmt: skip
    return {row.id: row for row in rows}
