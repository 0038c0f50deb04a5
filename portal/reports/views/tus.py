"""The upload protocol's own words: versions, headers, refusals as plain text (tus 1.0, https://tus.io/protocols)."""

import base64
import binascii
import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from portal.core.db import db
from portal.core.errors import PortalError, Unavailable
from portal.core.pace import TooMany
from portal.reports.refusals import NotAcceptable, TooLarge
from portal.reports.views import blueprint
from portal.reports.views.incoming import drop_rest

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-defer-length,expiration,termination,checksum"
# The protocol asks for SHA-1 at least; digests in bytes.
CHECKSUMS = {"sha256": 32, "sha1": 20}
OFFSET_STREAM = "application/offset+octet-stream"
LONGEST_METADATA = 4096
_ADDRESSES = re.compile(r"/challenges/[^/]+/reports/uploads(/|$)")
_KEY = re.compile(r"[!-+\--~]+")
Given = ParamSpec("Given")


class Answer(PortalError):
    """What a client is told instead of what it asked for: a status of the protocol, a sentence for a person."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = headers


def told(status: int, reason: str = "", **headers: object) -> Response:
    """An answer with no body, or with a sentence."""
    response = Response(reason and f"{reason}\n", status, mimetype="text/plain")
    if "upload_expires" in g:
        response.headers["Upload-Expires"] = g.upload_expires
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = str(value)
    return response


def tus(view: Callable[Given, Response]) -> Callable[Given, ResponseReturnValue]:
    """Speak the protocol: its version both ways, and refusals as plain text, for clients show them as they are."""

    @wraps(view)
    def spoken(*args: Given.args, **kwargs: Given.kwargs) -> ResponseReturnValue:
        if request.headers.get("Tus-Resumable") != VERSION:
            drop_rest()
            return told(412, "This speaks tus 1.0.0: send “Tus-Resumable: 1.0.0”.", Tus_Version=VERSION)
        try:
            return view(*args, **kwargs)
        except (PortalError, HTTPException) as error:
            db.session.rollback()
            drop_rest()
            return _refusal(error)

    return spoken


def _refusal(error: PortalError | HTTPException) -> Response:
    if isinstance(error, NotAcceptable):
        return told(413 if isinstance(error, TooLarge) else error.status, error.reason, Upload_Refused=error.code)
    if isinstance(error, Answer):
        return told(error.status, error.reason, **error.headers)
    if isinstance(error, TooMany):
        return told(error.status, error.reason, Retry_After=error.retry_after)
    if isinstance(error, Unavailable):
        return told(error.status, error.reason, Retry_After=15)
    if isinstance(error, PortalError):
        return told(error.status, error.reason)
    response = told(error.code or 500, error.description or error.name)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


@blueprint.after_app_request
def _speak(response: Response) -> Response:
    """Whatever answers at the addresses of uploads, be it the sign-in or a fault, says its version and is not kept."""
    if _ADDRESSES.match(request.path):
        response.headers["Tus-Resumable"] = VERSION
        response.headers["Cache-Control"] = "no-store"
    return response


def number(header: str) -> int | None:
    """A header that holds a whole number, if it is there. Raises Answer."""
    given = request.headers.get(header)
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 16):
        raise Answer(400, f"{header} must be a whole number.")
    return int(given)


def checksum() -> bytes | None:
    """The digest that the bytes should have; its length tells the algorithm. Raises Answer."""
    given = request.headers.get("Upload-Checksum")
    if given is None:
        return None
    algorithm, _, value = given.partition(" ")
    if algorithm not in CHECKSUMS:
        raise Answer(400, f"Checksums are taken by {' or '.join(CHECKSUMS)}.")
    digest = _base64(value.strip())
    if len(digest) != CHECKSUMS[algorithm]:
        raise Answer(400, f"Upload-Checksum is not a digest of {algorithm} in base64.")
    return digest


def metadata(*known: str) -> dict[str, str]:
    """The pairs of Upload-Metadata ("key base64,key base64"), only such as are `known`. Raises Answer."""
    header = request.headers.get("Upload-Metadata", "")
    if len(header) > LONGEST_METADATA:
        raise Answer(400, "Upload-Metadata is too long.")
    found: dict[str, str] = {}
    for pair in header.split(",") if header.strip() else ():
        key, _, value = pair.strip(" ").partition(" ")
        if not _KEY.fullmatch(key):
            raise Answer(400, "Upload-Metadata is “key base64,key base64”, its keys in ASCII.")
        if key in found:
            raise Answer(400, f"Upload-Metadata names “{key}” twice.")
        if key not in known:
            # A file's name, say, is none of the server's business: it belongs into what is sealed.
            raise Answer(400, f"Upload-Metadata holds nothing but {' and '.join(known)}; names of files stay sealed.")
        found[key] = _text(value)
    return found


def as_metadata(pairs: dict[str, str]) -> str:
    """Pairs as they stand in Upload-Metadata."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


def _text(value: str) -> str:
    try:
        return _base64(value).decode()
    except UnicodeDecodeError as error:
        raise Answer(400, "A value in Upload-Metadata is not text in UTF-8.") from error


def _base64(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Answer(400, "A header is not in base64.") from error
