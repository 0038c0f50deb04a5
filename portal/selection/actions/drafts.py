"""What-ifs: made, changed, solved, and at last frozen into what is meant."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import Decision
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, NotFound, Refused
from portal.core.moves import take
from portal.selection import states
from portal.selection.actions.decisions import mean
from portal.selection.models import Draft, DraftChoice, DraftLimit, Lottery, Pin
from portal.selection.queries import drafts as queries
from portal.selection.queries.holding import hold
from portal.selection.rules import UNDECIDED, lottery
from portal.selection.rules.drafts import AT_ONCE, Answer, Wish, answer, told_reason, why_not_freeze, words
from portal.selection.states import DraftState

# What a draft has only while it is solved.
_UNSOLVED: dict[str, Any] = {
    "solved_at": None, "print": None, "pool_size": None, "taken": None, "score_sum": None, "clash": None, "kits": None,
}  # fmt: skip
# How many rows one statement writes, how many applications one statement means.
_ROWS = 2000
_MEANT = 500


@dataclass(frozen=True, slots=True)
class Settings:
    """What a draft is about, beside limits and pins."""

    name: str
    places: int
    unscored: bool = False
    kits_each: int | None = None
    unshippable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Freezing:
    """How a draft is frozen: the number of invitations as the person restates it, how many of the next are waitlisted,
    and who of the rest is declined: nobody, those with a score, or everybody.
    """

    count: int
    waitlist: int = 0
    rest: str = "nobody"


def create_draft(session: Session, challenge: Challenge, settings: Settings, *, by: int, at: datetime) -> Draft:
    """A new what-if. It takes part in the challenge's open lottery; the first one has it drawn."""
    highest = sa.select(sa.func.max(Draft.number)).where(Draft.challenge_id == challenge.id)
    drawn = queries.open_lottery(session, challenge.id) or _draw(session, challenge, by=by, at=at)
    made = Draft(
        challenge_id=challenge.id, number=(session.scalars(highest).one() or 0) + 1, state=DraftState.DRAFT,
        state_since=at, created_at=at, created_by_id=by, lottery_id=drawn.id, **_columns(settings),
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    _note(session, made, "create-draft", by=by, at=at, after={**asdict(settings), "commitment": drawn.commitment})
    return made


def _draw(session: Session, challenge: Challenge, *, by: int, at: datetime) -> Lottery:
    """A new lottery, which is only drawn once the last one is revealed; each is counted."""
    highest = sa.select(sa.func.max(Lottery.number)).where(Lottery.challenge_id == challenge.id)
    seed = lottery.draw()
    drawn = Lottery(
        challenge_id=challenge.id, number=(session.scalars(highest).one() or 0) + 1, seed=seed,
        commitment=lottery.commitment(seed), drawn_at=at,
    )  # fmt: skip
    session.add(drawn)
    with conflicts():
        session.flush()
    audit.record(
        session, "selection:draw-lottery", f"lottery:{drawn.id}", by=by, at=at, scope=challenge.slug,
        after={"number": drawn.number, "commitment": drawn.commitment},
    )  # fmt: skip
    return drawn


def _columns(settings: Settings) -> dict[str, Any]:
    return asdict(settings) | {"unshippable": sorted(set(settings.unshippable))}


def copy_draft(session: Session, draft: Draft, name: str, *, by: int, at: datetime) -> Draft:
    """Another what-if with the same settings, limits and pins."""
    settings = Settings(name, draft.places, draft.unscored, draft.kits_each, tuple(draft.unshippable))
    made = create_draft(session, draft.challenge, settings, by=by, at=at)
    for limit in draft.limits:
        session.add(
            DraftLimit(draft_id=made.id, kind=limit.kind, value=limit.value, least=limit.least, most=limit.most)
        )
    for pin in draft.pins:
        session.add(Pin(draft_id=made.id, application_id=pin.application_id, inside=pin.inside, reason=pin.reason))
    session.flush()
    return made


def change_draft(session: Session, draft: Draft, settings: Settings, *, by: int, at: datetime) -> None:
    """Change what it is about. What was found is forgotten."""
    before = {"name": draft.name, "places": draft.places}
    _reopen(session, draft, at, **_columns(settings))
    _note(session, draft, "change-draft", by=by, at=at, before=before, after=asdict(settings))


def _reopen(session: Session, draft: Draft, at: datetime, **values: object) -> None:
    take(session, draft, states.CHANGE_DRAFT, at=at, **_UNSOLVED, **values)
    _forget(session, draft)


def _forget(session: Session, draft: Draft) -> None:
    session.execute(
        sa.delete(DraftChoice).where(DraftChoice.draft_id == draft.id).execution_options(synchronize_session=False)
    )


def set_limit(session: Session, draft: Draft, wish: Wish, *, by: int, at: datetime) -> None:
    """Limit whom it takes; a limit on the same people is replaced. Raises Refused for one that limits nothing."""
    if wish.least is None and wish.most is None:
        raise Refused("Say at least or at most how many.")
    if wish.least is not None and wish.most is not None and wish.least > wish.most:
        raise Refused("The most is below the least.")
    _reopen(session, draft, at)
    same = sa.delete(DraftLimit).where(
        DraftLimit.draft_id == draft.id, DraftLimit.kind == wish.kind, DraftLimit.value == wish.value
    )
    session.execute(same.execution_options(synchronize_session=False))
    with conflicts():
        session.execute(sa.insert(DraftLimit).values(draft_id=draft.id, **wish._asdict()))
    session.expire(draft, ["limits"])
    _note(session, draft, "limit-draft", by=by, at=at, after={"limit": words(wish)})


def drop_limit(session: Session, draft: Draft, limit_id: int, *, by: int, at: datetime) -> None:
    """Take a limit away. Raises NotFound for one of another draft."""
    found = next((limit for limit in draft.limits if limit.id == limit_id), None)
    if found is None:
        raise NotFound("limit")
    told = words(Wish(found.kind, found.value, found.least, found.most))
    _reopen(session, draft, at)
    session.execute(sa.delete(DraftLimit).where(DraftLimit.id == limit_id).execution_options(synchronize_session=False))
    session.expire(draft, ["limits"])
    _note(session, draft, "unlimit-draft", by=by, at=at, before={"limit": told})


def pin(
    session: Session, draft: Draft, application_id: int, reason: str, *, inside: bool, by: int, at: datetime
) -> None:
    """Give somebody a place (or none) whatever the scores say. Raises Refused for those who cannot get one."""
    found = session.get(Application, application_id)
    if found is None or found.challenge_id != draft.challenge_id or found.state not in UNDECIDED:
        raise Refused("Name an application of this challenge that has no answer yet, by its number.")
    if found.account_id == by:
        raise Refused("This is your own application.")
    if not reason.strip():
        raise Refused("Say why.")
    _reopen(session, draft, at)
    _unpin(session, draft, application_id)
    with conflicts():
        session.execute(
            sa.insert(Pin).values(draft_id=draft.id, application_id=application_id, inside=inside, reason=reason)
        )
    session.expire(draft, ["pins"])
    pinned = {"application": application_id, "inside": inside}
    _note(session, draft, "pin", by=by, at=at, after=pinned, reason=reason)


def unpin(session: Session, draft: Draft, application_id: int, *, by: int, at: datetime) -> None:
    """Leave it to the scores again. Raises NotFound where nobody was pinned."""
    if application_id not in {pin.application_id for pin in draft.pins}:
        raise NotFound("pin")
    _reopen(session, draft, at)
    _unpin(session, draft, application_id)
    session.expire(draft, ["pins"])
    _note(session, draft, "unpin", by=by, at=at, before={"application": application_id})


def _unpin(session: Session, draft: Draft, application_id: int) -> None:
    session.execute(
        sa.delete(Pin)
        .where(Pin.draft_id == draft.id, Pin.application_id == application_id)
        .execution_options(synchronize_session=False)
    )


def solve_draft(session: Session, draft: Draft, *, by: int, at: datetime) -> None:
    """Find the best choice, here and now; of a pool of more than `AT_ONCE`, a job finds it.

    The commitment of the lottery stands in the audit since before.
    """
    take(session, draft, states.SOLVE_DRAFT, at=at, **_UNSOLVED)
    _forget(session, draft)
    _note(session, draft, "solve-draft", by=by, at=at, after={"commitment": draft.lottery.commitment})
    if queries.pool_count(session, draft.challenge_id) <= AT_ONCE:
        asked = queries.ask(session, draft)
        write(session, draft, asked, answer(asked.question, asked.names), at=at)


def write(session: Session, draft: Draft, asked: queries.Asked, found: Answer, *, at: datetime) -> None:
    """Keep what was found. Raises Conflict where the draft is not being solved any more."""
    pool = len(found.rows) or len(asked.names)
    values: dict[str, Any] = {"solved_at": at, "print": asked.print, "pool_size": pool, "kits": asked.kits}
    if found.clash:
        take(session, draft, states.FIND_CLASH, at=at, clash=list(found.clash), **values)
        return
    total = sum(row.candidate.score for row in found.taken)
    take(session, draft, states.FIND_CHOICE, at=at, taken=len(found.taken), score_sum=total, **values)
    rows = [
        {
            "draft_id": draft.id, "application_id": row.candidate.id, "place": row.place, "taken": row.taken,
            "score": row.candidate.score if row.scored else None, "lottery": row.candidate.lottery,
            "because": row.reason.because, "rival_id": row.reason.rival, "gap": row.reason.gap,
            "limits": told_reason(asked.question, row.reason),
        }
        for row in found.rows
    ]  # fmt: skip
    table = sa.inspect(DraftChoice).local_table
    assert isinstance(table, sa.Table)  # by itself: the mapper would part the rows by what is empty in them
    for start in range(0, len(rows), _ROWS):
        session.execute(sa.insert(table), rows[start : start + _ROWS])


def discard_draft(session: Session, draft: Draft, *, by: int, at: datetime) -> None:
    """Lay it aside. It stays in the audit, and its number is not used again."""
    take(session, draft, states.DISCARD_DRAFT, at=at, **_UNSOLVED)
    _forget(session, draft)
    _note(session, draft, "discard-draft", by=by, at=at)


def freeze_draft(session: Session, draft: Draft, given: Freezing, *, by: int, at: datetime) -> dict[str, int]:
    """Mean what the draft takes, and reveal the seed of its lottery. Nobody is told; waves tell. How many of each.

    One's own application is left out. Raises Refused where the pool has changed since it was solved or another number
    was restated, Conflict where somebody has just frozen it or moved one of its applications.
    """
    reason = why_not_freeze(draft.solved_at, queries.is_fresh(session, draft), draft.taken, given.count)
    if reason and draft.state in states.FREEZE_DRAFT.sources:
        raise Refused(reason)
    take(session, draft, states.FREEZE_DRAFT, at=at, frozen_at=at, frozen_by_id=by)
    chosen = sa.select(DraftChoice.application_id).where(DraftChoice.draft_id == draft.id)
    hold(session, Application.id.in_(chosen))
    meant = _parts(session, draft, given, by)
    for decision, numbers in meant.items():
        _mean_all(session, draft.challenge, numbers, decision, by, at)
    if draft.lottery.revealed_at is None:
        draft.lottery.revealed_at = at
    counts = {decision.value: len(numbers) for decision, numbers in meant.items()}
    _note(session, draft, "freeze-draft", by=by, at=at, after={**counts, "seed": draft.lottery.seed})
    session.flush()
    return counts


def _parts(session: Session, draft: Draft, given: Freezing, by: int) -> dict[Decision, Sequence[int]]:
    """Who is invited, waitlisted and declined. Whoever waits already and is one of the next goes on waiting."""
    invited = queries.ids_of(session, draft.id, taken=True, except_for=by)
    following = queries.ids_of(session, draft.id, taken=False, without=queries.NOT_NEXT, except_for=by)
    following = following[: given.waitlist]
    already = queries.waitlisted_among(session, draft.challenge_id)
    declined: Sequence[int] = []
    if given.rest != "nobody":
        without = (states.Because.UNSCORED,) if given.rest == "scored" else ()
        rest = queries.ids_of(session, draft.id, taken=False, without=without, except_for=by)
        declined = [number for number in rest if number not in set(following)]
    return {
        Decision.INVITE: invited,
        Decision.WAITLIST: [number for number in following if number not in already],
        Decision.DECLINE: declined,
    }


def _mean_all(
    session: Session, challenge: Challenge, numbers: Sequence[int], decision: Decision, by: int, at: datetime
) -> None:
    for start in range(0, len(numbers), _MEANT):
        part = numbers[start : start + _MEANT]
        if mean(session, challenge, part, decision, by=by, at=at).changed != len(part):
            raise Conflict("Somebody has just moved one of these applications. Nothing was changed; look at it again.")


def _note(
    session: Session, draft: Draft, verb: str, *, by: int, at: datetime, before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None, reason: str | None = None,
) -> None:  # fmt: skip
    slug = session.scalars(sa.select(Challenge.slug).where(Challenge.id == draft.challenge_id)).one()
    audit.record(
        session, f"selection:{verb}", f"draft:{draft.id}", by=by, at=at, scope=slug, before=before, after=after,
        reason=reason,
    )  # fmt: skip
