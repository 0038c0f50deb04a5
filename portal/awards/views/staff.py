"""Proposing awards and deciding on them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.awards import actions, queries, states
from portal.awards.forms import PaymentForm, ProposeForm, StepForm, VoidForm, propose_form
from portal.awards.models import Award, Payment
from portal.awards.rules import ROUNDING, Working, changed, lost, offered
from portal.awards.rules.people import CONFLICT
from portal.awards.states import AwardState, Quality
from portal.awards.views import blueprint
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Forbidden, Invalid, NotFound, Refused
from portal.core.moves import move_named, open_moves
from portal.core.web import csv_response
from portal.reports.models import Report
from portal.reports.queries import reports
from portal.reports.states import GOOD_LINKS, Severity

# What a line of an award's timeline says.
SAID = {
    "awards:propose": "Proposed",
    "awards:approve": "Approved",
    "awards:return": "Sent back",
    "awards:reject": "Rejected",
    "awards:withdraw": "Proposal withdrawn",
    "awards:revise": "Proposed again",
    "awards:supersede": "Another entry stands in its place",
    "awards:payment-send": "Sent",
    "awards:payment-pay": "Paid",
    "awards:payment-fail": "Payment failed",
    "awards:payment-retry": "Payment due again",
    "awards:payment-donate": "Donated",
    "awards:payment-refuse": "Refused by the researcher",
    "awards:payment-cancel": "Payment cancelled by a correction",
    # As they were told when an award had one payment.
    "awards:pay": "Paid",
    "awards:fail": "Payment failed",
    "awards:donate": "Donated",
    "awards:refuse": "Refused by the researcher",
}
CSV_HEADER = (
    "award", "report", "part", "participant", "entry", "base", "uplift_percent", "amount", "change", "currency",
    "state", "since", "approved_at", "corrects", "rules_version",
)  # fmt: skip


@blueprint.get("/staff/<slug>/awards")
@only(Role.TRIAGER, Role.LEAD, Role.FINANCE)
def index(slug: str) -> ResponseReturnValue:
    """The awards: what waits for the person who looks, or one state, or all; with their sums."""
    challenge, roles, me = challenge_or_404(slug), my_roles(slug), current_account().id
    state, after = request.args.get("state", ""), request.args.get("after")
    return render_template(
        "awards/index.html",
        challenge=challenge,
        page=queries.awards(db.session, challenge.id, roles, state, after, reader=me),
        waiting=queries.waiting(db.session, challenge.id, me, roles),
        totals=queries.totals(db.session, challenge.id, roles, reader=me),
    )


@blueprint.get("/staff/<slug>/awards.csv")
@only(Role.LEAD, Role.FINANCE)
def download(slug: str) -> ResponseReturnValue:
    """The entries that the list shows. It tells nothing of what the reports are about."""
    challenge, state = challenge_or_404(slug), request.args.get("state") or "all"
    found = queries.all_awards(db.session, challenge.id, my_roles(slug), state, reader=current_account().id)
    rows = (
        (
            award.reference, award.report.ref, award.part, award.participant.name, award.kind, f"{award.base:.2f}",
            award.uplift_percent, f"{award.amount:.2f}", f"{award.change:.2f}", award.currency, award.state,
            award.state_since, award.approved_at, f"A-{award.corrects_id}" if award.corrects_id else "",
            award.rules.version,
        )
        for award in found
    )  # fmt: skip
    return csv_response(f"{slug}-awards.csv", CSV_HEADER, rows)


def _barrier(report: Report, part: str, entries: Sequence[Award]) -> str:
    """Why the person who looks can propose nothing for a report or a part of it; empty where they can."""
    conflict = queries.conflict_of(db.session, report.participant_id, current_account().id)
    if conflict:
        return CONFLICT.format(why=conflict)
    waits = next((each for each in entries if each.state is AwardState.PROPOSED and each.part == part), None)
    return f"{waits.reference} waits for a second person already. It is decided, or withdrawn, first." if waits else ""


def _workings(report: Report, part: str, severity: Severity | None) -> tuple[dict[Quality, Working], str, int | None]:
    """What each quality would give, why nothing does, and the version of the rules."""
    found: dict[Quality, Working] = {}
    why_not, version = "", None
    for quality in Quality:
        try:
            held, working = actions.work_out(db.session, report, quality, at=clock.now(), part=part, severity=severity)
        except Refused as refusal:
            why_not = refusal.reason
        else:
            found[quality], version = working, held.version
    return found, "" if found else why_not, version


def _propose_page(report: Report, form: ProposeForm, status: int) -> ResponseReturnValue:
    part, severity = form.part.data or "", form.severity.data or ""
    workings, why_not, version = _workings(report, part, Severity(severity) if severity in list(Severity) else None)
    entries = queries.of_report(db.session, report.id)
    why_not = _barrier(report, part, entries) or why_not
    links = queries.links_of(db.session, report.id)
    own = links[part].severity if part in links else None
    chain = queries.chain_of(db.session, report, my_roles(report.challenge.slug), reader=current_account().id)
    page = render_template(
        "awards/propose.html", challenge=report.challenge, chain=chain, report=report, form=form, workings=workings,
        links=links, why_not=why_not, version=version, rounding=ROUNDING, part=part,
        severity=severity or own or report.severity, good=GOOD_LINKS,
        stands=[award for award in entries if award.state in states.GRANTED and award.amount],
        corrects=next((award for award in entries if award.state in states.GRANTED and award.part == part), None),
        returned=[award for award in entries if award.state is AwardState.RETURNED and award.part == part],
    )  # fmt: skip
    return page, status


@blueprint.route("/staff/<slug>/awards/new", methods=["GET", "POST"])
@only(Role.TRIAGER)
def new(slug: str) -> ResponseReturnValue:
    """Propose an award for ?report=REF, perhaps for a ?part= of it, with the calculator beside it."""
    challenge = challenge_or_404(slug)
    report = reports.of_challenge(db.session, challenge.id, request.args.get("report", ""))
    if queries.takes_part(db.session, report.participant_id, current_account().id):
        raise NotFound("report")
    asked = request.form if request.method == "POST" else request.args
    part = " ".join(asked.get("part", "").split())[:60]
    severity = asked.get("severity", "")
    form = propose_form(
        queries.team(db.session, report.participant_id),
        queries.standing(db.session, report.id).get(part),
        {"part": part, "severity": severity if severity in list(Severity) else ""},
    )
    if not form.validate_on_submit():
        return _propose_page(report, form, 422 if form.is_submitted() else 200)
    try:
        award = actions.propose(db.session, report, form.proposal(), by=current_account().id, at=clock.now())
    except Invalid as problem:
        for name, message in problem.messages.items():
            form[name].errors = [message]
        return _propose_page(report, form, 422)
    db.session.commit()
    flash(f"{award.reference} is proposed. Somebody else approves it.")
    return redirect(url_for("awards.show", slug=slug, award_id=award.id))


class Line(NamedTuple):
    """One line of an award's timeline."""

    at: datetime
    title: str
    detail: str | None
    actor: str | None


