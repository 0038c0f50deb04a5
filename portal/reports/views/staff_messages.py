"""Triagers' messages about a report. What they say never comes here unsealed: portal-triage or gpg seals it first."""

from functools import partial

from flask import Response, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import admits_tokens, only
from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.errors import Invalid, NotFound
from portal.core.moves import move_named
from portal.core.web import wants_json
from portal.core.web.limits import limiter
from portal.reports import rules, states
from portal.reports.actions import threads as actions
from portal.reports.forms import SendForm
from portal.reports.models import Message, ReplyTemplate, Report
from portal.reports.queries import keys, reports
from portal.reports.queries import threads as queries
from portal.reports.queries import uploads as files
from portal.reports.states import Side
from portal.reports.views import blueprint, shapes, threads
from portal.reports.views.messages import complete, store
from portal.reports.views.researcher import walked
from portal.reports.views.staff import find_duplicate, staff_page
from portal.reports.views.tus import tus
from portal.reports.views.uploads import carry_out, check_creation, created, length_announced
from portal.reports.views.who import by_token, limits, triager

PLACE = "/staff/<slug>/reports/<ref>"


def _form() -> SendForm:
    return SendForm(meta={"csrf": False}) if by_token() else SendForm()


def _found(slug: str, ref: str) -> tuple[Challenge, Account, Report]:
    challenge, account = triager(slug)
    return challenge, account, reports.of_challenge(db.session, challenge.id, ref)


@blueprint.get(f"{PLACE}/messages.json")
@admits_tokens
@only(Role.TRIAGER)
def staff_messages(slug: str, ref: str) -> ResponseReturnValue:
    """The messages, to whom an answer is sealed, and the templates."""
    challenge, _, report = _found(slug, ref)
    at, current = clock.now(), keys.current_set(db.session)
    readers = queries.readers(db.session, report)
    certificates = queries.certificates_of(db.session, [each.id for each in readers], at)
    templates = queries.templates(db.session, challenge.id, active_only=True)
    return jsonify(
        ref=ref,
        state=report.state,
        messages=threads.as_json(slug, report, queries.thread(db.session, report.id)),
        readers=[threads.certificate_json(each) for each in certificates],
        key_set=threads.key_set_json(current) if current else None,
        templates=[threads.template_json(each) for each in templates],
        limit=limits().message,
    )


@blueprint.post(f"{PLACE}/messages")
@admits_tokens
@only(Role.TRIAGER)
@limiter.limit("60 per minute")
def staff_begin_message(slug: str, ref: str) -> ResponseReturnValue:
    """Begin a message: as JSON by portal-triage, or at once with a file that gpg has sealed."""
    challenge, account, report = _found(slug, ref)
    if request.is_json or by_token():
        made = actions.begin_message(db.session, report, Side.TEAM, limits(), by=account.id, at=clock.now())
        db.session.commit()
        create, send = "reports.staff_create_message_upload", "reports.staff_send_message"
        return jsonify(threads.begun(made.number, create, send, slug=slug, ref=ref)), 201
    return _whole(slug, challenge, account, report)


def _whole(slug: str, challenge: Challenge, account: Account, report: Report) -> ResponseReturnValue:
    form, at, by, ref = _form(), clock.now(), account.id, report.ref
    certificates = queries.readers_certificates(db.session, report, at)
    rules.check_readers(certificates)
    wanted = partial(rules.wanted, certificates=certificates)
    if not (form.validate_on_submit() and walked(form.sealed, limits().message, wanted)):
        return staff_page(challenge, report, sealed_form=form), 422
    made = actions.begin_message(db.session, report, Side.TEAM, limits(), by=by, at=at)
    number = made.number
    store(report, made, form)
    _send(challenge, form, ref, number, by)
    flash(f"Message {number} is with the researcher, sealed.")
    return redirect(url_for("reports.staff_show", slug=slug, ref=ref) + "#messages")


