"""The open capabilities, for everybody; what assumes and gives them, for triagers."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import everyone, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, NotFound
from portal.reports.actions import capabilities as actions
from portal.reports.forms import CapabilityForm, JoinForm, RelateForm, named_first
from portal.reports.queries import capabilities, links, reports
from portal.reports.views import blueprint, shapes

shapes.SAID.update({
    "assumes": "It assumes a capability of the list", "gives": "It gives a capability of the list",
    "join": "Goes together with another report",
})  # fmt: skip


@blueprint.get("/challenges/<slug>/capabilities")
@everyone
def open_capabilities(slug: str) -> ResponseReturnValue:
    """What a report may assume."""
    challenge = challenge_or_404(slug)
    found = capabilities.all_of(db.session, challenge.id)
    return render_template("reports/capabilities.html", challenge=challenge, found=found)


@blueprint.get("/staff/<slug>/capabilities")
@only(Role.TRIAGER)
def staff_capabilities(slug: str) -> ResponseReturnValue:
    """Who assumes and who gives what, and what could go together."""
    challenge = challenge_or_404(slug)
    return _page(challenge, _capability_form(challenge, bound=False), _relate_form(challenge, bound=False))


def _capability_form(challenge: Challenge, *, bound: bool) -> CapabilityForm:
    form = CapabilityForm() if bound else CapabilityForm(formdata=None)
    form.scenario.choices = {"": "None", **{str(each.id): f"{each.code} {each.title}" for each in challenge.scenarios}}
    return form


def _relate_form(challenge: Challenge, *, bound: bool) -> RelateForm:
    form = RelateForm() if bound else RelateForm(formdata=None)
    found = capabilities.all_of(db.session, challenge.id)
    form.capability.choices = {each.code: f"{each.code}: {each.words}" for each in found}
    return form


def _page(challenge: Challenge, form: CapabilityForm, relate: RelateForm, status: int = 200) -> ResponseReturnValue:
    me = current_account().id
    joined = capabilities.joined(db.session, challenge.id, reader=me)
    pairs = {(each.giving_id, each.assuming_id) for each in joined}
    places = capabilities.places(db.session, challenge.id, reader=me)
    page = render_template(
        "reports/staff_capabilities.html", challenge=challenge, places=places, joined=joined, form=form, relate=relate,
        offers=[(place.capability, *pair) for place in places for pair in place.offers(pairs)],
    )  # fmt: skip
    return page, status


def _done(slug: str, told: str) -> ResponseReturnValue:
    db.session.commit()
    flash(told)
    return redirect(url_for("reports.staff_capabilities", slug=slug))


@blueprint.post("/staff/<slug>/capabilities")
@only(Role.TRIAGER)
def add_capability(slug: str) -> ResponseReturnValue:
    """Put one on the list."""
    challenge = challenge_or_404(slug)
    form = _capability_form(challenge, bound=True)
    if not form.validate_on_submit():
        return _page(challenge, form, _relate_form(challenge, bound=False), 422)
    scenario = int(form.scenario.data) if form.scenario.data else None
    code, words = form.code.data or "", form.words.data or ""
    actions.add(db.session, challenge, code, words, scenario, by=current_account().id, at=clock.now())
    return _done(slug, f"{code} is on the list.")


@blueprint.post("/staff/<slug>/capabilities/relate")
@only(Role.TRIAGER)
def relate_capability(slug: str) -> ResponseReturnValue:
    """Say that a report assumes one, or that a link gives one."""
    challenge = challenge_or_404(slug)
    form = _relate_form(challenge, bound=True)
    named = named_first(form.report.data or "")
    if form.validate_on_submit() and (named is None or (form.how.data == "gives") != (named[1] is not None)):
        form.report.errors = ["A report assumes, a link gives: R-0007 or R-0007/2."]
    if form.errors or named is None:
        return _page(challenge, _capability_form(challenge, bound=False), form, 422)
    try:
        report, link = links.target(db.session, challenge.id, *named, reader=current_account().id)
    except NotFound:
        form.report.errors = ["There is no such report or link."]
        return _page(challenge, _capability_form(challenge, bound=False), form, 422)
    found, by, at = capabilities.one(db.session, challenge.id, form.capability.data), current_account().id, clock.now()
    if link:
        actions.give(db.session, report, link, found, by=by, at=at)
    else:
        actions.assume(db.session, report, found, by=by, at=at)
    return _done(slug, f"{report.ref} {form.how.data} {found.code}.")


@blueprint.post("/staff/<slug>/capabilities/join")
@only(Role.TRIAGER)
def join_reports(slug: str) -> ResponseReturnValue:
    """Let two reports go together."""
    challenge, form = challenge_or_404(slug), JoinForm()
    if not form.validate_on_submit():
        raise Invalid({"giving": "Name both reports and the capability."})
    giving, assuming = (
        reports.of_others(db.session, challenge.id, each.data or "", reader=current_account().id)
        for each in (form.giving, form.assuming)
    )
    found = capabilities.one(db.session, challenge.id, form.capability.data or "")
    actions.join(db.session, giving, assuming, found, by=current_account().id, at=clock.now())
    return _done(slug, f"{giving.ref} and {assuming.ref} go together.")
