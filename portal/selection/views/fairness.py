"""The fairness report: for the lead alone, as a page with pictures and as one CSV a table."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.applications.rules import COUNTRIES
from portal.applications.states import ApplicantKind
from portal.challenges.access import challenge_or_404
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.web import csv_response
from portal.selection.queries import fairness as queries
from portal.selection.rules import fairness as rules
from portal.selection.rules.regions import SUBREGIONS
from portal.selection.views.blueprint import blueprint

_REGION = {country: region for region, countries in SUBREGIONS.items() for country in countries}
Table = tuple[Sequence[str], Iterable[Sequence[object]]]


def _groups(challenge_id: int) -> dict[str, list[rules.Group]]:
    """Every way to divide the applicants, each with its groups."""
    kinds = queries.kinds(db.session, challenge_id)
    told = {True: "first time", False: "took part before"}
    applies = {ApplicantKind.SINGLE: "one person", ApplicantKind.TEAM: "a team"}
    return {
        "regions": rules.grouped((_REGION.get(row.country, "not known"), row.steps) for row in kinds),
        "countries": rules.grouped((COUNTRIES.get(row.country, row.country or "none"), row.steps) for row in kinds),
        "scenarios": rules.grouped(queries.scenarios(db.session, challenge_id)),
        "experience": rules.grouped((told[row.first_time], row.steps) for row in kinds),
        "kinds": rules.grouped((applies[row.kind], row.steps) for row in kinds),
    }


@blueprint.get("/staff/<slug>/fairness")
@only(Role.LEAD)
def fairness(slug: str) -> ResponseReturnValue:
    """Who came how far, how reviewers worked and agree, how long answers took."""
    challenge = challenge_or_404(slug)
    groups, hours = _groups(challenge.id), queries.waiting_hours(db.session, challenge.id)
    whole = rules.together(group.steps for group in groups["kinds"])
    return render_template(
        "selection/fairness.html", challenge=challenge, whole=whole, share=rules.share, few=rules.FEW,
        groups={name: rules.listed(several) for name, several in groups.items()}, labels=rules.LABELS,
        loads=queries.loads(db.session, challenge.id), hours=hours, days=rules.by_day(hours),
        agreement=queries.agreement(db.session, challenge.id), alpha=rules.alpha,
        median=rules.quantile(hours, 0.5), slowest=rules.quantile(hours, 0.9),
        waves=queries.waves(db.session, challenge.id),
    )  # fmt: skip


@blueprint.get("/staff/<slug>/fairness/<name>.csv")
@only(Role.LEAD)
def fairness_table(slug: str, name: str) -> ResponseReturnValue:
    """One table of the report."""
    challenge = challenge_or_404(slug)
    if name not in _TABLES:
        raise NotFound("table")
    header, rows = _TABLES[name](challenge.id)
    return csv_response(f"{slug}-fairness-{name}.csv", header, rows)


def _funnel(name: str) -> Callable[[int], Table]:
    def table(challenge_id: int) -> Table:
        groups = _groups(challenge_id)
        whole = rules.together(group.steps for group in groups["kinds"])
        header = ["group", *rules.Steps._fields]
        for step in ("promising", "invited"):
            header += [f"{step}_share", f"{step}_low", f"{step}_high", f"{step}_lift", f"{step}_differs"]
        rows = [rules.Group("all", whole), *groups[name]] if whole.applied else []
        return header, (
            [group.name, *group.steps, *rules.share(group.steps, whole, "promising"), *rules.share(group.steps, whole)]
            for group in rows
        )

    return table


def _reviewers(challenge_id: int) -> Table:
    return rules.Load._fields, queries.loads(db.session, challenge_id)


def _times(challenge_id: int) -> Table:
    return ("hours", "applications"), sorted(queries.waiting_hours(db.session, challenge_id).items())


def _waves(challenge_id: int) -> Table:
    return rules.WaveCounts._fields, queries.waves(db.session, challenge_id)


def _agreement(challenge_id: int) -> Table:
    sums: Any = queries.agreement(db.session, challenge_id)
    return ("krippendorff_alpha_interval", "reviews"), [(rules.alpha(sums), sums.reviews)]


_TABLES: dict[str, Callable[[int], Table]] = {
    **{name: _funnel(name) for name in ("regions", "countries", "scenarios", "experience", "kinds")},
    "reviewers": _reviewers,
    "agreement": _agreement,
    "times": _times,
    "waves": _waves,
}
