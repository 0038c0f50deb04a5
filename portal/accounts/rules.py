"""Pure answers about people: addresses, names, zones."""

import re
import unicodedata
from zoneinfo import available_timezones

_LINK = re.compile(r"(https?:|www\.|://|[\w-]+\.(com|net|org|info|ru|cn|top|xyz|shop|io)\b)", re.IGNORECASE)
_DOTLESS = {"gmail.com", "googlemail.com"}


def canonical_email(email: str) -> str:
    """The address without what mail systems ignore: case, "+tag", and at Google's the dots."""
    local, _, domain = email.strip().lower().rpartition("@")
    local, domain = local.partition("+")[0], domain.rstrip(".")
    if domain in _DOTLESS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def clean_name(name: str) -> str:
    """A name fit for a mail's greeting: one line, no links (bots advertise in it), at most 80 characters."""
    line = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in name).split())
    return _LINK.sub("", line)[:80].strip()


def is_zone(name: str) -> bool:
    """Whether this is an IANA time zone."""
    return name in available_timezones()
