"""What a CVSS vector says: checked and counted by the rules of FIRST, for versions 4.0 and 3.1."""

from functools import lru_cache
from typing import NamedTuple

from cvss import CVSS3, CVSS4
from cvss.exceptions import CVSSError

from portal.core.errors import Invalid
from portal.reports.states import Severity

# From which score on the programme's own scale would say so; the team says what it is.
FLOORS = ((9.0, Severity.CRITICAL), (7.0, Severity.IMPORTANT), (4.0, Severity.MODERATE), (0.1, Severity.LOW))
UNKNOWN = "This is no CVSS vector of version 4.0 or 3.1. It begins with CVSS:4.0/ or CVSS:3.1/."


class Scored(NamedTuple):
    """A vector in its usual order, its version and score, FIRST's word for it and what the programme might say."""

    vector: str
    version: str
    score: float
    word: str
    suggested: Severity | None


@lru_cache(maxsize=512)
def scored(vector: str) -> Scored:
    """Read a vector. Raises Invalid with what is wrong with it."""
    text = vector.strip().upper()
    version = text[5:8] if text.startswith(("CVSS:4.0/", "CVSS:3.1/")) else ""
    if not version:
        raise Invalid({"cvss": UNKNOWN})
    try:
        read = CVSS4(text) if version == "4.0" else CVSS3(text)
    except CVSSError as error:
        raise Invalid({"cvss": f"{str(error).rstrip('.')}."}) from error
    score = float(read.base_score if version == "4.0" else read.scores()[2])
    word = str(read.severity if version == "4.0" else read.severities()[2])
    suggested = next((severity for floor, severity in FLOORS if score >= floor), None)
    return Scored(read.clean_vector(), version, score, word, suggested)
