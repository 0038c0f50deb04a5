"""Bringing in screening lists, some thousand entries at a time, and what becomes of them."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import IO, NamedTuple

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid
from portal.kits.models import ScreeningEntry, ScreeningList
from portal.kits.rules.lists import Entry, Fault, entries, shape_of
from portal.kits.states.holds import ListState

# So many entries go in with one transaction: nobody else waits longer than for them.
CHUNK = 1000
FAULTS_TOLD = 200


class ListSpec(NamedTuple):
    """What is told of a list that is brought in."""

    name: str
    source: str
    as_of: date
    threshold: int
    filename: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A list that was read through once: its shape, digest and count, and what is wrong with some of its entries."""

    shape: str
    sha256: str
    count: int
    faults: Sequence[Fault]
    faulty: int


def check_list(file: IO[bytes]) -> Checked:
    """Read a list through; the file stands at its beginning afterwards. Raises Invalid where it is none."""
    shape, digest = shape_of(file), hashlib.sha256()
    while piece := file.read(1024 * 1024):
        digest.update(piece)
    file.seek(0)
    told = Checked(shape, digest.hexdigest(), 0, [], 0)
    faults: list[Fault] = []
    count = 0
    for found in entries(file, shape):
        if isinstance(found, Entry):
            count += 1
        else:
            faults.append(found)
    file.seek(0)
    if not count:
        raise Invalid({"file": "There is no entry in it that has a name."})
    return replace(told, count=count, faults=faults[:FAULTS_TOLD], faulty=len(faults))


def bring_in(
    session: Session, challenge: Challenge, file: IO[bytes], checked: Checked, spec: ListSpec, *, by: int, at: datetime
) -> Iterator[int]:
    """Bring in a checked list without its faulty entries, a chunk at each step; commit after each, and it is resumable
    in so far as nothing counts before the last one. It then replaces the list of the same name.

    Yields how many entries are in. Raises Conflict if somebody has just brought in one of this name.
    """
    made = ScreeningList(
        challenge_id=challenge.id, name=spec.name, source=spec.source, as_of=spec.as_of, filename=spec.filename[-120:],
        shape=checked.shape, sha256=checked.sha256, skipped=checked.faulty, threshold=spec.threshold,
        state=ListState.LOADING, state_since=at, imported_by_id=by, created_at=at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    number, slug, done = made.id, challenge.slug, 0
    good = (found for found in entries(file, checked.shape) if isinstance(found, Entry))
    while rows := [_row(number, entry) for entry in islice(good, CHUNK)]:
        session.execute(sa.insert(ScreeningEntry), rows)
        done += len(rows)
        yield done
    _go_live(session, session.get_one(ScreeningList, number), slug, done, by=by, at=at)
    yield done


def _row(list_id: int, entry: Entry) -> dict[str, object]:
    also = {"alt_names": "; ".join(entry.names[1:])[:4000]} if entry.names[1:] else {}
    return {
        "list_id": list_id, "digest": entry.digest, "name": entry.names[0], "keys": "\n".join(entry.keys),
        "words": {**also, **entry.words},
    }  # fmt: skip


def _go_live(session: Session, made: ScreeningList, slug: str, count: int, *, by: int, at: datetime) -> None:
    former = session.scalars(
        sa.select(ScreeningList).where(
            ScreeningList.challenge_id == made.challenge_id, ScreeningList.name == made.name,
            ScreeningList.state == ListState.LIVE,
        )
    ).one_or_none()  # fmt: skip
    if former is not None:
        _leave(session, former, ListState.REPLACED, at)
    made.state, made.state_since, made.count = ListState.LIVE, at, count
    with conflicts():
        session.flush()
    audit.record(
        session, "kits:import-list", f"list:{made.id}", by=by, at=at, scope=slug,
        before={"sha256": former.sha256, "count": former.count} if former else None,
        after={"name": made.name, "as_of": made.as_of, "sha256": made.sha256, "count": count, "skipped": made.skipped},
    )  # fmt: skip


def _leave(session: Session, found: ScreeningList, state: ListState, at: datetime) -> None:
    """Let a list count no longer. Its entries go with the next clean-up."""
    changed = session.execute(
        sa.update(ScreeningList)
        .where(ScreeningList.id == found.id, ScreeningList.state == ListState.LIVE)
        .values(state=state, state_since=at)
        .execution_options(synchronize_session="fetch")
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Conflict("Somebody has just replaced this list. Look at it again.")


def retire_list(session: Session, challenge: Challenge, found: ScreeningList, *, by: int, at: datetime) -> None:
    """Hold addresses against a list no longer. Raises Conflict."""
    _leave(session, found, ListState.RETIRED, at)
    audit.record(
        session, "kits:retire-list", f"list:{found.id}", by=by, at=at, scope=challenge.slug,
        before={"name": found.name, "sha256": found.sha256, "count": found.count},
    )  # fmt: skip


def set_threshold(
    session: Session, challenge: Challenge, found: ScreeningList, threshold: int, *, by: int, at: datetime
) -> None:
    """Say from which score on a likeness to an entry of the list holds a parcel."""
    before, found.threshold = found.threshold, threshold
    session.flush()
    audit.record(
        session, "kits:set-threshold", f"list:{found.id}", by=by, at=at, scope=challenge.slug,
        before={"threshold": before}, after={"threshold": threshold},
    )  # fmt: skip


def clear_away(session: Session, before: datetime, limit: int = 5000) -> int:
    """Forget entries of lists that count no longer, and of those that were never finished since `before`.

    How many went; call it again until none did.
    """
    over = sa.select(ScreeningList.id).where(
        sa.or_(
            ScreeningList.state.in_([ListState.REPLACED, ListState.RETIRED]),
            sa.and_(ScreeningList.state == ListState.LOADING, ScreeningList.state_since < before),
        )
    )
    some = sa.select(ScreeningEntry.id).where(ScreeningEntry.list_id.in_(over)).limit(limit)
    gone = session.execute(
        sa.delete(ScreeningEntry)
        .where(ScreeningEntry.id.in_(some.scalar_subquery()))
        .execution_options(synchronize_session=False)
    )
    assert isinstance(gone, CursorResult)
    if not gone.rowcount:
        unfinished = ScreeningList.state == ListState.LOADING, ScreeningList.state_since < before
        session.execute(sa.delete(ScreeningList).where(*unfinished).execution_options(synchronize_session=False))
    return gone.rowcount
