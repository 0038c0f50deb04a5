"""The answer to an invitation."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account, network_hash
from portal.accounts.gate import signed_in
from portal.applications import queries as applications
from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.challenges.queries import current_agreement
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.selection.actions.invitations import Signing, accept_invitation, refuse_invitation
from portal.selection.forms import AcceptForm
from portal.selection.views.blueprint import blueprint


def _mine_or_404(challenge: Challenge) -> Application:
    found = applications.mine(db.session, challenge.id, current_account().id)
    if found is None:
        raise NotFound("invitation")
    return found


@blueprint.get("/challenges/<slug>/invitation")
@signed_in
def invitation(slug: str) -> ResponseReturnValue:
    """What is offered, until when, and the agreement to sign."""
    challenge = challenge_or_404(slug)
    application = _mine_or_404(challenge)
    if application.state is not ApplicationState.INVITED:
        return redirect(url_for("applications.apply", slug=slug))
    return _page(challenge, application, AcceptForm())


def _page(challenge: Challenge, application: Application, form: AcceptForm) -> str:
    over = application.answer_by is not None and application.answer_by <= clock.now()
    return render_template(
        "selection/invitation.html", challenge=challenge, application=application, form=form, over=over,
        agreement=current_agreement(db.session, challenge.id),
    )  # fmt: skip


@blueprint.post("/challenges/<slug>/invitation")
@signed_in
def accept(slug: str) -> ResponseReturnValue:
    """Sign and take the place."""
    challenge, form = challenge_or_404(slug), AcceptForm()
    application = _mine_or_404(challenge)
    if application.state is ApplicationState.INVITED and not form.validate_on_submit():
        return _page(challenge, application, form), 422
    signing = Signing(form.typed_name.data or "", seen=request.form.get("seen", ""), address_hash=network_hash())
    accept_invitation(db.session, application, current_account(), signing, at=clock.now())
    db.session.commit()
    flash(f"Welcome to {challenge.title}. You have a place.")
    return redirect("/home")


@blueprint.post("/challenges/<slug>/invitation/refuse")
@signed_in
def refuse(slug: str) -> ResponseReturnValue:
    """Give the place to somebody else."""
    application = _mine_or_404(challenge_or_404(slug))
    refuse_invitation(db.session, application, current_account(), at=clock.now())
    db.session.commit()
    flash("You have refused the place. Thank you for telling us.")
    return redirect(url_for("applications.apply", slug=slug))
