"""The certificate to which the team seals what it writes to a person."""

from flask import Response, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from portal.accounts.current import current_account
from portal.accounts.gate import signed_in
from portal.config import Config
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, NotFound, Refused
from portal.core.web import trusted_types
from portal.core.web.limits import limiter
from portal.reports import proofs
from portal.reports.actions import certificates as actions
from portal.reports.forms import CertificateForm, ProofForm
from portal.reports.models import ResearcherCertificate
from portal.reports.queries import threads as queries
from portal.reports.states import CertificateState
from portal.reports.views import blueprint

FRESH_MINUTES = 30


def _page(form: CertificateForm, proof: ProofForm) -> str:
    trusted_types("seal")
    account = current_account()
    found = queries.certificates(db.session, account.id)
    states = {each.state: each for each in reversed(found)}
    return render_template(
        "reports/certificate.html", account=account, form=form, proof=proof,
        live=states.get(CertificateState.LIVE), offered=states.get(CertificateState.OFFERED),
        earlier=[each for each in found if each.state in (CertificateState.REPLACED, CertificateState.REMOVED)],
        at=clock.now(),
    )  # fmt: skip


def _offered() -> ResearcherCertificate:
    found = queries.certificate_in(db.session, current_account().id, CertificateState.OFFERED)
    if found is None:
        raise NotFound("certificate to prove")
    return found


@blueprint.route("/account/certificate", methods=["GET", "POST"])
@signed_in
@limiter.limit("30 per minute")
@auth_required("session", within=FRESH_MINUTES, grace=FRESH_MINUTES)
def certificate() -> ResponseReturnValue:
    """One's certificate; a new one is given here and proved afterwards."""
    form = CertificateForm()
    if not form.validate_on_submit():
        if request.is_json:
            raise Invalid({name: str(messages[0]) for name, messages in form.errors.items() if name})
        return _page(form, ProofForm(formdata=None)), 422 if form.is_submitted() else 200
    config: Config = current_app.extensions["portal.config"]
    try:
        made = actions.offer(
            db.session, current_account(), form.certificate.data or "", proofs.digits(),
            demonstration=config.demonstration, at=clock.now(),
        )  # fmt: skip
    except Refused as refusal:
        if request.is_json:
            raise
        db.session.rollback()
        form.certificate.errors = [refusal.reason]
        return _page(form, ProofForm(formdata=None)), 422
    db.session.commit()
    if request.is_json:
        return jsonify(challenge=made.challenge, prove_url=url_for("reports.prove_certificate")), 201
    return redirect(url_for("reports.certificate") + "#prove")


@blueprint.get("/account/certificate/proof.asc")
@signed_in
def certificate_proof() -> ResponseReturnValue:
    """What has to be opened to prove a certificate."""
    response = Response(_offered().challenge, mimetype="application/pgp-encrypted")
    response.headers["Content-Disposition"] = 'attachment; filename="certificate-proof.asc"'
    return response


@blueprint.post("/account/certificate/prove")
@signed_in
@limiter.limit("30 per minute")
@auth_required("session", within=FRESH_MINUTES, grace=FRESH_MINUTES)
def prove_certificate() -> ResponseReturnValue:
    """Give back the digits that were sealed to it."""
    offered, form = _offered(), ProofForm()
    if form.validate_on_submit():
        good = actions.prove(db.session, current_account(), offered, form.digits.data or "", at=clock.now())
        db.session.commit()
        if good:
            flash("It is yours. The team seals to it from now on.")
            url = url_for("reports.certificate")
            return jsonify(url=url) if request.is_json else redirect(url)
        form.digits.errors = [_wrong()]
    if request.is_json:
        raise Invalid({name: str(messages[0]) for name, messages in form.errors.items() if name})
    return _page(CertificateForm(formdata=None), form), 422


def _wrong() -> str:
    if queries.certificate_in(db.session, current_account().id, CertificateState.OFFERED):
        return "These are not the digits. Open the file again."
    return "These were not the digits, five times. Give the certificate again."


@blueprint.post("/account/certificate/<int:certificate_id>/remove")
@signed_in
def remove_certificate(certificate_id: int) -> ResponseReturnValue:
    """Let a certificate go."""
    account = current_account()
    found = next((each for each in queries.certificates(db.session, account.id) if each.id == certificate_id), None)
    if found is None:
        raise NotFound("certificate")
    actions.remove(db.session, account, found, at=clock.now())
    db.session.commit()
    flash("It is removed. What was sealed to it stays sealed to it: keep the secret key.")
    return redirect(url_for("reports.certificate"))