def _lines(history: Sequence[tuple[AuditEntry, str | None]]) -> list[Line]:
    """What was done, the newest first, with why it was done or the reference of the payment."""
    found = []
    for entry, actor in reversed(history):
        after = entry.detail.get("after", {})
        detail = entry.detail.get("reason") or after.get("reference") or after.get("payment_reference")
        title = SAID.get(entry.tag, entry.tag)
        if entry.subject.startswith("payment:"):
            title = f"{title}, P-{entry.subject.partition(':')[2]}"
        found.append(Line(entry.at, title, detail, actor))
    return found


def payment_steps(slug: str, payments: Sequence[Payment]) -> dict[int, list[tuple[Any, PaymentForm]]]:
    """What the person who looks may do with each payment, with the forms for it."""
    roles = my_roles(slug)
    return {
        payment.id: [
            (move, PaymentForm.of(move, payment)) for move in open_moves(states.PAYMENT_MOVES, payment.state, roles)
        ]
        for payment in payments
    }


def _against(award: Award) -> str:
    """Why a proposal cannot be approved as it is; empty where it can."""
    if award.state is not AwardState.PROPOSED:
        return ""
    try:
        actions.check_approval(db.session, award)
    except Refused as refusal:
        return refusal.reason
    return ""


def award_page(
    slug: str, award: Award, bound: dict[str, StepForm] | None = None, void: VoidForm | None = None, status: int = 200
) -> ResponseReturnValue:
    """One award with its working and what can be done with it."""
    roles, person = my_roles(slug), current_account().id
    conflict = queries.conflict_of(db.session, award.participant_id, person)
    against = _against(award)
    moves = [
        move
        for move in offered(open_moves(states.MOVES, award.state, roles), award.proposed_by_id, person, conflict)
        if not (against and move is states.APPROVE)
    ]
    payments = queries.of_thread(db.session, award.report_id, award.part)
    shown = queries.visible(roles)
    entries = [each for each in queries.of_report(db.session, award.report_id) if each.part == award.part]
    page = render_template(
        "awards/show.html",
        challenge=award.challenge,
        award=award,
        moves=moves,
        own=award.proposed_by_id == person,
        conflict=conflict,
        against=against,
        chain=queries.chain_of(db.session, award.report, roles, reader=person),
        lines=_lines(queries.history(db.session, award)),
        decides=bool({Role.TRIAGER, Role.LEAD} & roles),
        forms={move.name: StepForm.of(move) for move in moves if move.needs} | (bound or {}),
        void=void or VoidForm(formdata=None),
        entries=[each for each in reversed(entries) if each.state in shown],
        payments=payments,
        steps=payment_steps(slug, payments),
        overpaid=queries.overpaid_of(db.session, award.report_id, award.part),
        rounding=ROUNDING,
        waits=next((each for each in entries if each.state is AwardState.PROPOSED), None),
        lost=lost(award),
        changed=changed(award),
    )
    return page, status


