"""Awards over HTTP: proposing, deciding, paying, and a participant's own."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only, signed_in
from portal.accounts.states import Role
from portal.awards import actions, queries, states
from portal.awards.forms import ProposeForm, RulesBase, StepForm, rules_form
from portal.awards.models import Award
from portal.awards.rules import Working, offered
from portal.awards.states import Quality, Reason
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge, Scenario
from portal.challenges.states import ScenarioKind
from portal.core import clock
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.moves import move_named, open_moves
from portal.core.web import csv_response
from portal.reports.models import Report
from portal.reports.queries import reports

blueprint = Blueprint("awards", __name__)

# What a line of an award's timeline says.
SAID = {
    "awards:propose": "Proposed",
    "awards:approve": "Approved",
    "awards:reject": "Rejected",
    "awards:withdraw": "Proposal withdrawn",
    "awards:pay": "Paid",
    "awards:fail": "Payment failed",
    "awards:donate": "Donated",
    "awards:refuse": "Refused by the researcher",
    "awards:supersede": "A correction stands in its place",
}


@blueprint.get("/challenges/<slug>/awards")
@signed_in
def mine(slug: str) -> ResponseReturnValue:
    """What a participant has been awarded."""
    member = member_or_404(slug)
    awards = queries.for_participant(db.session, member.participant_id)
    return render_template("awards/mine.html", challenge=member.participant.challenge, awards=awards)


@blueprint.get("/staff/<slug>/awards")
@only(Role.TRIAGER, Role.LEAD, Role.FINANCE)
def index(slug: str) -> ResponseReturnValue:
    """The awards: what waits for the person who looks, or one state, or all; with their sums."""
    challenge, roles, me = challenge_or_404(slug), my_roles(slug), current_account().id
    state, after = request.args.get("state", ""), request.args.get("after")
    return render_template(
        "awards/index.html",
        challenge=challenge,
        page=queries.awards(db.session, challenge.id, roles, state, after, account_id=me),
        waiting=queries.waiting(db.session, challenge.id, me, roles),
        totals=queries.totals(db.session, challenge.id, roles),
    )


@blueprint.get("/staff/<slug>/awards.csv")
@only(Role.LEAD, Role.FINANCE)
def download(slug: str) -> ResponseReturnValue:
    """The awards that the list shows, for finance. It tells nothing of the reports."""
    challenge = challenge_or_404(slug)
    found = queries.all_awards(db.session, challenge.id, my_roles(slug), request.args.get("state") or "all")
    header = (
        "award", "report", "participant", "base", "uplift_percent", "amount", "currency", "state", "since",
        "approved_at", "payment_reference", "paid_at", "corrects",
    )  # fmt: skip
    rows = (
        (
            award.reference, award.report.ref, award.participant.name, f"{award.base:.2f}", award.uplift_percent,
            f"{award.amount:.2f}", award.currency, award.state, award.state_since, award.approved_at,
            award.payment_reference, award.paid_at, f"A-{award.corrects_id}" if award.corrects_id else "",
        )
        for award in found
    )  # fmt: skip
    return csv_response(f"{slug}-awards.csv", header, rows)


def _workings(report: Report) -> tuple[dict[Quality, Working], str]:
    """What each quality would give, and why nothing does."""
    found: dict[Quality, Working] = {}
    why_not = ""
    for quality in Quality:
        try:
            found[quality] = actions.work_out(db.session, report, quality)[1]
        except Refused as refusal:
            why_not = refusal.reason
    return found, "" if found else why_not


@blueprint.route("/staff/<slug>/awards/new", methods=["GET", "POST"])
@only(Role.TRIAGER)
def new(slug: str) -> ResponseReturnValue:
    """Propose an award for ?report=REF, with the calculator beside it."""
    challenge = challenge_or_404(slug)
    report = reports.of_challenge(db.session, challenge.id, request.args.get("report", ""))
    form = ProposeForm()
    if form.validate_on_submit():
        award = actions.propose(
            db.session, report, Quality(form.quality.data), Reason(form.reason.data), form.note.data or "",
            by=current_account().id, at=clock.now(),
        )  # fmt: skip
        db.session.commit()
        flash(f"{award.reference} is proposed. Somebody else approves it.")
        return redirect(url_for("awards.show", slug=slug, award_id=award.id))
    workings, why_not = _workings(report)
    page = render_template(
        "awards/propose.html", challenge=challenge, report=report, form=form, workings=workings, why_not=why_not,
        before=queries.of_report(db.session, report.id), granted=states.GRANTED,
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


class Entry(NamedTuple):
    """One line of an award's timeline."""

    at: datetime
    title: str
    detail: str | None
    actor: str | None


