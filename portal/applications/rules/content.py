"""Answers about applications that need no database: what fits into the form, what may still be done when."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime

from portal.applications.models import Application, Question, Revision, Step
from portal.applications.rules.questions import misfits_of_answers, missing_answers
from portal.applications.states import ApplicantKind, ApplicationState
from portal.challenges.models import Challenge
from portal.challenges.rules import LARGEST_TEAM, accepts_applications

LINK_LENGTH, LINKS, TEAM = 300, 10, LARGEST_TEAM - 1
LENGTHS = {"name": 80, "handle": 80, "affiliation": 120, "experience": 4000, "plan": 4000, "kit_use": 2000}
CERTIFICATE_LENGTH = 50_000
# Codes of CLDR that are no countries, and the dependencies that only it knows.
_NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
COUNTRIES: dict[str, str] = {
    code: name
    for code, name in sorted(Locale("en").territories.items(), key=lambda entry: entry[1])
    if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
}
_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\".]+")


@dataclass(frozen=True, slots=True)
class Content:
    """What an applicant tells. A draft may lack anything; lengths and forms hold from the beginning."""

    name: str = ""
    handle: str = ""
    affiliation: str = ""
    country: str = ""
    kind: ApplicantKind = ApplicantKind.SINGLE
    team: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    scenario_ids: frozenset[int] = frozenset()
    experience: str = ""
    plan: str = ""
    kit_use: str = ""
    # By the number of the question, as text: that is how JSON keeps it.
    answers: dict[str, Any] = field(default_factory=dict)
    certificate: str = ""
    adult: bool = False
    permitted: bool = False
    independent: bool = False
    agrees: bool = False

    def columns(self) -> dict[str, Any]:
        """As columns of an application; the scenarios are rows of their own."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "scenario_ids"}
        return told | {"team": list(self.team), "links": list(self.links)}

    def snapshot(self) -> dict[str, Any]:
        """As JSON, to be kept with a revision."""
        return self.columns() | {"kind": self.kind.value, "scenario_ids": sorted(self.scenario_ids)}


def content_of(application: Application) -> Content:
    """What an application tells at present."""
    names = [name for name in Content.__dataclass_fields__ if name not in ("team", "links", "scenario_ids")]
    return Content(
        **{name: getattr(application, name) for name in names},
        team=tuple(application.team),
        links=tuple(application.links),
        scenario_ids=frozenset(scenario.id for scenario in application.scenarios),
    )


def misfits(content: Content, scenario_ids: Collection[int], questions: Sequence[Question] = ()) -> dict[str, str]:
    """What does not fit even into a draft, by field."""
    found = {
        name: f"At most {most:,} characters; these are {len(getattr(content, name)):,}."
        for name, most in LENGTHS.items()
        if len(getattr(content, name)) > most
    }
    told = {
        "country": "Choose a country from the list." if content.country and content.country not in COUNTRIES else None,
        "scenario_ids": None if content.scenario_ids <= set(scenario_ids) else "Choose from the scenarios shown.",
        "links": _why_not_links(content.links),
        "team": _why_not_team(content.team),
        "certificate": _why_not_certificate(content.certificate),
    }
    found |= {name: message for name, message in told.items() if message}
    return found | misfits_of_answers(content.answers, questions)


def faults(content: Content, scenario_ids: Collection[int], questions: Sequence[Question] = ()) -> dict[str, str]:
    """What stands in the way of submitting, by field."""
    missing = {
        "name": "Say who you are." if not content.name else None,
        "country": "Choose your country." if not content.country else None,
        "team": "Name the others of your team by their addresses." if _lacks_team(content) else None,
        "scenario_ids": "Choose at least one scenario." if not content.scenario_ids else None,
        "experience": "Say what you have done before." if not content.experience else None,
        "plan": "Say what you would try." if not content.plan else None,
        "kit_use": "Say what you would do with a kit." if not content.kit_use else None,
        "adult": _unless(content.adult),
        "permitted": _unless(content.permitted),
        "independent": _unless(content.independent),
        "agrees": "Nobody takes part without the agreement." if not content.agrees else None,
    }
    found = {name: message for name, message in missing.items() if message}
    return found | missing_answers(content.answers, questions) | misfits(content, scenario_ids, questions)


