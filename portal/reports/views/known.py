"""Known issues: the public list with its proofs, and what triagers commit to and reveal."""

from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import admits_tokens, everyone, only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, NotFound
from portal.reports import commitments, rules, states
from portal.reports.actions import known as actions
from portal.reports.actions import links as chains
from portal.reports.forms import KnownForm, RevealForm
from portal.reports.models import KnownIssue
from portal.reports.queries import known, links, reports
from portal.reports.statements import instant
from portal.reports.views import blueprint, shapes
from portal.reports.views.who import by_token, signer, triager

MOST = 500
shapes.SAID.update({"known-reveal": "A known issue is revealed to you", "known": "The team knew it before"})


@blueprint.get("/challenges/<slug>/known-issues")
@everyone
def known_issues(slug: str) -> ResponseReturnValue:
    """The list: number, time, commitment, and the text of those that everybody may read."""
    challenge = challenge_or_404(slug)
    found = known.all_of(db.session, challenge.id)
    return render_template(
        "reports/known_issues.html", challenge=challenge, issues=found, recipe=commitments.recipe,
        walk=commitments.walk(request.base_url, len(found)),
        late={issue.number for issue in found if rules.after_start(challenge, issue.committed_at)},
    )  # fmt: skip


@blueprint.get("/challenges/<slug>/known-issues.json")
@everyone
def known_issues_json(slug: str) -> ResponseReturnValue:
    """The same for programs, with what is needed to verify each line."""
    challenge = challenge_or_404(slug)
    return jsonify(_list(challenge, team=False))


def _list(challenge: Challenge, *, team: bool) -> dict[str, Any]:
    issues = known.all_of(db.session, challenge.id)
    return {
        "format": "known-issue-list/1", "challenge": challenge.slug, "signing_key": signer().key_id,
        "head": issues[-1].head if issues else commitments.NO_HEAD,
        "issues": [_shape(challenge, issue, team=team) for issue in issues],
    }  # fmt: skip


def _shape(challenge: Challenge, issue: KnownIssue, *, team: bool) -> dict[str, Any]:
    told = {
        "number": issue.number, "commitment": issue.commitment, "committed_at": instant(issue.committed_at),
        "late": rules.after_start(challenge, issue.committed_at), "head": issue.head, "signature": issue.signature,
    }  # fmt: skip
    if issue.public_at:
        told |= {"text": issue.text, "salt": issue.salt}
    return told | {"revealed": issue.text is not None} if team else told


@blueprint.get("/challenges/<slug>/known-issues/<int:number>.<any(txt, line, sig):form>")
@everyone
def known_issue(slug: str, number: int, form: str) -> ResponseReturnValue:
    """The text of one that is public, the line that commits to it, or the signature over that line."""
    challenge = challenge_or_404(slug)
    if form == "txt":
        return _text(known.public(db.session, challenge.id, number))
    issue = known.numbered(db.session, challenge.id, number)
    if form == "sig":
        return _file(issue.raw_signature, f"K-{number}.sig", "application/octet-stream")
    before = known.numbered(db.session, challenge.id, number - 1).head if number > 1 else commitments.NO_HEAD
    line = commitments.line(slug, number, before, issue.commitment, issue.committed_at)
    return _file(line, f"K-{number}.line", "text/plain")


def _text(issue: KnownIssue) -> Response:
    return _file((issue.text or "").encode(), f"{issue.reference}.txt", "text/plain")


