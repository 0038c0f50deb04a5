"""What may be sent where, why a parcel is held, and what a person says of that."""

from enum import StrEnum


class Verdict(StrEnum):
    """What the operator's policy says of a country or a part of it."""

    ALLOW = "allow"
    REVIEW = "review"
    BLOCKED = "blocked"


class HoldKind(StrEnum):
    POLICY_BLOCKED = "policy_blocked"
    POLICY_REVIEW = "policy_review"
    SCREENING = "screening"
    MANUAL = "manual"


class Judgement(StrEnum):
    """A person's word on a hold: it is none of our concern, or it is as feared."""

    CLEARED = "cleared"
    CONFIRMED = "confirmed"


class ListState(StrEnum):
    """A screening list while it is read, while it counts, and afterwards."""

    LOADING = "loading"
    LIVE = "live"
    REPLACED = "replaced"
    RETIRED = "retired"


# What follows from policies and lists, and is found anew when they change; the rest is a person's.
FOUND = frozenset({HoldKind.POLICY_BLOCKED, HoldKind.POLICY_REVIEW, HoldKind.SCREENING})
