"""Resumable uploads: tus 1.0 with creation, creation-defer-length, expiration, termination and checksum (SHA-256)."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import ParamSpec

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

from portal.accounts.gate import admits_tokens, everyone, signed_in
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.errors import Conflict, PortalError
from portal.core.web.limits import limiter
from portal.reports import intake, rules
from portal.reports.actions import drafts
from portal.reports.models import Upload
from portal.reports.queries import keys, reports
from portal.reports.queries import uploads as files
from portal.reports.refusals import NotAcceptable, TooLarge
from portal.reports.states import UploadState
from portal.reports.views import blueprint
from portal.reports.views.who import limits, sender

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-defer-length,expiration,termination,checksum"
OFFSET_STREAM = "application/offset+octet-stream"
Given = ParamSpec("Given")


class Answer(PortalError):
    """What a client is told instead of what it asked for: a status of the protocol, a sentence for a person."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def _told(status: int, reason: str = "", **headers: object) -> Response:
    response = Response(reason and f"{reason}\n", status, mimetype="text/plain")
    response.headers["Tus-Resumable"] = VERSION
    response.headers["Cache-Control"] = "no-store"
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = str(value)
    return response


def tus(view: Callable[Given, Response]) -> Callable[Given, ResponseReturnValue]:
    """Speak the protocol: its version both ways, and refusals as plain text, for clients show them as they are."""

    @wraps(view)
    def spoken(*args: Given.args, **kwargs: Given.kwargs) -> ResponseReturnValue:
        if request.headers.get("Tus-Resumable") != VERSION:
            return _told(412, "This speaks tus 1.0.0: send “Tus-Resumable: 1.0.0”.", Tus_Version=VERSION)
        try:
            return view(*args, **kwargs)
        except NotAcceptable as refusal:
            db.session.rollback()
            status = 413 if isinstance(refusal, TooLarge) else refusal.status
            return _told(status, refusal.reason, Upload_Refused=refusal.code)
        except PortalError as error:
            db.session.rollback()
            return _told(error.status, error.reason)
        except HTTPException as error:
            db.session.rollback()
            return _told(error.code or 500, error.description or error.name)

    return spoken


@blueprint.route("/challenges/<slug>/reports/uploads", methods=["OPTIONS"], provide_automatic_options=False)
@everyone
def upload_options(slug: str) -> ResponseReturnValue:
    """What this server can do, the same for every challenge."""
    return _told(
        204, Tus_Version=VERSION, Tus_Extension=EXTENSIONS, Tus_Checksum_Algorithm="sha256", Tus_Max_Size=limits().file
    )


@blueprint.route("/challenges/<slug>/reports/uploads", methods=["POST"], provide_automatic_options=False)
@admits_tokens
@signed_in
@limiter.limit("120 per minute")
@tus
def create_upload(slug: str) -> Response:
    """Announce a file of a report that has been begun."""
    member = sender(slug)
    told = _metadata(request.headers.get("Upload-Metadata", ""))
    report = reports.own(db.session, member.participant_id, told.get("report", ""))
    if told.get("kind") not in ("body", "attachment"):
        raise Answer(400, "Upload-Metadata needs “kind”: body or attachment.")
    length = length_announced()
    by, body = member.account_id, told["kind"] == "body"
    upload = drafts.begin_upload(db.session, report, limits(), body=body, length=length, by=by, at=clock.now())
    db.session.commit()
    return created(upload, url_for("reports.upload", slug=slug, upload_id=upload.id))


def length_announced() -> int | None:
    """How long a new file is, None where that is told later."""
    length = _number("Upload-Length")
    if (length is None) != (request.headers.get("Upload-Defer-Length") == "1"):
        raise Answer(400, "Send either Upload-Length or “Upload-Defer-Length: 1”.")
    return length


def created(upload: Upload, location: str) -> Response:
    """The answer to a new file."""
    return _told(201, Location=location, Upload_Expires=_expires(upload))


@blueprint.route(
    "/challenges/<slug>/reports/uploads/<uuid:upload_id>",
    methods=["HEAD", "PATCH", "DELETE", "POST"],
    provide_automatic_options=False,
)
@admits_tokens
@signed_in
@tus
def upload(slug: str, upload_id: object) -> Response:
    """One file on its way."""
    member = sender(slug)
    return carry_out(files.own(db.session, str(upload_id), member.participant_id), member.account_id)


