"""Pure answers about people: addresses, names, zones."""

import re
import unicodedata
from collections import defaultdict
from functools import cache
from urllib.parse import urlsplit
from zoneinfo import available_timezones

# Whatever a mail program would make a link of: a scheme, "www.", or a dotted name with a path or a usual ending.
_LINK = re.compile(
    r"\S*(https?:|://|www\.|[\w-]\.[a-z]{2,}/|[\w-]\.(com|net|org|info|biz|ru|cn|top|xyz|shop|site|online|io|co|me)\b)\S*",
    re.IGNORECASE,
)
# The regions of the IANA data that people live in; what else it lists are other names for the same.
_REGIONS = {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
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
    return " ".join(_LINK.sub("", line).split())[:80].strip()


def is_zone(name: str) -> bool:
    """Whether this is an IANA time zone."""
    return name in available_timezones()


@cache
def zones_by_region() -> dict[str, str | dict[str, str]]:
    """Every zone that a person may live in, with its city, by region; UTC stands alone at the top."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name in sorted(available_timezones()):
        region, _, city = name.partition("/")
        if region in _REGIONS and city:
            found[region][name] = city.replace("_", " ").replace("/", ", ")
    return {"UTC": "UTC"} | found


def local_path(target: str | None, otherwise: str) -> str:
    """The target if it is a path of this portal, else `otherwise`: nobody is sent elsewhere by a link to us."""
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\"):
        return otherwise
    parts = urlsplit(target)
    odd = any(ord(character) <= 32 or ord(character) == 127 for character in target)
    return otherwise if odd or parts.scheme or parts.netloc else target


def is_demonstration(email: str) -> bool:
    """Whether the address is one of the demonstration's, whose password everybody knows."""
    return email.lower().endswith("@demo.example")
