"""First looks and waves of the demonstration, in bulk, as reviewing and releasing one by one would have left them.

tests/demo holds the rows against those of `selection.actions`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.applications.models import Application, Step
from portal.applications.states import ApplicationState, Decision, Triage
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.moves import take
from portal.core.outbox import MailState, OutgoingMail
from portal.demo.applying import Entry
from portal.demo.reviewing import HARSHNESS
from portal.demo.world import World
from portal.selection import states
from portal.selection.actions.decisions import mean
from portal.selection.actions.waves import create_wave, hand_over, reserve_kits
from portal.selection.models import Verdict, Wave
from portal.selection.rules.triage import LONGEST_LOOK


def triage_all(world: World, challenge: Challenge, ids: Sequence[int], made: Sequence[Entry]) -> None:
    """One first look at each, within a day of its arrival."""
    rows: list[dict[str, Any]] = []
    said: dict[Triage, list[int]] = {Triage.YES: [], Triage.MAYBE: [], Triage.NO: []}
    for number, entry in zip(ids, made, strict=True):
        felt = entry.merit + world.random.gauss(0, 0.08)
        verdict = Triage.YES if felt > 0.8 else Triage.MAYBE if felt > 0.5 else Triage.NO
        said[verdict].append(number)
        rows.append(
            {
                "challenge_id": challenge.id, "application_id": number, "verdict": verdict,
                "reviewer_id": world.staff[world.random.choice(list(HARSHNESS))],
                "at": min(world.now, entry.submitted + world.minutes(10, 1400)),
                "seconds": min(LONGEST_LOOK, max(3, round(world.random.lognormvariate(2.6, 0.5)))),
            }
        )  # fmt: skip
    for verdict, numbers in said.items():
        for start in range(0, len(numbers), 500):
            part = numbers[start : start + 500]
            looked = sa.update(Application).where(Application.id.in_(part)).values(triage=verdict, looks=1)
            world.session.execute(looked)
    if rows:
        world.session.execute(sa.insert(Verdict), rows)
    for row in rows:
        audit.record(
            world.session, "selection:triage", f"application:{row['application_id']}", by=row["reviewer_id"],
            at=row["at"], scope=challenge.slug, after={"verdict": row["verdict"]},
        )  # fmt: skip


def release(
    world: World, challenge: Challenge, decisions: dict[Decision, list[int]], answer_by: datetime | None, at: datetime
) -> Wave:
    """A wave: decisions meant, frozen, released, and every answer given out."""
    lead = world.staff["lead"]
    for decision, numbers in decisions.items():
        for start in range(0, len(numbers), 500):
            part = numbers[start : start + 500]
            mean(world.session, challenge, part, decision, by=lead, at=at - timedelta(hours=3))
    wave = create_wave(world.session, challenge, answer_by, by=lead, at=at - timedelta(hours=1))
    take(world.session, wave, states.RELEASE, at=at, released_by_id=lead, released_at=at)
    audit.record(
        world.session, "selection:release-wave", f"wave:{wave.id}", by=lead, at=at, scope=challenge.slug,
        after={decision.value: len(numbers) for decision, numbers in decisions.items()},
    )  # fmt: skip
    reserve_kits(world.session, wave, by=lead, at=at)
    answer_all(world, wave, at)
    return wave


def think(world: World, challenge: Challenge, pairs: Sequence[tuple[int, Entry]], count: int) -> None:
    """What the lead means to answer next to so many, the best and the worst; nobody is told yet."""
    third = min(count, len(pairs)) // 3
    parts = ((Decision.INVITE, pairs[:third]), (Decision.WAITLIST, pairs[third : 2 * third]))
    for decision, part in (*parts, (Decision.DECLINE, pairs[-third:])):
        numbers = [number for number, _ in part]
        mean(world.session, challenge, numbers, decision, by=world.staff["lead"], at=world.now - timedelta(hours=2))


def answer_all(world: World, wave: Wave, at: datetime) -> None:
    """Hand over a whole wave, whose mails went out at once."""
    while hand_over(world.session, wave, at=at, limit=1000):
        pass
    key = OutgoingMail.dedupe_key.endswith(f":wave:{wave.id}", autoescape=True)
    gone = {"state": MailState.SENT, "sent_at": at, "tries": 1}
    world.session.execute(sa.update(OutgoingMail).where(key, OutgoingMail.scope == wave.challenge.slug).values(**gone))


def withdraw_some(world: World, challenge: Challenge, pairs: Sequence[tuple[int, Entry]]) -> None:
    """A few think better of it before they are answered."""
    for number, entry in pairs:
        when = entry.submitted + world.minutes(30, 1200)
        values = {"state": ApplicationState.WITHDRAWN, "state_since": when}
        world.session.execute(sa.update(Application).where(Application.id == number).values(**values))
        world.session.add(
            Step(application_id=number, at=when, state=ApplicationState.WITHDRAWN, by_id=entry.account_id)
        )
        audit.record(
            world.session, "applications:withdraw", f"application:{number}", by=entry.account_id, at=when,
            scope=challenge.slug, before={"state": ApplicationState.SUBMITTED},
            after={"state": ApplicationState.WITHDRAWN},
        )  # fmt: skip