def carry_out(found: Upload, by: int) -> Response:
    """Do to a file what the request's method says."""
    # Where a proxy lets only POST through, the protocol has clients name the method in a header.
    asked = request.headers.get("X-HTTP-Method-Override", request.method).upper()
    steps = {"HEAD": _head, "PATCH": _patch, "DELETE": _delete}
    if asked not in steps:
        raise Answer(405, "HEAD, PATCH or DELETE.")
    return steps[asked](found, by, clock.now())


def _head(found: Upload, _by: int, at: datetime) -> Response:
    _check_alive(found, at)
    told = _told(200, Upload_Offset=found.position, Upload_Expires=_expires(found))
    if found.length is None:
        told.headers["Upload-Defer-Length"] = "1"
    else:
        told.headers["Upload-Length"] = str(found.length)
    return told


def _delete(found: Upload, by: int, at: datetime) -> Response:
    drafts.remove_upload(db.session, found, by=by, at=at)
    db.session.commit()
    return _told(204)


def _patch(found: Upload, _by: int, at: datetime) -> Response:
    if request.mimetype != OFFSET_STREAM:
        raise Answer(415, f"The bytes come as {OFFSET_STREAM}.")
    _check_alive(found, at)
    offset = _number("Upload-Offset")
    if offset is None:
        raise Answer(400, "Upload-Offset is missing.")
    if offset != found.position:
        raise Conflict(intake.MOVED_ON)
    told = _length_told(found)
    length = found.length if found.length is not None else told
    _check_size(found, length)
    if found.state is UploadState.OPEN:
        course = intake.course(db.session, found, keys.accepted_sets(db.session, at), limits(), at)
        offset = intake.receive(
            db.session, blobs(), course, request.stream, at=at, checksum=_checksum(), length=told
        )  # fmt: skip
    return _told(204, Upload_Offset=offset, Upload_Expires=http_date(at + rules.KEEP_OPEN))


def _check_alive(found: Upload, at: datetime) -> None:
    if found.refusal:
        raise Answer(410, f"This file was refused: {found.refusal['reason']}")
    if found.state not in files.LIVE:
        raise Answer(410, "This upload has ended. Begin a new one.")
    if found.state is UploadState.OPEN and found.expires_at < at:
        raise Answer(410, "Nobody went on with this upload for a day, so it has expired. Begin a new one.")


def _length_told(found: Upload) -> int | None:
    """The length that this request tells, of a file that began without one."""
    told = _number("Upload-Length")
    if told is None or found.length is not None:
        if told is not None and told != found.length:
            raise Answer(400, "The file's length has been told already, and it was another.")
        return None
    if told < found.position:
        raise Answer(400, "The file is longer already than the Upload-Length that is told now.")
    return told


def _check_size(found: Upload, length: int | None) -> None:
    """Before a byte is read: whether what comes fits."""
    most = limits().file
    coming = found.position + (request.content_length or 0)
    if coming > most or (length or 0) > most:
        raise TooLarge(most)
    if length is not None and coming > length:
        raise Answer(413, "More bytes come than the file was announced to have.")


def _checksum() -> bytes | None:
    given = request.headers.get("Upload-Checksum")
    if given is None:
        return None
    algorithm, _, value = given.partition(" ")
    if algorithm != "sha256":
        raise Answer(400, "The only checksum is sha256.")
    digest = _base64(value)
    if len(digest) != 32:
        raise Answer(400, "Upload-Checksum is not a SHA-256 in base64.")
    return digest


def _number(header: str) -> int | None:
    given = request.headers.get(header)
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 16):
        raise Answer(400, f"{header} must be a whole number.")
    return int(given)


def _base64(value: str) -> bytes:
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Answer(400, "A header is not in base64.") from error


def _metadata(header: str) -> dict[str, str]:
    """The pairs of Upload-Metadata: "key base64,key base64"."""
    pairs = (pair.strip().partition(" ") for pair in header.split(",") if pair.strip())
    return {key: _base64(value).decode(errors="replace") for key, _, value in pairs}


def _expires(found: Upload) -> str:
    return http_date(found.expires_at)
