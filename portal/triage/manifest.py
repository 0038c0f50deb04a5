"""The sealed manifest: the report's text, and the hash of every sealed attachment."""

import json
import re
from typing import Any, NamedTuple

from portal.triage.failures import Damaged

FAMILY, FORMAT = "sealed-report/", "sealed-report/1"
MOST_FILES = 100
_HASH = re.compile(r"[0-9a-f]{64}")


class Attachment(NamedTuple):
    """One attachment as the researcher named it; the hash is of its ciphertext."""

    name: str
    size: int
    sha256: str


class Manifest(NamedTuple):
    """What a body that the browser sealed says."""

    title: str
    text: str
    build: str
    cvss: str | None
    key_set: int
    attachments: tuple[Attachment, ...]


def read(body: bytes) -> Manifest | None:
    """The manifest in a decrypted body; None if that is something else, sealed by hand. Raises Damaged if malformed."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not str(value.get("format", "")).startswith(FAMILY):
        return None
    if value["format"] != FORMAT:
        raise Damaged("The report has a format that this program does not know. Is it up to date?")
    try:
        return _manifest(value)
    except (KeyError, TypeError, ValueError):
        raise Damaged("The report's manifest is malformed.") from None


def _manifest(value: dict[str, Any]) -> Manifest:
    attachments = tuple(_attachment(each) for each in value["attachments"])
    if len(attachments) > MOST_FILES:
        raise ValueError
    cvss = value["cvss"]
    return Manifest(
        _text(value["title"]),
        _text(value["text"]),
        _text(value["build"]),
        None if cvss is None else _text(cvss),
        _count(value["key_set"]),
        attachments,
    )


def _attachment(value: dict[str, Any]) -> Attachment:
    sha256 = _text(value["sha256"])
    if not _HASH.fullmatch(sha256):
        raise ValueError
    return Attachment(_text(value["name"]), _count(value["size"]), sha256)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode()  # JSON can name halves of characters, which are no text
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value
