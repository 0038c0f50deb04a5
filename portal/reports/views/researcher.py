"""A researcher's own reports."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import IO

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms.fields.core import Field

from portal.accounts.gate import admits_tokens, signed_in
from portal.challenges.access import member_or_404
from portal.challenges.models import Challenge, Member
from portal.challenges.queries.resources import offered_builds
from portal.challenges.states import BuildState
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.errors import Invalid
from portal.core.moves import Move, open_moves
from portal.core.web import trusted_types, wants_json
from portal.reports import intake, rules, states
from portal.reports.actions import drafts
from portal.reports.arriving import pieces
from portal.reports.forms import MessageForm, OwnForm, ReportForm, SealedForm
from portal.reports.models import KeySet, Report, Upload
from portal.reports.queries import keys, reports
from portal.reports.queries import uploads as files
from portal.reports.refusals import NotAcceptable
from portal.reports.states import ReportState, Side
from portal.reports.views import blueprint, chains, shapes, threads, upstream
from portal.reports.views.disclosing import panel
from portal.reports.views.who import by_token, limits, sender, signer
from portal.reports.walker import Recipients, Walker


@blueprint.get("/challenges/<slug>/reports/")
@signed_in
def index(slug: str) -> ResponseReturnValue:
    """One's own reports."""
    member = member_or_404(slug)
    found = reports.of_participant(db.session, member.participant_id)
    at = clock.now()
    clocks = {report.id: rules.clock_of(report, at) for report in found}
    challenge = _challenge(member)
    return render_template(
        "reports/index.html", challenge=challenge, reports=found, clocks=clocks, closed=_closed(member, at)
    )


@blueprint.route("/challenges/<slug>/reports/new", methods=["GET", "POST"])
@admits_tokens
@signed_in
def new(slug: str) -> ResponseReturnValue:
    """Begin a report: as JSON by the page and by programs, or at once with a file that gpg has sealed."""
    member = sender(slug)
    challenge = _challenge(member)
    form = ReportForm(meta={"csrf": False}) if by_token() else ReportForm()
    form.offer(*_offered(challenge))
    if request.is_json:
        return _begin(slug, challenge, member, form)
    if form.validate_on_submit() and walked(form.sealed, limits().file):
        return _send_sealed(slug, challenge, member, form)
    trusted_types("seal")
    return _new_page(challenge, member, form), 422 if form.is_submitted() else 200


def _offered(challenge: Challenge) -> tuple[dict[str, str], dict[str, str]]:
    """The scenarios and the builds that a report may be about."""
    scenarios = {str(each.id): f"{each.code} {each.title}" for each in challenge.scenarios}
    builds = offered_builds(db.session, challenge.id)
    pinned = {BuildState.PINNED: " (pinned: it stays usable)"}
    return scenarios, {each.name: each.name + pinned.get(each.state, "") for each in builds}


def _closed(member: Member, at: datetime) -> bool:
    """Whether this participant can begin no report any more."""
    challenge, again = _challenge(member), bool(reports.replaceable(db.session, member.participant_id))
    return rules.closed(challenge, rules.deadline(challenge).begin, at, again=again)


def _new_page(challenge: Challenge, member: Member, form: ReportForm) -> str:
    at, deadline = clock.now(), rules.deadline(challenge)
    current = keys.current_set(db.session)
    before = [each for each in keys.accepted_sets(db.session, at) if each != current]
    return render_template(
        "reports/new.html", challenge=challenge, form=form, key_set=current, limits=limits(),
        part=rules.PART,
        expired=rules.expired(current, at) if current else [], before=before,
        until=rules.grace_until(current, before[0]) if current and before else None,
        deadline=deadline, closed=_closed(member, at),
        again=reports.replaceable(db.session, member.participant_id) if deadline.begin <= at else (),
    )  # fmt: skip


