"""What may be done to many applications at once, and why one of them is left out."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from portal.applications.states import DISQUALIFY, RELEASES, ApplicationState, Decision, Disqualified, Triage
from portal.selection.rules.reviews import UNDECIDED
from portal.selection.states import BulkVerb

# How many are changed in one transaction; so many or fewer are changed while the person waits.
CHUNK = 200
LABELS = {
    BulkVerb.INVITE: "Mean to invite",
    BulkVerb.WAITLIST: "Mean to waitlist",
    BulkVerb.DECLINE: "Mean to decline",
    BulkVerb.CLEAR: "Clear what is meant",
    BulkVerb.INTO_REVIEW: "Put into the review",
    BulkVerb.OUT_OF_REVIEW: "Take out of the review",
    BulkVerb.CALIBRATE: "Put into the calibration set",
    BulkVerb.UNCALIBRATE: "Take out of the calibration set",
    BulkVerb.FLAG: "Set a flag",
    BulkVerb.UNFLAG: "Remove a flag",
    BulkVerb.TRIAGE: "Set the triage result",
    BulkVerb.DISQUALIFY: "Disqualify",
}
CALIBRATIONS = (BulkVerb.CALIBRATE, BulkVerb.UNCALIBRATE)
DECISIONS = {
    BulkVerb.INVITE: Decision.INVITE, BulkVerb.WAITLIST: Decision.WAITLIST, BulkVerb.DECLINE: Decision.DECLINE,
    BulkVerb.CLEAR: None,
}  # fmt: skip
# What each verb must be given.
NEEDS = {
    BulkVerb.FLAG: ("flag",), BulkVerb.UNFLAG: ("flag",), BulkVerb.TRIAGE: ("verdict",),
    BulkVerb.DISQUALIFY: ("kind", "reason"),
}  # fmt: skip
VERDICTS = (Triage.YES, Triage.MAYBE, Triage.NO, Triage.SPAM)
# A duplicate names its original, so that is for one application at a time.
KINDS = (Disqualified.SPAM, Disqualified.NOT_ELIGIBLE)
_FLAG = re.compile(r"[\w-]+(?: [\w-]+)*")
FLAG_LENGTH, FLAGS, REASON_LENGTH = 30, 10, 500


class Values(NamedTuple):
    """What a verb is given."""

    flag: str = ""
    verdict: Triage | None = None
    kind: Disqualified | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """What is given, to be kept."""
        told = {"flag": self.flag, "verdict": self.verdict, "kind": self.kind, "reason": self.reason}
        return {name: str(value) for name, value in told.items() if value}


def values_of(kept: Mapping[str, Any]) -> Values:
    """What was kept of a change."""
    return Values(
        flag=kept.get("flag", ""), reason=kept.get("reason", ""),
        verdict=Triage(kept["verdict"]) if "verdict" in kept else None,
        kind=Disqualified(kept["kind"]) if "kind" in kept else None,
    )  # fmt: skip


def missing(verb: BulkVerb, given: Values) -> dict[str, str]:
    """What the verb needs and was not given, by field."""
    words = {
        "flag": "Name the flag.", "verdict": "Choose the result.", "kind": "Choose what it is.",
        "reason": "Say why.",
    }  # fmt: skip
    found = {name: words[name] for name in NEEDS.get(verb, ()) if not getattr(given, name)}
    if given.flag and (len(given.flag) > FLAG_LENGTH or not _FLAG.fullmatch(given.flag)):
        found["flag"] = f"A few words of letters and digits, {FLAG_LENGTH} signs at most."
    if given.kind is not None and given.kind not in KINDS:
        found["kind"] = "That is for one application at a time."
    if given.verdict is not None and given.verdict not in VERDICTS:
        found["verdict"] = "Choose yes, maybe, no or spam."
    if len(given.reason) > REASON_LENGTH:
        found["reason"] = f"At most {REASON_LENGTH} characters."
    return found


class Chosen(Protocol):
    """An application that is to be changed."""

    @property
    def account_id(self) -> int:
        """Whose it is."""

    @property
    def state(self) -> ApplicationState:
        """Where it is."""

    @property
    def wave_id(self) -> int | None:
        """The wave that holds it."""


def why_not(verb: BulkVerb, application: Chosen, by: int) -> str | None:
    """Why an application is left out, or None."""
    if application.account_id == by:
        return "your own"
    if application.state not in _sources(verb):
        return f"it is {application.state}"
    if verb in DECISIONS and application.wave_id is not None:
        return "in a wave"
    return None


def _sources(verb: BulkVerb) -> frozenset[ApplicationState]:
    decision = DECISIONS.get(verb)
    if decision is not None:
        return RELEASES[decision].sources
    if verb in (BulkVerb.TRIAGE, BulkVerb.DISQUALIFY):
        return DISQUALIFY.sources
    if verb in (BulkVerb.FLAG, BulkVerb.UNFLAG):
        return frozenset(set(ApplicationState) - {ApplicationState.DRAFT, ApplicationState.ERASED})
    return frozenset(UNDECIDED)
