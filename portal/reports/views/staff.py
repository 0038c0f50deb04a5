"""The triagers' page of a report: moves, assignment, assessment, notes."""

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.moves import move_named, open_moves
from portal.reports import rules, states
from portal.reports.actions import triage
from portal.reports.forms import AssessForm, AssignForm, MoveForm, NoteForm, SendForm
from portal.reports.models import Report, ReportEvent
from portal.reports.queries import reports
from portal.reports.queries import uploads as files
from portal.reports.queries.apart import is_impartial, judges
from portal.reports.states import ReportState, Severity, Side
from portal.reports.views import blueprint, chains, releasing, shapes, threads, upstream
from portal.reports.views.disclosing import panel


@blueprint.get("/staff/<slug>/reports/<ref>")
@only(Role.TRIAGER)
def staff_show(slug: str, ref: str) -> ResponseReturnValue:
    """One report, for triagers: everything but its content, which only their own machines can open."""
    challenge = challenge_or_404(slug)
    return staff_page(challenge, reports.of_challenge(db.session, challenge.id, ref))


def staff_page(
    challenge: Challenge, report: Report, *, tried: MoveForm | None = None,
    assess_form: AssessForm | None = None, sealed_form: SendForm | None = None,
) -> str:  # fmt: skip
    """The page, with what was tried and did not fit, if any, and what happened since the person saw it."""
    at, me, events = clock.now(), current_account().id, events_for(report, current_account().id)
    seen = events[-1].id if events else 0
    drawn = chains.shown(report, reader=me)
    firsts = not drawn["chain"].kept
    return render_template(
        "reports/staff_show.html",
        challenge=challenge,
        report=report,
        clock=rules.clock_of(report, at),
        waited=shapes.waited(rules.paused(report, at)),
        uploads=files.of_report(db.session, report.id),
        again=reports.sealed_again(db.session, report) if report.state is ReportState.UNREADABLE else None,
        entries=shapes.entries(events, names=True, firsts=firsts),
        seen=seen,
        meanwhile=shapes.entries(_since(events, tried), names=True, firsts=firsts),
        notes=reports.notes(db.session, report),
        tried=tried,
        tried_step=move_named(states.MOVES, tried.move.data or "").label if tried else None,
        **_steps(report, drawn["chain"], tried),
        assign_form=_assign_form(report),
        assess_form=assess_form or _assess_form(challenge, report),
        scored=rules.scored(report.cvss) if report.cvss else None,
        **releasing.panels(challenge, report),
        note_form=NoteForm(formdata=None),
        thread=threads.for_team(challenge, report),
        sealed_form=sealed_form or SendForm(formdata=None),
        **drawn,
        **upstream.shown(report, team=True, kept=drawn["chain"].kept),
        disclosure_panel=panel(challenge, report, Side.TEAM, clock.now()),
    )


def _steps(report: Report, chain: chains.Drawn, tried: MoveForm | None) -> dict[str, Any]:
    """What the person who looks may do next, each with its form; why some is not possible now, or is for others."""
    me, offered = current_account().id, open_moves(states.MOVES, report.state, {Role.TRIAGER})
    allowed = [step for step in offered if not rules.judged_before(report, step, me)]
    steps, held = chains.offered(allowed, chain)
    named = {step.name: MoveForm(formdata=None, move=step.name).offer(step) for step in steps}
    if tried:
        named[tried.move.data or ""] = tried
    pairs = [(step, named[step.name]) for step in steps]
    return {"steps": pairs, "held": held, "other_eyes": len(allowed) < len(offered)}


def _since(events: Sequence[ReportEvent], tried: MoveForm | None) -> list[ReportEvent]:
    """What came after the newest event that somebody had before them who tried a step."""
    seen = (tried.seen.data or "") if tried else ""
    return [each for each in events if each.id > int(seen)] if seen.isascii() and seen.isdigit() else []


