"""The staff's list of applications."""

from collections.abc import Iterable
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.applications import rules
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core.db import db
from portal.core.web import csv_response
from portal.selection import supply
from portal.selection.forms.bulk import BulkForm
from portal.selection.forms.queue import FilterForm, ViewForm
from portal.selection.queries import queue as lists
from portal.selection.queries.asked import TELLING, canonical, filter_from, parsed, tells
from portal.selection.queries.found import find
from portal.selection.queries.masking import masked_hits
from portal.selection.queries.offers import Offers, View, offers
from portal.selection.queries.plan import plan_of
from portal.selection.queries.queue import Filter
from portal.selection.rules.blind import alias, is_blind
from portal.selection.views.blueprint import blueprint


def _asked(challenge: Challenge) -> tuple[Filter, Offers]:
    """The filter that the address asks for, as far as the person may ask for it, and what can be chosen."""
    roles, me = my_roles(challenge.slug), current_account().id
    full = Role.LEAD in roles
    offered = offers(db.session, challenge, me=me, full=full)
    blind = not full and is_blind(plan_of(db.session, challenge.id), roles)
    chosen = filter_from(request.args, full=full, blind=blind, me=me)._replace(own=offered.own)
    if blind and chosen.text:
        chosen = chosen._replace(masked=masked_hits(db.session, challenge.id, chosen.text))
    return lists.with_shipping(db.session, challenge.id, chosen), offered


@blueprint.get("/staff/<slug>/applications")
@only(Role.LEAD, Role.REVIEWER)
def queue(slug: str) -> ResponseReturnValue:
    """All applications, filtered and sorted by the address; by the first view where the address says nothing."""
    challenge = challenge_or_404(slug)
    chosen, offered = _asked(challenge)
    views = [view for view in offered.views if chosen.full or not tells(view.query)]
    first = next((view for view in views if view.is_first), None)
    if first and not request.args:
        return redirect(url_for("selection.queue", slug=slug, view=first.id, **parsed(first.query)))
    found = find(db.session, challenge.id, chosen)
    return render_template(
        "selection/queue.html", challenge=challenge, chosen=chosen, form=_form(chosen, offered), alias=alias,
        countries=rules.COUNTRIES, codes=offered.codes, counts=found.counts, total=found.total,
        cap=lists.CAP, page=lists.queue(db.session, challenge.id, found.chosen, request.args.get("after")),
        bulk=BulkForm(formdata=None) if chosen.full else None, **_kept(views),
        shipping=chosen.shipping if chosen.ships or not chosen.full else supply.shipping(db.session, challenge.id),
    )  # fmt: skip


def _form(chosen: Filter, offered: Offers) -> FilterForm:
    form = FilterForm(request.args)
    form.offer(offered.countries, offered.scenarios.values(), offered.readers)
    hidden = [*([] if chosen.full else TELLING), *(["country"] if chosen.blind else [])]
    for name in hidden:
        del form[name]
    return form


def _kept(views: Iterable[View]) -> dict[str, Any]:
    """The views, which of them is shown, and a form to keep what is shown."""
    query = canonical(request.args)
    shown = next((view for view in views if view.query == query), None)
    return {"views": views, "query": query, "shown": shown, "parsed": parsed, "view_form": ViewForm(formdata=None)}


@blueprint.get("/staff/<slug>/applications.csv")
@only(Role.LEAD, Role.REVIEWER)
def table(slug: str) -> ResponseReturnValue:
    """What the list shows, as CSV. Scores and addresses are for the lead, and in blind mode all that tells who."""
    challenge = challenge_or_404(slug)
    chosen, offered = _asked(challenge)
    columns = _columns(chosen, offered)
    rows = ([tell(row) for tell in columns.values()] for row in lists.rows(db.session, challenge.id, chosen))
    return csv_response(f"{slug}-applications.csv", list(columns), rows)


def _columns(chosen: Filter, offered: Offers) -> dict[str, Any]:
    """What the table tells, by the heading of the column."""

    def plain(*names: str) -> dict[str, Any]:
        return {name: lambda row, name=name: getattr(row, name) for name in names}

    who = {"alias": alias} if chosen.blind else plain("name", "handle", "affiliation", "country", "kind")
    known = {"id": lambda row: row.id, **plain("state", "state_since", "submitted_at"), **who}
    known["scenarios"] = lambda row: offered.codes(row.scenario_ids)
    known["reviews"] = lambda row: row.review_count
    if not chosen.full:
        return known
    return {
        **known, "score": lambda row: row.score_adjusted, "raw": lambda row: row.score_mean,
        "spread": lambda row: row.score_spread,
        **plain("rank_best", "rank_worst", "triage", "in_review", "calibration"),
        "flags": lambda row: " ".join(row.flags), **plain("cluster_id", "pending_decision", "needs_kit", "email"),
    }  # fmt: skip
