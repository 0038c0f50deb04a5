"""Opening old reports to a new triager: what they cannot open yet, heads of files for portal-triage, wrapped keys.

GET …/rewrap.json gives, page by page, `{"key_set", "members": [{"fingerprint", "name", "role", "key_ids"}], "objects":
[{"upload", "ref", "n", "kind", "recipients", "lacking": [fingerprint]}], "next"}`. GET …/rewrap/<upload> gives the
packets that name the recipients of a file, wrapped ones first, and nothing of its content; POST there takes
`{"fingerprint", "packet"}` (base64). GET …/rewrap/<upload>/packets gives only what was wrapped: put before the file, it
is a message that the new recipients open. Whose key finds that its packet opens nothing posts `{"packet"}` (its
SHA-256) to …/rewrap/<upload>/unopened: the packet no longer counts, another may be wrapped, and the answer names who
made it.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from flask import Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import admits_tokens, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.errors import Invalid, NotFound
from portal.core.pieces import read
from portal.core.web import files as downloads
from portal.reports import rules
from portal.reports.actions import rewraps as actions
from portal.reports.models import KeySet, Upload
from portal.reports.queries import keys, reports, rewraps, threads
from portal.reports.queries import uploads as files
from portal.reports.views import blueprint
from portal.reports.views.shapes import instant
from portal.reports.views.who import triager
from portal.reports.walker import head_length

MOST = 200
# How many reports or packets the page names.
NAMED = 50
OCTETS = "application/octet-stream"


def _current() -> KeySet:
    found = keys.current_set(db.session)
    if found is None:
        raise NotFound("key set")
    return found


@blueprint.get("/staff/<slug>/reports/rewrap")
@only(Role.TRIAGER)
def rewrap_progress(slug: str) -> ResponseReturnValue:
    """Of how many sealed files each key of the current set can open, and which ones not."""
    challenge, current, me = challenge_or_404(slug), keys.current_set(db.session), current_account().id
    members = current.members if current else []
    found = rewraps.progress(db.session, challenge.id, members, reader=me)
    named = {
        member.fingerprint: rewraps.shut_to(db.session, challenge.id, member, NAMED, reader=me)
        for member in members
        if found.by_member[member.fingerprint]
    }
    return render_template(
        "reports/rewrap.html", challenge=challenge, current=current, members=members, progress_of=found, named=named,
        most=NAMED, refuted=rewraps.refuted(db.session, challenge.id, NAMED, reader=me),
    )  # fmt: skip


@blueprint.get("/staff/<slug>/rewrap.json")
@admits_tokens
@only(Role.TRIAGER)
def rewrap_list(slug: str) -> ResponseReturnValue:
    """Sealed files, and which keys of the current set cannot open them; with ?lacking=1 only where there are such."""
    challenge, account = triager(slug)
    current = _current()
    limit = min(max(request.args.get("limit", 100, type=int), 1), MOST)
    asked, members_lacking = request.args, current.members if "lacking" in request.args else ()
    page = rewraps.page(
        db.session, challenge.id, asked.get("ref"), asked.get("after"), limit, members_lacking, reader=account.id
    )
    wrapped = rewraps.of_uploads(db.session, [upload.id for upload in page.rows])
    members = [
        {"fingerprint": each.fingerprint, "name": each.name, "role": each.role, "key_ids": each.key_ids}
        for each in current.members
    ]
    objects = [_object(upload, [each.key_id for each in wrapped[upload.id]], current) for upload in page.rows]
    return jsonify(key_set=current.number, members=members, objects=objects, next=page.next)


def _object(upload: Upload, added: list[str], current: KeySet) -> dict[str, Any]:
    recipients = [*added, *(upload.walker or {}).get("recipients", [])]
    return {
        "upload": upload.id,
        "ref": upload.report.ref,
        "n": upload.number,
        "kind": "message" if upload.message_id else "attachment" if upload.number else "body",
        "recipients": recipients,
        "lacking": [member.fingerprint for member in rules.lacking(current.members, recipients)],
    }


@blueprint.get("/staff/<slug>/rewrap/<upload_id>")
@admits_tokens
@only(Role.TRIAGER)
def rewrap_head(slug: str, upload_id: str) -> ResponseReturnValue:
    """The packets that name the recipients of a file: enough to get at its session key, and no more."""
    challenge, account = triager(slug)
    upload = rewraps.object_of(db.session, challenge.id, upload_id, reader=account.id)
    data = b"".join(each.packet for each in rewraps.of_upload(db.session, upload.id)) + _head(upload)
    return Response(data, mimetype=OCTETS)


def _head(upload: Upload) -> bytes:
    data = b""
    for chunk in files.chunks(db.session, upload.id):
        data += b"".join(read(blobs(), [(chunk.key, chunk.tag)]))
        length = head_length(data)
        if length is not None:
            return data[:length]
    raise NotFound("head")


@blueprint.post("/staff/<slug>/rewrap/<upload_id>")
@admits_tokens
@only(Role.TRIAGER)
def rewrap(slug: str, upload_id: str) -> ResponseReturnValue:
    """Take a session key that a triager has wrapped for a member of the current set."""
    challenge, account = triager(slug)
    upload = rewraps.object_of(db.session, challenge.id, upload_id, reader=account.id)
    told: Any = request.get_json(silent=True)
    try:
        fingerprint, packet = str(told["fingerprint"]), base64.b64decode(told["packet"], validate=True)
    except (KeyError, TypeError, binascii.Error, ValueError):
        raise Invalid({"packet": "Send {“fingerprint”, “packet”} as JSON, the packet in base64."}) from None
    made = actions.add_rewrap(db.session, upload, _current(), fingerprint, packet, by=account.id, at=clock.now())
    db.session.commit()
    return jsonify(upload=upload.id, key_id=made.key_id), 201


@blueprint.post("/staff/<slug>/rewrap/<upload_id>/unopened")
@admits_tokens
@only(Role.TRIAGER)
def refute_rewrap(slug: str, upload_id: str) -> ResponseReturnValue:
    """Hear from whom a session key was wrapped for that it does not open the file."""
    challenge, account = triager(slug)
    upload = rewraps.object_of(db.session, challenge.id, upload_id, reader=account.id)
    told: Any = request.get_json(silent=True)
    if not isinstance(told, dict) or not re.fullmatch(r"[0-9a-f]{64}", str(told.get("packet"))):
        raise Invalid({"packet": "Send {“packet”} as JSON: the SHA-256 of the packet that does not open the file."})
    found = rewraps.wrapped(db.session, upload.id, told["packet"])
    maker, made_at = found.by, found.at
    actions.refute_rewrap(db.session, found, by=account.id, at=clock.now())
    db.session.commit()
    return jsonify(upload=upload_id, wrapped_by=maker.name or maker.email, at=instant(made_at))


@blueprint.get("/staff/<slug>/rewrap/<upload_id>/packets")
@admits_tokens
@only(Role.TRIAGER)
def rewrapped_packets(slug: str, upload_id: str) -> ResponseReturnValue:
    """What was wrapped for a file since it was sealed; empty where nothing was."""
    challenge, account = triager(slug)
    upload = rewraps.object_of(db.session, challenge.id, upload_id, reader=account.id)
    return Response(_packets(upload), mimetype=OCTETS)


@blueprint.get("/staff/<slug>/reports/<ref>/files/<int:number>/rewrapped")
@admits_tokens
@only(Role.TRIAGER)
def rewrapped_file(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """One file of a report with all that was wrapped for it before its bytes, for gpg by hand."""
    challenge, _ = triager(slug)
    report = reports.of_challenge(db.session, challenge.id, ref)
    upload = files.file_of(db.session, report, number)
    return _wrapped(upload, f"{report.ref}-{number}-rewrapped.pgp")


@blueprint.get("/staff/<slug>/reports/<ref>/messages/<int:number>/rewrapped")
@admits_tokens
@only(Role.TRIAGER)
def rewrapped_message(slug: str, ref: str, number: int) -> ResponseReturnValue:
    """A message with all that was wrapped for it before its bytes, for gpg by hand."""
    challenge, _ = triager(slug)
    report = reports.of_challenge(db.session, challenge.id, ref)
    upload = threads.sent(db.session, report, number)
    return _wrapped(upload, f"{report.ref}-message-{number}-rewrapped.pgp")


def _packets(upload: Upload) -> bytes:
    return b"".join(each.packet for each in rewraps.of_upload(db.session, upload.id))


def _wrapped(upload: Upload, name: str) -> Response:
    packets = _packets(upload)
    pieces = [(chunk.key, chunk.tag) for chunk in files.chunks(db.session, upload.id)]
    store = blobs()

    def body() -> Iterator[bytes]:
        yield packets
        yield from read(store, pieces)

    answer = Response(body(), mimetype=OCTETS)
    answer.content_length = len(packets) + upload.position
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Content-Disposition"] = downloads.attachment(name)
    return answer
