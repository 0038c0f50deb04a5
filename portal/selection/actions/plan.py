"""The lead sets how the challenge chooses."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.errors import Invalid, NotFound
from portal.selection.actions import scores
from portal.selection.actions.assigning import note_conflicts
from portal.selection.models import Criterion, Plan, Reviewer
from portal.selection.queries import plan as queries
from portal.selection.states import Pool

WEIGHTS = range(1, 11)
MOST_CRITERIA = 12


class Settings(NamedTuple):
    """What the lead decides of the two passes."""

    looks: int = 1
    pool: Pool = Pool.ALL
    reviews_each: int = 3
    review_until: datetime | None = None
    blind: bool = False


class Line(NamedTuple):
    """One line of the rubric as it should be; `number` is None for a new one."""

    number: int | None
    label: str
    help: str = ""
    weight: int = 1
    position: int = 0
    retired: bool = False


class Terms(NamedTuple):
    """What is known of a reviewer: where they work, and how many they can read at most."""

    affiliation: str = ""
    capacity: int | None = None


def set_plan(session: Session, challenge: Challenge, settings: Settings, *, by: int, at: datetime) -> Plan:
    """Set how the challenge chooses. Raises Invalid."""
    messages = {}
    if settings.looks not in range(1, 4):
        messages["looks"] = "Between 1 and 3."
    if settings.reviews_each not in range(1, 11):
        messages["reviews_each"] = "Between 1 and 10."
    if messages:
        raise Invalid(messages)
    plan = scores.lock_plan(session, challenge.id)
    before = {name: getattr(plan, name) for name in Settings._fields}
    for name, value in settings._asdict().items():
        setattr(plan, name, value)
    session.flush()
    audit.record(
        session, "selection:set-plan", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug, before=before,
        after=settings._asdict(),
    )  # fmt: skip
    return plan


def set_rubric(session: Session, challenge: Challenge, lines: Sequence[Line], *, by: int, at: datetime) -> None:
    """Set what a review is asked. Where weights changed, every score of the challenge changes with them.

    A criterion is never deleted: what was said on it stays. Raises Invalid, and NotFound for another challenge's line.
    """
    plan = scores.lock_plan(session, challenge.id)
    known = {row.id: row for row in queries.all_criteria(session, challenge.id)}
    if any(line.number is not None and line.number not in known for line in lines):
        raise NotFound("criterion")
    messages = _misfits(lines)
    if messages:
        raise Invalid(messages)
    before = _weights(known.values())
    for line in lines:
        row = known.get(line.number or 0) or Criterion(challenge_id=challenge.id)
        row.label, row.help, row.weight, row.position = line.label, line.help, line.weight, line.position
        row.retired_at = (row.retired_at or at) if line.retired else None
        session.add(row)
    session.flush()
    rows = queries.all_criteria(session, challenge.id)
    if _weights(rows) != before:
        scores.note_change(plan, at)
        scores.rescore(session, challenge.id)
    audit.record(
        session, "selection:set-rubric", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
        before={"weights": before}, after={"weights": _weights(rows), "labels": [row.label for row in rows]},
    )  # fmt: skip


def _weights(rows: Iterable[Criterion]) -> dict[int, int]:
    return {row.id: row.weight for row in rows if row.retired_at is None}


def _misfits(lines: Sequence[Line]) -> dict[str, str]:
    found = {}
    asked = [line for line in lines if not line.retired]
    if len(asked) > MOST_CRITERIA:
        found["lines"] = f"At most {MOST_CRITERIA} criteria: nobody fills in more."
    if any(not line.label for line in lines):
        found["label"] = "Say what each criterion is called."
    if len({line.label.casefold() for line in asked}) < len(asked):
        found["label"] = "Two criteria have the same name."
    if any(line.weight not in WEIGHTS for line in lines):
        found["weight"] = "A weight is between 1 and 10."
    return found


def set_reviewers(session: Session, challenge: Challenge, terms: Mapping[int, Terms], *, by: int, at: datetime) -> None:
    """Say where reviewers work and how many they can read. The conflicts that follow are noted at once."""
    scores.lock_plan(session, challenge.id)
    known = queries.reviewers(session, challenge.id)
    allowed = known.keys() | {judge.account_id for judge in queries.judges(session, challenge)}
    if any(account_id not in allowed for account_id in terms):
        raise NotFound("reviewer")
    if any(given.capacity is not None and given.capacity < 0 for given in terms.values()):
        raise Invalid({"capacity": "Not less than 0."})
    for account_id, given in terms.items():
        row = known.get(account_id) or Reviewer(challenge_id=challenge.id, account_id=account_id)
        row.affiliation, row.capacity = given.affiliation, given.capacity
        session.add(row)
    session.flush()
    note_conflicts(session, challenge, at=at)
    audit.record(
        session, "selection:set-reviewers", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
        after={"capacity": {str(number): given.capacity for number, given in terms.items()}},
    )  # fmt: skip
