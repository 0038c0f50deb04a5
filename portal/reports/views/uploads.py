"""Resumable uploads: tus 1.0 with creation, creation-defer-length, expiration, termination and checksum."""

import sys
from datetime import datetime
from typing import IO, cast

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.http import http_date

from portal.accounts.gate import admits_tokens, everyone, signed_in
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.errors import Conflict, Refused
from portal.core.web.limits import limiter
from portal.reports import intake, rules
from portal.reports.actions import drafts
from portal.reports.intake import Course
from portal.reports.models import Upload
from portal.reports.queries import keys, reports
from portal.reports.queries import uploads as files
from portal.reports.quota import Bounded
from portal.reports.refusals import TooLarge
from portal.reports.states import UploadState
from portal.reports.views import blueprint
from portal.reports.views.incoming import take_place, too_slow
from portal.reports.views.tus import (
    CHECKSUMS,
    EXTENSIONS,
    OFFSET_STREAM,
    VERSION,
    Answer,
    as_metadata,
    checksum,
    metadata,
    number,
    told,
    tus,
)
from portal.reports.views.who import limits, sender

KINDS = {True: "body", False: "attachment"}
MESSAGE = "message"
BEGUN_TOO_OFTEN = "Too many uploads were begun within a minute. Wait a minute, then go on."


