"""Challenges and their scenarios."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge, Scenario
from portal.challenges.rules import Outline, ends_at, faults, is_slug
from portal.challenges.states import ScenarioKind
from portal.core import audit
from portal.core.constraints import conflicts, explain
from portal.core.errors import Invalid


class EndMoved(Protocol):
    """What another room does where the last day of a challenge moves.

    It is given the challenge with its new days, and answers with sentences on what else has changed for that. It
    raises Invalid, for the field `ends_on`, where the day cannot be moved.
    """

    def __call__(self, session: Session, challenge: Challenge, *, by: int, at: datetime) -> Sequence[str]: ...


end_moved: list[EndMoved] = []
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


def hold(session: Session, challenge: Challenge) -> None:
    """Read a challenge anew, and keep everybody else from changing it until the transaction is over.

    Whoever weighs its last day against something else begins with it: the two cannot then pass each other by.
    """
    session.refresh(challenge, with_for_update={"key_share": True})


def change_challenge(session: Session, challenge: Challenge, outline: Outline, *, by: int, at: datetime) -> list[str]:
    """Change what a challenge says of itself. Raises Invalid.

    What else has changed for that, if its last day has moved, is the answer: a sentence each.
    """
    if wrong := faults(outline):
        raise Invalid(wrong)
    hold(session, challenge)
    end = ends_at(challenge)
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
    if ends_at(challenge) == end:
        return []
    session.flush()
    return [told for follow in end_moved for told in follow(session, challenge, by=by, at=at)]


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
