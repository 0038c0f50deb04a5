"""One sealed message on its way to the portal: begun, uploaded in parts that a cut does not lose, sent."""

import base64
import hashlib
import time
from collections.abc import Callable

from portal.triage.client import Json, Portal
from portal.triage.failures import Failure, Unanswered

TUS = {"Tus-Resumable": "1.0.0"}
PART = 4 * 2**20
TRIES = 5


def send(portal: Portal, ref: str, sealed: bytes, values: Json, rest: Callable[[float], None] = time.sleep) -> int:
    """Send a sealed message with what goes along in clear; gives its number. A cut is gone on from, a few times."""
    told = portal.post(f"reports/{ref}/messages", {})
    try:
        create, submit, number = str(told["uploads_url"]), str(told["submit_url"]), int(told["number"])
    except (KeyError, TypeError, ValueError):
        raise Unanswered("The portal's answer is malformed.") from None
    answer = portal.ask("POST", create, headers={**TUS, "Upload-Length": str(len(sealed))})
    place = answer.headers.get("Location")
    if not place:
        raise Unanswered("The portal's answer is malformed.")
    _upload(portal, place, sealed, rest)
    portal.post_to(submit, values)
    return number


def _upload(portal: Portal, place: str, sealed: bytes, rest: Callable[[float], None]) -> None:
    offset, cuts = 0, 0
    while offset < len(sealed):
        try:
            offset = _part(portal, place, sealed, offset)
            cuts = 0
        except Unanswered:
            cuts += 1
            if cuts == TRIES:
                raise
            rest(min(2**cuts, 20))
            offset = _where(portal, place, offset)


def _part(portal: Portal, place: str, sealed: bytes, offset: int) -> int:
    part = sealed[offset : offset + PART]
    checksum = base64.b64encode(hashlib.sha256(part).digest()).decode()
    headers = {
        **TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream",
        "Upload-Checksum": f"sha256 {checksum}",
    }  # fmt: skip
    answer = portal.ask("PATCH", place, data=part, headers=headers)
    return _offset(answer.headers.get("Upload-Offset"), len(sealed))


def _where(portal: Portal, place: str, offset: int) -> int:
    """How much the portal has; what one knows while it does not answer."""
    try:
        return _offset(portal.ask("HEAD", place, headers=TUS).headers.get("Upload-Offset"), offset + PART)
    except Unanswered:
        return offset


def _offset(told: str | None, most: int) -> int:
    if told is None or not told.isdecimal() or int(told) > most:
        raise Failure("The portal states an offset that cannot be. Nothing was sent.")
    return int(told)
