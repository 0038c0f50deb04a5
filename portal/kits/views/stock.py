"""The stock: counts, units, and what is done at the bench."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.moves import move_named, open_moves
from portal.core.web import csv_response
from portal.kits import actions, queries, rules, states
from portal.kits.forms import UnitMoveForm, UnitsForm, told_apart
from portal.kits.queries import UnitFilter
from portal.kits.queries.reservations import reservation_of
from portal.kits.queries.stock import chosen_counts, places
from portal.kits.states import UnitState
from portal.kits.views.base import blueprint, unit_filter
from portal.selection import supply


def _stock(challenge: Challenge, form: UnitsForm, status: int = 200) -> ResponseReturnValue:
    chosen = unit_filter()
    models = queries.models(db.session, challenge.id)
    form.offer(models)
    page = render_template(
        "kits/stock.html",
        challenge=challenge,
        models=models,
        counts=queries.unit_counts(db.session, challenge.id),
        page=queries.units(db.session, challenge.id, chosen, request.args.get("after")),
        total=sum(chosen_counts(db.session, challenge.id, chosen).values()),
        states=list(UnitState),
        chosen=chosen,
        narrowed=chosen != UnitFilter(),
        places=places(db.session, challenge.id),
        free=supply.free_kits(db.session, challenge.id),
        form=form,
    )
    return page, status


@blueprint.get("/staff/<slug>/kits")
@only(Role.LOGISTICS)
def stock(slug: str) -> ResponseReturnValue:
    """What there is, by model and state, and each unit."""
    return _stock(challenge_or_404(slug), UnitsForm(formdata=None))


@blueprint.get("/staff/<slug>/kits.csv")
@only(Role.LOGISTICS)
def stock_csv(slug: str) -> ResponseReturnValue:
    """The units that the list shows, as a table."""
    challenge = challenge_or_404(slug)
    units = queries.all_units(db.session, challenge.id, unit_filter())
    header = ("serial", "model", "revision", "state", "since", "location", "firmware")
    rows = (
        (unit.serial, unit.model.name, unit.model.revision, unit.state, unit.state_since, unit.location, unit.firmware)
        for unit in units
    )
    return csv_response(f"{slug}-kits.csv", header, rows)


@blueprint.post("/staff/<slug>/kits/units")
@only(Role.LOGISTICS)
def add_units(slug: str) -> ResponseReturnValue:
    """Add units by their serial numbers: all of them or none."""
    challenge, form = challenge_or_404(slug), UnitsForm()
    models = queries.models(db.session, challenge.id)
    form.offer(models)
    if not form.validate():
        return _stock(challenge, form, 422)
    text = form.serials.data or ""
    serials = rules.read_serials(text)
    faults = rules.read_serials(text, queries.known_serials(db.session, challenge.id, serials.good)).faults
    if faults:
        form.tell(faults)
        return _stock(challenge, form, 422)
    model = next(model for model in models if model.id == form.model.data)
    added = actions.add_units(
        db.session, challenge, model, text, location=form.location.data or "",
        firmware=form.firmware.data or "", by=current_account().id, at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    flash(f"{len(added)} units of {model.label} are in stock.")
    return redirect(url_for("kits.stock", slug=slug))


@blueprint.get("/staff/<slug>/kits/units/<int:unit_id>")
@only(Role.LOGISTICS)
def unit(slug: str, unit_id: int) -> ResponseReturnValue:
    """One unit: where it is, where it was, and what can be done with it."""
    challenge = challenge_or_404(slug)
    found = queries.unit(db.session, challenge.id, unit_id)
    kept = reservation_of(db.session, found)
    boxed = found.state is UnitState.RESERVED and kept is None
    moves = [] if boxed else open_moves(states.UNIT_MOVES, found.state, my_roles(slug))
    return render_template(
        "kits/unit.html",
        challenge=challenge,
        unit=found,
        kept=kept,
        places=queries.places_of(db.session, found),
        moves=moves,
        forms={move.name: told_apart(UnitMoveForm(formdata=None), move.name) for move in moves},
    )


@blueprint.post("/staff/<slug>/kits/units/<int:unit_id>/<name>")
@only(Role.LOGISTICS)
def move_unit(slug: str, unit_id: int, name: str) -> ResponseReturnValue:
    """Do something to a unit at the bench."""
    challenge, form = challenge_or_404(slug), UnitMoveForm()
    found = queries.unit(db.session, challenge.id, unit_id)
    form.validate()
    actions.move_unit(
        db.session, found, move_named(states.UNIT_MOVES, name), scope=slug, by=current_account().id, at=clock.now(),
        reason=(form.reason.data or "")[:300] or None,
    )  # fmt: skip
    db.session.commit()
    flash(f"{found.serial} is {found.state.replace('_', ' ')}.")
    return redirect(url_for("kits.unit", slug=slug, unit_id=unit_id))
