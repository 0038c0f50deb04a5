"""Finding what looks like the same person twice: what is compared, and what was found."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload, undefer_group

from portal.accounts.models import Account
from portal.applications.models import Application, DuplicatePair, DuplicateScan, Question
from portal.applications.rules.duplicates import Told
from portal.applications.rules.likeness import shingles
from portal.applications.states import VISIBLE, ApplicationState, QuestionKind
from portal.challenges.models import Challenge
from portal.core.todo import Queue

_S = ApplicationState
# What was withdrawn stands in nobody's way; what is disqualified is still compared, to catch the next one.
COMPARED = tuple(state for state in VISIBLE if state is not _S.WITHDRAWN)
UNJUDGED = tuple(state for state in COMPARED if state is not _S.DISQUALIFIED)
# So many applications are set side by side; of a larger cluster the first ones, and the next when these are judged.
SIDES = 6
CLUSTERS = 10
# Applications are compared again once they have changed, but the machine shall have other things to do: not before
# twenty times as long as it took has passed, nor within a minute.
PAUSE, SHARE = timedelta(minutes=1), 20


def told(session: Session, challenge_id: int) -> list[Told]:
    """What is compared of each application of a challenge; texts become shingles as they are read."""
    asked = sa.select(Question.id).where(Question.challenge_id == challenge_id, Question.kind == QuestionKind.TEXT)
    phones = {str(number) for number in session.scalars(asked)}
    rows = session.execute(
        sa.select(
            Application.id, Application.handle, Application.canonical_email, Account.email, Application.team,
            Application.links, Application.certificate, Application.answers, Application.experience, Application.plan,
            Application.kit_use,
        )
        .join(Account, Account.id == Application.account_id)
        .where(Application.challenge_id == challenge_id, Application.state.in_(COMPARED))
        .order_by(Application.id)
        .execution_options(yield_per=500)
    )  # fmt: skip
    return [
        Told(
            id=row.id, handle=row.handle, emails=(row.canonical_email, row.email, *row.team), links=tuple(row.links),
            certificate=row.certificate,
            answers=tuple(str(text) for number, text in (row.answers or {}).items() if number in phones),
            shingles=shingles(row.experience, row.plan, row.kit_use),
        )
        for row in rows
    ]  # fmt: skip


def scan_of(session: Session, challenge_id: int) -> DuplicateScan | None:
    """When a challenge's applications were last compared, if they were."""
    return session.get(DuplicateScan, challenge_id, populate_existing=True)


def to_compare(session: Session, at: datetime) -> list[int]:
    """The challenges whose applications shall be compared now."""
    rows = session.execute(
        sa.select(Challenge.id, DuplicateScan)
        .outerjoin(DuplicateScan, DuplicateScan.challenge_id == Challenge.id)
        .order_by(Challenge.id)
    )
    return [number for number, scan in rows.all() if _is_due(session, number, scan, at)]


def _is_due(session: Session, challenge_id: int, scan: DuplicateScan | None, at: datetime) -> bool:
    if scan is not None and scan.asked_at:
        return True
    changed = sa.select(Application.id).where(
        Application.challenge_id == challenge_id, Application.state.not_in([_S.DRAFT, _S.ERASED])
    )
    if scan is not None and scan.scanned_at:
        if at < scan.scanned_at + max(PAUSE, SHARE * timedelta(milliseconds=scan.took_ms)):
            return False
        since = scan.scanned_at
        changed = changed.where(sa.or_(Application.saved_at >= since, Application.state_since >= since))
    return session.scalars(changed.limit(1)).one_or_none() is not None


_low, _high = aliased(Application), aliased(Application)


def _open(challenge_id: int) -> sa.Select[int | None]:
    """The numbers of the clusters that somebody has to judge: two that are both in, one of them without an answer."""
    return (
        sa.select(_low.cluster_id)
        .select_from(DuplicatePair)
        .join(_low, _low.id == DuplicatePair.low_id)
        .join(_high, _high.id == DuplicatePair.high_id)
        .where(
            DuplicatePair.challenge_id == challenge_id,
            DuplicatePair.dismissed_at.is_(None),
            _low.cluster_id.is_not(None),
            _low.state.in_(UNJUDGED),
            _high.state.in_(UNJUDGED),
            sa.or_(_low.state == _S.SUBMITTED, _high.state == _S.SUBMITTED),
        )
        .distinct()
    )


