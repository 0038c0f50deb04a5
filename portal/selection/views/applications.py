"""One application, whole: what it tells, what reviewers say, what the lead may do."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.applications import queries as applications
from portal.applications import rules as application_rules
from portal.applications.models import Application
from portal.applications.states import Decision
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Forbidden
from portal.core.moves import move_named, open_moves
from portal.selection import rules, supply
from portal.selection.actions import decisions
from portal.selection.actions.kits import OPEN
from portal.selection.forms import DECISIONS, DecideForm, ReviewForm, StepForm, form_for
from portal.selection.forms.kits import NeedForm
from portal.selection.models import Review
from portal.selection.queries import plan as plans
from portal.selection.queries import reviewing
from portal.selection.queries import triage as firsts
from portal.selection.rules.blind import is_blind, masked
from portal.selection.rules.scores import is_calibrated
from portal.selection.rules.triage import card_of
from portal.selection.views.blueprint import blueprint


def _others_or_403(challenge: Challenge, application_id: int) -> Application:
    """An application of the challenge that is not one's own."""
    found = applications.application(db.session, challenge.id, application_id)
    if found.account_id == current_account().id:
        raise Forbidden("This is your own application. Others read it.")
    return found


@blueprint.get("/staff/<slug>/applications/<int:application_id>")
@only(Role.LEAD, Role.REVIEWER)
def application(slug: str, application_id: int) -> ResponseReturnValue:
    """The whole application. Others' reviews show after one's own; the lead sees all."""
    challenge = challenge_or_404(slug)
    found = _others_or_403(challenge, application_id)
    return _page(challenge, found)


def _page(challenge: Challenge, found: Application, wrong: str = "", wrong_form: StepForm | None = None) -> str:
    roles, me = my_roles(challenge.slug), current_account().id
    plan, lead = plans.plan_of(db.session, challenge.id), Role.LEAD in roles
    own, blind = reviewing.own_review(db.session, found.id, me), is_blind(plan, roles)
    return render_template(
        "selection/application.html", challenge=challenge, application=found, own=own, lead=lead, me=me, blind=blind,
        form=_own_form(challenge, own), plan=plan, told=reviewing.told(db.session, found.id, me) if lead or own else [],
        card=card_of(found, firsts.questions(db.session, challenge.id), blind=blind),
        labels={row.id: row.label for row in plans.all_criteria(db.session, challenge.id)},
        known=plans.reviewers(db.session, challenge.id), is_calibrated=is_calibrated,
        shown=lambda text: masked(text, found) if blind else text,
        closed=rules.why_not_review(found, me), conflict=reviewing.conflict(db.session, found, me),
        countries=application_rules.COUNTRIES, wrong=wrong,
        ships=supply.shipping(db.session, challenge.id).to(found.country, found.needs_kit) if lead else "",
        meant=[name for name, decision in DECISIONS.items() if _can_mean(found, decision)] if lead else [],
        steps=[
            (step, wrong_form if wrong_form and step.name == wrong else StepForm(formdata=None).belong_to(step.name))
            for step in open_moves(decisions.SINGLE_STEPS, found.state, roles)
        ],
        wrong_form=wrong_form, need_form=_need_form(found) if lead else None,
        timeline=application_rules.timeline(
            applications.steps(db.session, found.id), applications.revisions(db.session, found.id), for_staff=not blind
        ),
    )  # fmt: skip


def _own_form(challenge: Challenge, own: Review | None) -> ReviewForm:
    """What I said, to be said again; empty before the first time."""
    kind = form_for(plans.rubric(db.session, challenge.id))
    form = kind(formdata=None)
    if own:
        form.show(reviewing.opinion_of(db.session, own))
    return form


def _need_form(found: Application) -> NeedForm | None:
    """A form to say who needs no kit, where a place can still come of the application."""
    if found.state not in OPEN:
        return None
    form = NeedForm(formdata=None)
    form.reason.id = form.reason.label.field_id = "need-reason"
    return form


def _can_mean(found: Application, decision: Decision | None) -> bool:
    if decision is None:
        return found.pending_decision is not None and found.wave_id is None
    return rules.may_mean(found, decision)


@blueprint.post("/staff/<slug>/applications/<int:application_id>/decision")
@only(Role.LEAD)
def decide_one(slug: str, application_id: int) -> ResponseReturnValue:
    """Note what shall be answered to this application."""
    challenge, form = challenge_or_404(slug), DecideForm()
    found = _others_or_403(challenge, application_id)
    if form.validate_on_submit():
        told = decisions.mean(db.session, challenge, [found.id], form.chosen(), by=current_account().id, at=clock.now())
        db.session.commit()
        flash("Noted. Nobody is told before a wave is released." if told.changed else "Nothing was changed.")
    return redirect(url_for("selection.application", slug=slug, application_id=application_id))


@blueprint.post("/staff/<slug>/applications/<int:application_id>/steps/<name>")
@only(Role.LEAD)
def step(slug: str, application_id: int, name: str) -> ResponseReturnValue:
    """Disqualify, reinstate, rescind, invite again."""
    challenge, form = challenge_or_404(slug), StepForm()
    found, taken = _others_or_403(challenge, application_id), move_named(decisions.SINGLE_STEPS, name)
    form.belong_to(name)
    if not form.validate_on_submit():
        return _page(challenge, found, name, form), 422
    at, me = clock.now(), current_account().id
    missing = decisions.missing(db.session, found, taken, form.given(challenge.zone), at)
    if missing:
        form.complain(missing)
        return _page(challenge, found, name, form), 422
    decisions.take_step(db.session, found, taken, form.given(challenge.zone), by=me, at=at)
    db.session.commit()
    flash(f"Done: {taken.label.lower()}.")
    return redirect(url_for("selection.application", slug=slug, application_id=application_id))
