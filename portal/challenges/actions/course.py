"""Challenges and their scenarios."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge, Scenario
from portal.challenges.rules import Outline, faults, is_slug
from portal.challenges.states import ScenarioKind
from portal.core import audit
from portal.core.constraints import conflicts, explain
from portal.core.errors import Invalid

# Long texts: the audit says that they changed, not what they said.
LONG = {"summary", "rules"}
explain("uq_challenge_slug", "There is a challenge of this name already.", columns="challenge.slug")
explain(
    "uq_scenario_challenge_id_code",
    "There is a scenario with this code already.",
    columns="scenario.challenge_id, scenario.code",
)
explain(
    "uq_scenario_challenge_id_position",
    "Somebody has just added a scenario. Send it again.",
    columns="scenario.challenge_id, scenario.position",
)


def create_challenge(session: Session, slug: str, outline: Outline, *, by: int | None, at: datetime) -> Challenge:
    """A new challenge. Raises Invalid, or Conflict where the slug is taken."""
    wrong = faults(outline)
    if not is_slug(slug):
        wrong["slug"] = "Three to 64 small letters, digits and hyphens, and no name that the staff area uses."
    if wrong:
        raise Invalid(wrong)
    challenge = Challenge(slug=slug, **asdict(outline))
    session.add(challenge)
    with conflicts():
        session.flush()
    after = {"title": outline.title}
    audit.record(session, "challenges:create", f"challenge:{challenge.id}", by=by, at=at, scope=slug, after=after)
    return challenge


def change_challenge(session: Session, challenge: Challenge, outline: Outline, *, by: int, at: datetime) -> None:
    """Change what a challenge says of itself. Raises Invalid."""
    if wrong := faults(outline):
        raise Invalid(wrong)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, value in asdict(outline).items():
        old = getattr(challenge, name)
        if old != value:
            before[name], after[name] = ("", "changed") if name in LONG else (str(old), str(value))
            setattr(challenge, name, value)
    if after:
        audit.record(
            session, "challenges:change", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
            before=before, after=after,
        )  # fmt: skip


def add_scenario(
    session: Session, challenge: Challenge, *, code: str, title: str, kind: ScenarioKind, reward: str, by: int | None,
    at: datetime,
) -> Scenario:  # fmt: skip
    """One more thing that can be achieved, after the others. Raises Conflict where its code is taken."""
    last = session.scalars(
        sa.select(sa.func.max(Scenario.position)).where(Scenario.challenge_id == challenge.id)
    ).one_or_none()
    scenario = Scenario(
        challenge_id=challenge.id, code=code, title=title, kind=kind, reward=reward,
        position=0 if last is None else last + 1,
    )  # fmt: skip
    session.add(scenario)
    with conflicts():
        session.flush()
    session.expire(challenge, ["scenarios"])
    after = {"code": code, "title": title, "kind": kind, "reward": reward}
    audit.record(
        session, "challenges:add-scenario", f"scenario:{scenario.id}", by=by, at=at, scope=challenge.slug, after=after
    )
    return scenario


def change_scenario(
    session: Session, scenario: Scenario, *, title: str, kind: ScenarioKind, reward: str, by: int, at: datetime
) -> None:
    """Say a scenario better. Its code stays: reports and results name it."""
    before = {"title": scenario.title, "kind": scenario.kind, "reward": scenario.reward}
    after = {"title": title, "kind": kind, "reward": reward}
    if before == after:
        return
    scenario.title, scenario.kind, scenario.reward = title, kind, reward
    audit.record(
        session, "challenges:change-scenario", f"scenario:{scenario.id}", by=by, at=at, scope=scenario.challenge.slug,
        before=before, after=after,
    )  # fmt: skip
