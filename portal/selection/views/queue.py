"""The staff's list of applications."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.applications import rules
from portal.challenges.access import challenge_or_404
from portal.core.db import db
from portal.core.web import csv_response
from portal.selection.forms.queue import FilterForm, filter_from
from portal.selection.queries import queue as lists
from portal.selection.views.blueprint import blueprint


@blueprint.get("/staff/<slug>/applications")
@only(Role.LEAD, Role.REVIEWER)
def queue(slug: str) -> ResponseReturnValue:
    """All applications, filtered and sorted by the address."""
    challenge, full = challenge_or_404(slug), Role.LEAD in my_roles(slug)
    chosen = filter_from(request.args, full=full)
    form = FilterForm(request.args)
    form.offer(lists.countries(db.session, challenge.id), challenge.scenarios)
    return render_template(
        "selection/queue.html", challenge=challenge, chosen=chosen, form=form, countries=rules.COUNTRIES,
        counts=lists.by_state(db.session, challenge.id, chosen),
        page=lists.queue(db.session, challenge.id, chosen, request.args.get("after")),
    )  # fmt: skip


@blueprint.get("/staff/<slug>/applications.csv")
@only(Role.LEAD, Role.REVIEWER)
def table(slug: str) -> ResponseReturnValue:
    """What the list shows, as CSV. Scores and addresses are for the lead."""
    challenge, full = challenge_or_404(slug), Role.LEAD in my_roles(slug)
    chosen = filter_from(request.args, full=full)
    header = ["id", "state", "state_since", "submitted_at", "name", "handle", "affiliation", "country", "kind",
              "scenarios", "reviews"]  # fmt: skip
    more = ["score", "pending_decision", "email"] if full else []
    rows = (
        [row.id, row.state, row.state_since, row.submitted_at, row.name, row.handle, row.affiliation, row.country,
         row.kind, " ".join(scenario.code for scenario in row.scenarios), row.review_count]
        + ([row.score_mean, row.pending_decision, email] if full else [])
        for row, email in lists.rows(db.session, challenge.id, chosen)
    )  # fmt: skip
    return csv_response(f"{slug}-applications.csv", [*header, *more], rows)
