"""A report's way from the researcher's machine to a fix."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class ReportState(StrEnum):
    UPLOADING = "uploading"
    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    REPRODUCING = "reproducing"
    NEEDS_INFO = "needs_info"
    CONFIRMED = "confirmed"
    FIXING = "fixing"
    FIXED = "fixed"
    CLOSED = "closed"
    # The researcher objects to how it ended; somebody else of the team decides.
    APPEALED = "appealed"
    BY_DESIGN = "by_design"
    DUPLICATE = "duplicate"
    NOT_REPRODUCIBLE = "not_reproducible"
    OUT_OF_SCOPE = "out_of_scope"
    UNREADABLE = "unreadable"
    WITHDRAWN = "withdrawn"


class Severity(StrEnum):
    """The programme's own scale."""

    CRITICAL = "critical"
    IMPORTANT = "important"
    MODERATE = "moderate"
    LOW = "low"


class ReportKind(StrEnum):
    """A whole way in, or a link of a chain: what follows if something else were already possible."""

    FULL = "full"
    ASSUMING = "assuming"


class Reason(StrEnum):
    """Why a report was ended, or taken up again: a code in clear that tells nothing of its content."""

    MITIGATED = "mitigated_elsewhere"
    DOCUMENTED = "documented_behaviour"
    ACCEPTED = "accepted_risk"
    SAME = "same_finding"
    KNOWN = "known_to_the_team"
    NO_EFFECT = "no_effect_seen"
    OTHER_BUILD = "only_on_another_build"
    STEPS = "steps_do_not_lead_there"
    NOT_COVERED = "not_covered_by_the_rules"
    PHYSICAL = "needs_physical_access"
    ELSEWHERE = "belongs_to_another_programme"
    OTHER_KEY = "sealed_to_another_key"
    DAMAGED = "damaged_on_its_way"
    NEW_FACTS = "new_facts"
    MISTAKE = "our_mistake"


S = ReportState
_TRIAGER = frozenset({Role.TRIAGER.value})
# Somebody looks at it: the states in which triage may still end it.
_LOOKING = frozenset({S.ACKNOWLEDGED, S.REPRODUCING, S.NEEDS_INFO, S.APPEALED})
_SETTLED_LATE = _LOOKING | {S.CONFIRMED}
# Endings that say no; the researcher may object to one of them once, and the team may see its mistake.
REFUSED = frozenset({S.BY_DESIGN, S.DUPLICATE, S.NOT_REPRODUCIBLE, S.OUT_OF_SCOPE})

# The portal's and the researcher's own moves: nobody's button in the queue.
SUBMIT = Move("submit", "Submit", frozenset({S.UPLOADING}), S.RECEIVED)
EXPIRE = Move("expire", "Give up", frozenset({S.UPLOADING}), S.WITHDRAWN)
WITHDRAW = Move(
    "withdraw", "Withdraw",
    frozenset({S.UPLOADING, S.RECEIVED, S.ACKNOWLEDGED, S.REPRODUCING, S.NEEDS_INFO, S.APPEALED}), S.WITHDRAWN,
)  # fmt: skip
ANSWER = Move("answer", "I have answered", frozenset({S.NEEDS_INFO}), S.REPRODUCING)
APPEAL = Move("appeal", "Appeal", REFUSED, S.APPEALED, needs=("message",))
VERIFY = Move("verify", "Verified: it is fixed", frozenset({S.FIXED}), S.CLOSED)
DISPUTE = Move("dispute", "It still works for me", frozenset({S.FIXED}), S.FIXING, needs=("message",))

