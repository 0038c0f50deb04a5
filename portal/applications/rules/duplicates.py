"""What makes two applications look like one person's: evidence, and the clusters that follow from it."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from portal.accounts.rules import canonical_email
from portal.applications.rules.likeness import Groups, alike
from portal.applications.rules.openpgp import primary_fingerprint
from portal.applications.states import Evidence

# What more applications than these tell is no trace of one person: a habit, an example, a popular page.
MOST = {Evidence.KEY: 20, Evidence.EMAIL: 20, Evidence.PHONE: 8, Evidence.LINK: 8, Evidence.HANDLE: 8}
DETAIL_LENGTH = 300
NO_HANDLE = frozenset({
    "admin", "administrator", "anon", "anonymous", "hacker", "handle", "myself", "nickname", "nil", "nobody", "none",
    "noname", "null", "research", "researcher", "root", "same", "security", "student", "team", "tba", "tbd", "test",
    "tester", "user", "username", "unknown", "various", "xxx",
})  # fmt: skip
# Of these hosts, the address without a path is nobody's profile.
_EVERYBODYS = frozenset({
    "bugcrowd.com", "cve.mitre.org", "cve.org", "example.com", "example.org", "facebook.com", "github.com",
    "gitlab.com", "google.com", "hackerone.com", "instagram.com", "linkedin.com", "mastodon.social", "medium.com",
    "microsoft.com", "nvd.nist.gov", "t.me", "twitter.com", "x.com", "youtube.com",
})  # fmt: skip
_PHONE = re.compile(r"\+?[\d\s().\-/]{8,24}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Told:
    """What is compared of one application. `answers` are those to questions that are answered by text."""

    id: int
    handle: str = ""
    emails: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    certificate: str = ""
    answers: tuple[str, ...] = ()
    shingles: frozenset[int] = field(default=frozenset())


class Found(NamedTuple):
    """One piece of evidence about two applications, the smaller number first."""

    low: int
    high: int
    kind: Evidence
    detail: str
    share: float = 1.0


class Common(NamedTuple):
    """What so many tell that it is evidence of nothing."""

    kind: Evidence
    value: str
    holders: int


def handle_key(handle: str) -> str:
    """A handle without what people vary: case, width, a leading @, punctuation. Empty where it names nobody."""
    plain = unicodedata.normalize("NFKC", handle).casefold()
    key = "".join(sign for sign in plain if sign.isalnum())
    return "" if len(key) < 3 or key in NO_HANDLE else key


def link_key(link: str) -> str:
    """A link without scheme, www., fragment, tracking and closing slash. Empty where it leads to nobody's page."""
    try:
        parts = urlsplit(link.strip())
        host, port = (parts.hostname or "").removeprefix("www.").rstrip("."), parts.port
    except ValueError:
        return ""
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    told = sorted(pair for pair in parse_qsl(parts.query) if not pair[0].lower().startswith("utm_"))
    if not host or (host in _EVERYBODYS and not path and not told):
        return ""
    place = host if port in (None, 80, 443) else f"{host}:{port}"
    # Profile names are the same in capitals on the sites that have them.
    return f"{place}{path.casefold()}{'?' + urlencode(told) if told else ''}"


def phone_key(text: str) -> str:
    """The last nine digits of a telephone number, by which one with and without its country code agree; else empty."""
    text = unicodedata.normalize("NFKC", text).strip()
    digits = re.sub(r"\D", "", text)
    if not _PHONE.fullmatch(text) or not 9 <= len(digits) <= 15 or len(set(digits)) < 3:
        return ""
    return digits[-9:]


def _values(told: Told) -> Iterator[tuple[Evidence, str, str]]:
    """What one application can be recognised by: kind, the compared form, and how it reads."""
    key = primary_fingerprint(told.certificate) if told.certificate else None
    if key:
        yield Evidence.KEY, key, key
    for email in told.emails:
        yield Evidence.EMAIL, canonical_email(email), canonical_email(email)
    for answer in told.answers:
        yield Evidence.PHONE, phone_key(answer), f"… {phone_key(answer)}"
    for link in told.links:
        yield Evidence.LINK, link_key(link), link_key(link)
    yield Evidence.HANDLE, handle_key(told.handle), handle_key(told.handle)


def evidence(told: Sequence[Told]) -> tuple[list[Found], list[Common]]:
    """Everything that pairs of applications have in common, and what too many have in common."""
    holders: dict[tuple[Evidence, str], dict[int, str]] = defaultdict(dict)
    for one in told:
        for kind, value, words in _values(one):
            if value:
                holders[kind, value].setdefault(one.id, words)
    common = [Common(kind, value[:DETAIL_LENGTH], len(ids)) for (kind, value), ids in holders.items()
              if len(ids) > MOST[kind]]  # fmt: skip
    found: dict[tuple[int, int, Evidence], list[str]] = defaultdict(list)
    for (kind, _value), ids in holders.items():
        if 1 < len(ids) <= MOST[kind]:
            words = next(iter(ids.values()))
            for low, high in combinations(sorted(ids), 2):
                found[low, high, kind].append(words)
    pairs = [Found(*key, ", ".join(sorted(words))[:DETAIL_LENGTH]) for key, words in found.items()]
    texts = alike({one.id: one.shingles for one in told})
    pairs += [Found(low, high, Evidence.ESSAY, f"{_percent(share)} of both texts", share) for low, high, share in texts]
    return sorted(pairs), sorted(common, key=lambda each: (-each.holders, each.kind, each.value))


def _percent(share: float) -> str:
    """Rounded down: only equal texts are 100 %."""
    return f"{int(share * 100)} %"


def clusters(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Each application that belongs to a cluster, with the cluster's number: that of its first application."""
    groups = Groups()
    for low, high in pairs:
        groups.join(low, high)
    return groups.all()
