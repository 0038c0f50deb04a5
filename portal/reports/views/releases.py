"""The releases of the product, with the reports that each fixes."""

from datetime import date
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.reports.actions import releases as actions
from portal.reports.forms import PublishForm, ReleaseForm
from portal.reports.models import Release, Report
from portal.reports.queries import releases as found
from portal.reports.queries.apart import is_impartial
from portal.reports.rules import days_to_fix
from portal.reports.views import blueprint
from portal.reports.views.apart import impartial

BASE = "/staff/<slug>/releases"
# What the fix of a report may take at most, as everybody was promised.
SLOW = 30


class Shown(NamedTuple):
    """A release as the page shows it, with its reports and the days from arrival to release of each that is fixed."""

    release: Release
    rows: list[tuple[Report, int | None]]
    median: float | None


@blueprint.get(BASE)
@only(Role.TRIAGER, Role.LEAD)
def releases(slug: str) -> ResponseReturnValue:
    """Every release with its reports."""
    return _page(challenge_or_404(slug), ReleaseForm(formdata=None))


def _page(challenge: Challenge, form: ReleaseForm) -> str:
    me = current_account().id
    tied = found.reports_by_release(db.session, challenge.id, reader=me)
    shown = [
        _shown(each, tied.get(each.id, []), challenge.zone) for each in found.of_challenge(db.session, challenge.id)
    ]
    today = clock.now().astimezone(ZoneInfo(challenge.zone)).date()
    days = [took for each in shown for _, took in each.rows if took is not None]
    return render_template(
        "reports/releases.html", challenge=challenge, shown=shown, form=form, slow=SLOW, today=today,
        median=median(days) if days else None, fixed=len(days), late=sum(took > SLOW for took in days),
        may_read=Role.TRIAGER in my_roles(challenge.slug),
        publish_form=PublishForm(formdata=None, released_on=today),
        publishes=is_impartial(db.session, challenge.id, me),
    )  # fmt: skip


def _shown(release: Release, tied: list[Report], zone: str) -> Shown:
    rows = [(report, days_to_fix(report, zone)) for report in tied]
    days = [took for _, took in rows if took is not None]
    return Shown(release, rows, median(days) if days else None)


@blueprint.post(BASE)
@only(Role.TRIAGER, Role.LEAD)
def plan_release(slug: str) -> ResponseReturnValue:
    """Announce a release."""
    challenge, form = challenge_or_404(slug), ReleaseForm()
    if not form.validate_on_submit():
        return _page(challenge, form), 422
    made = actions.plan(
        db.session, challenge, form.name.data or "", _day(form.planned_on.data), form.notes.data or "",
        by=current_account().id, at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    flash(f"{made.name} is planned. Tie reports to it on their pages.")
    return redirect(url_for("reports.releases", slug=slug))


def _day(day: date | None) -> date:
    assert day is not None
    return day


@blueprint.route(f"{BASE}/<int:release_id>", methods=["GET", "POST"])
@only(Role.TRIAGER, Role.LEAD)
def change_release(slug: str, release_id: int) -> ResponseReturnValue:
    """Change the day or the notes of a release."""
    challenge = challenge_or_404(slug)
    release = found.one(db.session, challenge.id, release_id)
    form = ReleaseForm(name=release.name, planned_on=release.planned_on, notes=release.notes)
    if not form.validate_on_submit():
        page = render_template("reports/release.html", challenge=challenge, release=release, form=form)
        return page, 422 if form.is_submitted() else 200
    day, notes = _day(form.planned_on.data), form.notes.data or ""
    actions.change(db.session, challenge, release, day, notes, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{release.name} is saved.")
    return redirect(url_for("reports.releases", slug=slug))


@blueprint.post(f"{BASE}/<int:release_id>/publish")
@only(Role.TRIAGER, Role.LEAD)
@impartial("Releases to publish")
def publish_release(slug: str, release_id: int) -> ResponseReturnValue:
    """Say that a release is out; its reports are fixed with it."""
    challenge = challenge_or_404(slug)
    release = found.one(db.session, challenge.id, release_id)
    form = PublishForm()
    if not form.validate_on_submit():
        flash("Say on which day it was released.", "error")
        return redirect(url_for("reports.releases", slug=slug))
    day, by = _day(form.released_on.data), current_account().id
    try:
        done, left = actions.publish(db.session, challenge, release, day, by=by, at=clock.now())
    except Invalid as problem:
        db.session.rollback()
        flash(problem.messages["released_on"], "error")
        return redirect(url_for("reports.releases", slug=slug))
    db.session.commit()
    flash(f"{release.name} is out. Fixed with it: {', '.join(done) or 'nothing'}.")
    for sentence in left:
        flash(sentence, "error")
    return redirect(url_for("reports.releases", slug=slug))
