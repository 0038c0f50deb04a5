"""The way into a meeting: which address a slot has, and who is shown it when."""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from portal.office_hours.models import MeetingLink
from portal.office_hours.rules.booking import DOORS_OPEN

# Where it stands in an address, each slot has a secret of its own.
SECRET = "{secret}"  # noqa: S105
NOT_HTTPS = "Write an address that begins with https://."


class Way(NamedTuple):
    """What there is of a way into a slot: the link that counts, if any, and whether hosts have to give a new one."""

    link: MeetingLink | None
    turn: int
    wanted: bool


def subject(link_id: int) -> str:
    """As whose a link is sealed."""
    return f"meeting link {link_id}"


def why_not_link(url: str) -> str | None:
    """Why an address is no way into a meeting."""
    if url.count("{") != url.count(SECRET) or url.count("}") != url.count(SECRET):
        return "Besides {secret}, an address has no braces."
    try:
        parts = urlsplit(url.replace(SECRET, "x"))
    except ValueError:
        return NOT_HTTPS
    if parts.scheme != "https" or not parts.hostname or any(sign.isspace() or not sign.isprintable() for sign in url):
        return NOT_HTTPS
    return "Put {secret} behind the server's name." if SECRET in urlsplit(url).netloc else None


def way_of(nearest: Sequence[MeetingLink]) -> Way:
    """The way in, from the links of a slot, its session and its series, the nearest first.

    An address that does not vary is gone once somebody who knew it was removed, until a newer one is there.
    """
    slot = next((link for link in nearest if link.slot_id is not None), None)
    turn, turned_at = (slot.turn, slot.turned_at) if slot else (0, None)
    found = next((link for link in nearest if link.sealed is not None), None)
    if found is None:
        return Way(None, turn, turned_at is not None)
    if turned_at is not None and not found.varying and found.changed_at <= turned_at:
        return Way(None, turn, wanted=True)
    return Way(found, turn, wanted=False)


def address(content: dict[str, Any], slot_id: int, turn: int) -> str:
    """The address of one slot."""
    told = hmac.new(bytes.fromhex(content["seed"]), f"slot {slot_id} turn {turn}".encode(), "sha256").hexdigest()[:32]
    return str(content["url"]).replace(SECRET, told)


def shown(starts_at: datetime, ends_at: datetime, at: datetime, late: int = 0) -> bool:
    """Whether the way in is shown: from a quarter of an hour before until the end, which may be `late` minutes off."""
    return starts_at - DOORS_OPEN <= at < ends_at + timedelta(minutes=late)
