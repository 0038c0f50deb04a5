"""What the bank says, read from a table."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.awards import actions, queries
from portal.awards.forms import ResultsForm
from portal.awards.rules import bank
from portal.awards.rules.bank import Checked
from portal.awards.views import blueprint
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid


def _page(challenge: Challenge, form: ResultsForm, checked: Checked | None = None) -> ResponseReturnValue:
    page = render_template("awards/results.html", challenge=challenge, form=form, checked=checked, columns=bank.COLUMNS)
    return page, 422 if checked or form.errors else 200


@blueprint.get("/staff/<slug>/awards/results")
@only(Role.FINANCE)
def results_page(slug: str) -> ResponseReturnValue:
    """A form for what the bank says."""
    return _page(challenge_or_404(slug), ResultsForm(formdata=None))


@blueprint.post("/staff/<slug>/awards/results")
@only(Role.FINANCE)
def read_results(slug: str) -> ResponseReturnValue:
    """Note the results: all, or those that are good where the person has seen which are not, and says so."""
    challenge, form = challenge_or_404(slug), ResultsForm()
    try:
        checked = _checked(challenge, form)
    except Invalid as problem:
        form.refuse(problem)
        return _page(challenge, form)
    if checked.faults and not form.skips(len(checked.good)):
        return _page(challenge, form, checked)
    actions.apply_results(db.session, challenge, checked.good, by=current_account().id, at=clock.now())
    db.session.commit()
    left = f" {len(checked.faults)} faults were left out." if checked.faults else ""
    known = f" {checked.known} were known already." if checked.known else ""
    flash(f"{len(checked.good)} results are noted.{known}{left}")
    return redirect(url_for("awards.payments", slug=slug, state="all"))


def _checked(challenge: Challenge, form: ResultsForm) -> Checked:
    """Read the table, and keep it in the form whatever is wrong with it. Raises Invalid."""
    sheet = bank.read(form.table(request.files.get("file")))
    numbers = [number for row in sheet.rows if (number := bank.number_of(row))]
    return bank.check(sheet, queries.payments_by_id(db.session, challenge.id, numbers, reader=current_account().id))
