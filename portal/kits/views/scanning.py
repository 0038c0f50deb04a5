"""Scanning units in, one after another."""

from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.web import wants_json
from portal.kits import queries
from portal.kits.actions import intake as actions
from portal.kits.forms.intake import ScanInForm
from portal.kits.models import Unit
from portal.kits.queries.stock import sitting_of
from portal.kits.rules.serials import serial_fault
from portal.kits.views.base import blueprint


def _page(challenge: Challenge, form: ScanInForm, wrong: str = "", status: int = 200) -> ResponseReturnValue:
    count, last = sitting_of(db.session, challenge.id, form.begin())
    page = render_template(
        "kits/scan.html", challenge=challenge, form=form, count=count, last=last, wrong=wrong,
        models=queries.models(db.session, challenge.id),
    )  # fmt: skip
    return page, status


def _form(challenge: Challenge, given: Any = None) -> ScanInForm:
    form, models = ScanInForm(given), queries.models(db.session, challenge.id)
    form.offer(models)
    if form.model.data is None:
        form.model.data = next((model.id for model in models if model.per_place), None)
    return form


@blueprint.get("/staff/<slug>/kits/scan")
@only(Role.LOGISTICS)
def scan_page(slug: str) -> ResponseReturnValue:
    """One field under the scanner, and what was scanned in this sitting; the address keeps what is chosen."""
    challenge = challenge_or_404(slug)
    return _page(challenge, _form(challenge, request.args))


@blueprint.post("/staff/<slug>/kits/scan")
@only(Role.LOGISTICS)
def scan_in(slug: str) -> ResponseReturnValue:
    """Add one unit at once. A scanner that sends twice adds one, and is told."""
    challenge = challenge_or_404(slug)
    form = _form(challenge, request.form)
    sitting = form.begin()
    serial = form.serial.data or ""
    wrong, known = _wrong(challenge, form, serial)
    if wrong:
        if wants_json():
            return jsonify(reason=wrong, known=known is not None, **(_told(known) if known else {})), 422
        # The field is empty again for the next scan; what was scanned stands in the message.
        form.serial.data = ""
        return _page(challenge, form, wrong, 422)
    model = queries.model(db.session, challenge.id, form.model.data)
    unit = actions.scan_in(
        db.session, challenge, model, serial, location=form.location.data or "", firmware=form.firmware.data or "",
        sitting=sitting, by=current_account().id, at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    if wants_json():
        return jsonify(_told(unit)), 201
    return redirect(url_for("kits.scan_page", slug=slug, **_chosen(form)))


def _told(unit: Unit) -> dict[str, Any]:
    """A unit of a sitting, as the page shows it."""
    count, _ = sitting_of(db.session, unit.challenge_id, unit.sitting or "", limit=1)
    return {"unit": unit.id, "serial": unit.serial, "model": unit.model.label, "count": count}


def _wrong(challenge: Challenge, form: ScanInForm, serial: str) -> tuple[str, Unit | None]:
    """What keeps this scan from being a unit, and the unit if it is one already in this sitting."""
    fault = serial_fault(serial, {}, ())
    if fault:
        return fault, None
    known = queries.unit_by_serial(db.session, challenge.id, serial)
    if known is not None:
        return _where(known, form.begin()), known if known.sitting == form.begin() else None
    if not form.validate():
        told = (f"{form[name].label.text}: {' '.join(map(str, errors))}" for name, errors in form.errors.items())
        return f"{serial} is not added. {' '.join(told)}", None
    return "", None


def _where(known: Unit, sitting: str) -> str:
    if known.sitting == sitting:
        return f"{known.serial} was added in this sitting already. It is there once."
    state, place = known.state.replace("_", " "), f", {known.location}" if known.location else ""
    return f"{known.serial} is known already: {known.model.label}, {state}{place}."


def _chosen(form: ScanInForm) -> dict[str, Any]:
    names = ("model", "location", "firmware", "sitting")
    return {name: form[name].data for name in names if form[name].data}


@blueprint.post("/staff/<slug>/kits/scan/undo")
@only(Role.LOGISTICS)
def undo_scan(slug: str) -> ResponseReturnValue:
    """Take the last one of the sitting away again."""
    challenge = challenge_or_404(slug)
    form = _form(challenge, request.form)
    unit_id = request.form.get("unit", 0, type=int)
    serial = actions.undo_scan(
        db.session, challenge, min(unit_id, 2**31 - 1), form.begin(), by=current_account().id, at=clock.now()
    )
    db.session.commit()
    flash(f"{serial} is taken away again.")
    return redirect(url_for("kits.scan_page", slug=slug, **_chosen(form)))