def _award(slug: str, award_id: int) -> Award:
    reader = current_account().id
    return queries.award(db.session, challenge_or_404(slug).id, my_roles(slug), award_id, reader=reader)


@blueprint.get("/staff/<slug>/awards/<int:award_id>")
@only(Role.TRIAGER, Role.LEAD, Role.FINANCE)
def show(slug: str, award_id: int) -> ResponseReturnValue:
    """One award."""
    return award_page(slug, _award(slug, award_id))


@blueprint.post("/staff/<slug>/awards/<int:award_id>/<name>")
@only(Role.TRIAGER, Role.LEAD)
def decide(slug: str, award_id: int, name: str) -> ResponseReturnValue:
    """Approve, send back, reject, withdraw."""
    award, move = _award(slug, award_id), move_named(states.MOVES, name)
    if not move.by & my_roles(slug):
        raise Forbidden(f"“{move.label}” is for other roles than yours.")
    form = StepForm.of(move)
    if not form.validate():
        return award_page(slug, award, {move.name: form}, status=422)
    actions.decide(db.session, award, move, **form.given(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{award.reference} is {award.state}.")
    return redirect(url_for("awards.show", slug=slug, award_id=award.id))


@blueprint.post("/staff/<slug>/awards/<int:award_id>/void")
@only(Role.TRIAGER)
def void(slug: str, award_id: int) -> ResponseReturnValue:
    """Propose that an award be void."""
    award, form = _award(slug, award_id), VoidForm()
    if not form.validate():
        return award_page(slug, award, void=form, status=422)
    made = actions.propose_void(db.session, award, form.because.data or "", by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{made.reference} is proposed. Somebody else approves it.")
    return redirect(url_for("awards.show", slug=slug, award_id=made.id))


@blueprint.post("/staff/<slug>/awards/<int:award_id>/conflict")
@only(Role.TRIAGER, Role.LEAD)
def declare_conflict(slug: str, award_id: int) -> ResponseReturnValue:
    """Leave this participant's awards to others."""
    award = _award(slug, award_id)
    actions.declare_conflict(db.session, award, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Noted. Somebody else decides on this participant's awards.")
    return redirect(url_for("awards.show", slug=slug, award_id=award.id))
