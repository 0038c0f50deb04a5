"""The list of known issues as the portal publishes it: whether each line follows from those before it, and is signed.

A line is `known-issue-list/1`, the challenge's name, the number, the head before (for the first, sixty-four zeros), the
commitment and the time, each with a line feed after it. Its SHA-256 is the new head.
"""

import base64
import binascii
import hashlib
import json
from pathlib import Path
from typing import Any

from portal.triage import ed25519
from portal.triage.failures import Damaged, Failure

NO_HEAD = "0" * 64
LARGEST = 2**26


def read(path: Path) -> dict[str, Any]:
    """A list that was downloaded: known-issues.json. Raises Failure."""
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    try:
        found = json.loads(data) if len(data) <= LARGEST else None
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("format") != "known-issue-list/1":
        raise Failure(f"{path} is no list of known issues.")
    return found


def heads(listed: dict[str, Any], public: bytes | None = None) -> list[str]:
    """The head after each line, the first being that of an empty list; with a key (32 octets), signatures count too.

    Raises Damaged at the first line that does not follow.
    """
    found = [NO_HEAD]
    try:
        for number, issue in enumerate(listed["issues"], start=1):
            words = (listed["challenge"], number, found[-1], issue["commitment"], issue["committed_at"])
            line = "".join(f"{word}\n" for word in ("known-issue-list/1", *words)).encode()
            found.append(hashlib.sha256(line).hexdigest())
            if issue["number"] != number or issue["head"] != found[-1]:
                raise Damaged(f"The list of known issues was changed: K-{number} does not follow from what is before.")
            if public and not ed25519.verify(public, line, base64.b64decode(issue["signature"], validate=True)):
                raise Damaged(f"The list of known issues: the signature of K-{number} is not this key’s.")
    except (KeyError, TypeError, AttributeError, binascii.Error):
        raise Damaged("The list of known issues is not whole.") from None
    return found
