"""The list on which the lead notes what shall be answered."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.applications.rules import COUNTRIES
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.selection import queries
from portal.selection.actions import decisions
from portal.selection.forms import DecideForm
from portal.selection.forms.queue import FilterForm, filter_from
from portal.selection.queries import queue as lists
from portal.selection.queries.queue import Filter
from portal.selection.rules import UNDECIDED
from portal.selection.views.blueprint import blueprint


def _filter() -> Filter:
    return filter_from(request.args, full=True)._replace(states=UNDECIDED)


@blueprint.get("/staff/<slug>/selection")
@only(Role.LEAD)
def selection(slug: str) -> ResponseReturnValue:
    """Whoever has no answer yet, best first, with what is meant."""
    challenge, chosen, form = challenge_or_404(slug), _filter(), FilterForm(request.args)
    form.offer(lists.countries(db.session, challenge.id), challenge.scenarios)
    counts = lists.by_state(db.session, challenge.id, chosen)
    return render_template(
        "selection/selection.html", challenge=challenge, chosen=chosen, form=form, counts=counts, countries=COUNTRIES,
        total=sum(number for state, number in counts.items() if chosen.state in ("", state)),
        standing=queries.standing(db.session, challenge),
        page=lists.queue(db.session, challenge.id, chosen, request.args.get("after")),
    )  # fmt: skip


@blueprint.post("/staff/<slug>/selection")
@only(Role.LEAD)
def decide(slug: str) -> ResponseReturnValue:
    """Note one decision for the ticked ones, or for all of the filter in the address."""
    challenge, form = challenge_or_404(slug), DecideForm()
    ticked = request.form.getlist("application", type=int)
    if not form.validate_on_submit():
        raise Refused("Choose a decision.")
    chosen = _all_of_filter(challenge.id, form.count.data) if form.all.data else ticked
    told = decisions.mean(db.session, challenge, chosen, form.chosen(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash(_said(told, form.decision.data))
    kept: dict[str, Any] = request.args.to_dict()
    return redirect(url_for("selection.selection", slug=slug, **kept))


def _all_of_filter(challenge_id: int, expected: int | None) -> Filter:
    """The filter, if it still shows as many as the person saw."""
    found = lists.count(db.session, challenge_id, _filter())
    if expected != found:
        raise Refused(f"The filter shows {found} applications now, not {expected}. Nothing was changed.")
    return _filter()


def _said(told: decisions.Outcome, decision: str) -> str:
    words = "cleared" if decision == "clear" else f"set to {decision}"
    left = f" {told.left_out} could not be: they are in a wave, decided already, or your own." if told.left_out else ""
    return f"{told.changed} {words}. Nobody is told before a wave is released.{left}"