def _unless(stated: bool) -> str | None:
    return None if stated else "Only people of whom this is true can take part."


def _lacks_team(content: Content) -> bool:
    return content.kind is ApplicantKind.TEAM and not content.team


def _why_not_links(links: Iterable[str]) -> str | None:
    links = list(links)
    if len(links) > LINKS:
        return f"At most {LINKS} links, the ones that tell most."
    for link in links:
        if len(link) > LINK_LENGTH:
            return f"At most {LINK_LENGTH} characters a link: {link[:40]}…"
        if not is_link(link):
            return f"One address a line, beginning with https:// or http://. This is none: {link[:80]}"
    return None


def is_link(text: str) -> bool:
    """Whether this is an address that may be opened from a page: http or https, with a host, without a sign-in."""
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def is_address(text: str) -> bool:
    """Whether this looks like an e-mail address; whether it exists only a mail tells."""
    return len(text) <= 254 and bool(_ADDRESS.fullmatch(text))


def _why_not_team(team: Collection[str]) -> str | None:
    if len(team) > TEAM:
        return f"At most {TEAM} others."
    for address in team:
        if not is_address(address):
            return f"One e-mail address a line. This is none: {address[:80]}"
    return None


def _why_not_certificate(text: str) -> str | None:
    if not text:
        return None
    if "PRIVATE KEY BLOCK" in text:
        return "This is a private key. It was not saved. Keep it to yourself and paste the public one."
    if len(text) > CERTIFICATE_LENGTH:
        return "This certificate is too large; export it without the signatures of others."
    if not text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----"):
        return "Paste the public key in text form: it begins with -----BEGIN PGP PUBLIC KEY BLOCK-----."
    return None


def is_open(challenge: Challenge, at: datetime) -> bool:
    """Whether applications are taken."""
    return accepts_applications(challenge, at)


def why_closed(challenge: Challenge, at: datetime) -> str | None:
    """Why no applications are taken now, or None if they are."""
    if at < challenge.apply_from:
        return "Applications are not open yet."
    return None if at < challenge.apply_until else "Applications have closed."


def may_edit(application: Application, challenge: Challenge, at: datetime) -> bool:
    """Whether the applicant may still change what they told."""
    return application.state in (ApplicationState.DRAFT, ApplicationState.SUBMITTED) and is_open(challenge, at)


def may_return(application: Application, challenge: Challenge, at: datetime) -> bool:
    """Whether a withdrawn application may be submitted again."""
    return application.state is ApplicationState.WITHDRAWN and is_open(challenge, at)


@lru_cache(maxsize=256)
def spoken(instant: datetime, zone: str) -> str:
    """An instant for a mail, on the reader's clock and with its name."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{format_datetime(local, 'EEEE d MMMM y, HH:mm', locale='en_GB')} {local.tzname()}"


class Entry(NamedTuple):
    """One line of a timeline."""

    at: datetime
    title: str
    detail: str = ""
    actor: str = ""


# What applicants read for each state.
TITLES = {
    ApplicationState.SUBMITTED: "Received",
    ApplicationState.WAITLISTED: "On the waiting list",
    ApplicationState.INVITED: "Invited",
    ApplicationState.DECLINED: "Declined",
    ApplicationState.ACCEPTED: "Place accepted",
    ApplicationState.REFUSED: "Place refused",
    ApplicationState.EXPIRED: "Invitation expired",
    ApplicationState.RESCINDED: "Invitation taken back",
    ApplicationState.WITHDRAWN: "Withdrawn",
    ApplicationState.DISQUALIFIED: "Not considered",
    ApplicationState.REMOVED: "Removed from the challenge",
}


def timeline(steps: Sequence[Step], revisions: Sequence[Revision], *, for_staff: bool) -> list[Entry]:
    """What happened, the newest first. Who did it and why is told to the staff only."""
    moved = [
        Entry(
            step.at, TITLES.get(step.state, step.state.value), (step.reason or "") if for_staff else "",
            (step.by.name or step.by.email) if for_staff and step.by else "",
        )
        for step in steps
    ]  # fmt: skip
    known = {step.at for step in steps}
    changed = [Entry(revision.at, f"Changed (version {revision.number})") for revision in revisions]
    return sorted([*moved, *(entry for entry in changed if entry.at not in known)], key=lambda e: e.at, reverse=True)
