"""Who has had how much of the office hours, and whose turn it therefore is."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple, TypeAlias

# What counts as recent: seats of the four weeks that are over, and of the four that come.
RECENT = timedelta(weeks=4)


class Access(NamedTuple):
    """What a participant has had: seats lately and in all, bookings that hosts took back, and strikes."""

    participant_id: int
    recent: int = 0
    total: int = 0
    owed: int = 0
    strikes: int = 0

    @property
    def is_first_timer(self) -> bool:
        """Whether they have never had a seat, and have none to come."""
        return self.total == 0


Key: TypeAlias = "tuple[int, bool, int, int, int | str | datetime]"


def fair_order(access: Access, tie: int | str | datetime) -> Key:
    """A key that puts first who comes first.

    Those to whom a seat is owed; then those who never had one; then who had fewest lately, then in all; then `tie`.
    """
    return (-access.owed, not access.is_first_timer, access.recent, access.total, tie)


def owed(withdrawn: Sequence[datetime], seated: Iterable[datetime]) -> int:
    """How many bookings that hosts took back have not been made good.

    `withdrawn` says when they were taken back, `seated` when seats were booked: each makes good one from before it.
    """
    open_debts = 0
    for _, is_seat in sorted([*((at, False) for at in withdrawn), *((at, True) for at in seated)]):
        open_debts = max(0, open_debts - 1) if is_seat else open_debts + 1
    return open_debts


def gini(counts: Iterable[int]) -> Fraction:
    """The Gini coefficient: 0 where all have the same, near 1 where one has everything."""
    ordered = sorted(counts)
    whole, number = sum(ordered), len(ordered)
    if not whole:
        return Fraction(0)
    ranked = sum(rank * count for rank, count in enumerate(ordered, start=1))
    return Fraction(2 * ranked, number * whole) - Fraction(number + 1, number)


def in_words(evenness: Fraction) -> str:
    """What a Gini coefficient says, for people."""
    for limit, words in (
        (Fraction(1, 5), "Seats are spread evenly."),
        (Fraction(2, 5), "Some have had clearly more than others."),
        (Fraction(3, 5), "A few have had much of what there was."),
    ):
        if evenness < limit:
            return words
    return "Most seats have gone to very few."
