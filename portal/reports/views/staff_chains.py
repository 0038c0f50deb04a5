"""Triagers draw up the chain of a report and decide on each link; and what looks alike."""

from collections.abc import Sequence

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, NotFound
from portal.core.forms import Form
from portal.core.moves import Move, move_named, open_moves
from portal.reports import rules, states
from portal.reports.actions import links as actions
from portal.reports.forms import AllowLaterForm, LinkForm, OrderForm, SplitForm, VerdictForm
from portal.reports.models import KnownIssue, Report, ReportLink
from portal.reports.queries import known, links, reports
from portal.reports.queries.apart import is_impartial
from portal.reports.states import LinkState
from portal.reports.views import blueprint
from portal.reports.views.chains import drawn


def _report(slug: str, ref: str) -> tuple[Challenge, Report]:
    challenge = challenge_or_404(slug)
    return challenge, reports.of_challenge(db.session, challenge.id, ref)


@blueprint.get("/staff/<slug>/reports/<ref>/chain")
@only(Role.TRIAGER)
def chain(slug: str, ref: str) -> ResponseReturnValue:
    """The chain of a report: its links, each with its decision."""
    return chain_page(*_report(slug, ref))


def chain_page(
    challenge: Challenge, report: Report, tried: tuple[str, Form] | None = None, status: int = 200
) -> ResponseReturnValue:
    """The page, with the form that was tried and did not fit, under its key."""
    shown = drawn(report, reader=current_account().id)
    steps, held = _steps(report, shown.links)
    forms: dict[str, Form] = {"add": LinkForm(formdata=None)}
    # Empty forms look the same for every link.
    provable = known.proving(db.session, report)
    verdict, split = _verdict_form(challenge, provable, bound=False), SplitForm(formdata=None)
    for link in shown.links:
        forms |= {f"edit-{link.number}": LinkForm(formdata=None, obj=link), f"split-{link.number}": split}
        forms |= {f"{step.name}-{link.number}": verdict for step in steps[link.number]}
    if tried:
        forms[tried[0]] = tried[1]
    numbers = [link.number for link in shown.links]
    page = render_template(
        "reports/chain.html", challenge=challenge, report=report, chain=shown, steps=steps, held=held, forms=forms,
        tried=tried[0] if tried else None, decides=report.state in states.LINKS_DECIDED,
        earlier_orders=_swapped(numbers), good=states.GOOD_LINKS,
        provable=provable,
    )  # fmt: skip
    return page, status


def _steps(report: Report, found: Sequence[ReportLink]) -> tuple[dict[int, list[Move[LinkState]]], dict[int, str]]:
    """What may be decided on each link, by its number, and why some of it may not be now."""
    steps: dict[int, list[Move[LinkState]]] = {}
    held: dict[int, str] = {}
    for link in found:
        offered = open_moves(states.LINK_MOVES, link.state, {Role.TRIAGER})
        why = {step.name: rules.against_link(report, step, link, found) for step in offered}
        steps[link.number] = [step for step in offered if not why[step.name]]
        held[link.number] = next((each for each in why.values() if each), "")
    return steps, held


def _swapped(numbers: list[int]) -> dict[int, str]:
    """For each link but the first, the order in which it stands one place earlier."""
    found = {}
    for place in range(1, len(numbers)):
        order = [*numbers[: place - 1], numbers[place], numbers[place - 1], *numbers[place + 1 :]]
        found[numbers[place]] = " ".join(str(number) for number in order)
    return found


def _verdict_form(challenge: Challenge, issues: Sequence[KnownIssue], *, bound: bool) -> VerdictForm:
    form = VerdictForm() if bound else VerdictForm(formdata=None)
    form.achieved.choices = {"": "None", **{str(each.id): f"{each.code} {each.title}" for each in challenge.scenarios}}
    form.known_issue.choices = {"": "Choose", **{str(each.number): each.reference for each in issues}}
    if bound:
        form.issue = next((each for each in issues if str(each.number) == form.known_issue.data), None)
        named = form.named()
        try:
            form.first = links.target(db.session, challenge.id, *named, reader=current_account().id) if named else None
        except NotFound:
            form.first = None
    return form


def _done(slug: str, ref: str, told: str) -> ResponseReturnValue:
    db.session.commit()
    flash(told)
    return redirect(url_for("reports.chain", slug=slug, ref=ref))


@blueprint.post("/staff/<slug>/reports/<ref>/chain/add")
@only(Role.TRIAGER)
def add_link(slug: str, ref: str) -> ResponseReturnValue:
    """Add a link at the end of the chain."""
    challenge, report = _report(slug, ref)
    form = LinkForm()
    if not form.validate_on_submit():
        return chain_page(challenge, report, ("add", form), 422)
    actions.add_links(db.session, report, [form.text()], by=current_account().id, at=clock.now())
    return _done(slug, ref, "The link is added.")


