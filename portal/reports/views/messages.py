"""A researcher's messages about a report."""

from flask import Response, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import admits_tokens, signed_in
from portal.challenges.access import member_or_404
from portal.challenges.models import Member
from portal.challenges.queries import team_of
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.errors import Invalid
from portal.core.web import wants_json
from portal.core.web.limits import limiter
from portal.reports import intake, rules, states
from portal.reports.actions import threads as actions
from portal.reports.forms import MessageForm, SealedForm
from portal.reports.models import Message, Report
from portal.reports.queries import keys, reports
from portal.reports.queries import threads as queries
from portal.reports.queries import uploads as files
from portal.reports.states import Side
from portal.reports.views import blueprint, shapes, threads
from portal.reports.views.researcher import show_page, walked
from portal.reports.views.tus import tus
from portal.reports.views.uploads import check_creation, created, length_announced
from portal.reports.views.who import by_token, limits, sender

PLACE = "/challenges/<slug>/reports/<ref>"


def _form() -> MessageForm:
    return MessageForm(meta={"csrf": False}) if by_token() else MessageForm()


@blueprint.post(f"{PLACE}/messages")
@admits_tokens
@signed_in
@limiter.limit("60 per minute")
def begin_message(slug: str, ref: str) -> ResponseReturnValue:
    """Begin a message: as JSON by the page and by programs, or at once with a file that gpg has sealed."""
    member = sender(slug)
    report = reports.own(db.session, member.participant_id, ref)
    if request.is_json or by_token():
        made = actions.begin_message(
            db.session, report, Side.RESEARCHER, limits(), by=member.account_id, at=clock.now()
        )
        db.session.commit()
        create, send = "reports.create_message_upload", "reports.send_message"
        return jsonify(threads.begun(made.number, create, send, slug=slug, ref=ref)), 201
    return _whole(slug, member, report)


def _whole(slug: str, member: Member, report: Report) -> ResponseReturnValue:
    """Begin, upload and send in one go."""
    form, at, ref = _form(), clock.now(), report.ref
    if not (form.validate_on_submit() and walked(form.sealed, limits().message)):
        return show_page(report, report.challenge, SealedForm(formdata=None), message_form=form), 422
    participant, by = member.participant_id, member.account_id
    made = actions.begin_message(db.session, report, Side.RESEARCHER, limits(), by=by, at=at)
    number = made.number
    store(report, made, form)
    report = reports.own(db.session, participant, ref)
    _send(report, queries.own_message(db.session, report, number, by), form, by)
    flash(f"Message {number} is with the team, sealed.")
    return redirect(url_for("reports.show", slug=slug, ref=ref) + "#messages")


def store(report: Report, message: Message, form: MessageForm) -> None:
    """Send a form's file the way that every upload goes."""
    stream, at = form.sealed.data.stream, clock.now()
    length = stream.seek(0, 2)
    stream.seek(0)
    upload = actions.begin_message_upload(db.session, report, message, limits(), length=length, at=at)
    db.session.commit()
    course = intake.course(db.session, upload, keys.accepted_sets(db.session, at, upload.created_at), limits(), at)
    intake.receive(db.session, blobs(), course, stream, at=at)


def _send(report: Report, message: Message, form: MessageForm, by: int) -> None:
    step = (states.ANSWER, rules.Outcome()) if form.answers.data else None
    actions.send_message(db.session, report, message, step=step, by=by, at=clock.now())
    db.session.commit()


@blueprint.post(f"{PLACE}/messages/<int:number>/uploads")
@admits_tokens
@signed_in
@limiter.limit("120 per minute")
@tus
def create_message_upload(slug: str, ref: str, number: int) -> Response:
    """Announce the sealed bytes of a message that has been begun."""
    member = sender(slug)
    report = reports.own(db.session, member.participant_id, ref)
    message = queries.own_message(db.session, report, number, member.account_id)
    check_creation()
    length = length_announced()
    upload = actions.begin_message_upload(db.session, report, message, limits(), length=length, at=clock.now())
    db.session.commit()
    return created(upload, url_for("reports.upload", slug=slug, upload_id=upload.id))


@blueprint.post(f"{PLACE}/messages/<int:number>/send")
@admits_tokens
@signed_in
def send_message(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """Send a message whose bytes have arrived. Doing it again changes nothing."""
    member = sender(slug)
    participant, by = member.participant_id, member.account_id
    report = reports.own(db.session, participant, ref)
    complete(queries.own_message(db.session, report, number, by))
    form = _form()
    if not form.validate():
        raise Invalid({name: str(messages[0]) for name, messages in form.errors.items() if name})
    report = reports.own(db.session, participant, ref)
    _send(report, queries.own_message(db.session, report, number, by), form, by)
    url = url_for("reports.show", slug=slug, ref=ref) + "#messages"
    if wants_json() or request.is_json or by_token():
        return jsonify(url=url, ref=ref, number=number)
    return redirect(url)


def complete(message: Message) -> None:
    """Finish bytes whose last one is kept but whose process died before it could say so."""
    upload = queries.live_upload(db.session, message.id)
    if upload and upload.position == upload.length:
        intake.complete(db.session, blobs(), upload.id, at=clock.now())


@blueprint.get(f"{PLACE}/messages/<int:number>")
@admits_tokens
@signed_in
def message_file(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """The ciphertext of a message."""
    report = reports.own(db.session, sender(slug).participant_id, ref)
    upload = queries.sent(db.session, report, number)
    return shapes.download(upload, files.chunks(db.session, upload.id), blobs(), threads.name_of(report, upload))


@blueprint.post(f"{PLACE}/messages/read")
@admits_tokens
@signed_in
def read_messages(slug: str, ref: str) -> ResponseReturnValue:
    """Say that all messages up to a number have been read."""
    member = sender(slug)
    report = reports.own(db.session, member.participant_id, ref)
    actions.read(db.session, report, threads.read_up_to(), by=member.account_id)
    db.session.commit()
    if request.is_json or by_token():
        return jsonify(ref=ref)
    return redirect(url_for("reports.show", slug=slug, ref=ref) + "#messages")


@blueprint.post(f"{PLACE}/readers")
@signed_in
def choose_readers(slug: str, ref: str) -> ResponseReturnValue:
    """Choose who of the team reads what the triagers write, beside the one who sent the report."""
    member = member_or_404(slug)
    report = reports.own(db.session, member.participant_id, ref)
    chosen = {int(each) for each in request.form.getlist("readers") if each.isdecimal()}
    team = list(team_of(db.session, member.participant_id))
    actions.choose_readers(db.session, report, team, chosen, by=member.account_id, at=clock.now())
    db.session.commit()
    flash("The team’s next messages are sealed to those whom you chose.")
    return redirect(url_for("reports.show", slug=slug, ref=ref) + "#messages")
