"""The numbers of a challenge's parcels, without names and addresses: as pictures, and each as a table."""

from collections.abc import Callable, Iterable, Sequence

from flask import render_template
from flask.typing import ResponseReturnValue

from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.web import csv_response
from portal.kits import postal, states
from portal.kits.queries import board
from portal.kits.queries import numbers as queries
from portal.kits.rules import numbers as rules
from portal.kits.states.returns import ReplacementState
from portal.kits.views.base import blueprint

Table = tuple[Sequence[str], Iterable[Sequence[object]]]


def _countries(ways: Sequence[rules.Way]) -> list[rules.Place]:
    return rules.places(ways, lambda way: postal.country_name(way.country) if way.country else "not known")


@blueprint.get("/staff/<slug>/shipments/numbers")
@only(Role.LOGISTICS, Role.LEAD)
def numbers(slug: str) -> ResponseReturnValue:
    """How many are where, how long it takes, what goes wrong."""
    challenge = challenge_or_404(slug)
    ways = queries.ways(db.session, challenge.id)
    return render_template(
        "kits/numbers.html", challenge=challenge, stages=board.stages(db.session, challenge.id, clock.now()),
        spans=rules.spans(ways), countries=_countries(ways), carriers=rules.places(ways, lambda way: way.carrier),
        arrived=sum(way.arrived for way in ways), total=len(ways), few=rules.FEW, open_states=states.OPEN,
        troubles=queries.troubles(db.session, challenge.id), returns=queries.returns(db.session, challenge.id),
        replacements=queries.replacements(db.session, challenge.id), backs=queries.came_back(db.session, challenge.id),
    )  # fmt: skip


@blueprint.get("/staff/<slug>/shipments/numbers/<name>.csv")
@only(Role.LOGISTICS, Role.LEAD)
def numbers_table(slug: str, name: str) -> ResponseReturnValue:
    """One table of the numbers."""
    challenge = challenge_or_404(slug)
    if name not in _TABLES:
        raise NotFound("table")
    header, rows = _TABLES[name](challenge.id)
    return csv_response(f"{slug}-kits-{name}.csv", header, rows)


def _days(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _stages(challenge_id: int) -> Table:
    stages = board.stages(db.session, challenge_id, clock.now())
    return ("state", "parcels", "oldest_since", "late"), (
        (stage.state, stage.count, stage.oldest, stage.late) for stage in stages
    )


def _times(challenge_id: int) -> Table:
    spans = rules.spans(queries.ways(db.session, challenge_id))
    return ("step", "parcels", "median_days", "days_of_nine_in_ten"), (
        (span.name, span.count, _days(span.median), _days(span.slowest)) for span in spans
    )


def _places(first: str, find: Callable[[Sequence[rules.Way]], list[rules.Place]]) -> Callable[[int], Table]:
    def table(challenge_id: int) -> Table:
        header = (first, "parcels", "waiting", "under_way", "arrived", "gone", "median_days", "days_of_nine_in_ten")
        found = find(queries.ways(db.session, challenge_id))
        return header, ([*place[:6], _days(place.days.median), _days(place.days.slowest)] for place in found)

    return table


def _troubles(challenge_id: int) -> Table:
    told = queries.troubles(db.session, challenge_id)
    wishes = queries.replacements(db.session, challenge_id)
    rows: list[Sequence[object]] = [(trouble.word, trouble.told, trouble.open) for trouble in told]
    asked = [("replacement", sum(wishes.values()), wishes[ReplacementState.ASKED])]
    return ("trouble", "told", "open"), [*rows, *asked]


def _returns(challenge_id: int) -> Table:
    return ("state", "returns"), queries.returns(db.session, challenge_id).items()


def _units(challenge_id: int) -> Table:
    return queries.Back._fields, queries.came_back(db.session, challenge_id)


_TABLES: dict[str, Callable[[int], Table]] = {
    "stages": _stages, "times": _times, "countries": _places("country", _countries),
    "carriers": _places("carrier", lambda ways: rules.places(ways, lambda way: way.carrier)), "troubles": _troubles,
    "returns": _returns, "units": _units,
}  # fmt: skip
