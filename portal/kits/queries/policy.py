"""What is known of countries, of lists, and of the addresses that are held against both."""

import hashlib
from collections.abc import Sequence
from datetime import date
from threading import Lock
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.challenges.models import Participant
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.kits import postal
from portal.kits.models import CountryPolicy, DeliveryAddress, ScreeningEntry, ScreeningList
from portal.kits.rules.likeness import fold
from portal.kits.rules.screening import Index
from portal.kits.states.holds import ListState, Verdict

# Indexes of the lists that were asked last, by what they were made of: they take a second to make.
_KEPT = 4
_indexes: dict[tuple[int, str, str, int], Index] = {}
_lock = Lock()


class InForce(NamedTuple):
    """A policy that counts on a day."""

    id: int
    country: str
    region: str
    verdict: Verdict


def policies(
    session: Session, challenge_id: int, text: str = "", after: str | None = None, limit: int = 100
) -> Page[CountryPolicy]:
    """What stands, by country and region: where the text is in the code, the country's name, the region or a note."""
    rows = _open(challenge_id).options(joinedload(CountryPolicy.author))
    if text:
        asked = fold(text)
        codes = [code for code, name in postal.countries() if asked and (asked in fold(name) or asked == code.lower())]
        likes = [
            column.icontains(text, autoescape=True)
            for column in (CountryPolicy.region, CountryPolicy.note, CountryPolicy.basis)
        ]
        rows = rows.where(sa.or_(CountryPolicy.country.in_(codes), *likes))
    order = [(CountryPolicy.country, "asc"), (CountryPolicy.region, "asc"), (CountryPolicy.id, "asc")]
    return keyset(session, rows, order=order, after=after, limit=limit)


def _open(challenge_id: int) -> sa.Select[CountryPolicy]:
    return sa.select(CountryPolicy).where(CountryPolicy.challenge_id == challenge_id, CountryPolicy.ended_at.is_(None))


def all_policies(session: Session, challenge_id: int) -> Sequence[CountryPolicy]:
    """The same without pages."""
    return session.scalars(_open(challenge_id).order_by(CountryPolicy.country, CountryPolicy.region)).all()


def history(session: Session, challenge_id: int, country: str = "") -> Sequence[CountryPolicy]:
    """All that was ever decided (about a country), the newest first; at most 500 rows."""
    rows = sa.select(CountryPolicy).where(CountryPolicy.challenge_id == challenge_id)
    if country:
        rows = rows.where(CountryPolicy.country == country)
    newest = rows.options(joinedload(CountryPolicy.author)).order_by(CountryPolicy.id.desc()).limit(500)
    return session.scalars(newest).all()


def policy(session: Session, challenge_id: int, policy_id: int) -> CountryPolicy:
    """One that stands. Raises NotFound."""
    found = session.scalars(_open(challenge_id).where(CountryPolicy.id == policy_id)).one_or_none()
    if found is None:
        raise NotFound("policy")
    return found


def policy_for(session: Session, challenge_id: int, country: str, region: str) -> CountryPolicy | None:
    """What stands for a country and region, however the region is written."""
    rows = session.scalars(_open(challenge_id).where(CountryPolicy.country == country))
    return next((row for row in rows if fold(row.region) == fold(region)), None)


def in_force(session: Session, challenge_id: int, day: date) -> list[InForce]:
    """The policies that count on a day: for each that stands, it or the first before it that is valid by then."""
    names = ("id", "country", "region", "verdict", "valid_from", "replaces_id", "ended_at")
    columns = [getattr(CountryPolicy, name) for name in names]
    rows = session.execute(sa.select(*columns).where(CountryPolicy.challenge_id == challenge_id)).all()
    known = {row.id: row for row in rows}
    found = []
    for standing in rows:
        row = standing if standing.ended_at is None else None
        while row is not None and row.valid_from > day:
            row = known.get(row.replaces_id)
        if row is not None:
            found.append(InForce(row.id, row.country, row.region, row.verdict))
    return sorted(found)


