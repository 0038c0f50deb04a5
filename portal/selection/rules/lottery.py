"""The lottery that decides between equals: numbers that anybody can recompute once the seed is out.

A seed is drawn by chance and its SHA-256 is shown before anything is solved (the commitment). The number of an
application is the HMAC-SHA256 of its number under the seed. When a draft is frozen the seed is revealed; whoever then
sees that it has the committed hash knows that nobody has chosen it afterwards.
"""

from portal.core import seeds
from portal.core.seeds import commitment, draw

__all__ = ["BITS", "commitment", "draw", "number", "recipe", "share"]

# So many bits of the HMAC are the number: what a float keeps exactly.
BITS = 48


def number(seed: str, application_id: int) -> int:
    """The lottery number of an application: the first 48 bits of HMAC-SHA256 (RFC 2104), keyed by the seed's digits."""
    return int(seeds.drawn(seed, str(application_id))[: BITS // 4], 16)


def share(drawn: int) -> float:
    """A lottery number as people read it: between 0 and 1."""
    return drawn / (1 << BITS)


def recipe(seed: str, application_id: int) -> list[str]:
    """Commands for a shell with which anybody can check the commitment and one number."""
    return seeds.recipe(seed, str(application_id))
