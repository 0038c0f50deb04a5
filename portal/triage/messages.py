"""The plaintext of a sealed message: written as the portal's pages write it, read whoever has sealed it."""

import base64
import binascii
import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from portal.triage.failures import Damaged, Failure

FAMILY, FORMAT = "sealed-message/", "sealed-message/1"
MOST_FILES = 100


class File(NamedTuple):
    """An attachment: what it is called, and its content."""

    name: str
    content: bytes


class Opened(NamedTuple):
    """What a message says. `text` is None where it was sealed by hand and is no text."""

    text: str | None
    attachments: tuple[File, ...]
    raw: bytes


def write(ref: str, text: str, attachments: list[Path]) -> bytes:
    """The plaintext of a reply."""
    files = []
    for path in attachments:
        content = path.read_bytes()
        files.append(
            {
                "name": path.name,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "data": base64.b64encode(content).decode(),
            }
        )
    value = {"format": FORMAT, "report": ref, "text": text, "attachments": files}
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def read(data: bytes, ref: str) -> Opened:
    """What a decrypted message says; whatever is not in the pages' form is taken as it is. Raises Damaged."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return _by_hand(data)
    if not isinstance(value, dict) or not str(value.get("format", "")).startswith(FAMILY):
        return _by_hand(data)
    if value["format"] != FORMAT:
        raise Damaged("The message has a format that this program does not know. Is it up to date?")
    try:
        if value["report"] != ref:
            raise Damaged("The message was written about another report. The portal has exchanged it, or somebody did.")
        files = tuple(_file(each) for each in value["attachments"])
        if len(files) > MOST_FILES or not isinstance(value["text"], str):
            raise ValueError
        value["text"].encode()  # JSON can name halves of characters, which are no text
    except (KeyError, TypeError, ValueError):
        raise Damaged("The message is malformed.") from None
    return Opened(value["text"], files, data)


def _file(value: dict[str, Any]) -> File:
    name, data = value["name"], value["data"]
    if not isinstance(name, str) or not isinstance(data, str):
        raise TypeError
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ValueError from error
    if hashlib.sha256(content).hexdigest() != value["sha256"]:
        raise ValueError
    return File(name, content)


def _by_hand(data: bytes) -> Opened:
    try:
        return Opened(data.decode(), (), data)
    except UnicodeDecodeError:
        return Opened(None, (), data)


def checked_size(data: bytes, limit: int) -> None:
    """Raises Failure where a message is larger than the portal takes."""
    if len(data) > limit:
        raise Failure(f"The message has {len(data):,} bytes sealed, and the portal takes {limit:,}. Attach less.")
