"""Who needs no kit."""

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.applications import queries as applications
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.selection.actions.kits import set_need
from portal.selection.forms.kits import NeedForm
from portal.selection.views.blueprint import blueprint


@blueprint.post("/staff/<slug>/applications/<int:application_id>/kit")
@only(Role.LEAD)
def need_kit(slug: str, application_id: int) -> ResponseReturnValue:
    """Say whether a place of this application comes with a kit, and why."""
    challenge, form = challenge_or_404(slug), NeedForm()
    found = applications.application(db.session, challenge.id, application_id)
    if not form.validate():
        raise Invalid({name: " ".join(map(str, told)) for name, told in form.errors.items()})
    needs = form.needs.data == "yes"
    set_need(
        db.session, found, needs=needs, reason=form.reason.data or "", by=current_account().id, at=clock.now()
    )  # fmt: skip
    db.session.commit()
    flash("A kit goes with this place." if needs else "No kit is kept for this place.")
    return redirect(url_for("selection.application", slug=slug, application_id=application_id))
