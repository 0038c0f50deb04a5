"""What an advisory says, and when it says enough to be published."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from cvss import CVSS3
from cvss.exceptions import CVSSError

from portal.core.errors import Invalid, Refused

# As the records of CVE have it (their JSON format, version 5).
CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}")
# Weaknesses that reports about operating systems name, under their names in the Common Weakness Enumeration.
WEAKNESSES = {
    "CWE-20": "Improper Input Validation",
    "CWE-22": "Improper Limitation of a Pathname to a Restricted Directory ('Path Traversal')",
    "CWE-59": "Improper Link Resolution Before File Access ('Link Following')",
    "CWE-77": "Improper Neutralization of Special Elements used in a Command ('Command Injection')",
    "CWE-78": "Improper Neutralization of Special Elements used in an OS Command ('OS Command Injection')",
    "CWE-119": "Improper Restriction of Operations within the Bounds of a Memory Buffer",
    "CWE-120": "Buffer Copy without Checking Size of Input ('Classic Buffer Overflow')",
    "CWE-125": "Out-of-bounds Read",
    "CWE-190": "Integer Overflow or Wraparound",
    "CWE-200": "Exposure of Sensitive Information to an Unauthorized Actor",
    "CWE-269": "Improper Privilege Management",
    "CWE-276": "Incorrect Default Permissions",
    "CWE-284": "Improper Access Control",
    "CWE-287": "Improper Authentication",
    "CWE-294": "Authentication Bypass by Capture-replay",
    "CWE-295": "Improper Certificate Validation",
    "CWE-346": "Origin Validation Error",
    "CWE-347": "Improper Verification of Cryptographic Signature",
    "CWE-362": "Concurrent Execution using Shared Resource with Improper Synchronization ('Race Condition')",
    "CWE-367": "Time-of-check Time-of-use (TOCTOU) Race Condition",
    "CWE-400": "Uncontrolled Resource Consumption",
    "CWE-415": "Double Free",
    "CWE-416": "Use After Free",
    "CWE-476": "NULL Pointer Dereference",
    "CWE-668": "Exposure of Resource to Wrong Sphere",
    "CWE-693": "Protection Mechanism Failure",
    "CWE-732": "Incorrect Permission Assignment for Critical Resource",
    "CWE-787": "Out-of-bounds Write",
    "CWE-843": "Access of Resource Using Incompatible Type ('Type Confusion')",
    "CWE-862": "Missing Authorization",
    "CWE-863": "Incorrect Authorization",
    "CWE-908": "Use of Uninitialized Resource",
}


@dataclass(frozen=True, slots=True)
class Product:
    """A build as an advisory names it. `id` is the number of its row."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Flaw:
    """One vulnerability: `affected` and `fixed` builds, and the release with the fix, if there is one."""

    report_id: int
    title: str
    text: str
    cve: str | None = None
    cwe: str | None = None
    cvss: str | None = None
    affected: tuple[Product, ...] = ()
    fixed: tuple[Product, ...] = ()
    release: str | None = None
    fixed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """What one version of an advisory says."""

    title: str
    summary: str
    details: str
    vendor: str
    product: str
    flaws: tuple[Flaw, ...] = ()

    def kept(self) -> dict[str, Any]:
        """As JSON can hold it."""
        found = asdict(self)
        for flaw in found["flaws"]:
            flaw["fixed_on"] = flaw["fixed_on"] and flaw["fixed_on"].isoformat()
        return found

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Text":
        """Back from JSON."""
        return cls(**{**kept, "flaws": tuple(_flaw(each) for each in kept["flaws"])})

    @property
    def report_ids(self) -> frozenset[int]:
        """The reports that it covers."""
        return frozenset(flaw.report_id for flaw in self.flaws)


def _flaw(kept: Mapping[str, Any]) -> Flaw:
    products = {name: tuple(Product(**each) for each in kept[name]) for name in ("affected", "fixed")}
    day = kept["fixed_on"] and date.fromisoformat(kept["fixed_on"])
    return Flaw(**{**kept, **products, "fixed_on": day})


def identity(prefix: str, year: int, number: int) -> str:
    """An advisory's name: PORTAL-2020-0001."""
    return f"{prefix}-{year}-{number:04}"


def file_name(ident: str) -> str:
    """The name of its file (CSAF 2.0, section 5.1): lower case, what is no letter, digit, + or - becomes _."""
    return re.sub(r"[^+\-a-z0-9]+", "_", ident.lower()) + ".json"


def score(vector: str) -> tuple[float, str]:
    """The base score of a CVSS 3.1 vector and its word: (8.8, "High"). Raises Invalid."""
    found = _vector(vector)
    return float(found.base_score), str(found.severities()[0])


def score_json(vector: str) -> dict[str, Any]:
    """A CVSS 3.1 vector as FIRST's schema has it."""
    told: dict[str, Any] = _vector(vector).as_json(minimal=True)
    return told


def _vector(vector: str) -> CVSS3:
    try:
        if not vector.startswith("CVSS:3.1/"):
            raise Invalid({"cvss": "A vector of version 3.1: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H."})
        return CVSS3(vector)
    except CVSSError as error:
        raise Invalid({"cvss": "This is no vector of CVSS 3.1."}) from error


def check_flaw(cve: str | None, cwe: str | None, cvss: str | None, both: Sequence[str] = ()) -> None:
    """Raises Invalid where a flaw's particulars are none. `both` names builds that would have the flaw and its fix."""
    wrong = {}
    if cve and not CVE.fullmatch(cve):
        wrong["cve"] = "A CVE id: CVE-2020-12345."
    if cwe and cwe not in WEAKNESSES:
        wrong["cwe"] = "Choose a weakness from the list."
    if both:
        wrong["fixed"] = f"{', '.join(both)} cannot have both the flaw and its fix."
    if cvss:
        try:
            score(cvss)
        except Invalid as problem:
            wrong |= problem.messages
    if wrong:
        raise Invalid(wrong)


def check_ready(text: Text) -> None:
    """Raises Refused where something is missing that an advisory needs."""
    if not text.flaws:
        raise Refused("It covers no report yet. Add one first.")
    for flaw in text.flaws:
        if not flaw.affected:
            raise Refused(f"“{flaw.title}” names no build that has the flaw. Choose at least one.")
    if not (text.summary and text.details and text.vendor and text.product):
        raise Refused("Summary, details, vendor and product are all needed.")


def check_publish(written_by: int, by: int, missing: Sequence[str]) -> None:
    """Raises Refused where it cannot be published by this person, or a report's date has not been agreed on."""
    if written_by == by:
        raise Refused("You wrote it last. Somebody else publishes it.")
    if missing:
        raise Refused(f"No date has been agreed on for {', '.join(missing)}. Agree with the researcher first.")


def visible_from(embargo: datetime | None, at: datetime) -> datetime:
    """When a version is public: at once, or when the last embargo is over."""
    return max(at, embargo) if embargo else at
