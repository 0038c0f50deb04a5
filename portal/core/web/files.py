"""Files as downloads: whole or a range, told by their hash, and under a name that no header can be broken with."""

import base64
import unicodedata
from collections.abc import Sequence
from urllib.parse import quote

from flask import Response, request

from portal.core.blobs import Blobs
from portal.core.pieces import Piece, parse_range, read_range


def attachment(name: str) -> str:
    """The Content-Disposition of a download (RFC 6266): plain letters for old programs, the whole name for the rest."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = "".join(sign if sign.isalnum() or sign in " ._-+()" else "_" for sign in plain).strip() or "download"
    told = f'attachment; filename="{safe}"'
    return told if safe == name else f"{told}; filename*=UTF-8''{quote(name, safe='')}"


def download(store: Blobs, pieces: Sequence[Piece], *, size: int, sha256: str, name: str) -> Response:
    """A kept file, whole or the range that was asked for; each piece is checked before it leaves."""
    tag = f'"sha256-{sha256}"'
    if request.if_none_match.contains_weak(tag.strip('"')):
        return Response(status=304, headers={"ETag": tag, "Cache-Control": "no-store"})
    asked = request.headers.get("Range") if request.headers.get("If-Range", tag) == tag else None
    try:
        part = parse_range(asked, size)
    except ValueError:
        return Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    begin, end = part or (0, size)
    body = read_range(store, pieces, begin, end)
    response = Response(body, 206 if part else 200, mimetype="application/octet-stream")
    response.content_length = end - begin
    told = response.headers
    told["ETag"], told["Accept-Ranges"], told["Cache-Control"] = tag, "bytes", "no-store"
    told["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
    told["Content-Disposition"] = attachment(name)
    if part:
        told["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    return response
