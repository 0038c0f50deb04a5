"""Who may review what, and what a review says."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from portal.accounts.rules import canonical_email
from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.selection.models import Criterion
from portal.selection.rules.assigning import organisation
from portal.selection.states import ConflictKind

# Applications on which a decision can still be meant, and which can still be reviewed.
UNDECIDED = (ApplicationState.SUBMITTED, ApplicationState.WAITLISTED)
# What a mark says, on every criterion.
SCORES = {0: "nothing", 1: "weak", 2: "fair", 3: "good", 4: "strong", 5: "outstanding"}
CONFIDENCE = {1: "a guess", 2: "fairly sure", 3: "I know this field"}
# The number of the one criterion that a rubric without criteria has. Its mark is the score, and no row of its own.
OVERALL = 0
TEXT_LENGTH = 4000


class Opinion(NamedTuple):
    """What a reviewer says: marks by criterion (0 to 5), how sure they are, and words for two readerships."""

    marks: Mapping[int, int]
    confidence: int = 2
    comment: str = ""
    note: str = ""


class Judge(NamedTuple):
    """What may keep somebody from judging: their mailbox, their organisation, and whom they make a team with."""

    account_id: int
    email: str
    organisation: str = ""
    teammates: frozenset[int] = frozenset()


def overall_criterion(challenge_id: int) -> Criterion:
    """What is asked where the lead has made no rubric."""
    return Criterion(id=OVERALL, challenge_id=challenge_id, position=0, label="Overall", help="", weight=1)


def why_not_review(application: Application, account_id: int) -> str | None:
    """Why this person cannot review this application, or None."""
    if application.account_id == account_id:
        return "This is your own application."
    if application.state not in UNDECIDED:
        return f"It is decided: {application.state}. Reviews are closed."
    return None


def conflict_of(application: Application, judge: Judge) -> ConflictKind | None:
    """How the portal itself knows that somebody must not judge an application, or None."""
    addresses = {application.canonical_email, *(canonical_email(address) for address in application.team)}
    if judge.email in addresses or application.account_id in judge.teammates | {judge.account_id}:
        return ConflictKind.TEAM
    if judge.organisation and organisation(application.affiliation) == judge.organisation:
        return ConflictKind.AFFILIATION
    return None


def misfits(opinion: Opinion, criteria: Collection[int]) -> dict[str, str]:
    """What is missing or wrong in a review, by field."""
    found = {
        mark_field(number): "Choose a mark from 0 to 5."
        for number in criteria
        if opinion.marks.get(number) not in SCORES
    }
    if opinion.confidence not in CONFIDENCE:
        found["confidence"] = "Say how sure you are."
    for name in ("comment", "note"):
        if len(getattr(opinion, name)) > TEXT_LENGTH:
            found[name] = f"At most {TEXT_LENGTH:,} characters."
    return found


def mark_field(criterion: int) -> str:
    """What the field of a criterion is called."""
    return f"mark_{criterion}"
