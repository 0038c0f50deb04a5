"""The queue for programs: lists, single reports, sealed files, moves."""

from flask import jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import admits_tokens, only
from portal.accounts.states import Role
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import move_named
from portal.core.web import wants_json
from portal.reports import states
from portal.reports.actions import triage
from portal.reports.forms import MoveForm
from portal.reports.models import Report
from portal.reports.queries import links, queue, reports
from portal.reports.queries import uploads as files
from portal.reports.queries.apart import is_impartial
from portal.reports.rules.searching import read_search
from portal.reports.views import blueprint, shapes
from portal.reports.views.staff import events_for, find_duplicate, overtaken, staff_page
from portal.reports.views.who import by_token, triager

MOST = 200


@blueprint.get("/staff/<slug>/reports.json")
@admits_tokens
@only(Role.TRIAGER)
def queue_json(slug: str) -> ResponseReturnValue:
    """Reports as JSON, what is due first on top, in pages; with the filters of the queue in the address."""
    challenge, account = triager(slug)
    limit = min(max(request.args.get("limit", 50, type=int), 1), MOST)
    search, after = read_search(request.args, state="all"), request.args.get("after")
    page = queue.page(db.session, challenge.id, search, account.id, clock.now(), after, limit)
    numbers, at = [report.id for report in page.rows], clock.now()
    held, chains = files.of_reports(db.session, numbers), links.of_reports(db.session, numbers)
    firsts = is_impartial(db.session, challenge.id, account.id)
    found = [
        shapes.summary(slug, report, held[report.id], chains[report.id], at, firsts=firsts) for report in page.rows
    ]
    return jsonify(reports=found, next=page.next)


@blueprint.get("/staff/<slug>/reports/<ref>.json")
@admits_tokens
@only(Role.TRIAGER)
def staff_report(slug: str, ref: str) -> ResponseReturnValue:
    """One report as JSON."""
    challenge, account = triager(slug)
    return _report(slug, reports.of_challenge(db.session, challenge.id, ref), account.id)


def _report(slug: str, report: Report, reader: int) -> ResponseReturnValue:
    uploads = files.of_reports(db.session, [report.id])[report.id]
    chain, events = links.of_report(db.session, report.id), events_for(report, reader)
    firsts = is_impartial(db.session, report.challenge_id, reader)
    return jsonify(shapes.whole(slug, report, uploads, chain, events, clock.now(), firsts=firsts))


@blueprint.get("/staff/<slug>/reports/<ref>/files/<int:number>")
@admits_tokens
@only(Role.TRIAGER)
def staff_file(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """The ciphertext of one file."""
    challenge, _ = triager(slug)
    report = reports.of_challenge(db.session, challenge.id, ref)
    upload = files.file_of(db.session, report, number)
    name = f"{report.ref}-{number}.pgp" if number else f"{report.ref}.pgp"
    return shapes.download(upload, files.chunks(db.session, upload.id), blobs(), name)


def _answer(slug: str, report: Report, reader: int) -> ResponseReturnValue:
    if by_token() or wants_json() or request.is_json:
        return _report(slug, report, reader)
    return redirect(url_for("reports.staff_show", slug=slug, ref=report.ref))


@blueprint.post("/staff/<slug>/reports/<ref>/acknowledge")
@admits_tokens
@only(Role.TRIAGER)
def acknowledge(slug: str, ref: str) -> ResponseReturnValue:
    """Say that a person has opened the report. Saying it again changes nothing."""
    challenge, account = triager(slug)
    report = reports.of_challenge(db.session, challenge.id, ref)
    triage.acknowledge(db.session, report, by=account.id, at=clock.now())
    db.session.commit()
    return _answer(slug, report, account.id)


@blueprint.post("/staff/<slug>/reports/<ref>/move")
@admits_tokens
@only(Role.TRIAGER)
def move(slug: str, ref: str) -> ResponseReturnValue:
    """Take a step of triage."""
    challenge, account = triager(slug)
    report = reports.of_challenge(db.session, challenge.id, ref)
    form = MoveForm(meta={"csrf": False}) if by_token() else MoveForm()
    step = move_named(states.MOVES, form.move.data or "")
    find_duplicate(form, challenge.id, account.id)
    if not form.check(step):
        if by_token() or request.is_json:
            raise Invalid({name: str(messages[0]) for name, messages in form.errors.items() if name})
        return staff_page(challenge, report, tried=form), 422
    by = account.id
    if overtaken(report, form, by) and not by_token():
        return staff_page(challenge, report, tried=form), 409
    try:
        triage.move(db.session, report, step, form.outcome(), by=by, at=clock.now())
        db.session.commit()
    except (Refused, Invalid, Conflict) as fault:
        # What was typed stays; the page says who was first, or why not.
        db.session.rollback()
        report = reports.of_challenge(db.session, challenge.id, ref)
        if by_token() or request.is_json or not (form.refuse(fault) or overtaken(report, form, by)):
            raise
        return staff_page(challenge, report, tried=form), fault.status
    return _answer(slug, report, by)
