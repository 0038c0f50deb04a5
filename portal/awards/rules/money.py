"""Payments against awards: what is still due, what is too much, and whether the books are even."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from portal.awards import states
from portal.awards.states import PaymentState

# What is not sent, or has no result, after so long is late.
LATE = timedelta(days=30)
NOTHING = Decimal(0)


class Owed(NamedTuple):
    """A member's money for a report or a part: what the award says, and where their payments are."""

    target: Decimal
    by_state: Mapping[PaymentState, Decimal]

    def of(self, among: Iterable[PaymentState]) -> Decimal:
        """How much is in one of these states."""
        return sum((self.by_state.get(state, NOTHING) for state in among), NOTHING)


class Wanted(NamedTuple):
    """What must be due and what counts as refused, so that together it is what the award says; the rest is too much."""

    due: Decimal
    refused: Decimal
    overpaid: Decimal


def wanted(owed: Owed) -> Wanted:
    """What the payments of one member have to be."""
    settled = owed.of(states.SETTLED)
    room = max(NOTHING, owed.target - settled)
    refused = min(owed.by_state.get(PaymentState.REFUSED, NOTHING), room)
    return Wanted(room - refused, refused, max(NOTHING, settled - owed.target))


def overpaid(owed: Owed) -> Decimal:
    """What was sent beyond what the award says now."""
    return wanted(owed).overpaid


class Books(NamedTuple):
    """What was awarded, and where the money is. They are even where every amount is somewhere, and only once."""

    awarded: Decimal
    by_state: Mapping[PaymentState, Decimal]
    overpaid: Decimal

    @property
    def paid_out(self) -> Decimal:
        """All payments that count."""
        return sum((amount for state, amount in self.by_state.items() if state in states.COUNTED), NOTHING)

    @property
    def difference(self) -> Decimal:
        """Nothing, unless something is wrong."""
        return self.paid_out - self.awarded - self.overpaid


def late_since(at: datetime) -> datetime:
    """What is due or sent since before then is late."""
    return at - LATE
