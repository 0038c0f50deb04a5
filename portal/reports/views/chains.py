"""The links of a chain on the pages of its report, and the researcher's part in drawing it up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import signed_in
from portal.challenges.access import member_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, NotFound
from portal.core.moves import Move
from portal.reports import commitments, priority, rules, states
from portal.reports.actions import links as actions
from portal.reports.forms import LinkForm
from portal.reports.models import Report, ReportLink
from portal.reports.queries import capabilities, known, links, reports
from portal.reports.queries.apart import is_impartial
from portal.reports.states import ReportState
from portal.reports.views import blueprint, shapes
from portal.reports.views.who import signer

shapes.SAID.update(
    {
        "link-add": "Added to the chain",
        "link-remove": "Taken out of the chain",
        "link-confirm": "A link is confirmed",
        "link-fix": "A link is fixed",
        "link-duplicate": "A link is a duplicate",
        "link-known": "A link was known",
        "link-by-design": "A link is by design",
        "link-not-reproducible": "A link could not be reproduced",
        "link-out-of-scope": "A link is out of scope",
        "link-reopen": "A link is looked at again",
        "allow-later": "The lead allows a duplicate of a later report",
        "reconsider": "Looked at again: what was first fell away",
    }
)


class Earlier(NamedTuple):
    """That another report was first. `ref` is told to the team, and to those whose report that is too."""

    ref: str | None
    received_at: datetime
    receipt: str
    link: int | None


class Drawn(NamedTuple):
    """A chain as a page shows it: its links, what became of them in one sentence, and who was earlier by link.

    The whole report's earlier one stands under None. To a triager who takes part in the challenge none is told: then
    some are `kept` from them, or none are.
    """

    links: Sequence[ReportLink]
    sentence: str
    earlier: dict[int | None, Earlier]
    changes: bool
    kept: bool = False


def drawn(report: Report, *, reader: int | None = None) -> Drawn:
    """The chain of a report for a triager who reads it, or for its researcher."""
    found, team = links.of_report(db.session, report.id), reader is not None
    kept = reader is not None and not is_impartial(db.session, report.challenge_id, reader)
    earlier = {} if kept else _earlier(report, found, team=team)
    return Drawn(found, rules.in_part(report, found), earlier, report.state in states.DRAWN_UP, kept)


def _earlier(report: Report, found: Sequence[ReportLink], *, team: bool) -> dict[int | None, Earlier]:
    firsts: dict[int | None, tuple[Report, int | None]] = {}
    if report.duplicate_of:
        firsts[None] = (report.duplicate_of, None)
    for link in found:
        if link.duplicate_of:
            firsts[link.number] = (link.duplicate_of, link.duplicate_link.number if link.duplicate_link else None)
    receipts = links.receipts_of(db.session, {first.id for first, _ in firsts.values()})
    earlier = {}
    for key, (first, number) in firsts.items():
        receipt = receipts.get(first.id)
        if receipt and first.received_at:
            told = team or first.participant_id == report.participant_id
            earlier[key] = Earlier(
                first.ref if told else None, first.received_at, priority.receipt_hash(receipt), number if told else None
            )
    return earlier


# Why a step of the whole report is not offered now, by its label.
Held = list[tuple[str, str]]


def offered(steps: Sequence[Move[ReportState]], chain: Drawn) -> tuple[list[Move[ReportState]], Held]:
    """Those of the steps that agree with the links, and the others with why they do not."""
    why = {step.name: rules.against_whole(step, chain.links) for step in steps}
    return [step for step in steps if not why[step.name]], [(s.label, why[s.name]) for s in steps if why[s.name]]


def shown(report: Report, *, reader: int | None = None) -> dict[str, Any]:
    """What the panels of a report's page show: its chain, and the known issues that were revealed for it.

    `reader` is the triager who looks; without one it is for the researcher.
    """
    chain = drawn(report, reader=reader)
    adrift = bool(report.duplicate_of and report.duplicate_of.state in states.FALLEN and not chain.kept)
    provable = known.proving(db.session, report) if reader and report.state in states.KNOWN.sources else []
    return {
        "chain": chain, "link_form": LinkForm(formdata=None), "adrift": adrift,
        "joined": capabilities.with_report(db.session, report, reader=reader),
        "issues": known.shown_to(db.session, report), "recipe": commitments.recipe, "provable": provable,
        "listed": known.listed_for(db.session, report),
    }  # fmt: skip


def _own(slug: str, ref: str) -> tuple[Report, int]:
    member = member_or_404(slug)
    return reports.own(db.session, member.participant_id, ref), member.account_id


@blueprint.post("/challenges/<slug>/reports/<ref>/links")
@signed_in
def propose_link(slug: str, ref: str) -> ResponseReturnValue:
    """Add a link to the chain of one's own report."""
    report, by = _own(slug, ref)
    form = LinkForm()
    if not form.validate_on_submit():
        raise Invalid({name: str(messages[0]) for name, messages in form.errors.items() if name})
    actions.add_links(db.session, report, [form.text()], by=by, at=clock.now())
    db.session.commit()
    flash(f"The link is part of {ref}.")
    return redirect(url_for("reports.show", slug=slug, ref=ref) + "#chain")


@blueprint.post("/challenges/<slug>/reports/<ref>/links/<int:number>/remove")
@signed_in
def withdraw_link(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """Take a link out of the chain of one's own report, before anybody has decided on it."""
    report, by = _own(slug, ref)
    actions.remove_link(db.session, report, links.numbered(db.session, report.id, number), by=by, at=clock.now())
    db.session.commit()
    flash(f"Link {number} is not part of {ref} any more.")
    return redirect(url_for("reports.show", slug=slug, ref=ref) + "#chain")


@blueprint.get("/challenges/<slug>/reports/<ref>/earlier.<any(json, sig):form>")
@signed_in
def earlier(slug: str, ref: str, form: str) -> ResponseReturnValue:
    """The signed statement that another report was earlier; ?link= for that of one link."""
    report, _ = _own(slug, ref)
    number = request.args.get("link", type=int)
    link = links.numbered(db.session, report.id, number) if number else None
    first = link.duplicate_of_id if link else report.duplicate_of_id if report.state is ReportState.DUPLICATE else None
    receipt = links.receipt_of(db.session, first) if first else None
    if receipt is None:
        raise NotFound("statement")
    made = priority.statement(signer(), report, number, receipt)
    kind = "application/json" if form == "json" else "application/octet-stream"
    response = Response(made.body if form == "json" else made.signature, mimetype=kind)
    name = f"{ref}-{f'link-{number}-' if number else ''}earlier.{form}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
