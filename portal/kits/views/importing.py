"""Units from a table."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.kits import queries
from portal.kits.actions import intake as actions
from portal.kits.forms.intake import ImportForm
from portal.kits.rules.intake import Checked, check, read, serials_of
from portal.kits.views.base import blueprint


def _page(challenge: Challenge, form: ImportForm, checked: Checked | None = None) -> ResponseReturnValue:
    page = render_template(
        "kits/import.html", challenge=challenge, form=form, checked=checked,
        models=queries.models(db.session, challenge.id),
    )  # fmt: skip
    return page, 422 if checked or form.errors else 200


@blueprint.get("/staff/<slug>/kits/import")
@only(Role.LOGISTICS)
def import_page(slug: str) -> ResponseReturnValue:
    """A form for a table of units."""
    return _page(challenge_or_404(slug), ImportForm(formdata=None))


@blueprint.post("/staff/<slug>/kits/import")
@only(Role.LOGISTICS)
def import_units(slug: str) -> ResponseReturnValue:
    """Add the units of a table: all, or those that are good where the person has seen which are not, and says so."""
    challenge, form = challenge_or_404(slug), ImportForm()
    try:
        checked = _checked(challenge, form)
    except Invalid as problem:
        form.refuse(problem)
        return _page(challenge, form)
    if checked.faults and not form.skips(len(checked.good)):
        return _page(challenge, form, checked)
    actions.add_arrivals(db.session, challenge, checked.good, by=current_account().id, at=clock.now())
    db.session.commit()
    left = f" {len(checked.faults)} faults were left out." if checked.faults else ""
    flash(f"{len(checked.good)} units are in stock.{left}")
    return redirect(url_for("kits.stock", slug=slug))


def _checked(challenge: Challenge, form: ImportForm) -> Checked:
    """Read the table, and keep it in the form whatever is wrong with it. Raises Invalid."""
    sheet = read(form.table(request.files.get("file")))
    known = queries.known_serials(db.session, challenge.id, serials_of(sheet))
    return check(sheet, queries.models(db.session, challenge.id), known)
