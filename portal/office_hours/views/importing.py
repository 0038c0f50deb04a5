"""Bookings from a table."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.core.web.filters import counted
from portal.office_hours.actions.imports import Taken, import_bookings
from portal.office_hours.forms.importing import ImportForm
from portal.office_hours.rules.imports import parse, read
from portal.office_hours.views import blueprint
from portal.office_hours.views.shapes import sender

BASE = "/staff/<slug>/office-hours/import"


def _page(slug: str, form: ImportForm, taken: Taken | None = None) -> ResponseReturnValue:
    page = render_template("office_hours/import.html", challenge=challenge_or_404(slug), form=form, taken=taken)
    return page, 422 if taken or form.errors else 200


@blueprint.get(BASE)
@only(Role.LEAD)
def import_page(slug: str) -> ResponseReturnValue:
    """A form for a table of bookings."""
    return _page(slug, ImportForm(formdata=None))


@blueprint.post(BASE)
@only(Role.LEAD)
def import_table(slug: str) -> ResponseReturnValue:
    """Book the rows of a table: all, or those that are good where the person has seen which are not, and says so."""
    form = ImportForm()
    try:
        taken = _taken(slug, form)
    except Invalid as problem:
        db.session.rollback()
        form.refuse(problem)
        return _page(slug, form)
    if taken.faults and not form.skips(taken.booked):
        db.session.rollback()
        return _page(slug, form, taken)
    db.session.commit()
    left = f" {counted(len(taken.faults), 'fault')} left out." if taken.faults else ""
    flash(f"{counted(taken.booked, 'booking')} imported.{left}", "success")
    return redirect(url_for("office_hours.staff_bookings", slug=slug))


def _taken(slug: str, form: ImportForm) -> Taken:
    """Read the table, keep it in the form whatever is wrong with it, and try every row. Raises Invalid."""
    parsed = parse(read(form.table(request.files.get("file"))))
    taken = import_bookings(
        db.session, challenge_or_404(slug), parsed.entries, by=current_account().id, at=clock.now(),
        sender=sender() if form.mails.data else None, overrule=form.reason.data or "",
    )  # fmt: skip
    taken.faults = sorted([*parsed.faults, *taken.faults])
    return taken
