"""Advisories: written by the team, published by another one of it, read by everybody."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.challenges.queries.resources import builds
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, NotFound
from portal.core.moves import move_named, open_moves
from portal.reports import states
from portal.reports.actions import advisories as actions
from portal.reports.forms.advisories import AdvisoryForm, FlawForm
from portal.reports.models import Advisory, AdvisoryFlaw
from portal.reports.queries import advisories as queries
from portal.reports.queries import disclosing, published
from portal.reports.rules import advisories as rules
from portal.reports.states import AdvisoryState, Affected
from portal.reports.views import blueprint, shapes
from portal.reports.views.apart import impartial
from portal.reports.views.csaf import publisher, publisher_prefix

shapes.SAID["publish-advisory"] = "An advisory covers it"


@blueprint.get("/staff/<slug>/advisories")
@only(Role.TRIAGER, Role.LEAD)
@impartial("Advisories")
def advisories(slug: str) -> ResponseReturnValue:
    """Every advisory of the challenge."""
    challenge = challenge_or_404(slug)
    rows = queries.of_challenge(db.session, challenge.id)
    files = published.to_sign(db.session, publisher(), challenge, clock.now())
    return render_template(
        "reports/staff_advisories.html", challenge=challenge, rows=rows,
        unsigned={each.advisory_id for each in files if not each.signature},
        signed={each.advisory_id for each in files if each.signature},
    )  # fmt: skip


@blueprint.route("/staff/<slug>/advisories/new", methods=["GET", "POST"])
@only(Role.TRIAGER, Role.LEAD)
@impartial("Advisories")
def new_advisory(slug: str) -> ResponseReturnValue:
    """Begin one."""
    challenge, form = challenge_or_404(slug), AdvisoryForm()
    if not form.is_submitted():
        vendor, product = queries.last_names(db.session, challenge.id) or ("", challenge.title)
        form = AdvisoryForm(formdata=None, data={"vendor": vendor, "product": product, "change": "First publication."})
    if not form.validate_on_submit():
        page = render_template("reports/new_advisory.html", challenge=challenge, form=form)
        return page, 422 if form.is_submitted() else 200
    made = actions.begin(
        db.session, challenge, form.words(), publisher_prefix(), by=current_account().id, at=clock.now()
    )
    db.session.commit()
    flash(f"{made.ident} is begun. Say next which reports it covers.")
    return redirect(url_for("reports.staff_advisory", slug=slug, advisory_id=made.id))


@blueprint.route("/staff/<slug>/advisories/<int:advisory_id>", methods=["GET", "POST"])
@only(Role.TRIAGER, Role.LEAD)
@impartial("Advisories")
def staff_advisory(slug: str, advisory_id: int) -> ResponseReturnValue:
    """One advisory as it is being written."""
    challenge = challenge_or_404(slug)
    found, form = queries.one(db.session, challenge.id, advisory_id), AdvisoryForm()
    if not form.validate_on_submit():
        sent = form.is_submitted()
        return _page(challenge, found, form if sent else None), 422 if sent else 200
    actions.write(db.session, challenge, found, form.words(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Saved.")
    return redirect(url_for("reports.staff_advisory", slug=slug, advisory_id=advisory_id))


def _page(
    challenge: Challenge, found: Advisory, form: AdvisoryForm | None = None, tried: FlawForm | None = None
) -> str:
    text = queries.text_of(found)
    embargo, missing = disclosing.latest_embargo(db.session, text.report_ids)
    names = ("title", "summary", "details", "vendor", "product", "change")
    return render_template(
        "reports/staff_advisory.html",
        challenge=challenge,
        advisory=found,
        text=text,
        writing=found.state is AdvisoryState.DRAFT,
        form=form or AdvisoryForm(formdata=None, data={name: getattr(found, name) for name in names}),
        flaws=[(each, _flaw_form(challenge, each, tried)) for each in found.flaws],
        fresh=_fresh(challenge, found, tried),
        tried=tried,
        steps=open_moves(states.ADVISORY_MOVES, found.state),
        embargo=embargo,
        missing=missing,
        own=found.written_by_id == current_account().id,
        score=rules.score,
        weaknesses=rules.WEAKNESSES,
    )


def _flaw_form(challenge: Challenge, flaw: AdvisoryFlaw, tried: FlawForm | None) -> FlawForm:
    if tried is not None and tried.report.data == str(flaw.report_id):
        return tried
    values = {name: getattr(flaw, name) or "" for name in ("title", "text", "cve", "cwe", "cvss")}
    chosen = {
        name: [str(each.build_id) for each in flaw.builds if each.status is status]
        for name, status in (("affected", Affected.KNOWN_AFFECTED), ("fixed", Affected.FIXED))
    }
    form = FlawForm(formdata=None, data={"report": str(flaw.report_id), **values, **chosen})
    return form.offer([flaw.report], builds(db.session, challenge.id))


def _fresh(challenge: Challenge, found: Advisory, tried: FlawForm | None) -> FlawForm:
    """The form for one more report."""
    covered = {each.report_id for each in found.flaws}
    if tried is not None and tried.report.data not in {str(each) for each in covered}:
        return tried
    free = [each for each in queries.fit(db.session, challenge.id) if each.id not in covered]
    return FlawForm(formdata=None).offer(free, builds(db.session, challenge.id))


@blueprint.post("/staff/<slug>/advisories/<int:advisory_id>/flaws")
@only(Role.TRIAGER, Role.LEAD)
@impartial("Advisories")
def cover_report(slug: str, advisory_id: int) -> ResponseReturnValue:
    """Say what a report told of, or leave it out again."""
    challenge = challenge_or_404(slug)
    found, by, at = queries.one(db.session, challenge.id, advisory_id), current_account().id, clock.now()
    form = FlawForm().offer(queries.fit(db.session, challenge.id), builds(db.session, challenge.id))
    number = str(form.report.data or "")
    if "leave_out" in request.form and number.isdecimal() and len(number) < 10:
        actions.uncover(db.session, challenge, found, int(number), by=by, at=at)
    else:
        if not form.validate_on_submit() or not number:
            if not number:
                form.report.errors = ["Choose the report."]
            return _page(challenge, found, tried=form), 422
        try:
            actions.cover(db.session, challenge, found, int(number), form.particulars(), by=by, at=at)
        except Invalid as problem:
            db.session.rollback()
            for name, words in problem.messages.items():
                form[name].errors = [words]
            return _page(challenge, queries.one(db.session, challenge.id, advisory_id), tried=form), 422
    db.session.commit()
    flash("Saved.")
    return redirect(url_for("reports.staff_advisory", slug=slug, advisory_id=advisory_id) + "#flaws")


@blueprint.post("/staff/<slug>/advisories/<int:advisory_id>/move")
@only(Role.TRIAGER, Role.LEAD)
@impartial("Advisories")
def move_advisory(slug: str, advisory_id: int) -> ResponseReturnValue:
    """Take a step."""
    challenge = challenge_or_404(slug)
    found = queries.one(db.session, challenge.id, advisory_id)
    name = request.form.get("move", "")
    if name not in {step.name for step in states.ADVISORY_MOVES}:
        raise NotFound("step")
    step = move_named(states.ADVISORY_MOVES, name)
    actions.move(db.session, challenge, found, step, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{found.ident} is {found.state}.")
    return redirect(url_for("reports.staff_advisory", slug=slug, advisory_id=advisory_id))
