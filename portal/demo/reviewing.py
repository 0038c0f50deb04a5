"""Reviews of the demonstration, in bulk, as assigning and reviewing one by one would have left them.

tests/demo holds the rows against those of `selection.actions`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.applications.models import Application
from portal.challenges.models import Challenge
from portal.core import audit
from portal.demo.applying import Entry
from portal.demo.world import World
from portal.selection.actions.plan import Line, Settings, Terms, set_plan, set_reviewers, set_rubric
from portal.selection.actions.scores import fit
from portal.selection.models import Assignment, Criterion, Endorsement, Mark, Review
from portal.selection.queries.plan import criteria
from portal.selection.rules.assigning import Need, Seat, distribute
from portal.selection.rules.scores import weighted
from portal.selection.states import Pool

# How far a reviewer's scores lie above or below those of a just one.
HARSHNESS = {
    "reviewer1": 0.0, "reviewer2": -0.6, "reviewer3": 0.5, "reviewer4": 0.2, "reviewer5": -0.3, "reviewer6": 0.9,
}  # fmt: skip
# Where the reviewers work.
TEAMS = {
    "reviewer1": "Response Center", "reviewer2": "Response Center", "reviewer3": "Device Security",
    "reviewer4": "Device Security", "reviewer5": "Operating Systems", "reviewer6": "Operating Systems",
}  # fmt: skip
RUBRIC = (
    Line(None, "Research plan", "Is it about our platform, concrete, and doable in three months?", 4, 1),
    Line(None, "Track record", "Findings, talks or write-ups that can be checked.", 3, 2),
    Line(None, "Fit to the scenarios", "Does the approach aim at a scenario of the challenge?", 2, 3),
    Line(None, "Use of a kit", "Would a kit make a difference, and is the set-up there to use it?", 1, 4),
)
# Everybody reads the best, the worst, and what lies at these parts of the way between.
CALIBRATION = (0.0, 0.35, 0.7, 1.0)
# How often another reviewer of the same application agrees with a review.
AGREEING = 0.12
COMMENTS = (
    "Clear plan, and the links hold what they promise.",
    "Experienced; the plan stays general.",
    "Knows this kind of hardware. Would take.",
    "Little that can be checked.",
    "A chain-minded approach. I would like to see this one on the list.",
    "Mostly cloud work so far, which is out of scope here.",
    "Short, but every sentence is about our platform.",
    "",
)


def review_all(
    world: World, challenge: Challenge, pairs: Sequence[tuple[int, Entry]], each: int, within: timedelta, *,
    until: datetime | None = None, unwritten: float = 0.0,
) -> None:  # fmt: skip
    """The second pass: so many reviewers for every application given, each within some time of its arrival.

    They are due by `until`; a part of them is `unwritten` still.
    """
    if not pairs:
        return
    _prepare(world, challenge, min(entry.submitted for _, entry in pairs), each, until)
    assigned = _assign(world, challenge, pairs, each)
    asked = criteria(world.session, challenge.id)
    arrived = dict(pairs)
    written = [pair for pair in assigned if not unwritten or world.random.random() >= unwritten]
    rows = [_opinion(world, arrived[number], number, reviewer, asked, within) for number, reviewer in written]
    _write(world, challenge, rows)
    last = max((row["created_at"] for row in rows), default=world.now)
    fit(world.session, challenge, at=min(world.now, last + timedelta(minutes=1)))


def _prepare(world: World, challenge: Challenge, at: datetime, each: int, until: datetime | None) -> None:
    """The lead's settings, once a challenge."""
    lead = world.staff["lead"]
    settings = Settings(pool=Pool.CHOSEN, reviews_each=each, review_until=until)
    set_plan(world.session, challenge, settings, by=lead, at=at)
    if criteria(world.session, challenge.id):
        return
    set_rubric(world.session, challenge, RUBRIC, by=lead, at=at)
    terms = {world.staff[handle]: Terms(team) for handle, team in TEAMS.items()}
    set_reviewers(world.session, challenge, terms, by=lead, at=at)


