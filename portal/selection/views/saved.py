"""Keeping views of the list."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.selection.actions import saved as actions
from portal.selection.forms.queue import ViewForm
from portal.selection.queries import saved as queries
from portal.selection.queries.asked import canonical, parsed
from portal.selection.views.blueprint import blueprint


def _checked() -> ViewForm:
    form = ViewForm()
    if not form.validate_on_submit():
        raise Refused(" ".join(str(message) for message in form.name.errors) or "Send the form again.")
    return form


def _shares(slug: str, form: ViewForm) -> bool:
    return bool(form.is_shared.data) and Role.LEAD in my_roles(slug)


@blueprint.get("/staff/<slug>/views")
@only(Role.LEAD, Role.REVIEWER)
def saved_views(slug: str) -> ResponseReturnValue:
    """One's own views, to rename, share and delete."""
    challenge = challenge_or_404(slug)
    found = queries.own(db.session, challenge.id, current_account().id)
    return render_template(
        "selection/views.html", challenge=challenge, views=found, parsed=parsed, lead=Role.LEAD in my_roles(slug)
    )


@blueprint.post("/staff/<slug>/views")
@only(Role.LEAD, Role.REVIEWER)
def keep_view(slug: str) -> ResponseReturnValue:
    """Keep what the list shows."""
    challenge, form = challenge_or_404(slug), _checked()
    query = canonical(parsed(form.query.data or ""))
    view = actions.keep_view(
        db.session, challenge, form.name.data or "", query, by=current_account().id, at=clock.now(),
        is_shared=_shares(slug, form), is_first=bool(form.is_first.data),
    )  # fmt: skip
    db.session.commit()
    flash(f"Saved as “{view.name}”.")
    return redirect(url_for("selection.queue", slug=slug, view=view.id, **parsed(query)))


@blueprint.post("/staff/<slug>/views/<int:view_id>")
@only(Role.LEAD, Role.REVIEWER)
def change_view(slug: str, view_id: int) -> ResponseReturnValue:
    """Rename a view, share it or not, open the list with it or not."""
    challenge = challenge_or_404(slug)
    view = queries.one(db.session, challenge.id, current_account().id, view_id)
    form = _checked()
    actions.change_view(
        db.session, view, form.name.data or "", is_shared=_shares(slug, form), is_first=bool(form.is_first.data)
    )  # fmt: skip
    db.session.commit()
    flash("Saved.")
    return redirect(url_for("selection.saved_views", slug=slug))


@blueprint.post("/staff/<slug>/views/<int:view_id>/delete")
@only(Role.LEAD, Role.REVIEWER)
def drop_view(slug: str, view_id: int) -> ResponseReturnValue:
    """Forget a view."""
    challenge = challenge_or_404(slug)
    view = queries.one(db.session, challenge.id, current_account().id, view_id)
    actions.drop_view(db.session, view)
    db.session.commit()
    flash(f"“{view.name}” is deleted.")
    return redirect(url_for("selection.saved_views", slug=slug))