def _begin(slug: str, challenge: Challenge, member: Member, form: ReportForm) -> ResponseReturnValue:
    """Answer a program, or the page's own script, that will send the files afterwards."""
    if not form.validate_on_submit():
        raise Invalid({name: str(messages[0]) for name, messages in form.errors.items() if name})
    report = drafts.begin_report(db.session, challenge, member, form.particulars(), at=clock.now())
    current = keys.current_set(db.session)
    db.session.commit()
    told = {
        "ref": report.ref,
        "url": url_for("reports.show", slug=slug, ref=report.ref),
        "uploads_url": url_for("reports.create_upload", slug=slug),
        "submit_url": url_for("reports.submit", slug=slug, ref=report.ref),
        "key_set": current.number if current else None,
    }
    return jsonify(told), 201


def walked(field: Field, most: int, wanted: Callable[[KeySet], Recipients] = rules.recipients) -> bool:
    """Whether the file that came with a form is one that is taken; if not, the field says why.

    `wanted` tells for each key set that counts to whom it has to be sealed.
    """
    sent = field.data
    if not sent or not sent.filename:
        field.errors = ["Choose the file that gpg has sealed. Nothing can be sent unsealed."]
        return False
    try:
        walker = Walker([wanted(each) for each in keys.open_sets(db.session, clock.now())], limit=most)
        for piece in pieces(sent.stream, None):
            walker.feed(piece)
        walker.finish()
    except NotAcceptable as refusal:
        field.errors = [refusal.reason]
        return False
    finally:
        sent.stream.seek(0)
    return True


def _send_sealed(slug: str, challenge: Challenge, member: Member, form: ReportForm) -> ResponseReturnValue:
    """Begin, send and submit in one go."""
    by = member.account_id
    report = drafts.begin_report(db.session, challenge, member, form.particulars(), at=clock.now())
    ref, participant = report.ref, report.participant_id
    _store(report, form.sealed.data.stream, by=by, body=True)
    drafts.submit(db.session, reports.own(db.session, participant, ref), signer(), by=by, at=clock.now())
    db.session.commit()
    flash(f"{ref} has arrived, sealed. Keep its receipt.")
    return redirect(url_for("reports.show", slug=slug, ref=ref))


def _store(report: Report, stream: IO[bytes], *, by: int, body: bool) -> None:
    """Send a form's file the way that every upload goes."""
    at, length = clock.now(), stream.seek(0, 2)
    stream.seek(0)
    upload = drafts.begin_upload(db.session, report, limits(), body=body, length=length, by=by, at=at)
    db.session.commit()
    sets = keys.accepted_sets(db.session, at, upload.created_at)
    intake.receive(db.session, blobs(), intake.course(db.session, upload, sets, limits()), stream, at=at)


@blueprint.post("/challenges/<slug>/reports/<ref>/files")
@signed_in
def attach(slug: str, ref: str) -> ResponseReturnValue:
    """Add a sealed file to a report that has been begun: the body if it has none yet, else an attachment."""
    member = member_or_404(slug)
    report = reports.own(db.session, member.participant_id, ref)
    form = SealedForm()
    if not (form.validate_on_submit() and walked(form.sealed, limits().file)):
        return show_page(report, _challenge(member), form), 422
    body = not any(each.number == 0 for each in files.of_report(db.session, report.id))
    _store(report, form.sealed.data.stream, by=member.account_id, body=body)
    return redirect(url_for("reports.show", slug=slug, ref=ref))


@blueprint.post("/challenges/<slug>/reports/<ref>/submit")
@admits_tokens
@signed_in
def submit(slug: str, ref: str) -> ResponseReturnValue:
    """Hand a report in once all its files have arrived. Doing it again changes nothing."""
    member = sender(slug)
    participant, by = member.participant_id, member.account_id
    report = reports.own(db.session, participant, ref)
    if report.state is ReportState.UPLOADING:
        _complete(files.of_report(db.session, report.id))
        report = reports.own(db.session, participant, ref)
        drafts.submit(db.session, report, signer(), by=by, at=clock.now())
        db.session.commit()
    url = url_for("reports.show", slug=slug, ref=ref)
    if wants_json() or request.is_json or by_token():
        return jsonify(url=url, ref=ref, receipt_url=url_for("reports.receipt", slug=slug, ref=ref, form="json"))
    flash(f"{ref} has arrived, sealed. Keep its receipt.")
    return redirect(url)


