"""The public keys, security.txt, and the page where an admin publishes the next key set."""

from datetime import timedelta
from urllib.parse import urljoin

from flask import Response, current_app, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from portal.accounts.current import current_account
from portal.accounts.gate import everyone, only
from portal.accounts.queries import by_email
from portal.accounts.states import Role
from portal.config import Config
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.reports import certificates, rules
from portal.reports.actions import keys as actions
from portal.reports.forms import KeySetForm
from portal.reports.models import KeySet
from portal.reports.queries import keys as queries
from portal.reports.states import KeyRole
from portal.reports.views import blueprint
from portal.reports.views.who import signer

FRESH_MINUTES = 30


@blueprint.get("/keys/")
@everyone
def key_sets() -> ResponseReturnValue:
    """Every key set with its fingerprints, the current one first."""
    found = queries.key_sets(db.session)
    statements = {each.id: _statement(each) for each in found}
    grace = rules.accepted(found, clock.now())
    return render_template(
        "reports/keys.html", key_sets=found, accepted=grace, statements=statements, signing_key=signer().key_id
    )


def _statement(found: KeySet) -> str:
    return rules.statement(found.number, [(member.role, member.fingerprint) for member in found.members])


def _current() -> KeySet:
    found = queries.current_set(db.session)
    if found is None:
        raise NotFound("key set")
    return found


@blueprint.get("/keys/current.asc")
@everyone
def current_keys() -> ResponseReturnValue:
    """All certificates of the current set as one armored block."""
    text = certificates.bundle([member.certificate for member in _current().members])
    return Response(text, mimetype="application/pgp-keys")


@blueprint.get("/keys/current.json")
@everyone
def current_fingerprints() -> ResponseReturnValue:
    """The current set for programs."""
    found = _current()
    members = [{"role": each.role, "fingerprint": each.fingerprint, "name": each.name} for each in found.members]
    return jsonify(number=found.number, published_at=found.published_at.isoformat(), members=members)


@blueprint.get("/keys/receipts.pem")
@everyone
def receipts_key() -> ResponseReturnValue:
    """The public half of the key that signs receipts."""
    return Response(signer().public_pem, mimetype="application/x-pem-file")


@blueprint.get("/.well-known/security.txt")
@everyone
def security_txt() -> ResponseReturnValue:
    """Where to tell of a fault of the portal itself (RFC 9116)."""
    config: Config = current_app.extensions["portal.config"]
    here = config.public_url + "/"
    lines = [
        f"Contact: mailto:{config.mail_from}",
        f"Expires: {clock.now() + timedelta(days=180):%Y-%m-%dT00:00:00Z}",
        f"Encryption: {urljoin(here, url_for('reports.key_sets'))}",
        "Preferred-Languages: en",
        f"Canonical: {urljoin(here, url_for('reports.security_txt'))}",
    ]
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@blueprint.route("/staff/keys", methods=["GET", "POST"])
@only(Role.ADMIN)
@auth_required("session", within=FRESH_MINUTES, grace=FRESH_MINUTES)
def publish_keys() -> ResponseReturnValue:
    """Publish the next key set."""
    form, current = KeySetForm(), queries.current_set(db.session)
    if form.validate_on_submit():
        by, at = current_account().id, clock.now()
        made = actions.publish_key_set(
            db.session, _with_accounts(form.triagers.data or ""), form.recovery.data or "", by=by, at=at,
            signature=form.signature.data or None, demonstration=current_app.extensions["portal.config"].demonstration,
        )  # fmt: skip
        db.session.commit()
        flash(f"Key set {made.number} is published. Reports are sealed to it from now on.")
        return redirect(url_for("reports.key_sets"))
    if current and not form.is_submitted():
        _fill(form, current)
    return render_template("reports/publish_keys.html", form=form, current=current), 422 if form.errors else 200


def _with_accounts(text: str) -> list[tuple[int | None, str]]:
    """Each certificate with the account whose address its user id names."""
    found: list[tuple[int | None, str]] = []
    for block in certificates.split(text) or [text]:
        name = certificates.inspect(block, at=clock.now()).name
        account = by_email(db.session, name.rpartition("<")[2].rstrip(">"))
        found.append((account.id if account else None, block))
    return found


def _fill(form: KeySetForm, current: KeySet) -> None:
    form.triagers.data = "\n".join(each.certificate for each in current.members if each.role is KeyRole.TRIAGER)
    form.recovery.data = next(each.certificate for each in current.members if each.role is KeyRole.RECOVERY)
