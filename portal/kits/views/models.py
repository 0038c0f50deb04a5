"""Kinds of kit: adding, changing, deleting."""

import hashlib

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Conflict
from portal.kits import actions, queries
from portal.kits.actions.stock import KitSpec, change_model, delete_model, spec_of
from portal.kits.forms import ModelForm
from portal.kits.views.base import blueprint


@blueprint.route("/staff/<slug>/kits/models/new", methods=["GET", "POST"])
@only(Role.LOGISTICS)
def new_model(slug: str) -> ResponseReturnValue:
    """Add a kind of kit."""
    challenge = challenge_or_404(slug)
    form = ModelForm(data={"currency": challenge.currency, "per_place": 1})
    if not form.validate_on_submit():
        page = render_template("kits/model.html", challenge=challenge, form=form, model=None)
        return page, 422 if form.is_submitted() else 200
    model = actions.add_model(db.session, challenge, form.spec(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{model.label} is known. Add its units by their serial numbers.")
    return redirect(url_for("kits.stock", slug=slug))


def _mark(spec: KitSpec) -> str:
    """Changes with whatever is told of a model."""
    return hashlib.sha256(repr(spec).encode()).hexdigest()[:16]


@blueprint.route("/staff/<slug>/kits/models/<int:model_id>", methods=["GET", "POST"])
@only(Role.LOGISTICS)
def model(slug: str, model_id: int) -> ResponseReturnValue:
    """What is told of a kind of kit, to be told otherwise."""
    challenge = challenge_or_404(slug)
    found = queries.model(db.session, challenge.id, model_id)
    seen = spec_of(found)
    form = ModelForm(obj=found)
    if not form.validate_on_submit():
        counts = queries.unit_counts(db.session, challenge.id).get(found.id, {})
        page = render_template(
            "kits/model.html", challenge=challenge, form=form, model=found, units=sum(counts.values()),
            mark=_mark(seen),
        )  # fmt: skip
        return page, 422 if form.is_submitted() else 200
    if request.form.get("mark") != _mark(seen):
        raise Conflict("Somebody has changed this model since you opened it. Look at it again.")
    change_model(db.session, challenge, found, form.spec(), seen, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{found.label} is changed.")
    return redirect(url_for("kits.stock", slug=slug))


@blueprint.post("/staff/<slug>/kits/models/<int:model_id>/delete")
@only(Role.LOGISTICS)
def drop_model(slug: str, model_id: int) -> ResponseReturnValue:
    """Forget a kind of kit of which there is no unit."""
    challenge = challenge_or_404(slug)
    found = queries.model(db.session, challenge.id, model_id)
    label = found.label
    delete_model(db.session, challenge, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{label} is deleted.")
    return redirect(url_for("kits.stock", slug=slug))
