"""Cases at other parties, for triagers; and what a researcher says about passing a report on."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, NotFound
from portal.core.forms import Form
from portal.core.moves import move_named, open_moves
from portal.reports import rules, states
from portal.reports.actions import upstream as actions
from portal.reports.forms import (
    CaseForm,
    CaseStepForm,
    CaseTextForm,
    PassingOnForm,
    RemarkForm,
    SubjectForm,
    named_first,
)
from portal.reports.models import Report, UpstreamCase
from portal.reports.queries import links, reports, upstream
from portal.reports.views import blueprint, shapes
from portal.reports.views.apart import impartial

shapes.SAID.update({
    "passing-on": "May be passed on to another party", "no-passing-on": "Is not to be passed on",
})  # fmt: skip
SAID = {
    "open": "Begun", "subject": "It is about", "write": "Written anew", "report": "Reported to them",
    "acknowledge": "They have acknowledged it", "fixing": "They are fixing it", "fixed": "They have fixed it",
    "refuse": "They will not fix it", "heard": "They said", "note": "Note", "tell": "Told to the researcher",
}  # fmt: skip


def shown(report: Report, *, team: bool, kept: bool = False) -> dict[str, Any]:
    """What the panel on a report's page shows; cases are `kept` from a triager who takes part in the challenge."""
    said = upstream.consents(db.session, [report.id]).get(report.id)
    form = PassingOnForm(formdata=None, allowed=("yes" if said.allowed else "no") if said else None)
    form.credit.data = said.credit if said else ""
    cases = () if kept else upstream.of_report(db.session, report, told_only=not team)
    return {"cases": cases, "passing_on": said, "passing_form": form}


@blueprint.get("/staff/<slug>/upstream")
@only(Role.TRIAGER)
@impartial("Cases at other parties")
def cases(slug: str) -> ResponseReturnValue:
    """Every case, with what waits on top."""
    challenge = challenge_or_404(slug)
    return _cases_page(challenge, _case_form(bound=False))


def _case_form(*, bound: bool) -> CaseForm:
    form = CaseForm() if bound else CaseForm(formdata=None)
    form.party.choices = {"": "A new one", **{str(each.id): each.name for each in upstream.parties(db.session)}}
    return form


def _cases_page(challenge: Challenge, form: CaseForm, status: int = 200) -> ResponseReturnValue:
    at = clock.now()
    found = upstream.cases(db.session, challenge.id)
    quiet = {case.number: since for case in found if (since := rules.quiet_since(case, at))}
    ending = {case.number for case in found if rules.ends_soon(case, at)}
    found = sorted(found, key=lambda case: (case.number not in quiet, case.number not in ending, -case.number))
    page = render_template(
        "reports/upstream.html", challenge=challenge, cases=found, quiet=quiet, ending=ending, form=form
    )
    return page, status


@blueprint.post("/staff/<slug>/upstream")
@only(Role.TRIAGER)
@impartial("Cases at other parties")
def open_case(slug: str) -> ResponseReturnValue:
    """Begin a case, at a party that is known or a new one."""
    challenge, form = challenge_or_404(slug), _case_form(bound=True)
    if not form.validate_on_submit():
        return _cases_page(challenge, form, 422)
    by, at = current_account().id, clock.now()
    party = next((each for each in upstream.parties(db.session) if str(each.id) == form.party.data), None)
    if party is None:
        named = (form.name.data or "", form.contact.data or "", form.page.data or "")
        party = actions.add_party(db.session, *named, by=by, at=at)
    made = actions.open_case(db.session, challenge, party, form.title.data or "", by=by, at=at)
    db.session.commit()
    return redirect(url_for("reports.case", slug=slug, number=made.number))


@blueprint.get("/staff/<slug>/upstream/<int:number>")
@only(Role.TRIAGER)
@impartial("Cases at other parties")
def case(slug: str, number: int) -> ResponseReturnValue:
    """One case."""
    challenge = challenge_or_404(slug)
    return _case_page(challenge, upstream.case(db.session, challenge.id, number))


def _case_page(
    challenge: Challenge, found: UpstreamCase, tried: tuple[str, Form] | None = None, status: int = 200
) -> ResponseReturnValue:
    forms: dict[str, Form] = {
        "text": CaseTextForm.of(found, challenge.zone), "subject": SubjectForm(formdata=None),
        "remark": RemarkForm(formdata=None),
    }  # fmt: skip
    steps = open_moves(states.UPSTREAM_MOVES, found.state, {Role.TRIAGER})
    forms |= {step.name: CaseStepForm(formdata=None, move=step.name) for step in steps}
    if tried:
        forms[tried[0]] = tried[1]
    entries = [
        shapes.Entry(event.at, SAID.get(event.what, event.what), event.text, event.actor.name if event.actor else None)
        for event in reversed(found.events)
    ]
    page = render_template(
        "reports/upstream_case.html", challenge=challenge, case=found, forms=forms, steps=steps, entries=entries,
        tried=tried[0] if tried else None, quiet=rules.quiet_since(found, clock.now()),
        consents=upstream.consents(db.session, [subject.report_id for subject in found.subjects]),
    )  # fmt: skip
    return page, status


