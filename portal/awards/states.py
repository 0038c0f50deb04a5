"""An award's way from a proposal to the money. What was decided is never edited: a correction is a new award."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class AwardState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    PAID = "paid"
    FAILED = "failed"
    DONATED = "donated"
    # The researcher does not take it.
    REFUSED = "refused"
    # The second person said no.
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    # Another award stands in its place.
    SUPERSEDED = "superseded"


class Quality(StrEnum):
    """How good a report is: how much of the work is left to the team."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Reason(StrEnum):
    """Why the amount is as it is."""

    STANDARD = "standard"
    CHAIN = "chain"
    PARTIAL = "partial"
    EXCEPTIONAL = "exceptional"
    CORRECTION = "correction"


S = AwardState
_SECOND = frozenset({Role.TRIAGER.value, Role.LEAD.value})
_FINANCE = frozenset({Role.FINANCE.value})

APPROVE = Move("approve", "Approve", frozenset({S.PROPOSED}), S.APPROVED, by=_SECOND)
REJECT = Move("reject", "Reject", frozenset({S.PROPOSED}), S.REJECTED, by=_SECOND, needs=("reason",))
WITHDRAW = Move(
    "withdraw", "Withdraw the proposal", frozenset({S.PROPOSED}), S.WITHDRAWN, by=frozenset({Role.TRIAGER.value})
)
PAY = Move("pay", "Mark as paid", frozenset({S.APPROVED, S.FAILED}), S.PAID, by=_FINANCE, needs=("payment_reference",))
# A payment may also come back after it was made.
FAIL = Move("fail", "Mark as failed", frozenset({S.APPROVED, S.PAID}), S.FAILED, by=_FINANCE, needs=("reason",))
DONATE = Move(
    "donate", "Mark as donated", frozenset({S.APPROVED, S.FAILED}), S.DONATED, by=_FINANCE, needs=("payment_reference",)
)
REFUSE = Move(
    "refuse", "Refused by the researcher", frozenset({S.APPROVED, S.FAILED}), S.REFUSED,
    by=_FINANCE | {Role.LEAD.value}, needs=("reason",),
)  # fmt: skip
# Nobody's button: it happens when the correction is approved.
SUPERSEDE = Move(
    "supersede", "Put another in its place", frozenset({S.APPROVED, S.PAID, S.FAILED, S.DONATED}), S.SUPERSEDED
)

MOVES = (APPROVE, REJECT, WITHDRAW, PAY, FAIL, DONATE, REFUSE, SUPERSEDE)

# Approved and standing, whether or not the money has arrived: these are what a challenge has awarded.
GRANTED = frozenset({S.APPROVED, S.PAID, S.FAILED, S.DONATED})
# What finance may see: what was approved at some time.
FOR_FINANCE = GRANTED | {S.REFUSED, S.SUPERSEDED}
TO_PAY = PAY.sources