def _complete(uploads: Sequence[Upload]) -> None:
    """Finish files whose last byte is kept but whose process died before it could say so."""
    for upload_id in [each.id for each in uploads if each.position == each.length]:
        intake.complete(db.session, blobs(), upload_id, at=clock.now())


@blueprint.get("/challenges/<slug>/reports/<ref>")
@signed_in
def show(slug: str, ref: str) -> ResponseReturnValue:
    """One report: where it stands, what happened, its files and its receipt."""
    member = member_or_404(slug)
    return show_page(reports.own(db.session, member.participant_id, ref), _challenge(member), SealedForm())


def own_page(report: Report, challenge: Challenge, tried: OwnForm) -> str:
    """The page of a report, with the step that was tried and did not fit."""
    return show_page(report, challenge, SealedForm(formdata=None), tried=tried)


def _own_steps(
    report: Report, tried: OwnForm | None, chain: chains.Drawn
) -> tuple[list[tuple[Move[ReportState], OwnForm]], chains.Held]:
    """The researcher's own steps that are open, each with its form; and why others are not possible yet."""
    once = {states.APPEAL: report.appealed_at, states.DISPUTE: report.disputed_at}
    open_now = [step for step in open_moves(states.OWN, report.state) if once.get(step) is None]
    steps, held = chains.offered(open_now, chain)
    fresh = OwnForm(formdata=None)
    return [(step, tried if tried and tried.move.data == step.name else fresh) for step in steps], held


def show_page(
    report: Report, challenge: Challenge, form: SealedForm, *,
    tried: OwnForm | None = None, message_form: MessageForm | None = None,
) -> str:  # fmt: skip
    """A report's page, with what was sent and did not fit."""
    trusted_types("seal")
    at = clock.now()
    drawn = chains.shown(report)
    own_steps, held = _own_steps(report, tried, drawn["chain"])
    may_replace = report.received_at is not None and report.replaces_id is None
    return render_template(
        "reports/show.html",
        challenge=challenge,
        report=report,
        deadline=rules.deadline(challenge),
        late=rules.deadline(challenge).send <= at,
        clock=rules.clock_of(report, at),
        waited=shapes.waited(rules.paused(report, at)),
        own_steps=own_steps,
        held=held,
        own_tried=tried,
        again=reports.sealed_again(db.session, report) if report.state is ReportState.UNREADABLE else None,
        replaceable=reports.replaceable(db.session, report.participant_id) if may_replace else (),
        uploads=files.of_report(db.session, report.id),
        entries=shapes.entries(reports.events(db.session, report, told_only=True), names=False),
        may_withdraw=report.state in states.WITHDRAW.sources,
        disclosure_panel=panel(challenge, report, Side.RESEARCHER, clock.now()),
        form=form,
        thread=threads.for_researcher(report),
        message_form=message_form or MessageForm(formdata=None),
        **drawn,
        **upstream.shown(report, team=False),
    )


@blueprint.post("/challenges/<slug>/reports/<ref>/withdraw")
@signed_in
def withdraw(slug: str, ref: str) -> ResponseReturnValue:
    """Take a report back."""
    member = member_or_404(slug)
    report = reports.own(db.session, member.participant_id, ref)
    drafts.withdraw(db.session, report, by=member.account_id, at=clock.now())
    db.session.commit()
    flash(f"{ref} is withdrawn.")
    return redirect(url_for("reports.index", slug=slug))


@blueprint.get("/challenges/<slug>/reports/<ref>/receipt.<any(json, sig):form>")
@signed_in
def receipt(slug: str, ref: str, form: str) -> ResponseReturnValue:
    """The receipt's very bytes, or the signature over them."""
    member = member_or_404(slug)
    found = reports.receipt(db.session, reports.own(db.session, member.participant_id, ref))
    if form == "json":
        response = Response(found.body, mimetype="application/json")
    else:
        response = Response(found.raw_signature, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{ref}-receipt.{form}"'
    return response


def _challenge(member: Member) -> Challenge:
    return member.participant.challenge
