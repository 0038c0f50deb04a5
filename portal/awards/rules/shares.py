"""How an amount is divided among the members of a team."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from portal.awards.rules.amounts import CENT
from portal.core.errors import Refused


def split(amount: Decimal, weights: Mapping[int, int]) -> dict[int, Decimal]:
    """The part of each, exact to the cent, by largest remainder; together they are the amount.

    Whoever comes first in `weights` gets the odd cent where remainders are equal. Who has no weight is left out.
    Raises Refused where nobody has any.
    """
    given = {who: weight for who, weight in weights.items() if weight > 0}
    whole = sum(given.values())
    if not whole:
        raise Refused("Somebody has to be given a share.")
    cents = int(amount / CENT)
    exact = {who: Fraction(cents * weight, whole) for who, weight in given.items()}
    parts = {who: int(share) for who, share in exact.items()}
    # sorted() is stable, so that equals stay in the order in which they came.
    for who in sorted(exact, key=lambda who: parts[who] - exact[who])[: cents - sum(parts.values())]:
        parts[who] += 1
    return {who: part * CENT for who, part in parts.items()}
