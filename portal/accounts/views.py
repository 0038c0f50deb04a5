"""The account pages. Signing in and what guards it are Flask-Security's."""

import json

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import logout_user

from portal.accounts import actions, personal, queries
from portal.accounts.current import current_account
from portal.accounts.forms import EraseForm, ProfileForm
from portal.accounts.fresh import fresh
from portal.accounts.gate import signed_in
from portal.core import clock
from portal.core.db import db

blueprint = Blueprint("accounts", __name__)


@blueprint.route("/account/", methods=["GET", "POST"])
@signed_in
def profile() -> ResponseReturnValue:
    """Name, time zone, address."""
    account = current_account()
    form = ProfileForm(obj=account)
    if not form.validate_on_submit():
        page = render_template("accounts/profile.html", account=account, form=form)
        return page, 422 if form.is_submitted() else 200
    actions.change_profile(db.session, account, name=form.name.data or "", zone=form.zone.data, at=clock.now())
    db.session.commit()
    flash("Saved.")
    return redirect(url_for("accounts.profile"))


@blueprint.get("/account/security")
@signed_in
def security() -> ResponseReturnValue:
    """What stands before the account, and the way to each part of it."""
    account = current_account()
    return render_template(
        "accounts/security.html", account=account, staff=bool(queries.roles_of(db.session, account.id)),
        codes=len(account.mf_recovery_codes or []),
    )  # fmt: skip


@blueprint.post("/account/security/sign-out-everywhere")
@signed_in
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session, this one too."""
    actions.end_sessions(db.session, current_account(), at=clock.now())
    db.session.commit()
    logout_user()
    flash("You are signed out everywhere.")
    return redirect(url_for("security.login"))


@blueprint.get("/account/data")
@signed_in
def data() -> ResponseReturnValue:
    """What is kept, the way to take it along, and the way to have it erased."""
    return _data_page(EraseForm())


def _data_page(form: EraseForm) -> str:
    account = current_account()
    objection = personal.objection_to_erasing(db.session, account.id, clock.now())
    return render_template("accounts/data.html", account=account, form=form, objection=objection)


@blueprint.get("/account/data.json")
@signed_in
def export() -> ResponseReturnValue:
    """All that is kept of the person, as a file."""
    told = personal.export(db.session, current_account().id)
    text = json.dumps({"as_of": clock.now(), **told}, indent=2, ensure_ascii=False, default=_plain)
    name = f"portal-data-{clock.now():%Y-%m-%d}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text + "\n", mimetype="application/json", headers=headers)


def _plain(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


@blueprint.post("/account/data/erase")
@signed_in
@fresh
def erase() -> ResponseReturnValue:
    """Erase the account that the person has typed the address of."""
    account, form = current_account(), EraseForm()
    if form.validate() and (form.email.data or "").lower() != account.email:
        form.email.errors = ["This is not the address of your account."]
    if form.errors:
        return _data_page(form), 422
    actions.erase_account(db.session, account, typed=request.form["email"], at=clock.now())
    db.session.commit()
    logout_user()
    flash("Your account is erased.")
    return redirect("/")
