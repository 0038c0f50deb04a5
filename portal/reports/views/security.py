"""security.txt: the portal writes it, an admin signs it, the portal serves it."""

from urllib.parse import urljoin

from flask import Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from portal.accounts.current import current_account
from portal.accounts.gate import everyone, only
from portal.accounts.states import Role
from portal.config import Config
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.web import files
from portal.reports import rules
from portal.reports.actions import signed as actions
from portal.reports.forms import SecurityTextForm
from portal.reports.queries import keys, signed
from portal.reports.views import blueprint
from portal.reports.views.keysets import FRESH_MINUTES


def _where() -> rules.Addresses:
    config: Config = current_app.extensions["portal.config"]
    here = config.public_url + "/"
    return rules.Addresses(
        contact=f"mailto:{config.mail_from}",
        policy=here,
        encryption=urljoin(here, url_for("reports.key_sets")),
        canonical=urljoin(here, url_for("reports.security_txt")),
        csaf=urljoin(here, url_for("reports.csaf_metadata")),
    )


def _text() -> str:
    expires = (clock.now() + rules.LIFE).replace(hour=0, minute=0, second=0, microsecond=0)
    return rules.security_text(_where(), keys.current_set(db.session), expires)


@blueprint.get("/.well-known/security.txt")
@everyone
def security_txt() -> ResponseReturnValue:
    """Where to tell of a fault of the portal itself (RFC 9116): the signed text, or an unsigned one until there is."""
    current = keys.current_set(db.session)
    found = signed.served_text(db.session, current.id, clock.now()) if current else None
    return Response(found.text if found else _text(), content_type="text/plain; charset=utf-8")


@blueprint.route("/staff/keys/security-txt", methods=["GET", "POST"])
@only(Role.ADMIN)
@auth_required("session", within=FRESH_MINUTES, grace=FRESH_MINUTES)
def sign_security_txt() -> ResponseReturnValue:
    """The text to sign, and where its signed copy is pasted."""
    if "download" in request.args:
        answer = Response(_text(), content_type="text/plain; charset=utf-8")
        answer.headers["Content-Disposition"] = files.attachment("security.txt")
        return answer
    form, at = SecurityTextForm(), clock.now()
    if form.validate_on_submit():
        try:
            made = actions.publish_security_text(
                db.session, form.copy.data or "", _where(), by=current_account().id, at=at
            )
        except Refused as refusal:
            form.copy.errors = [refusal.reason]
        else:
            db.session.commit()
            flash(f"The signed security.txt is served until {made.expires_at:%d %B %Y}.")
            return redirect(url_for("reports.sign_security_txt"))
    newest, current = signed.newest_text(db.session), keys.current_set(db.session)
    page = render_template(
        "reports/security_txt.html", form=form, text=_text(), newest=newest, current=current,
        fault=rules.fault_of_text(newest, current, at),
    )  # fmt: skip
    return page, 422 if form.errors else 200
