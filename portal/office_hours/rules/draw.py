"""The draw of a demand round: who chooses first, and what is left for whom. Pure: the same input, the same answer.

It is a weighted draw without replacement after Efraimidis and Spirakis ("Weighted random sampling with a reservoir",
Information Processing Letters 97 (2006) 181-185): each request draws u, a number between 0 and 1, and has the key
u^(1/w); the higher key comes first. Weights are fractions: with all 1/w multiplied by the same number, which changes
no comparison, the exponents are whole, and with u as a fraction of 2^256 so are the keys. They are compared exactly,
without rounding, and in the same way on every machine.

In that order each takes the best slot of their own list that still has a seat (serial dictatorship). Nobody can gain
by writing another list than the true one, nor lose by naming more slots, and no two people would both like to swap
(Svensson, "Strategy-proof allocation of indivisible goods", Social Choice and Welfare 16 (1999) 557-567).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from fractions import Fraction
from typing import NamedTuple

from portal.core import seeds
from portal.office_hours.rules.access import Access

# How many bits the number of a request has.
BITS = 256


class Tier(IntEnum):
    """Which requests are served first, whatever they draw."""

    OWED = 0
    FIRST = 1
    OTHERS = 2


class Ask(NamedTuple):
    """One request: its public id, its tier, its weight, and the slots that it would take, the best first."""

    id: str
    tier: int
    weight: Fraction
    wishes: tuple[int, ...]


class Drawn(NamedTuple):
    """What became of a request: its number, its place in the order, its slot, and which wishes were full by then."""

    ask: Ask
    number: str
    place: int
    slot: int | None
    full: tuple[int, ...]


def tier_of(access: Access) -> Tier:
    """Whom the hosts owe a seat comes first, then who never had one, then everybody else."""
    if access.owed > 0:
        return Tier.OWED
    return Tier.FIRST if access.is_first_timer else Tier.OTHERS


def weight_of(access: Access) -> Fraction:
    """One over one more than the seats of these weeks and the strikes. What is owed makes a tier, not a weight."""
    return Fraction(1, 1 + access.recent + access.strikes)


def order(seed: str, asks: Iterable[Ask]) -> list[tuple[Ask, str]]:
    """The requests in the order in which they choose, each with its number. The order of the input is of no account."""
    drawn = [(ask, seeds.drawn(seed, ask.id)) for ask in asks]
    exponent = exponents({ask.weight for ask, _ in drawn})
    most = max(exponent.values(), default=1)

    def turn(one: tuple[Ask, str]) -> tuple[int, int, str]:
        ask, number = one
        return ask.tier, -key(number, exponent[ask.weight], most), ask.id

    return sorted(drawn, key=turn)


def exponents(weights: Iterable[Fraction]) -> dict[Fraction, int]:
    """1/w of each weight, all multiplied by the smallest number that makes them whole."""
    weights = set(weights)
    scale = math.lcm(*(weight.numerator for weight in weights))
    return {weight: int(scale / weight) for weight in weights}


def key(number: str, exponent: int, most: int, bits: int = BITS) -> int:
    """u^exponent as a whole number of 2^-(bits*most), so that keys of different exponents can be compared."""
    return int((int(number, 16) + 1) ** exponent) << (bits * (most - exponent))


def draw(seed: str, asks: Iterable[Ask], seats: Mapping[int, int]) -> list[Drawn]:
    """Give out the seats of slots. Each request gets at most one seat, in a slot that it names."""
    free, drawn = dict(seats), []
    for place, (ask, number) in enumerate(order(seed, asks), start=1):
        slot = best(ask.wishes, free)
        drawn.append(Drawn(ask, number, place, slot, full_before(ask.wishes, slot)))
        if slot is not None:
            free[slot] -= 1
    return drawn


def best(wishes: Sequence[int], free: Mapping[int, int]) -> int | None:
    """The first of the wishes that still has a seat."""
    return next((slot for slot in wishes if free.get(slot, 0) > 0), None)


def full_before(wishes: Sequence[int], slot: int | None) -> tuple[int, ...]:
    """The wishes that were looked at in vain: all that come before the slot that was found."""
    return tuple(wishes[: wishes.index(slot)] if slot is not None else wishes)


def share(number: str) -> float:
    """The number of a request as people read it: between 0 and 1."""
    return (int(number, 16) >> (BITS - 48)) / (1 << 48)
