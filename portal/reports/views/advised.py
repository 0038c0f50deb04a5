"""The page where the file of an advisory is taken away, and its signature given."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound, Refused
from portal.core.web import files
from portal.reports.actions import advised as actions
from portal.reports.forms.advised import AdvisorySignatureForm
from portal.reports.models import Advisory
from portal.reports.queries import advisories as queries
from portal.reports.queries import keys, published
from portal.reports.queries.published import File
from portal.reports.views import blueprint
from portal.reports.views.apart import impartial
from portal.reports.views.csaf import publisher


@blueprint.route("/staff/<slug>/advisories/<int:advisory_id>/signature", methods=["GET", "POST"])
@only(Role.TRIAGER, Role.LEAD)
@impartial("Advisories")
def sign_advisory(slug: str, advisory_id: int) -> ResponseReturnValue:
    """The very bytes to sign, and where their signature is given."""
    challenge, form, at = challenge_or_404(slug), AdvisorySignatureForm(), clock.now()
    found = queries.one(db.session, challenge.id, advisory_id)
    to_sign = published.to_sign(db.session, publisher(), challenge, at)
    mine = [each for each in to_sign if each.advisory_id == advisory_id]
    if "download" in request.args:
        return _download(mine, request.args["download"])
    if not form.validate_on_submit():
        return _page(challenge, found, mine, form), 422 if form.is_submitted() else 200
    try:
        actions.sign_advisory(
            db.session, challenge, advisory_id, {each.sha256: each.data for each in mine}, form.armored(),
            by=current_account().id, at=at,
        )  # fmt: skip
    except Refused as refusal:
        form.signature.errors = [refusal.reason]
        return _page(challenge, found, mine, form), 422
    db.session.commit()
    flash("The signature is taken. It is beside the file as long as the file stays as it is.")
    return redirect(url_for("reports.sign_advisory", slug=slug, advisory_id=advisory_id))


def _download(found: list[File], sha256: str) -> Response:
    for each in found:
        if each.sha256 == sha256:
            answer = Response(each.data, mimetype="application/json")
            answer.headers["Content-Disposition"] = files.attachment(each.name)
            return answer
    raise NotFound("file")


def _page(challenge: Challenge, found: Advisory, mine: list[File], form: AdvisorySignatureForm) -> str:
    return render_template(
        "reports/sign_advisory.html",
        challenge=challenge,
        advisory=found,
        files=mine,
        form=form,
        current=keys.current_set(db.session),
        at=clock.now(),
    )
