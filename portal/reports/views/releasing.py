"""What triagers say of one report's fix: the release that it is planned for, and the builds."""

from typing import Any

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.reports import states
from portal.reports.actions import releases as actions
from portal.reports.forms import BuildsForm, PlanForm
from portal.reports.models import Report
from portal.reports.queries import builds as found
from portal.reports.queries import releases, reports
from portal.reports.views import blueprint


def panels(challenge: Challenge, report: Report) -> dict[str, Any]:
    """The forms of both panels on the page of a report."""
    may_plan = report.state in states.FIX.sources
    return {
        "builds_form": _builds_form(challenge, report),
        "plan_form": _plan_form(challenge, report) if may_plan else None,
    }


def _builds_form(challenge: Challenge, report: Report) -> BuildsForm:
    listed = found.listed(db.session, challenge.id)
    return BuildsForm.of(listed, report.reproduced_on_id, found.findings(db.session, report))


def _plan_form(challenge: Challenge, report: Report) -> PlanForm:
    coming = [each for each in releases.of_challenge(db.session, challenge.id) if each.released_on is None]
    return PlanForm.of([(each.id, each.name) for each in reversed(coming)], report.release_id)


@blueprint.post("/staff/<slug>/reports/<ref>/builds")
@only(Role.TRIAGER)
def builds(slug: str, ref: str) -> ResponseReturnValue:
    """Say on which build it was reproduced, and which are affected."""
    challenge = challenge_or_404(slug)
    report = reports.of_challenge(db.session, challenge.id, ref)
    form = _builds_form(challenge, report)
    if form.validate_on_submit():
        seen_on = int(form.reproduced_on.data) if form.reproduced_on.data else None
        by, at = current_account().id, clock.now()
        actions.say_builds(db.session, report, seen_on, form.findings(), by=by, at=at)
        db.session.commit()
        flash("What was found on the builds is saved.")
    else:
        flash("Choose builds from the list.", "error")
    return redirect(url_for("reports.staff_show", slug=slug, ref=ref) + "#builds")


@blueprint.post("/staff/<slug>/reports/<ref>/plan")
@only(Role.TRIAGER)
def plan_fix(slug: str, ref: str) -> ResponseReturnValue:
    """Plan the fix for a release that is not out yet."""
    challenge = challenge_or_404(slug)
    report = reports.of_challenge(db.session, challenge.id, ref)
    form = _plan_form(challenge, report)
    if form.validate_on_submit():
        release = releases.one(db.session, challenge.id, int(form.release.data)) if form.release.data else None
        actions.tie(db.session, report, release, by=current_account().id, at=clock.now())
        db.session.commit()
        flash(f"Planned for {release.name}." if release else "Planned for no release.")
    else:
        flash("Choose a release that is not out yet.", "error")
    return redirect(url_for("reports.staff_show", slug=slug, ref=ref) + "#planned")
