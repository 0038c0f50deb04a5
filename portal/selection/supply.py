"""What other rooms know of things that can be given away: they put themselves in here when they are loaded."""

from collections.abc import Callable

from sqlalchemy.orm import Session

# (session, challenge id) → kits that are free to be sent to new participants; None where the room keeps no stock.
Stock = Callable[[Session, int], int | None]
# (session, challenge id) → codes of countries to which nothing can be sent.
Barred = Callable[[Session, int], frozenset[str]]

stocks: list[Stock] = []
barred: list[Barred] = []


def free_kits(session: Session, challenge_id: int) -> int | None:
    """Kits that nobody else needs, or None where nobody counts them."""
    counts = [count for ask in stocks if (count := ask(session, challenge_id)) is not None]
    return sum(counts) if counts else None


def unshippable(session: Session, challenge_id: int) -> frozenset[str]:
    """Countries to which nothing can be sent, as far as any room knows."""
    return frozenset[str]().union(*(ask(session, challenge_id) for ask in barred))