ACKNOWLEDGE = Move("acknowledge", "Acknowledge", frozenset({S.RECEIVED}), S.ACKNOWLEDGED, by=_TRIAGER)
REPRODUCE = Move(
    "reproduce", "Start reproducing", frozenset({S.ACKNOWLEDGED, S.NEEDS_INFO, S.APPEALED}), S.REPRODUCING, by=_TRIAGER
)
ASK = Move(
    "ask",
    "Ask for information",
    frozenset({S.ACKNOWLEDGED, S.REPRODUCING}),
    S.NEEDS_INFO,
    by=_TRIAGER,
    needs=("message",),
)
CONFIRM = Move("confirm", "Confirm", frozenset({S.REPRODUCING}), S.CONFIRMED, by=_TRIAGER, needs=("severity",))
START_FIX = Move("start-fix", "Start the fix", frozenset({S.CONFIRMED}), S.FIXING, by=_TRIAGER)
FIX = Move(
    "fix",
    "Mark as fixed",
    frozenset({S.CONFIRMED, S.FIXING}),
    S.FIXED,
    by=_TRIAGER,
    needs=("fixed_release", "fixed_on"),
)
CLOSE = Move("close", "Close", frozenset({S.FIXED}), S.CLOSED, by=_TRIAGER)
BY_DESIGN = Move("by-design", "Call it by design", _SETTLED_LATE, S.BY_DESIGN, by=_TRIAGER, needs=("mitigating_layer",))
DUPLICATE = Move("duplicate", "Mark as duplicate", _SETTLED_LATE, S.DUPLICATE, by=_TRIAGER, needs=("duplicate_of",))
NOT_REPRODUCIBLE = Move(
    "not-reproducible", "Not reproducible", frozenset({S.REPRODUCING, S.NEEDS_INFO, S.APPEALED}), S.NOT_REPRODUCIBLE,
    by=_TRIAGER, needs=("message",),
)  # fmt: skip
OUT_OF_SCOPE = Move("out-of-scope", "Out of scope", _LOOKING, S.OUT_OF_SCOPE, by=_TRIAGER, needs=("message",))
UNREADABLE = Move(
    "unreadable", "Cannot be decrypted", frozenset({S.RECEIVED, S.ACKNOWLEDGED}), S.UNREADABLE, by=_TRIAGER
)
REOPEN = Move("reopen", "Open it again", REFUSED | {S.UNREADABLE}, S.REPRODUCING, by=_TRIAGER, needs=("message",))

# What the researcher may do with a report that has arrived, beside withdrawing it.
OWN = (ANSWER, APPEAL, VERIFY, DISPUTE)
MOVES = (
    SUBMIT, EXPIRE, ACKNOWLEDGE, REPRODUCE, ASK, CONFIRM, START_FIX, FIX, CLOSE, BY_DESIGN, DUPLICATE, NOT_REPRODUCIBLE,
    OUT_OF_SCOPE, UNREADABLE, REOPEN, WITHDRAW, *OWN,
)  # fmt: skip

# The codes that go with a move, the usual one first.
REASONS = {
    BY_DESIGN.name: (Reason.MITIGATED, Reason.DOCUMENTED, Reason.ACCEPTED),
    DUPLICATE.name: (Reason.SAME, Reason.KNOWN),
    NOT_REPRODUCIBLE.name: (Reason.NO_EFFECT, Reason.OTHER_BUILD, Reason.STEPS),
    OUT_OF_SCOPE.name: (Reason.NOT_COVERED, Reason.PHYSICAL, Reason.ELSEWHERE),
    UNREADABLE.name: (Reason.OTHER_KEY, Reason.DAMAGED),
    REOPEN.name: (Reason.NEW_FACTS, Reason.MISTAKE),
}

# What waits for the team; needs_info waits for the researcher, but somebody must look after it.
OPEN = (S.RECEIVED, S.ACKNOWLEDGED, S.REPRODUCING, S.NEEDS_INFO, S.APPEALED, S.CONFIRMED, S.FIXING)
# What triage has judged, in one way or another.
DECIDED = frozenset(
    {
        S.CONFIRMED, S.FIXING, S.FIXED, S.CLOSED, S.BY_DESIGN, S.DUPLICATE, S.NOT_REPRODUCIBLE, S.OUT_OF_SCOPE,
        S.UNREADABLE,
    }
)  # fmt: skip
FIXED_OR_CLOSED = frozenset({S.FIXED, S.CLOSED})
