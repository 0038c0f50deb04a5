"""What other rooms know of things that go with a place: they put themselves in here when they are loaded."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy.orm import Session

from portal.applications.actions.applying import Stepped, followers
from portal.applications.states import ApplicationState
from portal.challenges.models import Challenge

# (session, challenge id) → codes of countries to which nothing can be sent.
Barred = Callable[[Session, int], frozenset[str]]


class Stock(Protocol):
    """Whoever keeps the things. A holder is a place that was offered: "application:12"."""

    def free(self, session: Session, challenge_id: int) -> int | None:
        """How many more places can be offered one; None where nobody counts."""

    def reserve(
        self, session: Session, challenge: Challenge, holders: Sequence[str], *, by: int | None, at: datetime
    ) -> None:
        """Keep one for each, all or nothing. Raises Refused with the number that is missing."""

    def release(
        self, session: Session, challenge: Challenge, holders: Sequence[str], *, by: int | None, at: datetime
    ) -> None:
        """Keep nothing for these any more; whoever held nothing holds nothing."""

    def pass_on(self, session: Session, holder: str, participant_id: int) -> None:
        """Keep for the participant what was kept for the invited."""


stocks: list[Stock] = []
barred: list[Barred] = []
# The same for countries to which it may turn out that nothing can be sent: somebody is to look first.
review: list[Barred] = []


def holder_of(application_id: int) -> str:
    """The place that an application is offered, in the words of `Stock`."""
    return f"application:{application_id}"


def free_kits(session: Session, challenge_id: int) -> int | None:
    """Kits that nobody else needs, or None where nobody counts them."""
    counts = [count for stock in stocks if (count := stock.free(session, challenge_id)) is not None]
    return sum(counts) if counts else None


def reserve(
    session: Session, challenge: Challenge, applications: Sequence[int], *, by: int | None, at: datetime
) -> None:
    """Keep a kit for each of these applications, or raise Refused with the number that is missing."""
    holders = [holder_of(number) for number in applications]
    for stock in stocks if holders else ():
        stock.reserve(session, challenge, holders, by=by, at=at)


def release(
    session: Session, challenge: Challenge, applications: Sequence[int], *, by: int | None, at: datetime
) -> None:
    """Put back what was kept for these applications."""
    holders = [holder_of(number) for number in applications]
    for stock in stocks if holders else ():
        stock.release(session, challenge, holders, by=by, at=at)


def pass_on(session: Session, application_id: int, participant_id: int) -> None:
    """Keep for the participant what was kept for the application."""
    for stock in stocks:
        stock.pass_on(session, holder_of(application_id), participant_id)


def unshippable(session: Session, challenge_id: int) -> frozenset[str]:
    """Countries to which nothing can be sent, as far as any room knows."""
    return frozenset[str]().union(*(ask(session, challenge_id) for ask in barred))


class Shipping(NamedTuple):
    """Where kits cannot go, and where somebody is to look before they do; countries by code."""

    blocked: frozenset[str] = frozenset()
    review: frozenset[str] = frozenset()

    def to(self, country: str, needs_kit: bool = True) -> str:
        """ "blocked", "review", or nothing; nothing stands against whoever is sent no kit."""
        if not needs_kit:
            return ""
        return "blocked" if country in self.blocked else "review" if country in self.review else ""


def shipping(session: Session, challenge_id: int) -> Shipping:
    """What any room knows against sending kits somewhere; as many statements as rooms that were asked, twice."""
    blocked = unshippable(session, challenge_id)
    looked_at = frozenset[str]().union(*(ask(session, challenge_id) for ask in review))
    return Shipping(blocked, looked_at - blocked)


def follow(session: Session, stepped: Stepped) -> None:
    """No invitation without a kit, and no kit kept for whoever has neither invitation nor place."""
    target = stepped.step.target
    if target is ApplicationState.INVITED:
        if stepped.needs_kit:
            reserve(session, stepped.challenge, [stepped.application_id], by=stepped.by, at=stepped.at)
    elif target not in (ApplicationState.ACCEPTED, ApplicationState.SUBMITTED):
        release(session, stepped.challenge, [stepped.application_id], by=stepped.by, at=stepped.at)


followers.append(follow)
