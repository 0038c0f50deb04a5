"""Personal tokens for programs: upload clients of researchers, portal-triage of triagers."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.reports.actions import keys as actions
from portal.reports.forms import TokenForm
from portal.reports.queries import keys as queries
from portal.reports.views import blueprint


@blueprint.route("/challenges/<slug>/reports/tokens", methods=["GET", "POST"])
@signed_in
def tokens(slug: str) -> ResponseReturnValue:
    """A researcher's tokens."""
    return _tokens(member_or_404(slug).participant.challenge, "reports/tokens.html")


@blueprint.route("/staff/<slug>/reports/tokens", methods=["GET", "POST"])
@only(Role.TRIAGER)
def staff_tokens(slug: str) -> ResponseReturnValue:
    """A triager's tokens."""
    return _tokens(challenge_or_404(slug), "reports/staff_tokens.html")


def _tokens(challenge: Challenge, template: str) -> ResponseReturnValue:
    form, by, at, secret = TokenForm(), current_account().id, clock.now(), None
    if form.validate_on_submit():
        secret = actions.make_token(db.session, challenge.id, form.name.data or "", by=by, at=at)
        db.session.commit()
        form = TokenForm(formdata=None)
    found = queries.tokens(db.session, challenge.id, by, at)
    program = render_template("reports/send.py.txt", challenge=challenge, portal=request.host_url.rstrip("/"))
    page = render_template(template, challenge=challenge, tokens=found, form=form, secret=secret, program=program)
    return page, 422 if form.errors else 200


@blueprint.post("/challenges/<slug>/reports/tokens/<int:token_id>/revoke")
@signed_in
def revoke_token(slug: str, token_id: int) -> ResponseReturnValue:
    """End one of one's own tokens."""
    by = current_account().id
    actions.revoke_token(db.session, queries.token_of(db.session, token_id, by), by=by, at=clock.now())
    db.session.commit()
    flash("The token is revoked.")
    return redirect(url_for("reports.staff_tokens" if request.form.get("staff") else "reports.tokens", slug=slug))
