"""The rules: those in force, those before, and the editor."""

from typing import NamedTuple

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.awards import actions, queries
from portal.awards.forms import RulesBase, rules_form
from portal.awards.models import BountyRules
from portal.awards.rules import ROUNDING, Achieved, Change, Table, changes, oddities
from portal.awards.rules.versions import tried
from portal.awards.views import blueprint
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge, Scenario
from portal.challenges.states import ScenarioKind
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid


class Preview(NamedTuple):
    """What a version would change, what known examples would give, and what is odd about it."""

    changes: list[Change]
    examples: list[Change]
    oddities: list[str]


def _high_priority(challenge: Challenge) -> list[Scenario]:
    """The scenarios that have amounts of their own."""
    return [scenario for scenario in challenge.scenarios if scenario.kind is ScenarioKind.HIGH_PRIORITY]


def _preview(challenge: Challenge, before: BountyRules | None, after: Table) -> Preview:
    table = queries.table_of(before) if before else Table({})
    high = _high_priority(challenge)
    fixed = [Achieved(scenario.id, scenario.code, scenario.kind) for scenario in high]
    codes = {scenario.id: scenario.code for scenario in high}
    return Preview(changes(table, after, codes), tried(table, after, fixed), oddities(after))


def _page(
    challenge: Challenge, form: RulesBase | None = None, preview: Preview | None = None, status: int = 200
) -> ResponseReturnValue:
    versions, now = queries.all_rules(db.session, challenge.id), clock.now()
    page = render_template(
        "awards/rules.html",
        challenge=challenge,
        versions=[(version, queries.table_of(version)) for version in versions],
        current=queries.current_rules(db.session, challenge.id, now),
        now=now,
        form=form or rules_form(_high_priority(challenge), versions[0] if versions else None),
        preview=preview,
        may_publish=bool({Role.LEAD, Role.ADMIN} & my_roles(challenge.slug)),
        rounding=ROUNDING,
    )
    return page, status


@blueprint.get("/staff/<slug>/awards/rules")
@only(Role.TRIAGER, Role.LEAD, Role.FINANCE, Role.ADMIN)
def rules(slug: str) -> ResponseReturnValue:
    """The rules in force, and those before."""
    return _page(challenge_or_404(slug))


@blueprint.post("/staff/<slug>/awards/rules")
@only(Role.LEAD, Role.ADMIN)
def publish_rules(slug: str) -> ResponseReturnValue:
    """Show what a new version of the rules would change, or publish it."""
    challenge, now = challenge_or_404(slug), clock.now()
    form = rules_form(_high_priority(challenge), None)
    if not form.validate():
        return _page(challenge, form, status=422)
    table = form.table(_high_priority(challenge))
    if request.form.get("step") == "preview":
        versions = queries.all_rules(db.session, challenge.id)
        return _page(challenge, form, _preview(challenge, versions[0] if versions else None, table))
    try:
        made = actions.publish_rules(
            db.session, challenge, table, by=current_account().id, at=now,
            in_force_from=form.begins(challenge.zone), note=form.note.data or "",
        )  # fmt: skip
    except Invalid as problem:
        form.in_force_from.errors = [problem.messages["in_force_from"]]
        return _page(challenge, form, status=422)
    db.session.commit()
    later = made.holds_from > now
    flash(f"Version {made.version} of the bounty rules is {'published: it will be in force' if later else 'in force'}.")
    return redirect(url_for("awards.rules", slug=slug))
