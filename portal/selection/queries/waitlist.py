"""Who of the waiting list comes next when places are free."""

import hashlib
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.challenges.models import Challenge
from portal.selection import supply
from portal.selection.models import Draft
from portal.selection.queries import drafts
from portal.selection.rules.drafts import Answer, Row
from portal.selection.rules.waitlist import proposed


class Proposal(NamedTuple):
    """Who comes next, why, and what could not be kept."""

    free: int
    waiting: int
    # The frozen draft whose limits hold on; None where there is none: then scores alone count.
    draft: Draft | None
    found: Answer
    names: dict[int, str]
    # The limits of each row's reason in words.
    labels: tuple[tuple[str, ...], ...]
    given_up: tuple[str, ...]

    @property
    def ids(self) -> list[int]:
        """The proposed."""
        return [row.candidate.id for row in self.found.rows if row.taken]

    @property
    def mark(self) -> str:
        """Changes with who is proposed."""
        return hashlib.sha256(" ".join(map(str, sorted(self.ids))).encode()).hexdigest()[:16]


def proposal(session: Session, challenge: Challenge) -> Proposal:
    """Who comes next, by the limits of the last frozen draft, those who hold a place being pinned.

    A fixed number of statements, however many wait.
    """
    last = drafts.last_frozen(session, challenge.id)
    wishes = drafts.wishes_of(last.limits) if last else []
    kinds = {wish.kind for wish in wishes}
    conditions = drafts.holding(challenge.id)
    holders, _ = drafts.people(session, challenge, conditions.holders, kinds, unscored=True)
    waiting, names = drafts.people(session, challenge, conditions.waiting, kinds, unscored=True)
    barred = supply.unshippable(session, challenge.id).union(last.unshippable if last else ())
    found = proposed(
        waiting, holders, wishes, barred, challenge.places, last.lottery.seed if last else challenge.slug
    )  # fmt: skip
    free = max(0, challenge.places - len(holders))
    return Proposal(free, len(waiting), last, found.answer, names, found.labels, found.given_up)


class Line(NamedTuple):
    """One of those who wait, as a page shows them."""

    row: Row
    limits: tuple[str, ...]
    application: Application
    rival: str | None


def shown(session: Session, found: Proposal, limit: int) -> list[Line]:
    """The proposed, then the others by rank, at most so many; one statement."""
    lines = sorted(
        zip(found.found.rows, found.labels, strict=True), key=lambda line: (not line[0].taken, line[0].place)
    )[: max(limit, len(found.ids))]
    ids = [row.candidate.id for row, _ in lines]
    columns = (
        Application.id, Application.account_id, Application.name, Application.handle, Application.affiliation,
        Application.country, Application.needs_kit,
    )  # fmt: skip
    rows = sa.select(Application).options(sa.orm.load_only(*columns, raiseload=True)).where(Application.id.in_(ids))
    people = {one.id: one for one in session.scalars(rows)}
    return [
        Line(row, limits, people[row.candidate.id], found.names.get(row.reason.rival or 0)) for row, limits in lines
    ]