class Cluster(NamedTuple):
    """Applications that look like one person's, the first ones of them, and the evidence about these."""

    number: int
    size: int
    applications: Sequence[Application]
    pairs: Sequence[DuplicatePair]


def clusters(session: Session, challenge_id: int, after: int = 0) -> tuple[list[Cluster], int | None]:
    """Some clusters that wait for judgement, in the order of their numbers, and where the next page begins."""
    place = _open(challenge_id).where(_low.cluster_id > after).order_by(_low.cluster_id).limit(CLUSTERS + 1)
    numbers = [number for number in session.scalars(place) if number is not None]
    shown = numbers[:CLUSTERS]
    sizes, sides = _sizes(session, challenge_id, shown), _sides(session, challenge_id, shown)
    pairs = _pairs(session, [one.id for members in sides.values() for one in members])
    made = [
        Cluster(number, sizes.get(number, 0), sides[number], [pair for pair in pairs if pair.low_id in ids])
        for number in shown
        if (ids := {one.id for one in sides[number]})
    ]
    return made, shown[-1] if len(numbers) > CLUSTERS else None


def _members(challenge_id: int, numbers: Sequence[int]) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Application.challenge_id == challenge_id,
        Application.cluster_id.in_(numbers),
        Application.state.in_(UNJUDGED),
    )


def _sizes(session: Session, challenge_id: int, numbers: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        sa.select(Application.cluster_id, sa.func.count())
        .where(*_members(challenge_id, numbers))
        .group_by(Application.cluster_id)
    )
    return {number: count for number, count in rows if number is not None}


def _sides(session: Session, challenge_id: int, numbers: Sequence[int]) -> dict[int, list[Application]]:
    """The first members of each cluster, with their texts and accounts."""
    place = sa.func.row_number().over(partition_by=Application.cluster_id, order_by=Application.id).label("place")
    ranked = sa.select(Application.id, place).where(*_members(challenge_id, numbers)).subquery()
    rows = session.scalars(
        sa.select(Application)
        .join(ranked, ranked.c.id == Application.id)
        .options(undefer_group("text"), joinedload(Application.account))
        .where(ranked.c.place <= SIDES)
        .order_by(Application.id)
    )
    found: dict[int, list[Application]] = defaultdict(list)
    for row in rows:
        found[row.cluster_id or 0].append(row)
    return found


def _pairs(session: Session, ids: Sequence[int]) -> Sequence[DuplicatePair]:
    return session.scalars(
        sa.select(DuplicatePair)
        .where(DuplicatePair.low_id.in_(ids), DuplicatePair.high_id.in_(ids), DuplicatePair.dismissed_at.is_(None))
        .order_by(DuplicatePair.low_id, DuplicatePair.high_id, DuplicatePair.kind)
    ).all()


def dismissed(session: Session, challenge_id: int, limit: int = 200) -> Sequence[sa.Row[tuple[DuplicatePair, str]]]:
    """What was judged to be different people, the last judgement first, with the name of who judged."""
    return session.execute(
        sa.select(DuplicatePair, sa.func.coalesce(sa.func.nullif(Account.name, ""), Account.email))
        .join(Account, Account.id == DuplicatePair.dismissed_by_id)
        .where(DuplicatePair.challenge_id == challenge_id, DuplicatePair.dismissed_at.is_not(None))
        .order_by(DuplicatePair.dismissed_at.desc(), DuplicatePair.id)
        .limit(limit)
    ).all()


def open_count(session: Session, challenge_id: int) -> int:
    """How many clusters wait for judgement."""
    return session.scalars(sa.select(sa.func.count()).select_from(_open(challenge_id).subquery())).one()


def queue_of_duplicates(session: Session, challenge: Challenge) -> Queue:
    """The clusters that wait for judgement as a pile of work."""
    where = f"/staff/{challenge.slug}/applications/duplicates"
    return Queue("Possible duplicates", where, open_count(session, challenge.id))