@blueprint.post("/staff/<slug>/reports/<ref>/chain/<int:number>/edit")
@only(Role.TRIAGER)
def edit_link(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """Write a link's words anew."""
    challenge, report = _report(slug, ref)
    link, form = links.numbered(db.session, report.id, number), LinkForm()
    if not form.validate_on_submit():
        return chain_page(challenge, report, (f"edit-{number}", form), 422)
    actions.edit_link(db.session, report, link, form.text(), by=current_account().id, at=clock.now())
    return _done(slug, ref, f"Link {number} is saved.")


@blueprint.post("/staff/<slug>/reports/<ref>/chain/<int:number>/split")
@only(Role.TRIAGER)
def split_link(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """Make two links of one."""
    challenge, report = _report(slug, ref)
    link, form = links.numbered(db.session, report.id, number), SplitForm()
    if not form.validate_on_submit():
        return chain_page(challenge, report, (f"split-{number}", form), 422)
    second = form.second()
    actions.split_link(db.session, report, link, second, second.assumes, by=current_account().id, at=clock.now())
    return _done(slug, ref, f"Link {number} is two links now.")


@blueprint.post("/staff/<slug>/reports/<ref>/chain/order")
@only(Role.TRIAGER)
def order_links(slug: str, ref: str) -> ResponseReturnValue:
    """Put the links in another order."""
    _, report = _report(slug, ref)
    form = OrderForm()
    if not form.validate_on_submit():
        raise Invalid({"order": "Name each link once."})
    actions.order_links(db.session, report, form.numbers(), by=current_account().id, at=clock.now())
    return _done(slug, ref, "The order is saved.")


@blueprint.post("/staff/<slug>/reports/<ref>/chain/<int:number>/remove")
@only(Role.TRIAGER)
def remove_link(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """Take a link out of the chain."""
    _, report = _report(slug, ref)
    link = links.numbered(db.session, report.id, number)
    actions.remove_link(db.session, report, link, by=current_account().id, at=clock.now())
    return _done(slug, ref, f"Link {number} is taken out.")


@blueprint.post("/staff/<slug>/reports/<ref>/chain/<int:number>/<name>")
@only(Role.TRIAGER)
def decide_link(slug: str, ref: str, number: int, name: str) -> ResponseReturnValue:
    """Decide on one link by itself."""
    challenge, report = _report(slug, ref)
    link, step = links.numbered(db.session, report.id, number), move_named(states.LINK_MOVES, name)
    form = _verdict_form(challenge, known.proving(db.session, report), bound=True)
    if not form.check(step):
        return chain_page(challenge, report, (f"{name}-{number}", form), 422)
    actions.decide_link(db.session, report, link, step, form.verdict(), by=current_account().id, at=clock.now())
    return _done(slug, ref, f"Link {number}: {step.target.replace('_', ' ')}.")


@blueprint.get("/staff/<slug>/reports/<ref>/similar")
@only(Role.TRIAGER)
def similar(slug: str, ref: str) -> ResponseReturnValue:
    """Other reports that look alike, from what is in clear."""
    challenge, report = _report(slug, ref)
    found = links.similar(db.session, report, reader=current_account().id)
    return render_template("reports/similar.html", challenge=challenge, report=report, found=found)


@blueprint.post("/staff/<slug>/reports/<ref>/reconsider")
@only(Role.TRIAGER)
def reconsider(slug: str, ref: str) -> ResponseReturnValue:
    """Look again at a duplicate whose first fell away."""
    _, report = _report(slug, ref)
    actions.reconsider(db.session, report, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{ref} is looked at again.")
    return redirect(url_for("reports.staff_show", slug=slug, ref=ref))


@blueprint.get("/staff/<slug>/duplicates")
@only(Role.TRIAGER, Role.LEAD)
def duplicates(slug: str) -> ResponseReturnValue:
    """Duplicates whose first report fell away, and what a lead may allow."""
    return _duplicates_page(challenge_or_404(slug), AllowLaterForm(formdata=None))


def _duplicates_page(challenge: Challenge, form: AllowLaterForm, status: int = 200) -> ResponseReturnValue:
    impartial = is_impartial(db.session, challenge.id, current_account().id)
    rows = links.adrift(db.session, challenge.id) if impartial else []
    page = render_template(
        "reports/duplicates.html", challenge=challenge, reports=rows, form=form, impartial=impartial,
        roles_here=my_roles(challenge.slug),
    )  # fmt: skip
    return page, status


@blueprint.post("/staff/<slug>/duplicates")
@only(Role.LEAD)
def allow_later(slug: str) -> ResponseReturnValue:
    """Let a report be a duplicate of one that arrived later, with a reason."""
    challenge, form = challenge_or_404(slug), AllowLaterForm()
    if not form.validate_on_submit():
        return _duplicates_page(challenge, form, 422)
    report, first = (
        reports.of_others(db.session, challenge.id, (named.data or "").upper(), reader=current_account().id)
        for named in (form.report, form.first)
    )
    actions.allow_later(db.session, report, first, form.reason.data or "", by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{report.ref} may be called a duplicate of {first.ref}.")
    return redirect(url_for("reports.duplicates", slug=slug))
