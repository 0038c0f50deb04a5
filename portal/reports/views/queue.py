"""The triagers' queue as a page and as a table, and giving several reports to somebody at once."""

from collections.abc import Sequence
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.web.answers import csv_response
from portal.reports import rules, states
from portal.reports.actions import assigning
from portal.reports.forms import BulkForm, SearchForm
from portal.reports.models import Report
from portal.reports.queries import queue as found
from portal.reports.queries import reports
from portal.reports.rules.searching import read_search
from portal.reports.states import ReportState
from portal.reports.views import blueprint

COLUMNS = (
    "reference", "title", "state", "since", "clock", "due", "late", "severity_claimed", "severity", "cvss", "kind",
    "capability", "scenario", "build", "build_known", "participant", "received", "acknowledged", "triaged", "decided",
    "paused_seconds", "responsible", "release", "fixed_on",
)  # fmt: skip


@blueprint.get("/staff/<slug>/reports")
@only(Role.TRIAGER)
def queue(slug: str) -> ResponseReturnValue:
    """What waits for triage: what is late on top, then what is due next."""
    challenge, at, me = challenge_or_404(slug), clock.now(), current_account().id
    search = read_search(request.args)
    page = found.page(db.session, challenge.id, search, me, at, request.args.get("after"))
    counts = found.counts(db.session, challenge.id, search, me, at)
    offered = found.choices(db.session, challenge, me)
    return render_template(
        "reports/queue.html", challenge=challenge, page=page, search=search, counts=counts, tabs=_tabs(counts.states),
        clocks={report.id: rules.clock_of(report, at) for report in page.rows}, form=SearchForm.of(search, offered),
        bulk=BulkForm.of(offered), query=_query(),
    )  # fmt: skip


def _query() -> dict[str, str]:
    """What the address says, but for the place in the list."""
    return {name: value for name, value in request.args.items() if name != "after" and value}


def _tabs(counts: dict[ReportState, int]) -> list[tuple[str, str, int]]:
    shown = [(state.value, state.value.replace("_", " "), counts[state]) for state in ReportState if counts.get(state)]
    waiting = sum(counts.get(state, 0) for state in states.OPEN)
    return [("", "waiting", waiting), *shown, ("all", "all", sum(counts.values()))]


@blueprint.get("/staff/<slug>/reports.csv")
@only(Role.TRIAGER)
def queue_csv(slug: str) -> ResponseReturnValue:
    """What the queue shows, as a table."""
    challenge, at = challenge_or_404(slug), clock.now()
    rows = found.whole(db.session, challenge.id, read_search(request.args), current_account().id, at)
    lines = [_line(report, rules.clock_of(report, at)) for report in rows]
    return csv_response(f"{slug}-reports.csv", COLUMNS, lines)


def _line(report: Report, runs: rules.Clock | None) -> Sequence[object]:
    return (
        report.ref, report.title, report.state, report.state_since, runs.label if runs else None, report.due_at,
        runs.late if runs else False, report.claimed, report.severity, report.cvss, report.kind, report.capability,
        report.scenario.code if report.scenario else None, report.build, report.build_id is not None,
        report.participant.name, report.received_at, report.acknowledged_at, report.triaged_at, report.decided_at,
        report.paused_seconds, report.assignee.email if report.assignee else None,
        report.fixed_release or (report.release.name if report.release else None), report.fixed_on,
    )  # fmt: skip


@blueprint.post("/staff/<slug>/reports/assign")
@only(Role.TRIAGER)
def assign_many(slug: str) -> ResponseReturnValue:
    """Give the selected reports, or all that the queue shows, to somebody."""
    challenge, at, me = challenge_or_404(slug), clock.now(), current_account().id
    form = BulkForm.of(found.choices(db.session, challenge, me))
    back = f"{url_for('reports.queue', slug=slug)}?{urlencode(_query())}".rstrip("?")
    if not form.validate_on_submit():
        flash("Choose one of the triagers.", "error")
        return redirect(back)
    chosen = request.form.getlist("report")
    if request.form.get("all"):
        chosen = list(found.refs(db.session, challenge.id, read_search(request.args), me, at))
    done, left = _assign(challenge, chosen, form, me)
    db.session.commit()
    flash(f"{done} of {len(chosen)} reports changed hands." if chosen else "Select some reports first.")
    for sentence in left:
        flash(sentence, "error")
    return redirect(back)


def _assign(challenge: Challenge, chosen: Sequence[str], form: BulkForm, me: int) -> tuple[int, list[str]]:
    """How many were given away, and a sentence for each that was not."""
    assignee = int(form.assignee.data) if form.assignee.data else None
    done, left = 0, []
    for report in reports.some(db.session, challenge.id, chosen, reader=me):
        try:
            done += assigning.assign(
                db.session, report, assignee, by=me, at=clock.now(), hand_over=form.hand_over.data or ""
            )
        except Refused as refusal:
            left.append(f"{report.ref}: {refusal.reason}")
    return done, left
