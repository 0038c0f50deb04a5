"""Clocks as leads set them, and how prompt the team was."""

from datetime import datetime
from typing import NamedTuple

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.web.answers import csv_response
from portal.reports import rules
from portal.reports.actions import clocks as actions
from portal.reports.forms import ClocksForm
from portal.reports.forms.clocks import SAYS
from portal.reports.queries import clocks as found
from portal.reports.views import blueprint

BASE = "/staff/<slug>/reports"


class Change(NamedTuple):
    """A clock that would run out at another time."""

    ref: str
    before: datetime | None
    after: datetime
    becomes_late: bool
    is_saved: bool


@blueprint.route(f"{BASE}/clocks", methods=["GET", "POST"])
@only(Role.TRIAGER, Role.LEAD)
def clocks(slug: str) -> ResponseReturnValue:
    """What the challenge has promised. A POST shows what other settings would change, and changes nothing."""
    challenge = challenge_or_404(slug)
    form = ClocksForm.of(found.settings(db.session, challenge))
    if request.method == "POST" and form.validate():
        return _page(challenge, form, _changes(challenge, form))
    return _page(challenge, form, None), 422 if form.is_submitted() else 200


def _page(challenge: Challenge, form: ClocksForm, changes: list[Change] | None) -> str:
    may_set = Role.LEAD in my_roles(challenge.slug)
    return render_template(
        "reports/clocks.html", challenge=challenge, form=form, changes=changes, may_set=may_set, says=SAYS
    )


def _changes(challenge: Challenge, form: ClocksForm) -> list[Change]:
    at = clock.now()
    calendar = form.settings(challenge.zone).calendar
    timed = found.retimed(db.session, challenge.id, calendar, at, reader=current_account().id)
    return [
        Change(
            report.ref, report.due_at, timing.due_at,
            becomes_late=timing.due_at < at and not (report.due_at and report.due_at < at),
            is_saved=timing.due_at >= at and bool(report.due_at and report.due_at < at),
        )
        for report, timing in timed
        if report.due_at != timing.due_at
    ]  # fmt: skip


@blueprint.post(f"{BASE}/clocks/set")
@only(Role.LEAD)
def set_clocks(slug: str) -> ResponseReturnValue:
    """Set them; every clock that runs is counted anew."""
    challenge = challenge_or_404(slug)
    form = ClocksForm.of(found.settings(db.session, challenge))
    if not form.validate_on_submit():
        return _page(challenge, form, None), 422
    wanted = form.settings(challenge.zone)
    actions.set_clocks(db.session, challenge, wanted, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Saved. Every clock that runs is counted anew.")
    return redirect(url_for("reports.clocks", slug=slug))


@blueprint.get(f"{BASE}/promptness")
@only(Role.TRIAGER, Role.LEAD)
def promptness(slug: str) -> ResponseReturnValue:
    """How long answers took, and how many came in time."""
    challenge = challenge_or_404(slug)
    groups: dict[str, list[rules.Line]] = {}
    for line in _lines(challenge):
        if line.total or line.severity == "all":
            groups.setdefault(SAYS[line.clock], []).append(line)
    return render_template("reports/promptness.html", challenge=challenge, groups=groups)


def _lines(challenge: Challenge) -> list[rules.Line]:
    calendar = found.calendar(db.session, challenge)
    courses = found.courses(db.session, challenge.id, clock.now(), reader=current_account().id)
    return rules.lines(courses, calendar)


@blueprint.get(f"{BASE}/promptness.csv")
@only(Role.TRIAGER, Role.LEAD)
def promptness_csv(slug: str) -> ResponseReturnValue:
    """The same as a table."""
    header = ("clock", "severity", "reports", "median_days", "percentile_90_days", "in_time")
    return csv_response(f"{slug}-promptness.csv", header, _lines(challenge_or_404(slug)))