def overtaken(report: Report, tried: MoveForm, reader: int) -> bool:
    """Whether something has happened to the report since the person who tries a step saw it."""
    return bool(_since(events_for(report, reader), tried))


def events_for(report: Report, reader: int) -> Sequence[ReportEvent]:
    """The timeline as a triager sees it."""
    impartial = is_impartial(db.session, report.challenge_id, reader)
    return reports.events(db.session, report, told_only=False, impartial=impartial)


def find_duplicate(form: MoveForm, challenge_id: int, reader: int) -> None:
    """Look up the report that a form names as the first one; an unknown one, or one's own, counts as none."""
    ref = (form.duplicate_of.data or "").upper()
    if not ref:
        return
    try:
        form.duplicate_of_id = reports.of_others(db.session, challenge_id, ref, reader=reader).id
    except NotFound:
        form.duplicate_of.data = ""


def _assign_form(report: Report) -> AssignForm:
    form = AssignForm(assignee=str(report.assignee_id or ""))
    people = judges(db.session, Role.TRIAGER, report)
    form.assignee.choices = {"": "Nobody", **{str(each.id): each.name or each.email for each in people}}
    return form


def _assess_form(challenge: Challenge, report: Report) -> AssessForm:
    form = AssessForm(
        severity=report.severity.value if report.severity else "",
        achieved=str(report.achieved_scenario_id or ""),
        led_to_improvement=report.led_to_improvement,
        cvss=report.cvss or "",
    )
    scenarios = {str(each.id): f"{each.code} {each.title}" for each in challenge.scenarios}
    form.achieved.choices = {"": "None", **scenarios}
    return form


@blueprint.post("/staff/<slug>/reports/<ref>/assign")
@only(Role.TRIAGER)
def assign(slug: str, ref: str) -> ResponseReturnValue:
    """Make a triager responsible."""
    challenge = challenge_or_404(slug)
    report = reports.of_challenge(db.session, challenge.id, ref)
    form = _assign_form(report)
    if not form.validate_on_submit():
        return staff_page(challenge, report), 422
    chosen = int(form.assignee.data) if form.assignee.data else None
    word = form.hand_over.data or ""
    triage.assign(db.session, report, chosen, by=current_account().id, at=clock.now(), hand_over=word)
    db.session.commit()
    flash(f"{ref} is assigned." if chosen else f"Nobody is responsible for {ref} now.")
    return redirect(url_for("reports.staff_show", slug=slug, ref=ref))


@blueprint.post("/staff/<slug>/reports/<ref>/assess")
@only(Role.TRIAGER)
def assess(slug: str, ref: str) -> ResponseReturnValue:
    """Set severity, scenario achieved, improvement."""
    challenge = challenge_or_404(slug)
    report = reports.of_challenge(db.session, challenge.id, ref)
    form = _assess_form(challenge, report)
    if not form.validate_on_submit():
        return staff_page(challenge, report, assess_form=form), 422
    triage.assess(
        db.session,
        report,
        severity=Severity(form.severity.data) if form.severity.data else None,
        achieved_scenario_id=int(form.achieved.data) if form.achieved.data else None,
        led_to_improvement=bool(form.led_to_improvement.data),
        cvss=form.cvss.data or "",
        by=current_account().id,
        at=clock.now(),
    )
    db.session.commit()
    flash("The assessment is saved.")
    return redirect(url_for("reports.staff_show", slug=slug, ref=ref))


@blueprint.post("/staff/<slug>/reports/<ref>/notes")
@only(Role.TRIAGER)
def add_note(slug: str, ref: str) -> ResponseReturnValue:
    """Write something for the other triagers."""
    challenge = challenge_or_404(slug)
    report = reports.of_challenge(db.session, challenge.id, ref)
    form = NoteForm()
    if not form.validate_on_submit():
        return staff_page(challenge, report), 422
    triage.add_note(db.session, report, form.text.data or "", by=current_account().id, at=clock.now())
    db.session.commit()
    return redirect(url_for("reports.staff_show", slug=slug, ref=ref) + "#notes")