def _file(data: bytes, name: str, kind: str) -> Response:
    response = Response(data, mimetype=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@blueprint.get("/challenges/<slug>/reports/<ref>/known-issues/<int:number>.txt")
@signed_in
def shown_issue(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """The text of a known issue that was revealed to whoever sent the report."""
    member = member_or_404(slug)
    report = reports.own(db.session, member.participant_id, ref)
    for issue in known.shown_to(db.session, report):
        if issue.number == number:
            return _text(issue)
    raise NotFound("known issue")


@blueprint.get("/staff/<slug>/known-issues")
@only(Role.TRIAGER)
def staff_known(slug: str) -> ResponseReturnValue:
    """The team's list, with what to run where."""
    challenge = challenge_or_404(slug)
    found = known.all_of(db.session, challenge.id)
    late = {issue.number for issue in found if rules.after_start(challenge, issue.committed_at)}
    return render_template("reports/staff_known.html", challenge=challenge, issues=found, late=late)


@blueprint.get("/staff/<slug>/known-issues.json")
@admits_tokens
@only(Role.TRIAGER)
def staff_known_json(slug: str) -> ResponseReturnValue:
    """The team's list for programs."""
    challenge, _ = triager(slug)
    return jsonify(_list(challenge, team=True))


@blueprint.post("/staff/<slug>/known-issues.json")
@admits_tokens
@only(Role.TRIAGER)
def commit_known(slug: str) -> ResponseReturnValue:
    """Put commitments on the list: `{"commitments": […]}`. Sending some again changes nothing."""
    challenge, account = triager(slug)
    sent = request.get_json(silent=True)
    given = sent.get("commitments") if isinstance(sent, dict) else None
    if not isinstance(given, list) or len(given) > MOST:
        raise Invalid({"commitments": f"A list of at most {MOST} commitments."})
    made = actions.commit(db.session, challenge, given, signer(), by=account.id, at=clock.now())
    db.session.commit()
    return jsonify(issues=[_shape(challenge, issue, team=True) for issue in made]), 201


@blueprint.post("/staff/<slug>/known-issues/<int:number>/reveal")
@admits_tokens
@only(Role.TRIAGER)
def reveal_known(slug: str, number: int) -> ResponseReturnValue:
    """Bring the text here and show it to whoever sent a report, who may be told of one link; or to all."""
    challenge, account = triager(slug)
    issue, form = known.numbered(db.session, challenge.id, number), _reveal_form()
    by, at = account.id, clock.now()
    named = (form.report.data or "").upper()
    report = reports.of_others(db.session, challenge.id, named, reader=account.id) if named else None
    actions.reveal(db.session, issue, form.salt.data or "", form.text.data, by=by, at=at)
    if report:
        actions.reveal_to(db.session, issue, report, by=by, at=at)
    if report and form.link.data:
        link = links.numbered(db.session, report.id, form.link.data)
        verdict = rules.Verdict(known_issue=issue)
        chains.decide_link(db.session, report, link, states.KNOWN_LINK, verdict, by=by, at=at)
    if form.public.data:
        actions.publish(db.session, issue, by=by, at=at)
    db.session.commit()
    return jsonify(_shape(challenge, issue, team=True))


def _reveal_form() -> RevealForm:
    form = RevealForm(meta={"csrf": False}) if by_token() else RevealForm()
    if not form.validate():
        raise Invalid({name: str(messages[0]) for name, messages in form.errors.items() if name})
    if form.link.data and not form.report.data:
        raise Invalid({"link": "Name the report of the link."})
    return form


@blueprint.post("/staff/<slug>/known-issues/<int:number>/publish")
@only(Role.TRIAGER)
def publish_known(slug: str, number: int) -> ResponseReturnValue:
    """Let everybody read one that is revealed."""
    challenge = challenge_or_404(slug)
    issue = known.numbered(db.session, challenge.id, number)
    actions.publish(db.session, issue, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{issue.reference} can be read by everybody.")
    return redirect(url_for("reports.staff_known", slug=slug))


@blueprint.post("/staff/<slug>/reports/<ref>/known")
@only(Role.TRIAGER)
def settle_known(slug: str, ref: str) -> ResponseReturnValue:
    """End a report as one that the team knew."""
    challenge = challenge_or_404(slug)
    report = reports.of_challenge(db.session, challenge.id, ref)
    form, issues = KnownForm(), known.revealed(db.session, challenge.id)
    form.issue.choices = {str(issue.number): issue.reference for issue in issues}
    if not form.validate_on_submit():
        raise Invalid({"issue": "Choose the known issue. Reveal it first."})
    issue = known.numbered(db.session, challenge.id, int(form.issue.data))
    actions.settle(db.session, report, issue, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{ref} is a known issue.")
    return redirect(url_for("reports.staff_show", slug=slug, ref=ref))
