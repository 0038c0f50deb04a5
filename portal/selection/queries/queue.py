"""The staff's list of applications: filtered, sorted, a page at a time, at the same cost for few and for very many."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications import search
from portal.applications.models import Application, application_scenario
from portal.applications.states import VISIBLE, ApplicationState, Decision, Triage
from portal.challenges.models import Scenario
from portal.core.paging import Order, Page, keyset_rows
from portal.selection import supply
from portal.selection.models import Assignment, Review
from portal.selection.queries.flags import has_flag
from portal.selection.queries.offers import countries as countries
from portal.selection.rules import blind
from portal.selection.supply import Shipping

PAGE = 50
# Beyond this many a list says "more": nobody needs the exact number of a quarter of a million to look at fifty.
CAP = 5000


# What a row of a list shows; the long texts stay where they are.
_ROW = (
    Application.id, Application.account_id, Application.state, Application.state_since, Application.submitted_at,
    Application.name, Application.handle, Application.affiliation, Application.country, Application.kind,
    Application.triage, Application.in_review, Application.calibration, Application.flags, Application.cluster_id,
    Application.review_count, Application.score_mean, Application.score_adjusted, Application.score_spread,
    Application.rank_best, Application.rank_worst, Application.pending_decision, Application.wave_id, Application.rnd,
    Application.needs_kit,
)  # fmt: skip


def _interests() -> sa.ColumnElement[str]:
    """The numbers of the scenarios that an application names, apart by spaces."""
    link = application_scenario.c
    numbers = sa.func.aggregate_strings(sa.cast(link.scenario_id, sa.String(12)), " ")
    rows = sa.select(numbers).where(link.application_id == Application.id).correlate(Application)
    return rows.scalar_subquery().label("scenario_ids")


_SHOWN = (*_ROW, _interests())


def _both(name: str, column: Any) -> dict[str, Order]:
    return {
        name: ((column, "asc"), (Application.id, "asc")),
        f"-{name}": ((column, "desc"), (Application.id, "desc")),
    }


SORTS: dict[str, Order] = {
    **_both("score", Application.score_adjusted), **_both("raw", Application.score_mean),
    **_both("spread", Application.score_spread), **_both("reviews", Application.review_count),
    **_both("submitted", Application.submitted_at), **_both("name", Application.name),
    **_both("chance", Application.rnd),
}  # fmt: skip


# Sorting by score tells scores, so it is only for those who may see them; sorting by name tells names.
_TELLING = {f"{sign}{name}" for name in ("score", "raw", "spread") for sign in ("", "-")}
_NAMING = {"name", "-name"}


class Filter(NamedTuple):
    """Which applications a list shows. Empty text means all; `states` narrows what `state` may name.

    `full` says that the reader may see scores and addresses, and search and sort by them; `blind` that they must not
    learn who applies. `masked` are applications that the text of a blind search would find by what is masked only,
    `own` is the reader's own one, which is left out whatever is asked for: nobody is to read there how it stands.
    """

    state: str = ""
    country: str = ""
    scenario: str = ""
    text: str = ""
    pending: str = ""
    sort: str = ""
    full: bool = False
    states: tuple[ApplicationState, ...] = VISIBLE
    triage: str = ""
    low: float | None = None
    high: float | None = None
    assigned: int | None = None
    reviewed: int | None = None
    flag: str = ""
    second: str = ""
    calibration: str = ""
    cluster: str = ""
    ships: str = ""
    blind: bool = False
    masked: tuple[int, ...] = ()
    own: int | None = None
    # What a look beforehand has told (see `queries.found`): all that the words hit, all that the filter shows.
    hits: tuple[int, ...] | None = None
    few: tuple[int, ...] | None = None
    # Where kits cannot go, as far as `ships` asks for it: see `with_shipping`.
    shipping: Shipping = Shipping()
    # So much fits that following the order soon fills a page, and gathering all of a country does not.
    much: bool = False

    def order(self) -> Order:
        """The columns by which the list is sorted."""
        refused = (set() if self.full else _TELLING) | (_NAMING if self.blind else set())
        default = "-score" if self.full else "chance" if self.blind else "submitted"
        return SORTS[self.sort if self.sort in SORTS and self.sort not in refused else default]

    def scope(self) -> search.Scope:
        """What a search reads."""
        if self.blind:
            return search.Scope.TOLD
        return search.Scope.ALL if self.full else search.Scope.SHOWN


def matching(challenge_id: int, chosen: Filter) -> list[sa.ColumnElement[bool]]:
    """The conditions that a filter stands for."""
    narrowed = _narrowed(challenge_id, chosen) if chosen.few is None else [_among(chosen.few)]
    return [Application.challenge_id == challenge_id, _in_states(chosen), *narrowed]


def _among(numbers: tuple[int, ...]) -> sa.ColumnElement[bool]:
    """One of these. They stand in the statement as they are: thousands of parameters would cost more than the rows."""
    if not numbers:
        return sa.false()
    return Application.id.in_(sa.bindparam(None, numbers, sa.Integer(), expanding=True, literal_execute=True))


def without_own(session: Session, challenge_id: int, chosen: Filter, reader_id: int) -> Filter:
    """The filter for somebody who may have applied as well."""
    mine = sa.select(Application.id).where(
        Application.challenge_id == challenge_id, Application.account_id == reader_id,
        Application.state != sa.literal_column("'erased'"),
    )  # fmt: skip
    return chosen._replace(own=session.scalars(mine).one_or_none())


def with_shipping(session: Session, challenge_id: int, chosen: Filter) -> Filter:
    """The filter with what is known of countries, where it asks for that."""
    return chosen._replace(shipping=supply.shipping(session, challenge_id)) if chosen.ships and chosen.full else chosen


def _in_states(chosen: Filter) -> sa.ColumnElement[bool]:
    """Said by what is left out where much is let in: the engines then keep to the order of an index."""
    states = [state for state in chosen.states if chosen.state in ("", state)]
    if len(states) == 1:
        return Application.state == states[0]
    return Application.state.not_in([state for state in ApplicationState if state not in states])


def _narrowed(challenge_id: int, chosen: Filter) -> list[sa.ColumnElement[bool]]:
    """All conditions but challenge and state."""
    clauses: list[sa.ColumnElement[bool]] = [] if chosen.own is None else [Application.id != chosen.own]
    if chosen.country and not chosen.blind:
        # Of an expression the engines know no index.
        country = Application.country + "" if chosen.much else Application.country
        clauses.append(country == chosen.country)
    if chosen.scenario:
        clauses.append(_interested(challenge_id, chosen.scenario))
    if chosen.second in _YES:
        clauses.append(Application.in_review.is_(_YES[chosen.second]))
    for person, kind in ((chosen.assigned, Assignment), (chosen.reviewed, Review)):
        if person is not None:
            own = sa.select(1).where(kind.application_id == Application.id, kind.reviewer_id == person)
            clauses.append(own.correlate(Application).exists())
    if chosen.text:
        clauses += _saying(chosen)
    return clauses + (_telling(chosen) if chosen.full else [])


_YES = {"yes": True, "no": False}


def _telling(chosen: Filter) -> list[sa.ColumnElement[bool]]:
    """The conditions from which one could read what only the lead may know."""
    clauses: list[sa.ColumnElement[bool]] = []
    if chosen.pending:
        clauses.append(_one_of(Application.pending_decision, Decision, chosen.pending))
    if chosen.triage:
        clauses.append(_one_of(Application.triage, Triage, chosen.triage))
    if chosen.low is not None:
        clauses.append(Application.score_adjusted >= chosen.low)
    if chosen.high is not None:
        clauses.append(Application.score_adjusted <= chosen.high)
    if chosen.flag:
        clauses.append(has_flag(chosen.flag))
    if chosen.calibration in _YES:
        clauses.append(Application.calibration.is_(_YES[chosen.calibration]))
    if chosen.ships in _SHIPS:
        clauses.append(_shipping_to(chosen))
    if chosen.cluster in _YES:
        clauses.append(
            Application.cluster_id.is_not(None) if _YES[chosen.cluster] else Application.cluster_id.is_(None)
        )
    return clauses


_SHIPS = ("yes", "review", "blocked")


def _shipping_to(chosen: Filter) -> sa.ColumnElement[bool]:
    """Whoever needs no kit is sent none: no country stands in the way."""
    blocked, review = sorted(chosen.shipping.blocked), sorted(chosen.shipping.review)
    if chosen.ships == "yes":
        return sa.or_(Application.country.not_in([*blocked, *review]), ~Application.needs_kit)
    return sa.and_(Application.country.in_(blocked if chosen.ships == "blocked" else review), Application.needs_kit)


def _saying(chosen: Filter) -> list[sa.ColumnElement[bool]]:
    found = said(chosen)
    if found is None:
        return [sa.false()]
    masked = [Application.id.not_in(chosen.masked)] if chosen.masked else []
    return [Application.id.in_(found) if chosen.hits is None else _among(chosen.hits), *masked]


def said(chosen: Filter) -> sa.Select[int] | None:
    """The numbers of all applications of any challenge that the words hit. None where there is no word."""
    return search.matching(blind.askable(chosen.text) if chosen.blind else chosen.text, chosen.scope())


def _interested(challenge_id: int, code: str) -> sa.ColumnElement[bool]:
    wanted = sa.select(Scenario.id).where(Scenario.challenge_id == challenge_id, Scenario.code == code)
    link = application_scenario.c
    rows = sa.select(1).where(
        link.application_id == Application.id, link.scenario_id == wanted.scalar_subquery()
    )  # fmt: skip
    return rows.correlate(Application).exists()


def _one_of(column: Any, kinds: type[Decision] | type[Triage], word: str) -> sa.ColumnElement[bool]:
    if word == "none":
        return sa.ColumnElement.is_(column, None)
    return sa.ColumnElement.in_(column, [kind for kind in kinds if kind == word])


def queue(session: Session, challenge_id: int, chosen: Filter, after: str | None = None) -> Page[sa.Row[Any]]:
    """A page of applications as plain rows; one statement, however many there are."""
    rows = sa.select(Application.id).where(*matching(challenge_id, chosen))
    return keyset_rows(session, rows, _SHOWN, order=chosen.order(), after=after, limit=PAGE)


def count(session: Session, challenge_id: int, chosen: Filter) -> int:
    """How many applications the filter shows, exactly."""
    return session.scalars(sa.select(sa.func.count()).where(*matching(challenge_id, chosen))).one()


def is_indexed(chosen: Filter) -> bool:
    """Whether it asks for nothing but state and country, which an index counts and sorts."""
    narrowed, by_country = _narrowed(0, chosen), bool(chosen.country and not chosen.blind)
    return len(narrowed) == by_country


def by_state(session: Session, challenge_id: int, chosen: Filter) -> dict[ApplicationState, int]:
    """How many there are in each state, whatever state the filter names; CAP + 1 stands for more than CAP."""
    if is_indexed(chosen):
        by_country = bool(chosen.country and not chosen.blind)
        asked = {"challenge_id": challenge_id, "most": CAP + 1} | ({"country": chosen.country} if by_country else {})
        found: dict[str, int] = dict(session.execute(_capped(chosen.states, by_country=by_country), asked).all())
        return {state: found[state.value] for state in chosen.states if found[state.value]}
    # What no index knows is counted in one pass over all.
    rows = (
        sa.select(Application.state, sa.func.count())
        .where(
            Application.challenge_id == challenge_id,
            Application.state.in_(chosen.states),
            *_narrowed(challenge_id, chosen),
        )
        .group_by(Application.state)
    )
    counted = dict(session.execute(rows).all())
    return {state: min(counted[state], CAP + 1) for state in chosen.states if state in counted}


@lru_cache(maxsize=16)
def _capped(states: tuple[ApplicationState, ...], *, by_country: bool) -> sa.TextClause:
    """Count each state by an index, and stop counting where there are many.

    The states stand in the statement as they are: the engine then knows which are rare, and takes the index for them.
    """
    narrowed = "AND country = :country" if by_country else ""
    arms = (
        " ".join((
            "SELECT", f"'{state.value}'", "AS state, count(*) AS number FROM (SELECT 1 AS one FROM application WHERE",
            f"challenge_id = :challenge_id AND state = '{state.value}'", narrowed, "LIMIT :most) AS counted",
        ))
        for state in states
    )  # fmt: skip
    return sa.text(" UNION ALL ".join(arms))


def total(counts: dict[ApplicationState, int], chosen: Filter) -> int:
    """How many the filter shows by these counts; CAP + 1 stands for more than CAP."""
    return min(CAP + 1, sum(number for state, number in counts.items() if chosen.state in ("", state)))


def rows(session: Session, challenge_id: int, chosen: Filter) -> Iterator[Any]:
    """Everything that the filter shows, in its order, with the applicants' addresses: for a table elsewhere."""
    found = (
        sa.select(*_SHOWN, Account.email)
        .join(Account, Account.id == Application.account_id)
        .where(*matching(challenge_id, chosen))
        .execution_options(yield_per=500)
    )
    for column, direction in chosen.order():
        by = column.desc() if direction == "desc" else column.asc()
        found = found.order_by(by.nulls_last())
    yield from session.execute(found)
