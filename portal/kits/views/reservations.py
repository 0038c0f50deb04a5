"""Who has which unit kept, and whether the books agree."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.kits import queries as stock
from portal.kits.actions import reservations as actions
from portal.kits.forms import UnitMoveForm, told_apart
from portal.kits.queries import reservations as queries
from portal.kits.views.base import blueprint


@blueprint.get("/staff/<slug>/kits/reservations")
@only(Role.LOGISTICS)
def reservations(slug: str) -> ResponseReturnValue:
    """The units that are kept, for whom since when; the counter of places and kits; and a check that they agree."""
    challenge = challenge_or_404(slug)
    page = queries.reservations(db.session, challenge.id, request.args.get("after"))
    lacking = queries.books(db.session, challenge.id)
    return render_template(
        "kits/reservations.html", challenge=challenge, page=page, books=lacking,
        models={model.id: model.label for model in stock.models(db.session, challenge.id)},
        count=queries.count(db.session, challenge.id),
        forms={held.reservation.id: told_apart(UnitMoveForm(formdata=None), held.reservation.id)
               for held in page.rows if held.gone},
    )  # fmt: skip


@blueprint.post("/staff/<slug>/kits/reservations/missing")
@only(Role.LOGISTICS)
def reserve_missing(slug: str) -> ResponseReturnValue:
    """Keep units for every place that is promised a kit and has none."""
    count = actions.reserve_missing(db.session, challenge_or_404(slug), by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{count} {'place has' if count == 1 else 'places have'} a kit now.")
    return redirect(url_for("kits.reservations", slug=slug))


@blueprint.post("/staff/<slug>/kits/reservations/<int:reservation_id>/release")
@only(Role.LOGISTICS)
def release(slug: str, reservation_id: int) -> ResponseReturnValue:
    """Put back a unit whose holder is gone."""
    challenge, form = challenge_or_404(slug), UnitMoveForm()
    held = queries.reservation(db.session, challenge.id, reservation_id)
    serial = held.reservation.unit.serial
    if not form.validate():
        raise Invalid({name: " ".join(map(str, told)) for name, told in form.errors.items()})
    actions.release_one(
        db.session, challenge, held, form.reason.data or "", by=current_account().id, at=clock.now()
    )  # fmt: skip
    db.session.commit()
    flash(f"{serial} is back in stock.")
    return redirect(url_for("kits.reservations", slug=slug))
