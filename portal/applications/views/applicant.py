"""The applicant's page."""

from datetime import datetime

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import signed_in
from portal.applications import actions, queries, rules
from portal.applications.forms import ApplicationForm, form_for
from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.applications.views.blueprint import blueprint
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.challenges.queries import current_agreement
from portal.core import clock
from portal.core.db import db, reads_first, start_writing
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.web import wants_json

STALE = "This draft was saved elsewhere in the meantime, perhaps in another tab. Saving again replaces that with this."


def _mine(challenge: Challenge) -> Application | None:
    return queries.mine(db.session, challenge.id, current_account().id)


def _mine_or_404(challenge: Challenge) -> Application:
    application = _mine(challenge)
    if application is None:
        raise NotFound("application")
    return application


def _form(challenge: Challenge) -> ApplicationForm:
    form = form_for(queries.questions(db.session, challenge.id))
    form.offer(challenge.scenarios)
    return form


def _form_page(challenge: Challenge, application: Application | None, form: ApplicationForm, at: datetime) -> str:
    return render_template(
        "applications/form.html", challenge=challenge, application=application, form=form, at=at,
        agreement=current_agreement(db.session, challenge.id),
    )  # fmt: skip


def _status_page(challenge: Challenge, application: Application, at: datetime) -> str:
    told = rules.timeline(
        queries.steps(db.session, application.id), queries.revisions(db.session, application.id), for_staff=False
    )
    return render_template(
        "applications/status.html", challenge=challenge, application=application, timeline=told,
        may_edit=rules.may_edit(application, challenge, at), may_return=rules.may_return(application, challenge, at),
        countries=rules.COUNTRIES,
    )  # fmt: skip


@blueprint.get("/challenges/<slug>/apply")
@signed_in
def apply(slug: str) -> ResponseReturnValue:
    """The form, or how the application stands."""
    challenge, at = challenge_or_404(slug, scenarios=True), clock.now()
    application = _mine(challenge)
    if application is not None and application.state is not ApplicationState.DRAFT:
        return _status_page(challenge, application, at)
    if not rules.is_open(challenge, at):
        return render_template("applications/closed.html", challenge=challenge, application=application, at=at)
    form = _form(challenge)
    if application is not None:
        form.show(rules.content_of(application), application.version)
    else:
        form.name.data = current_account().name
    return _form_page(challenge, application, form, at)


@blueprint.post("/challenges/<slug>/apply")
@signed_in
@reads_first
def save(slug: str) -> ResponseReturnValue:
    """Keep the draft, or hand it in."""
    challenge, at = challenge_or_404(slug, scenarios=True), clock.now()
    form, application = _form(challenge), _mine(challenge)
    submitting = request.form.get("do") == "submit"
    if _is_stale(form, application):
        return _overtaken(challenge, application, form, at, STALE)
    if not form.check(complete=submitting):
        return _wrong(challenge, application, form, at)
    try:
        version = _keep(challenge, application, form, submitting=submitting, at=at)
    except Conflict as lost:
        return _lost(slug, form, at, lost)
    db.session.commit()
    if wants_json():
        return jsonify(version=version, saved_at=at.isoformat())
    flash("Your application is with us. A receipt is on its way." if submitting else "Your draft is saved.")
    return redirect(url_for("applications.apply", slug=slug))


def _keep(
    challenge: Challenge, application: Application | None, form: ApplicationForm, *, submitting: bool, at: datetime
) -> int:
    """Write what was typed as the page asks, in one go. The number of this saving."""
    session, account, content, version = db.session, current_account(), form.content(), form.seen_version()
    start_writing(session)
    if application is None:
        begin = actions.apply_at_once if submitting else actions.start_draft
        begin(session, challenge, account, content, asked=form.questions, at=at)
    elif submitting:
        actions.submit_application(
            session, application, account, content, version=version, asked=form.questions, at=at
        )  # fmt: skip
    else:
        actions.save_draft(session, application, content, version=version, asked=form.questions, at=at)
    return version + 1


def _is_stale(form: ApplicationForm, application: Application | None) -> bool:
    known = application.version if application else 0
    editable = application is None or application.state in (ApplicationState.DRAFT, ApplicationState.SUBMITTED)
    return editable and form.seen_version() != known


def _overtaken(
    challenge: Challenge, application: Application | None, form: ApplicationForm, at: datetime, reason: str
) -> ResponseReturnValue:
    """Show what was typed beside the news that something else was saved; the next saving wins."""
    if wants_json():
        raise Conflict(reason)
    form.version.data = str(application.version if application else 0)
    form.form_errors.append(reason)
    return _form_page(challenge, application, form, at), 409


def _lost(slug: str, form: ApplicationForm, at: datetime, lost: Conflict) -> ResponseReturnValue:
    """The same where the race was lost in the last moment: what was typed must not go with it."""
    db.session.rollback()
    challenge = challenge_or_404(slug, scenarios=True)
    return _overtaken(challenge, _mine(challenge), form, at, lost.reason)


def _wrong(
    challenge: Challenge, application: Application | None, form: ApplicationForm, at: datetime
) -> ResponseReturnValue:
    if wants_json():
        raise Invalid({name or "form": str(messages[0]) for name, messages in form.errors.items()})
    return _form_page(challenge, application, form, at), 422


@blueprint.get("/challenges/<slug>/apply/edit")
@signed_in
def edit(slug: str) -> ResponseReturnValue:
    """The form again, with what was submitted."""
    challenge, at = challenge_or_404(slug, scenarios=True), clock.now()
    application = _mine_or_404(challenge)
    if application.state is not ApplicationState.SUBMITTED or not rules.may_edit(application, challenge, at):
        return redirect(url_for("applications.apply", slug=slug))
    form = _form(challenge)
    form.show(rules.content_of(application), application.version)
    return _form_page(challenge, application, form, at)


@blueprint.post("/challenges/<slug>/apply/edit")
@signed_in
@reads_first
def revise(slug: str) -> ResponseReturnValue:
    """Change what was submitted."""
    challenge, at = challenge_or_404(slug, scenarios=True), clock.now()
    application, form = _mine_or_404(challenge), _form(challenge)
    if _is_stale(form, application):
        return _overtaken(challenge, application, form, at, STALE)
    if not form.check(complete=True):
        return _wrong(challenge, application, form, at)
    start_writing(db.session)
    try:
        actions.revise_application(
            db.session, application, form.content(), version=form.seen_version(), asked=form.questions, at=at
        )
    except Conflict as lost:
        return _lost(slug, form, at, lost)
    db.session.commit()
    flash("Your application is changed. It stays submitted.")
    return redirect(url_for("applications.apply", slug=slug))


@blueprint.post("/challenges/<slug>/apply/withdraw")
@signed_in
def withdraw(slug: str) -> ResponseReturnValue:
    """Take the application back."""
    application = _mine_or_404(challenge_or_404(slug))
    actions.withdraw_application(db.session, application, at=clock.now())
    db.session.commit()
    flash("Your application is withdrawn.")
    return redirect(url_for("applications.apply", slug=slug))


@blueprint.post("/challenges/<slug>/apply/return")
@signed_in
def give_back(slug: str) -> ResponseReturnValue:
    """Hand in again what was withdrawn."""
    application = _mine_or_404(challenge_or_404(slug))
    actions.return_application(db.session, application, current_account(), at=clock.now())
    db.session.commit()
    flash("Your application is with us again.")
    return redirect(url_for("applications.apply", slug=slug))
