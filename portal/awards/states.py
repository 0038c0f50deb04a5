"""An award's way from a proposal to a decision, and a payment's way to the money.

What was decided is never edited: a correction is another entry, which stands in the place of the one before.
"""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class AwardState(StrEnum):
    PROPOSED = "proposed"
    # The second person wants it done again.
    RETURNED = "returned"
    APPROVED = "approved"
    # The second person said no.
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    # Another entry stands in its place.
    SUPERSEDED = "superseded"


class Entry(StrEnum):
    """What an entry does to what stood before it."""

    AWARD = "award"
    RAISE = "raise"
    LOWER = "lower"
    # The same amount, divided anew among the members.
    SPLIT = "split"
    VOID = "void"


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


class PaymentState(StrEnum):
    DUE = "due"
    # On its way: in a file for the bank, or sent by hand.
    SENT = "sent"
    PAID = "paid"
    FAILED = "failed"
    # The member does not take it.
    REFUSED = "refused"
    DONATED = "donated"
    # A correction has put another payment in its place, or none.
    CANCELLED = "cancelled"


S = AwardState
_SECOND = frozenset({Role.TRIAGER.value, Role.LEAD.value})
_FINANCE = frozenset({Role.FINANCE.value})

APPROVE = Move("approve", "Approve", frozenset({S.PROPOSED}), S.APPROVED, by=_SECOND)
RETURN = Move("return", "Send back", frozenset({S.PROPOSED}), S.RETURNED, by=_SECOND, needs=("reason",))
REJECT = Move("reject", "Reject", frozenset({S.PROPOSED}), S.REJECTED, by=_SECOND, needs=("reason",))
WITHDRAW = Move(
    "withdraw", "Withdraw the proposal", frozenset({S.PROPOSED, S.RETURNED}), S.WITHDRAWN,
    by=frozenset({Role.TRIAGER.value}),
)  # fmt: skip
# Nobody's buttons: one happens when a correction is approved, the other when what came back is proposed again.
SUPERSEDE = Move("supersede", "Put another in its place", frozenset({S.APPROVED}), S.SUPERSEDED)
REVISE = Move("revise", "Propose it again", frozenset({S.RETURNED}), S.WITHDRAWN)

MOVES = (APPROVE, RETURN, REJECT, WITHDRAW, SUPERSEDE, REVISE)
# What a second person decides.
JUDGED = (APPROVE, RETURN, REJECT)

# Approved and standing, whether or not the money has arrived: these are what a challenge has awarded.
GRANTED = frozenset({S.APPROVED})
# What finance and participants may see: what was approved at some time.
FOR_FINANCE = GRANTED | {S.SUPERSEDED}

P = PaymentState
SEND = Move("send", "Mark as sent", frozenset({P.DUE}), P.SENT, by=_FINANCE)
PAY = Move("pay", "Mark as paid", frozenset({P.SENT}), P.PAID, by=_FINANCE, needs=("reference",))
# A payment may also come back after it was made.
FAIL = Move("fail", "Mark as failed", frozenset({P.SENT, P.PAID}), P.FAILED, by=_FINANCE, needs=("reason",))
RETRY = Move("retry", "Due again", frozenset({P.FAILED}), P.DUE, by=_FINANCE)
DONATE = Move(
    "donate", "Mark as donated", frozenset({P.DUE, P.FAILED}), P.DONATED, by=_FINANCE,
    needs=("donated_to", "reference"),
)  # fmt: skip
REFUSE = Move(
    "refuse", "Mark as refused", frozenset({P.DUE, P.FAILED}), P.REFUSED,
    by=_FINANCE | {Role.LEAD.value}, needs=("reason",),
)  # fmt: skip
# Nobody's button: it happens when a correction is approved.
CANCEL = Move("cancel", "Cancel", frozenset({P.DUE, P.FAILED, P.REFUSED}), P.CANCELLED)

PAYMENT_MOVES = (SEND, PAY, FAIL, RETRY, DONATE, REFUSE, CANCEL)

# Where the money is gone, or on its way.
SETTLED = frozenset({P.SENT, P.PAID, P.DONATED})
# What has still to be sent.
OPEN = frozenset({P.DUE, P.FAILED})
# What counts in the books.
COUNTED = frozenset(P) - {P.CANCELLED}
