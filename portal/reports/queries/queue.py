"""The triagers' queue: what a search finds, page by page, and what there is to choose from."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload

from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import EVERYWHERE, Role
from portal.challenges.models import Build, Challenge, Participant, Scenario
from portal.challenges.states import BuildState
from portal.core.paging import Page, keyset
from portal.reports import states
from portal.reports.models import Report
from portal.reports.queries import links, threads
from portal.reports.queries.apart import not_own
from portal.reports.rules.searching import ALL, LINKS, MESSAGE, MINE, NOBODY, OTHER, Search
from portal.reports.states import ReportKind, ReportState, Severity

MOST = 5000
_SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "due": Report.due_at, "received": Report.received_at, "since": Report.state_since, "ref": Report.number,
}  # fmt: skip
_WITH = (
    joinedload(Report.participant), joinedload(Report.scenario), joinedload(Report.key_set),
    joinedload(Report.assignee), joinedload(Report.build_row), joinedload(Report.release),
)  # fmt: skip


class Counts(NamedTuple):
    """How many reports are in each state, how many are late, and how many a search finds."""

    states: dict[ReportState, int]
    late: int
    found: int


def found(challenge_id: int, search: Search, reader: int, at: datetime) -> sa.Select[Report]:
    """The reports that a search finds, without those of a participant to whom the reader belongs."""
    return sa.select(Report).where(*_arrived(challenge_id, reader), *_narrowed(search, reader, at))


def _arrived(challenge_id: int, reader: int) -> list[sa.ColumnElement[bool]]:
    return [Report.challenge_id == challenge_id, Report.received_at.is_not(None), not_own(reader)]


def _narrowed(search: Search, reader: int, at: datetime) -> list[sa.ColumnElement[bool]]:
    """What a search asks for, besides that it is of the challenge."""
    clauses = [*_state(search.state), *_who(search.who, reader), *_build(search.build)]
    if search.late:
        clauses.append(Report.due_at < at)
    if search.waits:
        clauses.append({MESSAGE: threads.last_word, LINKS: links.open_in_confirmed}[search.waits]())
    if search.severity:
        clauses.append(Report.severity == Severity(search.severity))
    if search.claimed:
        clauses.append(Report.claimed == Severity(search.claimed))
    if search.kind:
        clauses.append(Report.kind == ReportKind(search.kind))
    if search.scenario is not None:
        clauses.append(sa.or_(Report.scenario_id == search.scenario, Report.achieved_scenario_id == search.scenario))
    if search.participant is not None:
        clauses.append(Report.participant_id == search.participant)
    if search.q:
        said = (Report.ref.icontains(search.q, autoescape=True), Report.title.icontains(search.q, autoescape=True))
        clauses.append(sa.or_(*said))
    return clauses


def _state(state: str) -> list[sa.ColumnElement[bool]]:
    if state == ALL:
        return []
    return [Report.state == ReportState(state)] if state else [Report.state.in_(states.OPEN)]


def _who(who: str, reader: int) -> list[sa.ColumnElement[bool]]:
    if who == NOBODY:
        return [Report.assignee_id.is_(None)]
    return [Report.assignee_id == (reader if who == MINE else int(who))] if who else []


def _build(build: str) -> list[sa.ColumnElement[bool]]:
    if build == OTHER:
        return [Report.build_id.is_(None)]
    return [sa.or_(Report.build_id == int(build), Report.reproduced_on_id == int(build))] if build else []


def page(
    session: Session, challenge_id: int, search: Search, reader: int, at: datetime, after: str | None = None,
    limit: int = 50,
) -> Page[Report]:  # fmt: skip
    """One page of what a search finds; what is late stands on top, then what is due next. Raises NotFound."""
    direction = "desc" if search.descends else "asc"
    order = [(_SORTS[search.order], direction), (Report.id, direction)]
    return keyset(
        session, found(challenge_id, search, reader, at).options(*_WITH), order=order, after=after, limit=limit
    )


def whole(session: Session, challenge_id: int, search: Search, reader: int, at: datetime) -> Sequence[Report]:
    """All that a search finds, for a table; at most `MOST`."""
    return page(session, challenge_id, search, reader, at, limit=MOST).rows


def refs(session: Session, challenge_id: int, search: Search, reader: int, at: datetime) -> Sequence[str]:
    """The references of all that a search finds; at most `MOST`."""
    rows = found(challenge_id, search, reader, at).with_only_columns(Report.ref).order_by(Report.number)
    return session.scalars(rows.limit(MOST)).all()


def counts(session: Session, challenge_id: int, search: Search, reader: int, at: datetime) -> Counts:
    """How many there are, in one statement."""
    late = sa.func.count().filter(Report.due_at < at)
    matching = sa.func.count().filter(sa.and_(sa.true(), *_narrowed(search, reader, at)))
    rows = session.execute(
        sa.select(Report.state, sa.func.count(), late, matching)
        .where(*_arrived(challenge_id, reader))
        .group_by(Report.state)
    ).all()
    return Counts({row[0]: row[1] for row in rows}, sum(row[2] for row in rows), sum(row[3] for row in rows))


def choices(session: Session, challenge: Challenge, reader: int) -> dict[str, list[tuple[str, str]]]:
    """What there is to choose from, as numbers and words, in one statement: who, scenario, build, participant.

    Of the participants, those of whom the reader finds reports.
    """
    who = sa.select(RoleGrant.account_id).where(
        RoleGrant.role == Role.TRIAGER, RoleGrant.scope.in_([challenge.slug, EVERYWHERE])
    )
    sent = sa.select(Report.participant_id).where(*_arrived(challenge.id, reader))
    pinned = sa.case((Build.state == BuildState.PINNED, Build.name + " (pinned)"), else_=Build.name)
    parts: list[sa.Select[*tuple[Any, ...]]] = [
        _part("who", Account.id, sa.func.coalesce(sa.func.nullif(Account.name, ""), Account.email)).where(
            Account.active, Account.id.in_(who)
        ),
        _part("scenario", Scenario.id, Scenario.code + " " + Scenario.title).where(
            Scenario.challenge_id == challenge.id
        ),
        _part("build", Build.id, pinned).where(Build.challenge_id == challenge.id),
        _part("participant", Participant.id, Participant.name).where(Participant.id.in_(sent)),
    ]
    rows = sa.union_all(*parts).subquery()
    offered: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for what, number, words in session.execute(sa.select(rows).order_by(sa.func.lower(rows.c.words), rows.c.number)):
        offered[what].append((str(number), words))
    return offered


def _part(what: str, number: Any, words: Any) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(sa.literal(what).label("what"), number.label("number"), words.label("words"))
