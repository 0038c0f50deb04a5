"""What the lead sets: texts, dates, scenarios, the agreement."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges import actions, queries
from portal.challenges.access import challenge_or_404
from portal.challenges.forms import AgreementForm, OutlineForm, ScenarioForm
from portal.challenges.models import Challenge
from portal.challenges.states import ScenarioKind
from portal.challenges.views import blueprint
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid


@blueprint.route("/staff/<slug>/settings", methods=["GET", "POST"])
@only(Role.LEAD, Role.ADMIN)
def settings(slug: str) -> ResponseReturnValue:
    """Texts, dates and places of the challenge; the ways to its scenarios and agreement."""
    challenge = challenge_or_404(slug)
    form = OutlineForm.of(challenge)
    if not form.validate_on_submit():
        return _settings(challenge, form), 422 if form.is_submitted() else 200
    try:
        told = actions.change_challenge(db.session, challenge, form.outline(), by=current_account().id, at=clock.now())
    except Invalid as problem:
        db.session.rollback()
        for name, words in problem.messages.items():
            form[name].errors = [words]
        return _settings(challenge, form), 422
    db.session.commit()
    flash(" ".join(["Saved.", *told]))
    return redirect(url_for("challenges.settings", slug=slug))


def _settings(challenge: Challenge, form: OutlineForm) -> str:
    agreement = queries.current_agreement(db.session, challenge.id)
    return render_template("challenges/settings.html", challenge=challenge, form=form, agreement=agreement)


@blueprint.route("/staff/<slug>/settings/agreement", methods=["GET", "POST"])
@only(Role.LEAD, Role.ADMIN)
def publish_agreement(slug: str) -> ResponseReturnValue:
    """The text in force, and the next version of it."""
    challenge = challenge_or_404(slug)
    agreement = queries.current_agreement(db.session, challenge.id)
    form = AgreementForm(obj=agreement)
    if not form.validate_on_submit():
        page = render_template("challenges/publish.html", challenge=challenge, form=form, agreement=agreement)
        return page, 422 if form.is_submitted() else 200
    made = actions.publish_agreement(
        db.session, challenge, title=form.title.data or "", body=form.body.data or "", by=current_account().id,
        at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    flash(f"Version {made.version} is in force; everybody is told.")
    return redirect(url_for("challenges.settings", slug=slug))


@blueprint.route("/staff/<slug>/settings/scenarios/new", methods=["GET", "POST"])
@only(Role.LEAD, Role.ADMIN)
def new_scenario(slug: str) -> ResponseReturnValue:
    """One more thing that can be achieved."""
    challenge, form = challenge_or_404(slug), ScenarioForm()
    if not form.validate_on_submit():
        page = render_template("challenges/scenario.html", challenge=challenge, form=form, scenario=None)
        return page, 422 if form.is_submitted() else 200
    actions.add_scenario(
        db.session, challenge, code=form.code.data or "", title=form.title.data or "",
        kind=ScenarioKind(form.kind.data), reward=form.reward.data or "", by=current_account().id, at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    flash(f"Scenario {form.code.data} is added.")
    return redirect(url_for("challenges.settings", slug=slug))


@blueprint.route("/staff/<slug>/settings/scenarios/<int:scenario_id>", methods=["GET", "POST"])
@only(Role.LEAD, Role.ADMIN)
def scenario(slug: str, scenario_id: int) -> ResponseReturnValue:
    """Say a scenario better."""
    challenge = challenge_or_404(slug)
    found = queries.scenario_of(db.session, challenge, scenario_id)
    form = ScenarioForm(obj=found)
    del form.code
    if not form.validate_on_submit():
        page = render_template("challenges/scenario.html", challenge=challenge, form=form, scenario=found)
        return page, 422 if form.is_submitted() else 200
    actions.change_scenario(
        db.session, found, title=form.title.data or "", kind=ScenarioKind(form.kind.data),
        reward=form.reward.data or "", by=current_account().id, at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    flash(f"Scenario {found.code} is saved.")
    return redirect(url_for("challenges.settings", slug=slug))
