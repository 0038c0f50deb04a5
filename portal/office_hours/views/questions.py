"""Participants: the sealed question of a booking, the report that goes with it, and the hosts' written answer."""

from flask import Response, flash, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import signed_in
from portal.challenges.access import challenge_or_404, member_or_404
from portal.core import clock
from portal.core.db import db, reads_first, set_reading, start_writing
from portal.core.errors import Invalid, NotFound, Refused
from portal.core.moves import move_named
from portal.core.web import wants_json
from portal.office_hours import queries, states
from portal.office_hours.actions import questions as actions
from portal.office_hours.actions.early import move_answer
from portal.office_hours.forms.questions import QuestionForm, ReportChoiceForm
from portal.office_hours.jobs import offer_seats
from portal.office_hours.models import Booking
from portal.office_hours.queries.questions import Preparation, answer_of, preparation
from portal.office_hours.rules.questions import LARGEST
from portal.office_hours.views import blueprint
from portal.office_hours.views.shapes import sender
from portal.reports import certificates
from portal.reports.queries import reports

BASE = "/challenges/<slug>/office-hours/bookings/<uid>"
CHOOSE = "Choose the file that gpg has sealed. Nothing is ever taken unsealed."


@blueprint.url_value_preprocessor
def allow_questions(endpoint: str | None, _values: dict[str, str] | None) -> None:
    """Let those who are signed in send a sealed question. No lock is held while it arrives."""
    if endpoint == "office_hours.question" and request.method == "POST" and "_user_id" in session:
        set_reading(True)
        request.max_content_length = LARGEST + 1024 * 1024


@blueprint.route(f"{BASE}/question", methods=["GET", "POST"])
@signed_in
@reads_first
def question(slug: str, uid: str) -> ResponseReturnValue:
    """Seal the question in the browser or with gpg, and send it; a new one takes the place of the old one."""
    found, form = queries.booking_of(db.session, member_or_404(slug), uid), QuestionForm()
    if not form.validate_on_submit():
        return _page(slug, found, form, 422 if form.is_submitted() else 200)
    data = form.sealed.data.stream.read(LARGEST + 1) if form.sealed.data and form.sealed.data.filename else b""
    start_writing(db.session)
    try:
        if not data:
            raise Refused(CHOOSE)
        actions.put_question(db.session, found, data, by=current_account().id, at=clock.now())
    except Refused as refusal:
        return _refused(slug, uid, form, refusal)
    db.session.commit()
    flash("Your question is there, sealed. Its hosts alone can open it.", "success")
    done = url_for("office_hours.booking", slug=slug, uid=uid)
    return jsonify(url=done) if wants_json() else redirect(done)


def _refused(slug: str, uid: str, form: QuestionForm, refusal: Refused) -> ResponseReturnValue:
    db.session.rollback()
    if wants_json():
        raise Invalid({"sealed": refusal.reason})
    form.sealed.errors = [refusal.reason]
    return _page(slug, queries.booking_of(db.session, member_or_404(slug), uid), form, 422)


def _page(slug: str, found: Booking, form: QuestionForm, status: int) -> ResponseReturnValue:
    page = render_template(
        "office_hours/question.html",
        challenge=challenge_or_404(slug),
        booking=found,
        prepared=preparation(db.session, found, clock.now()),
        form=form,
        largest=LARGEST,
        choice=report_choice(found),
    )
    return page, status


def report_choice(found: Booking) -> ReportChoiceForm:
    """The form with the participant's own reports."""
    own = reports.of_participant(db.session, found.participant_id)
    linked = preparation(db.session, found, clock.now()).report
    form = ReportChoiceForm(report=linked.ref if linked else "")
    form.report.choices = {"": "None", **{report.ref: f"{report.ref} {report.title}" for report in own}}
    return form


def _sealed_to(slug: str, uid: str) -> Preparation:
    found = queries.booking_of(db.session, member_or_404(slug), uid)
    prepared = preparation(db.session, found, clock.now())
    if not prepared.keys:
        raise NotFound("certificate")
    return prepared


@blueprint.get(f"{BASE}/hosts.asc")
@signed_in
def host_certificates(slug: str, uid: str) -> ResponseReturnValue:
    """The certificates of the booking's hosts as one armored block."""
    text = certificates.bundle([key.certificate for key in _sealed_to(slug, uid).keys])
    return Response(text, mimetype="application/pgp-keys")


@blueprint.get(f"{BASE}/host-<int:number>.asc")
@signed_in
def host_certificate(slug: str, uid: str, number: int) -> ResponseReturnValue:
    """The certificate of one of the booking's hosts, counted from 1, as the commands of the page name it."""
    keys = _sealed_to(slug, uid).keys
    if not 1 <= number <= len(keys):
        raise NotFound("certificate")
    told = {"Content-Disposition": f'attachment; filename="host-{number}.asc"'}
    return Response(keys[number - 1].certificate, mimetype="application/pgp-keys", headers=told)


@blueprint.post(f"{BASE}/report")
@signed_in
def link_report(slug: str, uid: str) -> ResponseReturnValue:
    """Say which of one's reports the booking is about."""
    member = member_or_404(slug)
    found = queries.booking_of(db.session, member, uid)
    form = report_choice(found)
    if not form.validate_on_submit():
        raise Invalid({"report": "Choose one of your own reports."})
    chosen = reports.own(db.session, member.participant_id, form.report.data) if form.report.data else None
    actions.link_report(db.session, found, chosen, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"Your hosts see the state of {chosen.ref}." if chosen else "No report goes with this booking.")
    return redirect(url_for("office_hours.question", slug=slug, uid=uid))


@blueprint.post(f"{BASE}/answers/<int:answer_id>/<verb>")
@signed_in
def decide_answer(slug: str, uid: str, answer_id: int, verb: str) -> ResponseReturnValue:
    """Say whether a written answer will do."""
    found, at = queries.booking_of(db.session, member_or_404(slug), uid), clock.now()
    step, slot_id = move_named(states.EARLY_MOVES, verb), found.slot_id
    answer = answer_of(db.session, found, answer_id)
    move_answer(db.session, found, answer, step, by=current_account().id, at=at, sender=sender())
    db.session.commit()
    done = step is states.ACCEPT_ANSWER
    if done:
        offer_seats(db.session, at, [slot_id])
    flash("Settled. The seat goes to others, and the week's credit is yours again." if done else "You keep your seat.")
    return redirect(url_for("office_hours.booking", slug=slug, uid=uid))
