"""The staff's list of applications: filtered, sorted, a page at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, load_only, selectinload

from portal.accounts.models import Account
from portal.applications.models import Application, application_scenario
from portal.applications.rules import COUNTRIES
from portal.applications.states import VISIBLE, ApplicationState, Decision
from portal.challenges.models import Scenario
from portal.core.paging import Order, Page, keyset

PAGE = 50


# What a row of a list shows; the long texts stay where they are.
_ROW = (
    Application.id, Application.challenge_id, Application.account_id, Application.state, Application.state_since,
    Application.submitted_at, Application.name, Application.handle, Application.affiliation, Application.country,
    Application.kind, Application.review_count, Application.score_mean, Application.score_adjusted,
    Application.pending_decision,
    Application.wave_id, Application.answer_by, Application.rnd,
)  # fmt: skip


SORTS: dict[str, Order] = {
    "-score": ((Application.score_adjusted, "desc"), (Application.id, "desc")),
    "score": ((Application.score_adjusted, "asc"), (Application.id, "asc")),
    "submitted": ((Application.submitted_at, "asc"), (Application.id, "asc")),
    "-submitted": ((Application.submitted_at, "desc"), (Application.id, "desc")),
    "name": ((Application.name, "asc"), (Application.id, "asc")),
    "-name": ((Application.name, "desc"), (Application.id, "desc")),
}


# Sorting by score tells scores, so it is only for those who may see them.
_TELLING = {"score", "-score"}


class Filter(NamedTuple):
    """Which applications a list shows. Empty text means all; `states` narrows what `state` may name.

    `full` says that the reader may see scores and addresses, and search and sort by them.
    """

    state: str = ""
    country: str = ""
    scenario: str = ""
    text: str = ""
    pending: str = ""
    sort: str = ""
    full: bool = False
    states: tuple[ApplicationState, ...] = VISIBLE

    def order(self) -> Order:
        """The columns by which the list is sorted."""
        default = "-score" if self.full else "submitted"
        known = self.sort in SORTS and (self.full or self.sort not in _TELLING)
        return SORTS[self.sort if known else default]


def matching(challenge_id: int, chosen: Filter) -> list[sa.ColumnElement[bool]]:
    """The conditions that a filter stands for."""
    clauses: list[sa.ColumnElement[bool]] = [
        Application.challenge_id == challenge_id,
        Application.state.in_([state for state in chosen.states if chosen.state in ("", state)]),
    ]
    if chosen.country:
        clauses.append(Application.country == chosen.country)
    if chosen.scenario:
        clauses.append(Application.id.in_(_interested(challenge_id, chosen.scenario)))
    if chosen.pending and chosen.full:
        clauses.append(_pending(chosen.pending))
    if chosen.text:
        columns = [Application.name, Application.handle, Application.affiliation]
        columns += [Application.canonical_email] if chosen.full else []
        clauses.append(sa.or_(*(column.icontains(chosen.text, autoescape=True) for column in columns)))
    return clauses


def _interested(challenge_id: int, code: str) -> sa.Select[Any]:
    return (
        sa.select(application_scenario.c.application_id)
        .join(Scenario, Scenario.id == application_scenario.c.scenario_id)
        .where(Scenario.challenge_id == challenge_id, Scenario.code == code)
    )


def _pending(pending: str) -> sa.ColumnElement[bool]:
    if pending == "none":
        return Application.pending_decision.is_(None)
    return Application.pending_decision.in_([decision for decision in Decision if decision == pending])


def queue(session: Session, challenge_id: int, chosen: Filter, after: str | None = None) -> Page[Application]:
    """A page of applications; two statements, however many there are."""
    rows = (
        sa.select(Application)
        .options(load_only(*_ROW, raiseload=True), selectinload(Application.scenarios).load_only(Scenario.code))
        .where(*matching(challenge_id, chosen))
    )
    return keyset(session, rows, order=chosen.order(), after=after, limit=PAGE)


def count(session: Session, challenge_id: int, chosen: Filter) -> int:
    """How many applications the filter shows."""
    return session.scalars(sa.select(sa.func.count()).where(*matching(challenge_id, chosen))).one()


def ids(session: Session, challenge_id: int, chosen: Filter) -> Sequence[int]:
    """All that the filter shows, for an action on the whole of it."""
    return session.scalars(
        sa.select(Application.id).where(*matching(challenge_id, chosen)).order_by(Application.id)
    ).all()


def by_state(session: Session, challenge_id: int, chosen: Filter) -> dict[ApplicationState, int]:
    """How many there are in each state, whatever state the filter names."""
    rows = session.execute(
        sa.select(Application.state, sa.func.count())
        .where(*matching(challenge_id, chosen._replace(state="")))
        .group_by(Application.state)
    )
    found = dict(rows.all())
    return {state: found[state] for state in chosen.states if state in found}


def countries(session: Session, challenge_id: int) -> list[tuple[str, str]]:
    """The countries from which there are applications, as code and name, by name."""
    codes = session.scalars(
        sa.select(Application.country)
        .where(Application.challenge_id == challenge_id, Application.state.in_(VISIBLE))
        .distinct()
    )
    return sorted(((code, COUNTRIES.get(code, code)) for code in codes), key=lambda entry: entry[1])


def rows(session: Session, challenge_id: int, chosen: Filter) -> Iterator[tuple[Application, str]]:
    """Everything that the filter shows, in its order, with the applicants' addresses: for a table elsewhere."""
    found = (
        sa.select(Application, Account.email)
        .join(Application.account)
        .options(load_only(*_ROW, raiseload=True), selectinload(Application.scenarios).load_only(Scenario.code))
        .where(*matching(challenge_id, chosen))
        .execution_options(yield_per=500)
    )
    for column, direction in chosen.order():
        by = column.desc() if direction == "desc" else column.asc()
        found = found.order_by(by.nulls_last())
    yield from session.execute(found)