def _done(slug: str, number: int, told: str) -> ResponseReturnValue:
    db.session.commit()
    flash(told)
    return redirect(url_for("reports.case", slug=slug, number=number))


@blueprint.post("/staff/<slug>/upstream/<int:number>/text")
@only(Role.TRIAGER)
@impartial("Cases at other parties")
def write_case(slug: str, number: int) -> ResponseReturnValue:
    """Write anew what is known of a case."""
    challenge = challenge_or_404(slug)
    found, form = upstream.case(db.session, challenge.id, number), CaseTextForm()
    if not form.validate_on_submit():
        return _case_page(challenge, found, ("text", form), 422)
    actions.write(db.session, found, form.text(), by=current_account().id, at=clock.now())
    return _done(slug, number, f"{found.reference} is saved.")


@blueprint.post("/staff/<slug>/upstream/<int:number>/subjects")
@only(Role.TRIAGER)
@impartial("Cases at other parties")
def add_subject(slug: str, number: int) -> ResponseReturnValue:
    """Say which report a case is about."""
    challenge = challenge_or_404(slug)
    found, form = upstream.case(db.session, challenge.id, number), SubjectForm()
    named = named_first(form.report.data or "")
    if not form.validate_on_submit() or named is None:
        form.report.errors = form.report.errors or ["Name a report, or a link of it: R-0007 or R-0007/2."]
        return _case_page(challenge, found, ("subject", form), 422)
    try:
        report, link = links.target(db.session, challenge.id, *named, reader=current_account().id)
    except NotFound:
        form.report.errors = ["There is no such report."]
        return _case_page(challenge, found, ("subject", form), 422)
    actions.add_subject(db.session, found, report, link, by=current_account().id, at=clock.now())
    return _done(slug, number, f"{found.reference} is about {report.ref}.")


@blueprint.post("/staff/<slug>/upstream/<int:number>/step")
@only(Role.TRIAGER)
@impartial("Cases at other parties")
def step_case(slug: str, number: int) -> ResponseReturnValue:
    """Take a step of a case."""
    challenge = challenge_or_404(slug)
    found, form = upstream.case(db.session, challenge.id, number), CaseStepForm()
    step = move_named(states.UPSTREAM_MOVES, form.move.data or "")
    if not form.validate_on_submit():
        return _case_page(challenge, found, (step.name, form), 422)
    said = (form.note.data or "", form.fixed_in.data or "")
    try:
        actions.step(db.session, found, step, *said, by=current_account().id, at=clock.now())
    except Invalid as problem:
        for name, message in problem.messages.items():
            form[name].errors = [message]
        return _case_page(challenge, found, (step.name, form), 422)
    return _done(slug, number, f"{found.reference} is {found.state}.")


@blueprint.post("/staff/<slug>/upstream/<int:number>/notes")
@only(Role.TRIAGER)
@impartial("Cases at other parties")
def remark_case(slug: str, number: int) -> ResponseReturnValue:
    """Write something about a case."""
    challenge = challenge_or_404(slug)
    found, form = upstream.case(db.session, challenge.id, number), RemarkForm()
    if not form.validate_on_submit():
        return _case_page(challenge, found, ("remark", form), 422)
    text, heard = form.text.data or "", bool(form.heard.data)
    actions.remark(db.session, found, text, heard=heard, by=current_account().id, at=clock.now())
    return _done(slug, number, "The note is added.")


@blueprint.post("/staff/<slug>/upstream/<int:number>/tell")
@only(Role.TRIAGER)
@impartial("Cases at other parties")
def tell_case(slug: str, number: int) -> ResponseReturnValue:
    """Show the case to the researchers."""
    challenge = challenge_or_404(slug)
    found = upstream.case(db.session, challenge.id, number)
    actions.tell(db.session, found, by=current_account().id, at=clock.now())
    return _done(slug, number, "The researchers see the case on the pages of their reports.")


@blueprint.post("/challenges/<slug>/reports/<ref>/passing-on")
@signed_in
def pass_on(slug: str, ref: str) -> ResponseReturnValue:
    """Say whether one's report may be passed on."""
    member = member_or_404(slug)
    report, form = reports.own(db.session, member.participant_id, ref), PassingOnForm()
    if not form.validate_on_submit():
        raise Invalid({name: str(messages[0]) for name, messages in form.errors.items() if name})
    actions.say_passing_on(
        db.session, report, allowed=form.allowed.data == "yes", credit=form.credit.data or "", by=member.account_id,
        at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    flash("Saved.")
    return redirect(url_for("reports.show", slug=slug, ref=ref) + "#upstream")
