"""What other rooms know of things that can be given away: they put themselves in here when they are loaded."""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy.orm import Session

# (session, challenge id) → kits that are free to be sent to new participants; None where the room keeps no stock.
Stock = Callable[[Session, int], int | None]
# (session, challenge id) → codes of countries to which nothing can be sent.
Barred = Callable[[Session, int], frozenset[str]]

stocks: list[Stock] = []
barred: list[Barred] = []
# The same for countries to which it may turn out that nothing can be sent: somebody is to look first.
review: list[Barred] = []


def free_kits(session: Session, challenge_id: int) -> int | None:
    """Kits that nobody else needs, or None where nobody counts them."""
    counts = [count for ask in stocks if (count := ask(session, challenge_id)) is not None]
    return sum(counts) if counts else None


def unshippable(session: Session, challenge_id: int) -> frozenset[str]:
    """Countries to which nothing can be sent, as far as any room knows."""
    return frozenset[str]().union(*(ask(session, challenge_id) for ask in barred))


class Shipping(NamedTuple):
    """Where kits cannot go, and where somebody is to look before they do; countries by code."""

    blocked: frozenset[str] = frozenset()
    review: frozenset[str] = frozenset()

    def to(self, country: str) -> str:
        """ "blocked", "review", or nothing."""
        return "blocked" if country in self.blocked else "review" if country in self.review else ""


def shipping(session: Session, challenge_id: int) -> Shipping:
    """What any room knows against sending kits somewhere; as many statements as rooms that were asked, twice."""
    blocked = unshippable(session, challenge_id)
    looked_at = frozenset[str]().union(*(ask(session, challenge_id) for ask in review))
    return Shipping(blocked, looked_at - blocked)
