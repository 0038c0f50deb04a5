"""Reports that a mail of ours could not be delivered after all (RFC 3464)."""

import re
from email import message_from_string
from email.message import Message
from typing import NamedTuple

from portal.line.letters import Letter
from portal.line.plain import one_line

_NUMBER = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


class Returned(NamedTuple):
    """A mail that came back: the left side of its Message-ID, to whom it should have gone, and why it did not."""

    token: str
    recipient: str
    reason: str


def is_report(letter: Letter) -> bool:
    """Whether a mail tells of the fate of another one."""
    message = letter.message
    return message.get_content_type() == "multipart/report" and message.get_param("report-type") == "delivery-status"


def returned(letter: Letter, host: str) -> Returned | None:
    """The mail of ours that could not be delivered, if that is what the report says."""
    inner = letter.message.get_payload()
    parts = [part for part in inner if isinstance(part, Message)] if isinstance(inner, list) else []
    status = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    told = _failure(status) if status is not None else None
    token = next(filter(None, (_token(part, host) for part in parts[1:])), None)
    return Returned(token, *told) if told and token else None


def _failure(status: Message) -> tuple[str, str] | None:
    """The recipient and the reason of the first failure that is told."""
    blocks = status.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if not isinstance(block, Message) or str(block.get("Action", "")).strip().lower() != "failed":
            continue
        named = str(block.get("Original-Recipient") or block.get("Final-Recipient") or "")
        recipient = named.partition(";")[2].strip().strip("<>").lower()
        number = _NUMBER.search(str(block.get("Status", "")))
        diagnosis = one_line(str(block.get("Diagnostic-Code", "")).partition(";")[2], 300)
        return recipient, f"Came back: {number[0] if number else 'failed'} {diagnosis}".strip()
    return None


def _token(part: Message, host: str) -> str | None:
    """The left side of the Message-ID of the mail that the report brings along, if it is one of ours."""
    inner = part.get_payload()
    original: Message | None = None
    if part.get_content_type() == "message/rfc822" and isinstance(inner, list) and inner:
        original = inner[0] if isinstance(inner[0], Message) else None
    elif part.get_content_type() == "text/rfc822-headers" and isinstance(inner, str):
        original = message_from_string(inner)
    known = str(original.get("Message-ID", "")).strip() if original else ""
    found = re.fullmatch(rf"<([0-9a-f]{{32}})@{re.escape(host)}>", known)
    return found[1] if found else None
