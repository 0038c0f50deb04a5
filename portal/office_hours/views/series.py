"""Series: described, looked at eight weeks ahead, opened and changed."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.queries import holders
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.office_hours import actions, queries, rules
from portal.office_hours.actions.changes import change_series
from portal.office_hours.forms import SeriesForm
from portal.office_hours.forms.exceptions import AddSittingForm
from portal.office_hours.jobs import WEEKS_AHEAD
from portal.office_hours.models import Series
from portal.office_hours.queries.preview import Booked, Foreseen, booked_sittings, foresee, plan_of
from portal.office_hours.rules import Plan
from portal.office_hours.states import Wall
from portal.office_hours.time import Face, face, shift
from portal.office_hours.views import blueprint
from portal.office_hours.views.shapes import sender

BASE = "/staff/<slug>/office-hours"
SPAN = timedelta(weeks=WEEKS_AHEAD)


class Line(NamedTuple):
    """One session of a preview, on the clock that was chosen."""

    begin: Face
    end: Face
    wall: Wall
    shifted: str
    clashes: list[str]


@blueprint.route(f"{BASE}/series/new", methods=["GET", "POST"])
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def new_series(slug: str) -> ResponseReturnValue:
    """Describe a series and look at it; its sessions of the next weeks are made at once."""
    challenge, account, at = challenge_or_404(slug), current_account(), clock.now()
    form = SeriesForm(_hosts(slug), account.zone)
    if not form.validate_on_submit():
        return _page(challenge, form), 422 if form.is_submitted() else 200
    if _to_look_at(form.plan()):
        return _page(challenge, form, plan=form.plan())
    series = actions.create_series(db.session, challenge, form.plan(), by=account.id, at=at)
    made = actions.materialise(db.session, series.id, since=at, before=at + SPAN, at=at)
    db.session.commit()
    flash(f"“{series.title}” is open: {made} sessions in the next {WEEKS_AHEAD} weeks.", "success")
    return redirect(url_for("office_hours.staff", slug=slug))


@blueprint.route(f"{BASE}/series/<int:series_id>", methods=["GET", "POST"])
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def edit_series(slug: str, series_id: int) -> ResponseReturnValue:
    """Change a series that exists, after a look at what it then makes and at what is booked already."""
    challenge, account, at = challenge_or_404(slug), current_account(), clock.now()
    series = queries.one_series(db.session, challenge.id, series_id)
    plan = plan_of(db.session, series)
    form = SeriesForm(_hosts(slug), account.zone, plan)
    if not form.validate_on_submit():
        return _page(challenge, form, series=series), 422 if form.is_submitted() else 200
    if _to_look_at(form.plan()):
        return _page(challenge, form, plan=form.plan(), series=series)
    done = change_series(
        db.session, series, form.plan(), version=request.form.get("version", 0, int),
        moving=request.form.getlist("moving", int), before=at + SPAN, by=account.id, at=at, sender=sender(),
    )  # fmt: skip
    db.session.commit()
    flash(
        f"Changed. Sessions that follow the new rule: {done.made}; booked ones that stay: {done.left}, "
        f"that were moved along: {done.moved}.",
        "success",
    )
    return redirect(url_for("office_hours.staff", slug=slug))


@blueprint.route(f"{BASE}/series/<int:series_id>/add", methods=["GET", "POST"])
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def add_sitting(slug: str, series_id: int) -> ResponseReturnValue:
    """Add one session outside of the rule."""
    challenge = challenge_or_404(slug)
    series = queries.one_series(db.session, challenge.id, series_id)
    form = AddSittingForm()
    if not form.validate_on_submit():
        page = render_template("office_hours/add_sitting.html", challenge=challenge, series=series, form=form)
        return page, 422 if form.is_submitted() else 200
    made = actions.add_sitting(
        db.session, series, form.local(), by=current_account().id, at=clock.now(), scope=challenge.slug
    )
    db.session.commit()
    flash("Added. Participants can book it as soon as its series allows.", "success")
    return redirect(url_for("office_hours.sitting", slug=slug, sitting_id=made.id))


def _mark(plan: Plan) -> str:
    """By which a plan is known again."""
    return hashlib.sha256(repr(plan).encode()).hexdigest()


def _to_look_at(plan: Plan) -> bool:
    """Whether the plan is to be shown first: that is asked for, or it is not the one that was shown."""
    return request.form.get("verb") == "preview" or request.form.get("seen", _mark(plan)) != _mark(plan)


def _hosts(slug: str) -> dict[int, str]:
    return {host.id: host.name or host.email for host in holders(db.session, Role.HOST, slug)}


def _page(challenge: Challenge, form: SeriesForm, *, plan: Plan | None = None, series: Series | None = None) -> str:
    at, zone = clock.now(), form.preview_zone.data or current_account().zone
    booked: list[Booked] = []
    lines: list[Line] = []
    if plan is not None:
        try:
            actions.check_plan(db.session, challenge, plan)
            lines = _lines(foresee(db.session, plan, at, series.id if series else None), plan, zone)
        except Invalid as faults:
            form.form_errors.extend(faults.messages.values())
            plan = None
        booked = booked_sittings(db.session, series.id, at) if series else []
    return render_template(
        "office_hours/series.html", challenge=challenge, form=form, plan=plan, series=series, lines=lines,
        booked=booked, zone=zone,
        seen=_mark(plan) if plan else "", unseen=plan is not None and request.form.get("verb") != "preview",
    )  # fmt: skip


def _lines(found: Sequence[Foreseen], plan: Plan, zone: str) -> list[Line]:
    return [
        Line(
            face(one.occurrence.starts_at, zone, plan.rule.zone), face(one.ends_at, zone, plan.rule.zone),
            one.occurrence.wall, _shifted(one, plan, zone), one.clashes,
        )
        for one in found
    ]  # fmt: skip


def _shifted(one: Foreseen, plan: Plan, zone: str) -> str:
    by = shift(one.occurrence.recurrence_local, plan.rule.zone, zone)
    if not by:
        return ""
    return f"{rules.length(abs(by))} {'later' if by > timedelta() else 'earlier'} than usual there"
