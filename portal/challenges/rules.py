"""Pure answers about challenges: where one stands in its course, what makes its dates sound, how texts differ."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import SequenceMatcher
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from portal.accounts.rules import is_zone
from portal.challenges.models import Challenge
from portal.challenges.states import NewsMail, Phase

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,62})[a-z0-9]")
# Pages of the whole staff area: /staff/jobs is no challenge.
RESERVED = {"jobs", "mail", "audit", "keys"}
INVITATION_HOLDS = timedelta(days=14)
LARGEST_TEAM = 10


@dataclass(frozen=True, slots=True)
class Outline:
    """What a challenge says of itself. Days are days in `zone`; `apply_from` and `apply_until` are instants."""

    title: str
    summary: str
    rules: str
    zone: str
    places: int
    currency: str
    announced_on: date
    apply_from: datetime
    apply_until: datetime
    starts_on: date
    ends_on: date


def faults(outline: Outline) -> dict[str, str]:
    """What is wrong with an outline, by field."""
    found = {}
    if not outline.title:
        found["title"] = "A challenge needs a title."
    if not is_zone(outline.zone):
        found["zone"] = "Choose a time zone from the list."
    if outline.places < 1:
        found["places"] = "At least one place."
    if not re.fullmatch(r"[A-Z]{3}", outline.currency):
        found["currency"] = "Three capital letters: USD."
    if outline.apply_from >= outline.apply_until:
        found["apply_until"] = "Applications close after they open."
    if outline.starts_on > outline.ends_on:
        found["ends_on"] = "The challenge ends after it starts."
    return found


def is_slug(slug: str) -> bool:
    """Whether this may be a challenge's name in addresses."""
    return bool(SLUG.fullmatch(slug)) and slug not in RESERVED


def accepts_applications(challenge: Challenge, now: datetime) -> bool:
    """Whether one may apply at this instant. A challenge may go on accepting while it runs."""
    return challenge.apply_from <= now < challenge.apply_until


def ends_at(challenge: Challenge) -> datetime:
    """The instant at which the last day is over, in the challenge's zone."""
    after = challenge.ends_on + timedelta(days=1)
    return datetime.combine(after, time(), ZoneInfo(challenge.zone)).astimezone(UTC)


def phase(challenge: Challenge, now: datetime) -> Phase:
    """Where the challenge stands at an instant."""
    today = now.astimezone(ZoneInfo(challenge.zone)).date()
    if challenge.results_released_at and challenge.results_released_at <= now:
        return Phase.PUBLISHED
    if today > challenge.ends_on:
        return Phase.ENDED
    if today >= challenge.starts_on:
        return Phase.RUNNING
    if now < challenge.apply_from:
        return Phase.ANNOUNCED
    return Phase.APPLICATIONS_OPEN if now < challenge.apply_until else Phase.SELECTION


def today_in(challenge: Challenge, now: datetime) -> date:
    """The day that an instant is on in the challenge's zone."""
    return now.astimezone(ZoneInfo(challenge.zone)).date()


class Step(NamedTuple):
    """One station of a challenge's course. `at` is an instant or a day of the challenge's zone."""

    title: str
    at: datetime | date | None
    over: bool
    current: bool


def course(challenge: Challenge, now: datetime) -> list[Step]:
    """The stations of a challenge in their order, and which of them it is at."""
    here = phase(challenge, now)
    order = list(Phase)
    stations: list[tuple[Phase, str, datetime | date | None]] = [
        (Phase.ANNOUNCED, "Announced", challenge.announced_on),
        (Phase.APPLICATIONS_OPEN, "Applications open", challenge.apply_from),
        (Phase.SELECTION, "Applications close", challenge.apply_until),
        (Phase.RUNNING, "Research begins", challenge.starts_on),
        (Phase.ENDED, "Last day of research", challenge.ends_on),
        # An hour that is set may still be moved: nobody is told of it before it has come.
        (Phase.PUBLISHED, "Results", challenge.results_released_at if here is Phase.PUBLISHED else None),
    ]
    steps = [Step(title, at, order.index(when) < order.index(here), when is here) for when, title, at in stations]
    return steps


class Line(NamedTuple):
    """A line of a text beside its older version: "same", "added" or "removed"."""

    kind: str
    text: str


def changes(old: str, new: str) -> list[Line]:
    """How a text differs from its older version, line by line."""
    return list(_changes(old.splitlines(), new.splitlines()))


def _changes(old: list[str], new: list[str]) -> Iterator[Line]:
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (Line("same", text) for text in old[a:b])
        else:
            yield from (Line("removed", text) for text in old[a:b])
            yield from (Line("added", text) for text in new[c:d])


# What participants are given


def plain_name(name: str) -> str:
    """A file's name as it is shown and given out: the last part of a path, on one line, at most 200 signs."""
    last = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    shown = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C")
    return " ".join(shown.split()).lstrip(".")[:200].strip() or "download"


def host_of(url: str) -> str | None:
    """The host of a web address as it is shown beside a link; None where this is none that may stand on a page."""
    if any(sign.isspace() or not sign.isprintable() for sign in url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("https", "http") or not host or parts.username is not None or "." not in host:
        return None
    try:
        # What looks like another host is shown for what it is: xn--….
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return None


MORNING = time(8)


def last_morning(zone: str, now: datetime) -> datetime:
    """The latest eight o'clock in a zone that has come; what was published by then belongs into that day's digest."""
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    morning = datetime.combine(today, MORNING, place).astimezone(UTC)
    return morning if morning <= now else datetime.combine(today - timedelta(days=1), MORNING, place).astimezone(UTC)


def is_due(choice: NewsMail, zone: str, publish_at: datetime, now: datetime) -> bool:
    """Whether a member is to be told now of what came out at an instant."""
    if choice is NewsMail.NEVER:
        return False
    return publish_at <= (now if choice is NewsMail.AT_ONCE else last_morning(zone, now))
