"""The lead sets how the challenge chooses: the two passes, the rubric, the reviewers and what they read."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.applications import queries as applications
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Forbidden, Invalid
from portal.selection.actions import assigning, scores
from portal.selection.actions import plan as actions
from portal.selection.forms.plan import PlanForm, ReviewersForm, RubricForm, reviewers_form, rubric_form
from portal.selection.queries import assigning as queries
from portal.selection.queries import plan as plans
from portal.selection.views.blueprint import blueprint


@blueprint.get("/staff/<slug>/review/settings")
@only(Role.LEAD)
def review_settings(slug: str) -> ResponseReturnValue:
    """The settings of the two passes, and the rubric."""
    return _settings(challenge_or_404(slug))


def _settings(challenge: Challenge, plan_form: PlanForm | None = None, lines: RubricForm | None = None) -> str:
    if plan_form is None:
        plan_form = PlanForm(formdata=None)
        plan_form.show(plans.plan_of(db.session, challenge.id), challenge.zone)
    criteria = plans.all_criteria(db.session, challenge.id)
    return render_template(
        "selection/review_settings.html",
        challenge=challenge,
        plan_form=plan_form,
        rubric=lines or rubric_form(criteria),
    )


@blueprint.post("/staff/<slug>/review/settings")
@only(Role.LEAD)
def save_plan(slug: str) -> ResponseReturnValue:
    """Keep the settings."""
    challenge, form = challenge_or_404(slug), PlanForm()
    if not form.validate_on_submit():
        return _settings(challenge, plan_form=form), 422
    actions.set_plan(db.session, challenge, form.settings(challenge.zone), by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The settings are saved.")
    return redirect(url_for("selection.review_settings", slug=slug))


@blueprint.post("/staff/<slug>/review/rubric")
@only(Role.LEAD)
def save_rubric(slug: str) -> ResponseReturnValue:
    """Keep the rubric; scores follow at once."""
    challenge, form = challenge_or_404(slug), RubricForm()
    if not form.validate_on_submit():
        return _settings(challenge, lines=form), 422
    try:
        actions.set_rubric(db.session, challenge, form.lines_told(), by=current_account().id, at=clock.now())
    except Invalid as problem:
        db.session.rollback()
        form.form_errors.extend(problem.messages.values())
        return _settings(challenge, lines=form), 422
    db.session.commit()
    flash("The rubric is saved, and every score by it.")
    return redirect(url_for("selection.review_settings", slug=slug, _anchor="rubric"))


@blueprint.get("/staff/<slug>/review/reviewers")
@only(Role.LEAD)
def reviewers(slug: str) -> ResponseReturnValue:
    """Who reads what, how far they are, and how they score."""
    return _reviewers(challenge_or_404(slug))


def _reviewers(challenge: Challenge, form: ReviewersForm | None = None) -> str:
    plan = plans.plan_of(db.session, challenge.id)
    loads = queries.loads(db.session, challenge, plan, clock.now())
    return render_template(
        "selection/reviewers.html", challenge=challenge, plan=plan, loads=loads, form=form or reviewers_form(loads),
        proposal=assigning.propose(db.session, challenge, plan),
        compared=queries.calibration(db.session, challenge.id),
    )  # fmt: skip


@blueprint.post("/staff/<slug>/review/reviewers")
@only(Role.LEAD)
def save_reviewers(slug: str) -> ResponseReturnValue:
    """Keep where reviewers work and how many they read."""
    challenge, form = challenge_or_404(slug), ReviewersForm()
    if not form.validate_on_submit():
        return _reviewers(challenge, form), 422
    actions.set_reviewers(db.session, challenge, form.terms(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Saved. Conflicts of interest that follow from it are noted.")
    return redirect(url_for("selection.reviewers", slug=slug))


@blueprint.post("/staff/<slug>/review/assign")
@only(Role.LEAD)
def assign(slug: str) -> ResponseReturnValue:
    """Give every application the readers that it lacks."""
    challenge = challenge_or_404(slug)
    made = assigning.assign(db.session, challenge, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"Assigned: {len(made.pairs):,} reviews of {made.applications:,} applications.")
    return redirect(url_for("selection.reviewers", slug=slug))


@blueprint.post("/staff/<slug>/review/reviewers/<int:account_id>/hand-on")
@only(Role.LEAD)
def hand_on(slug: str, account_id: int) -> ResponseReturnValue:
    """What somebody has not read goes to the others."""
    challenge = challenge_or_404(slug)
    taken, made = assigning.hand_on(db.session, challenge, account_id, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"Taken back: {taken:,}. Given to others: {len(made.pairs):,}.")
    return redirect(url_for("selection.reviewers", slug=slug))


@blueprint.post("/staff/<slug>/review/fit")
@only(Role.LEAD)
def fit(slug: str) -> ResponseReturnValue:
    """Estimate anew how harsh everybody is, now."""
    challenge = challenge_or_404(slug)
    number = scores.fit(db.session, challenge, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"The scores of {number:,} applications are adjusted anew.")
    return redirect(url_for("selection.reviewers", slug=slug))


@blueprint.post("/staff/<slug>/applications/<int:application_id>/calibration")
@only(Role.LEAD)
def calibrate(slug: str, application_id: int) -> ResponseReturnValue:
    """Let every reviewer read this application, or no longer."""
    challenge = challenge_or_404(slug)
    application = applications.application(db.session, challenge.id, application_id)
    if application.account_id == current_account().id:
        raise Forbidden("This is your own application.")
    assigning.set_calibration(
        db.session,
        challenge,
        [application.id],
        request.form.get("wanted") != "no",
        by=current_account().id,
        at=clock.now(),
    )
    db.session.commit()
    flash("Every reviewer reads it." if application.calibration else "It is an application like any other again.")
    return redirect(url_for("selection.application", slug=slug, application_id=application_id))