@blueprint.route("/challenges/<slug>/reports/uploads", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.route(
    "/challenges/<slug>/reports/uploads/<uuid:upload_id>", methods=["OPTIONS"], provide_automatic_options=False
)
@everyone
def upload_options(slug: str, upload_id: object = None) -> ResponseReturnValue:
    """What this server can do, the same for every challenge and upload."""
    algorithms = ",".join(CHECKSUMS)
    return told(
        204, Tus_Version=VERSION, Tus_Extension=EXTENSIONS, Tus_Checksum_Algorithm=algorithms,
        Tus_Max_Size=limits().file,
    )  # fmt: skip


@blueprint.route("/challenges/<slug>/reports/uploads", methods=["POST"], provide_automatic_options=False)
@admits_tokens
@signed_in
@tus
@limiter.limit("120 per minute", error_message=BEGUN_TOO_OFTEN)
def create_upload(slug: str) -> Response:
    """Announce a file of a report that has been begun."""
    member = sender(slug)
    check_creation()
    given = metadata("report", "kind")
    report = reports.own(db.session, member.participant_id, given.get("report", ""))
    if given.get("kind") not in KINDS.values():
        raise Answer(400, "Upload-Metadata needs “kind”: body or attachment.")
    length, by, at = length_announced(), member.account_id, clock.now()
    body = given["kind"] == KINDS[True]
    upload = drafts.begin_upload(db.session, report, limits(), body=body, length=length, by=by, at=at)
    db.session.commit()
    return created(upload, url_for("reports.upload", slug=slug, upload_id=upload.id))


def check_creation() -> None:
    """What no request that begins an upload may be. Raises Answer."""
    if request.headers.get("X-HTTP-Method-Override", "POST").upper() != "POST":
        raise Answer(405, "An upload is begun with POST.", Allow="OPTIONS, POST")
    if "Upload-Concat" in request.headers:
        raise Answer(400, "Uploads are not concatenated here (Upload-Concat). Send the file as one upload.")
    if request.content_length or "Transfer-Encoding" in request.headers:
        raise Answer(400, "An upload begins without bytes. Send them with PATCH to the address that this gives.")


def length_announced() -> int | None:
    """The length of a file that begins, None if it is told later."""
    length, deferred = number("Upload-Length"), request.headers.get("Upload-Defer-Length")
    if deferred not in (None, "1"):
        raise Answer(400, "Upload-Defer-Length is 1 or absent.")
    if (length is None) != (deferred == "1"):
        raise Answer(400, "Send either Upload-Length or “Upload-Defer-Length: 1”.")
    return length


def created(upload: Upload, location: str) -> Response:
    """The answer to a new file."""
    return told(201, Location=location, Upload_Expires=http_date(upload.expires_at))


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
    found = files.own(db.session, str(upload_id), member.participant_id)
    return carry_out(found, member.account_id, f"participant:{member.participant_id}")


def carry_out(found: Upload, by: int, place: str) -> Response:
    """Do to a file what the request's method says; `place` is by whom few requests at once may send bytes."""
    # Where a proxy lets only POST through, the protocol has clients name the method in a header. A HEAD cannot become
    # anything else by it: it is not asked for its token against forgery.
    asked = request.headers.get("X-HTTP-Method-Override", request.method).upper()
    steps = {"HEAD": _head, "PATCH": _patch, "DELETE": _delete}
    if asked not in steps or (request.method == "HEAD" and asked != "HEAD"):
        raise Answer(405, "HEAD, PATCH or DELETE.", Allow="OPTIONS, HEAD, PATCH, DELETE")
    g.upload_place = place
    return steps[asked](found, by, clock.now())


def _head(found: Upload, _by: int, at: datetime) -> Response:
    _check_alive(found, at)
    kind = MESSAGE if found.message_id else KINDS[found.number == 0]
    pairs = {"report": found.report.ref, "kind": kind}
    answer = told(200, Upload_Offset=found.position, Upload_Metadata=as_metadata(pairs))
    answer.headers["Upload-Expires"] = http_date(found.expires_at)
    if found.length is None:
        answer.headers["Upload-Defer-Length"] = "1"
    else:
        answer.headers["Upload-Length"] = str(found.length)
    return answer


def _delete(found: Upload, by: int, at: datetime) -> Response:
    if found.state not in files.LIVE:
        raise Answer(410, "This upload has ended already.")
    drafts.remove_upload(db.session, found, by=by, at=at)
    db.session.commit()
    return told(204)


def _patch(found: Upload, _by: int, at: datetime) -> Response:
    if request.mimetype != OFFSET_STREAM:
        raise Answer(415, f"The bytes come as {OFFSET_STREAM}.")
    _check_alive(found, at)
    g.upload_expires = http_date(found.expires_at)
    offset = number("Upload-Offset")
    if offset is None:
        raise Answer(400, "Upload-Offset is missing.")
    if offset != found.position:
        raise Conflict(intake.MOVED_ON)
    length_told, digest = _length_told(found), checksum()
    length = found.length if found.length is not None else length_told
    _check_size(found, length)
    if found.state is UploadState.OPEN:
        sets = keys.accepted_sets(db.session, at, found.created_at)
        course = intake.course(db.session, found, sets, limits(), at)
        room = _room(course, length_told)
        take_place(g.upload_place)
        offset = _receive(course, digest, length_told, room, at)
    else:
        take_place(g.upload_place)
        intake.check_end(request.stream)
    return told(204, Upload_Offset=offset, Upload_Expires=http_date(at + rules.KEEP_OPEN))


def _receive(course: Course, digest: bytes | None, length: int | None, room: int | None, at: datetime) -> int:
    """Let the bytes in, no more than there is room for; the new offset."""
    stream = Bounded(request.stream, sys.maxsize if room is None else room)
    try:
        offset = intake.receive(
            db.session, blobs(), course, cast(IO[bytes], stream), at=at, checksum=digest, length=length
        )
    except intake.WrongChecksum as mismatch:
        _check_overrun(stream)
        if too_slow():
            raise Answer(408, "The bytes came too slowly, and with a checksum only all of them count.") from mismatch
        raise
    if too_slow():
        raise Answer(408, "The bytes came too slowly. Those that had arrived are kept: ask for the offset and go on.")
    _check_overrun(stream)
    return offset


def _room(course: Course, length: int | None) -> int | None:
    """How many bytes more may come of a file whose length is not known; None of others. Raises Refused.

    This is early, for whoever sends what cannot fit; others may send meanwhile, so each piece is counted as well. A
    length that was announced was looked at then, one that is told now (`length`) is looked at here.
    """
    if course.room is None:
        return None
    held = files.held(db.session, course.room.participant_id, besides=course.id)
    rules.check_quota(limits(), held, course.position + (request.content_length or 0) if length is None else length)
    return None if length is not None else limits().participant - held - course.position


def _check_overrun(stream: Bounded) -> None:
    if stream.overrun:
        raise Refused(rules.NO_ROOM)


def _check_alive(found: Upload, at: datetime) -> None:
    if found.refusal:
        raise Answer(410, f"This file was refused: {found.refusal['reason']}")
    if found.state not in files.LIVE:
        raise Answer(410, "This upload has ended. Begin a new one.")
    if found.state is UploadState.OPEN and found.expires_at < at:
        raise Answer(410, "Nobody went on with this upload for a day, so it has expired. Begin a new one.")


def _length_told(found: Upload) -> int | None:
    """The length that this request tells, of a file that began without one."""
    given = number("Upload-Length")
    if given is None or found.length is not None:
        if given is not None and given != found.length:
            raise Answer(400, "The file's length has been told already, and it was another.")
        return None
    if given < found.position:
        raise Answer(400, "The file is longer already than the Upload-Length that is told now.")
    return given


def _check_size(found: Upload, length: int | None) -> None:
    """Before a byte is read: whether what comes fits."""
    most = limits().file
    coming = found.position + (request.content_length or 0)
    if coming > most or (length or 0) > most:
        raise TooLarge(most)
    if length is not None and coming > length:
        raise intake.MoreThanAnnounced
