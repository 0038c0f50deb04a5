"""What the selection may know of the stock, and how it has kits kept for the places that it offers."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import clock
from portal.kits.actions import reservations
from portal.kits.queries.policy import in_force
from portal.kits.queries.reservations import books
from portal.kits.rules.policy import Reach, reach
from portal.selection import supply


class Kits:
    """The stock of a challenge; see `supply.Stock`. Where no model of kit is known, none is sent and none is needed."""

    def free(self, session: Session, challenge_id: int) -> int | None:
        """Whole kits in stock, less those for every place that is promised one and has none kept."""
        found = books(session, challenge_id)
        return found.free if found.counted else None

    def reserve(
        self, session: Session, challenge: Challenge, holders: Sequence[str], *, by: int | None, at: datetime
    ) -> None:
        """Keep a kit for each, all or nothing. Raises Refused with the number that is missing."""
        reservations.reserve(session, challenge, holders, by=by, at=at)

    def release(
        self, session: Session, challenge: Challenge, holders: Sequence[str], *, by: int | None, at: datetime
    ) -> None:
        """Put back what was kept for these."""
        reservations.release(session, challenge, holders, by=by, at=at)

    def pass_on(self, session: Session, holder: str, participant_id: int) -> None:
        """Keep for the participant what was kept for the invited."""
        reservations.pass_on(session, holder, participant_id)


def _reach(session: Session, challenge_id: int) -> Reach:
    return reach(in_force(session, challenge_id, clock.now().date()))


def blocked_countries(session: Session, challenge_id: int) -> frozenset[str]:
    """Countries to which the policies let nothing go, whatever part of them it is."""
    return _reach(session, challenge_id).blocked


def review_countries(session: Session, challenge_id: int) -> frozenset[str]:
    """Countries of which a person is to look at each parcel, or whose parts have different policies."""
    return _reach(session, challenge_id).review


supply.stocks.append(Kits())
supply.barred.append(blocked_countries)
supply.review.append(review_countries)
