"""Changing many units at once: asking with the number restated, and doing it."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound, Refused
from portal.kits.actions.arranging import arrange
from portal.kits.forms.intake import ArrangeForm
from portal.kits.queries.stock import UnitFilter, chosen_counts, places
from portal.kits.views.base import blueprint, unit_filter

WHAT = {"location": "Location", "firmware": "Firmware build"}


def _chosen() -> list[int] | UnitFilter:
    """The ticked units, or all that the filter in the address shows."""
    if request.form.get("all"):
        return unit_filter()
    ticked = sorted({number for number in request.form.getlist("unit", type=int) if 0 < number < 2**31})
    if not ticked:
        raise Refused("No unit was selected, so nothing was changed.")
    return ticked


def _query() -> str:
    """The filter of the list that the person came from."""
    return f"?{request.query_string.decode()}" if request.query_string else ""


def _what() -> str:
    what = request.form.get("what", "")
    if what not in WHAT:
        raise NotFound("column")
    return what


@blueprint.post("/staff/<slug>/kits/arrange")
@only(Role.LOGISTICS)
def arrange_ask(slug: str) -> ResponseReturnValue:
    """Restate how many units were selected and where they are, and ask for the new location or build."""
    return _ask(slug, ArrangeForm(formdata=None))


def _ask(slug: str, form: ArrangeForm) -> ResponseReturnValue:
    challenge, chosen, what = challenge_or_404(slug), _chosen(), _what()
    counts = chosen_counts(db.session, challenge.id, chosen)
    form.count.data = sum(counts.values())
    locations, builds = places(db.session, challenge.id)
    page = render_template(
        "kits/arrange.html", challenge=challenge, form=form, what=what, label=WHAT[what], counts=counts,
        ticked=[] if isinstance(chosen, UnitFilter) else chosen, known=locations if what == "location" else builds,
    )  # fmt: skip
    return page, 422 if form.errors else 200


@blueprint.post("/staff/<slug>/kits/arrange/set")
@only(Role.LOGISTICS)
def arrange_set(slug: str) -> ResponseReturnValue:
    """Set it on as many units as the person saw."""
    form = ArrangeForm()
    if not form.validate():
        return _ask(slug, form)
    challenge, chosen, what, value = challenge_or_404(slug), _chosen(), _what(), form.value.data or ""
    count = arrange(
        db.session, challenge, chosen, what, value, count=form.count.data or 0, by=current_account().id, at=clock.now()
    )
    db.session.commit()
    told = f"“{value}”" if value else "empty"
    flash(f"{WHAT[what]} of {count} {'unit' if count == 1 else 'units'} is {told} now.")
    return redirect(url_for("kits.stock", slug=slug) + _query())