def _assign(world: World, challenge: Challenge, pairs: Sequence[tuple[int, Entry]], each: int) -> list[tuple[int, int]]:
    """Put the applications into the review and give them out; the lead does so every evening."""
    session, lead = world.session, world.staff["lead"]
    everybodys = {pairs[round(part * (len(pairs) - 1))][0] for part in CALIBRATION} if len(pairs) > each else set()
    who = [world.staff[handle] for handle in HARSHNESS]
    found = [(number, reviewer) for number in sorted(everybodys) for reviewer in who]
    needs = [Need(number, each, frozenset()) for number, _ in pairs if number not in everybodys]
    found += distribute(needs, [Seat(reviewer, len(everybodys)) for reviewer in who], world.random).pairs
    for numbers, columns in (([n for n, _ in pairs], {"in_review": True}), (sorted(everybodys), {"calibration": True})):
        for start in range(0, len(numbers), 500):
            part = Application.id.in_(numbers[start : start + 500])
            session.execute(sa.update(Application).where(part).values(**columns))
    evening = {number: min(world.now, entry.submitted + timedelta(minutes=45)) for number, entry in pairs}
    session.execute(
        sa.insert(Assignment),
        [{"application_id": number, "reviewer_id": reviewer, "assigned_at": evening[number], "assigned_by_id": lead}
         for number, reviewer in found],
    )  # fmt: skip
    _tell_assignments(world, challenge, found, evening)
    return found


def _tell_assignments(
    world: World, challenge: Challenge, found: Sequence[tuple[int, int]], evening: Mapping[int, datetime]
) -> None:
    days: dict[date, list[tuple[int, int]]] = defaultdict(list)
    for pair in found:
        days[evening[pair[0]].date()].append(pair)
    for _, given in sorted(days.items()):
        audit.record(
            world.session, "selection:assign", f"challenge:{challenge.id}", by=world.staff["lead"],
            at=max(evening[number] for number, _ in given), scope=challenge.slug,
            after={"assignments": len(given), "applications": len({n for n, _ in given}), "lacking": 0},
        )  # fmt: skip


def _opinion(
    world: World, entry: Entry, number: int, reviewer: int, asked: Sequence[Criterion], within: timedelta
) -> dict[str, Any]:
    """What one reviewer makes of one application."""
    handle = next(name for name in HARSHNESS if world.staff[name] == reviewer)
    # Those who come this far are alike: their merits are drawn apart to the length of the scale.
    felt = 6.5 * entry.merit - 2.2 + HARSHNESS[handle] + world.random.gauss(0, 0.4)
    marks = {row.id: min(5, max(0, round(felt + world.random.gauss(0, 0.6)))) for row in asked}
    at = min(world.now, entry.submitted + world.minutes(60, int(within.total_seconds() // 60)))
    return {
        "application_id": number, "reviewer_id": reviewer, "marks": marks,
        "score": weighted(marks, {row.id: row.weight for row in asked}),
        "confidence": world.random.choice((1, 2, 2, 2, 3, 3)), "comment": world.random.choice(COMMENTS), "note": "",
        "created_at": at, "updated_at": at,
    }  # fmt: skip


def _write(world: World, challenge: Challenge, rows: Sequence[dict[str, Any]]) -> None:
    """Reviews with their marks, who agrees with them, and what the audit says of it."""
    if not rows:
        return
    plain = [{name: value for name, value in row.items() if name != "marks"} for row in rows]
    made = sa.insert(Review).returning(Review.id, sort_by_parameter_order=True)
    ids = world.session.scalars(made, plain).all()
    world.session.execute(
        sa.insert(Mark),
        [{"review_id": review_id, "criterion_id": criterion, "mark": mark}
         for review_id, row in zip(ids, rows, strict=True) for criterion, mark in row["marks"].items()],
    )  # fmt: skip
    for row in rows:
        audit.record(
            world.session, "selection:review", f"application:{row['application_id']}", by=row["reviewer_id"],
            at=row["created_at"], scope=challenge.slug, after={"score": round(row["score"], 3)},
        )  # fmt: skip
    _agree(world, challenge, list(zip(ids, rows, strict=True)))


def _agree(world: World, challenge: Challenge, written: Sequence[tuple[int, dict[str, Any]]]) -> None:
    by_application: dict[int, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for review_id, row in written:
        by_application[row["application_id"]].append((review_id, row))
    agreed = []
    for number, told in by_application.items():
        for review_id, row in told:
            for _, other in told:
                near = abs(other["score"] - row["score"]) < 1 and other is not row
                if near and world.random.random() < AGREEING:
                    at = max(other["created_at"], row["created_at"])
                    agreed.append({"review_id": review_id, "reviewer_id": other["reviewer_id"], "at": at})
                    audit.record(
                        world.session, "selection:agree", f"application:{number}", by=other["reviewer_id"], at=at,
                        scope=challenge.slug, after={"review": review_id},
                    )  # fmt: skip
    if agreed:
        world.session.execute(sa.insert(Endorsement), agreed)