def _send(challenge: Challenge, form: SendForm, ref: str, number: int, by: int) -> None:
    """Send, with the reason and the step that go with it."""
    report = reports.of_challenge(db.session, challenge.id, ref)
    message = queries.own_message(db.session, report, number, by)
    template = _template(challenge, form.template.data or "")
    step = None
    if form.move.data:
        move = move_named(states.MOVES, form.move.data)
        find_duplicate(form, challenge.id, by)
        form.message.data = form.message.data or (template.title if template else f"See sealed message {number}.")
        if not form.check(move):
            raise Invalid({name: str(messages[0]) for name, messages in form.errors.items() if name})
        step = (move, form.outcome())
    actions.send_message(db.session, report, message, template=template, step=step, by=by, at=clock.now())
    db.session.commit()


def _template(challenge: Challenge, code: str) -> ReplyTemplate | None:
    if not code:
        return None
    try:
        return queries.template_of(db.session, challenge.id, code)
    except NotFound:
        raise Invalid({"template": f"There is no template “{code[:40]}”."}) from None


@blueprint.post(f"{PLACE}/messages/<int:number>/uploads")
@admits_tokens
@only(Role.TRIAGER)
@limiter.limit("120 per minute")
@tus
def staff_create_message_upload(slug: str, ref: str, number: int) -> Response:
    """Announce the sealed bytes of a message that has been begun."""
    _, account, report = _found(slug, ref)
    message = queries.own_message(db.session, report, number, account.id)
    check_creation()
    length = length_announced()
    upload = actions.begin_message_upload(db.session, report, message, limits(), length=length, at=clock.now())
    db.session.commit()
    return created(upload, url_for("reports.staff_upload", slug=slug, upload_id=upload.id))


@blueprint.route(
    "/staff/<slug>/reports/uploads/<uuid:upload_id>",
    methods=["HEAD", "PATCH", "DELETE", "POST"],
    provide_automatic_options=False,
)
@admits_tokens
@only(Role.TRIAGER)
@tus
def staff_upload(slug: str, upload_id: object) -> Response:
    """The bytes of one's own message on their way."""
    challenge, account = triager(slug)
    return carry_out(
        queries.teams_upload(db.session, challenge.id, str(upload_id), account.id), account.id, f"account:{account.id}"
    )


@blueprint.post(f"{PLACE}/messages/<int:number>/send")
@admits_tokens
@only(Role.TRIAGER)
def staff_send_message(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """Send a message whose bytes have arrived. Doing it again changes nothing."""
    challenge, account, report = _found(slug, ref)
    by = account.id
    complete(_own(report, number, by))
    _send(challenge, _form(), ref, number, by)
    url = url_for("reports.staff_show", slug=slug, ref=ref) + "#messages"
    if wants_json() or request.is_json or by_token():
        return jsonify(url=url, ref=ref, number=number)
    return redirect(url)


def _own(report: Report, number: int, by: int) -> Message:
    return queries.own_message(db.session, report, number, by)


@blueprint.get(f"{PLACE}/messages/<int:number>")
@admits_tokens
@only(Role.TRIAGER)
def staff_message_file(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """The ciphertext of a message."""
    _, _, report = _found(slug, ref)
    upload = queries.sent(db.session, report, number)
    return shapes.download(upload, files.chunks(db.session, upload.id), blobs(), threads.name_of(report, upload))


@blueprint.post(f"{PLACE}/messages/read")
@admits_tokens
@only(Role.TRIAGER)
def staff_read_messages(slug: str, ref: str) -> ResponseReturnValue:
    """Say that all messages up to a number have been read."""
    _, account, report = _found(slug, ref)
    actions.read(db.session, report, threads.read_up_to(), by=account.id)
    db.session.commit()
    if request.is_json or by_token():
        return jsonify(ref=ref)
    return redirect(url_for("reports.staff_show", slug=slug, ref=ref) + "#messages")


@blueprint.post(f"{PLACE}/certificate")
@only(Role.TRIAGER)
def ask_for_certificate(slug: str, ref: str) -> ResponseReturnValue:
    """Tell the researcher that the team wants to write and cannot."""
    _, account, report = _found(slug, ref)
    actions.ask_for_certificate(db.session, report, by=account.id, at=clock.now())
    db.session.commit()
    flash("They are told by one neutral mail, and it stands among their tasks.")
    return redirect(url_for("reports.staff_show", slug=slug, ref=ref) + "#messages")