def lists(session: Session, challenge_id: int) -> Sequence[ScreeningList]:
    """Every list that was brought in, the newest first."""
    rows = sa.select(ScreeningList).where(ScreeningList.challenge_id == challenge_id)
    return session.scalars(rows.options(joinedload(ScreeningList.imported_by)).order_by(ScreeningList.id.desc())).all()


def live_lists(session: Session, challenge_id: int) -> Sequence[ScreeningList]:
    """The lists that count."""
    rows = sa.select(ScreeningList).where(
        ScreeningList.challenge_id == challenge_id, ScreeningList.state == ListState.LIVE
    )
    return session.scalars(rows.order_by(ScreeningList.id)).all()


def live_list(session: Session, challenge_id: int, list_id: int) -> ScreeningList:
    """One of them. Raises NotFound."""
    found = next((each for each in live_lists(session, challenge_id) if each.id == list_id), None)
    if found is None:
        raise NotFound("list")
    return found


def index_of(session: Session, found: ScreeningList) -> Index:
    """The names of a list, ready to be asked. What the same file says is made ready once."""
    key = (found.id, found.sha256, found.shape, found.count)
    with _lock:
        if key not in _indexes:
            rows = session.execute(
                sa.select(ScreeningEntry.digest, ScreeningEntry.keys).where(ScreeningEntry.list_id == found.id)
            )
            while len(_indexes) >= _KEPT:
                del _indexes[next(iter(_indexes))]
            _indexes[key] = Index((digest, keys) for digest, keys in rows)
        return _indexes[key]


def entries(session: Session, list_id: int, digests: Sequence[str]) -> dict[str, ScreeningEntry]:
    """Entries of a list by their digests."""
    rows = sa.select(ScreeningEntry).where(ScreeningEntry.list_id == list_id, ScreeningEntry.digest.in_(digests))
    return {entry.digest: entry for entry in session.scalars(rows)}


def mark(session: Session, challenge_id: int, day: date) -> str:
    """A mark of all that addresses are held against on a day; it changes with it. Two statements."""
    told = [str(policy.id) for policy in in_force(session, challenge_id, day)]
    told += [f"{found.id}:{found.threshold}" for found in live_lists(session, challenge_id)]
    return hashlib.sha256(" ".join(told).encode()).hexdigest()


def challenges_with_addresses(session: Session) -> Sequence[int]:
    """Challenges to whose participants something may be sent."""
    return session.scalars(
        sa.select(Participant.challenge_id)
        .join(DeliveryAddress, DeliveryAddress.participant_id == Participant.id)
        .where(DeliveryAddress.purged_at.is_(None))
        .distinct()
        .order_by(Participant.challenge_id)
    ).all()


def outdated_addresses(session: Session, challenge_id: int, mark: str) -> Sequence[int]:
    """Participants whose addresses were last held against something else, if at all."""
    return session.scalars(
        sa.select(DeliveryAddress.participant_id)
        .join(Participant, Participant.id == DeliveryAddress.participant_id)
        .where(
            Participant.challenge_id == challenge_id,
            DeliveryAddress.purged_at.is_(None),
            sa.or_(DeliveryAddress.judged_by.is_(None), DeliveryAddress.judged_by != mark),
        )
        .order_by(DeliveryAddress.participant_id)
    ).all()


def count_outdated(session: Session, challenge_id: int, mark: str) -> int:
    """How many addresses wait to be held against what counts now."""
    return len(outdated_addresses(session, challenge_id, mark))


def sealed_counts(session: Session) -> dict[str | None, int]:
    """How many addresses are sealed under which key; None stands for those that name none."""
    rows = session.execute(
        sa.select(DeliveryAddress.sealed_with, sa.func.count())
        .where(DeliveryAddress.purged_at.is_(None))
        .group_by(DeliveryAddress.sealed_with)
    )
    return {key: count for key, count in rows}  # noqa: C416 - a row is no pair to dict()