def _entries(history: Sequence[tuple[AuditEntry, str | None]]) -> list[Entry]:
    """What was done, with why it was done or the reference of the payment."""
    found = []
    for entry, actor in history:
        detail = entry.detail.get("reason") or entry.detail.get("after", {}).get("payment_reference")
        found.append(Entry(entry.at, SAID.get(entry.tag, entry.tag), detail, actor))
    return found


def _page(slug: str, award: Award, bound: dict[str, StepForm] | None = None, status: int = 200) -> ResponseReturnValue:
    roles, person = my_roles(slug), current_account().id
    moves = offered(open_moves(states.MOVES, award.state, roles), award.proposed_by_id, person)
    page = render_template(
        "awards/show.html",
        challenge=award.challenge,
        award=award,
        moves=moves,
        own=award.proposed_by_id == person,
        entries=_entries(queries.history(db.session, award)),
        decides=bool({Role.TRIAGER, Role.LEAD} & roles),
        forms={move.name: StepForm.of(move) for move in moves if move.needs} | (bound or {}),
    )
    return page, status


@blueprint.get("/staff/<slug>/awards/<int:award_id>")
@only(Role.TRIAGER, Role.LEAD, Role.FINANCE)
def show(slug: str, award_id: int) -> ResponseReturnValue:
    """One award with its working and what can be done with it."""
    challenge = challenge_or_404(slug)
    return _page(slug, queries.award(db.session, challenge.id, my_roles(slug), award_id))


@blueprint.post("/staff/<slug>/awards/<int:award_id>/<name>")
@only(Role.TRIAGER, Role.LEAD, Role.FINANCE)
def decide(slug: str, award_id: int, name: str) -> ResponseReturnValue:
    """Approve, reject, withdraw; or note what became of the money."""
    challenge, move = challenge_or_404(slug), move_named(states.MOVES, name)
    award = queries.award(db.session, challenge.id, my_roles(slug), award_id)
    if not move.by & my_roles(slug):
        raise Forbidden(f"“{move.label}” is for other roles than yours.")
    form = StepForm.of(move)
    if not form.validate():
        return _page(slug, award, {move.name: form}, 422)
    actions.decide(db.session, award, move, **form.given(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{award.reference} is {award.state}.")
    return redirect(url_for("awards.show", slug=slug, award_id=award.id))


@blueprint.get("/staff/<slug>/awards/rules")
@only(Role.TRIAGER, Role.LEAD, Role.FINANCE, Role.ADMIN)
def rules(slug: str) -> ResponseReturnValue:
    """The rules in force, and those before."""
    return _rules_page(challenge_or_404(slug))


def _high_priority(challenge: Challenge) -> list[Scenario]:
    """The scenarios that have amounts of their own."""
    return [scenario for scenario in challenge.scenarios if scenario.kind is ScenarioKind.HIGH_PRIORITY]


def _rules_page(challenge: Challenge, form: RulesBase | None = None, status: int = 200) -> ResponseReturnValue:
    versions = queries.all_rules(db.session, challenge.id)
    page = render_template(
        "awards/rules.html",
        challenge=challenge,
        versions=[(version, queries.table_of(version)) for version in versions],
        form=form or rules_form(_high_priority(challenge), versions[0] if versions else None),
        may_publish=bool({Role.LEAD, Role.ADMIN} & my_roles(challenge.slug)),
    )
    return page, status


@blueprint.post("/staff/<slug>/awards/rules")
@only(Role.LEAD, Role.ADMIN)
def publish_rules(slug: str) -> ResponseReturnValue:
    """Put a new version of the rules into force."""
    challenge = challenge_or_404(slug)
    form = rules_form(_high_priority(challenge), None)
    if not form.validate():
        return _rules_page(challenge, form, 422)
    made = actions.publish_rules(
        db.session, challenge, form.table(_high_priority(challenge)), by=current_account().id, at=clock.now()
    )
    db.session.commit()
    flash(f"Version {made.version} of the bounty rules is in force.")
    return redirect(url_for("awards.rules", slug=slug))
