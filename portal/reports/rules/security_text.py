"""What security.txt says (RFC 9116), and whether the signed one is still good."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from portal.core.errors import Refused
from portal.reports.models import KeySet, SecurityText
from portal.reports.rules.keys import WARN_BEFORE

# RFC 9116 advises less than a year; half of one leaves time to be reminded.
LIFE, LONGEST = timedelta(days=180), timedelta(days=366)
_EXPIRES = re.compile(r"^Expires: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$", re.MULTILINE)


class Addresses(NamedTuple):
    """Where the portal is, as security.txt names it."""

    contact: str
    policy: str
    encryption: str
    canonical: str
    csaf: str


def security_text(where: Addresses, current: KeySet | None, expires: datetime) -> str:
    """The text, with the fingerprints of the current key set as comments."""
    lines = [
        f"Contact: {where.contact}",
        f"Expires: {expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        f"Encryption: {where.encryption}",
        "Preferred-Languages: en",
        f"Canonical: {where.canonical}",
        f"Policy: {where.policy}",
        f"CSAF: {where.csaf}",
    ]
    if current:
        lines.append(f"# Key set {current.number}")
        lines += [f"# {member.fingerprint} {member.role.value}" for member in current.members]
    return "\n".join([*lines, ""])


def check_security_text(text: str, where: Addresses, current: KeySet, at: datetime) -> datetime:
    """When a text that was signed expires. Raises Refused unless it is the portal's own for the current key set."""
    found = _EXPIRES.search(text)
    if not found:
        raise Refused("The text has no line “Expires”. Download the text anew, and sign that.")
    expires = datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if not at < expires <= at + LONGEST:
        raise Refused(f"It would expire on {expires:%d %B %Y}: that is past, or further off than a year.")
    strange = differing(text, security_text(where, current, expires))
    if strange is not None:
        raise Refused(
            f"It is not the text for key set {current.number}: “{strange}”. Download the text anew, and sign that."
        )
    return expires


def differing(text: str, wanted: str) -> str | None:
    """The first line in which two texts differ, as the first of them has it."""
    one, other = _lines(text), _lines(wanted)
    for index in range(max(len(one), len(other))):
        if one[index : index + 1] != other[index : index + 1]:
            return one[index][:100] if index < len(one) else "its end is missing"
    return None


def _lines(text: str) -> Sequence[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


def fault_of_text(newest: SecurityText | None, current: KeySet | None, at: datetime) -> str | None:
    """What is to be done about security.txt, as a few words; None if nothing is."""
    if current is None:
        return None
    if newest is None:
        return "security.txt is not signed"
    if newest.key_set_id != current.id:
        return f"security.txt is signed for key set {newest.key_set.number}, and set {current.number} is current"
    if newest.expires_at <= at:
        return "the signed security.txt has expired"
    if newest.expires_at <= at + WARN_BEFORE:
        return f"the signed security.txt expires on {newest.expires_at:%d %B %Y}"
    return None
