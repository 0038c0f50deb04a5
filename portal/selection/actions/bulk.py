"""Changing many applications at once: a frozen list, chunk by chunk, each application exactly once."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications import states as application_states
from portal.applications.models import Application
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import take
from portal.selection import states
from portal.selection.actions import decisions
from portal.selection.actions.assigning import set_calibration
from portal.selection.actions.scores import lock_plan
from portal.selection.models import BulkItem, BulkMove
from portal.selection.queries import bulk as queries
from portal.selection.queries.plan import plan_of
from portal.selection.queries.queue import Filter, matching
from portal.selection.rules import bulk as rules
from portal.selection.rules.bulk import CHUNK, Values
from portal.selection.states import BulkState, BulkVerb, EntryState


def ask(
    session: Session, challenge: Challenge, chosen: Sequence[int] | Filter, verb: BulkVerb, given: Values, *,
    count: int, by: int, at: datetime,
) -> BulkMove:  # fmt: skip
    """Freeze the applications with these numbers, or all of a filter, for one verb; `count` is how many the person saw.

    A short list is changed at once, a long one by the job. Raises Invalid for what the verb needs, and Refused where
    nothing was chosen (that never means everyone) or where it is another number by now.
    """
    messages = rules.missing(verb, given)
    if messages:
        raise Invalid(messages)
    bulk = BulkMove(
        challenge_id=challenge.id, verb=verb, given=given.as_json(), state=BulkState.QUEUED, state_since=at,
        asked=max(count, 1), by_id=by, created_at=at,
    )  # fmt: skip
    session.add(bulk)
    session.flush()
    found = _freeze(session, bulk, _conditions(challenge, chosen))
    if not found:
        raise Refused("No application was selected, so nothing was changed.")
    if found != count:
        raise Refused(f"These are {found:,} applications now, not {count:,}. Nothing was changed.")
    audit.record(
        session, "selection:bulk", f"bulk:{bulk.id}", by=by, at=at, scope=challenge.slug,
        after={"verb": verb, **bulk.given, "applications": found},
    )  # fmt: skip
    if found <= CHUNK:
        go_on(session, bulk.id, at=at)
        session.refresh(bulk)
    return bulk


def _conditions(challenge: Challenge, chosen: Sequence[int] | Filter) -> list[sa.ColumnElement[bool]]:
    if isinstance(chosen, Filter):
        return matching(challenge.id, chosen)
    visible = Application.state.in_(application_states.VISIBLE)
    return [Application.challenge_id == challenge.id, visible, Application.id.in_(sorted(set(chosen)))]


def _freeze(session: Session, bulk: BulkMove, conditions: Sequence[sa.ColumnElement[bool]]) -> int:
    pending = sa.literal(EntryState.PENDING, BulkItem.state.type)
    rows = sa.select(sa.literal(bulk.id), Application.id, pending).where(*conditions)
    columns = [BulkItem.bulk_id, BulkItem.application_id, BulkItem.state]
    session.execute(sa.insert(BulkItem).from_select(columns, rows))
    frozen = sa.select(sa.func.count()).select_from(BulkItem).where(BulkItem.bulk_id == bulk.id)
    return session.scalars(frozen).one()


def go_on(session: Session, bulk_id: int, *, at: datetime, limit: int = CHUNK) -> int:
    """Change the next applications of a list; returns how many were dealt with, 0 where nothing is left to do.

    Whoever comes while another is at it has nothing to do: the row of the change is locked until the commit.
    """
    bulk = queries.locked(session, bulk_id)
    if bulk is None:
        return 0
    if bulk.state is BulkState.QUEUED:
        take(session, bulk, states.BULK_BEGIN, at=at)
    if bulk.verb in rules.CALIBRATIONS:
        lock_plan(session, bulk.challenge_id)
    due = queries.due(session, bulk.id, limit)
    numbers = [row.id for row in due]
    _note(session, bulk, numbers, _change(session, bulk, due, at))
    if len(numbers) < limit or bulk.done + bulk.skipped == bulk.asked:
        # Applications that were deleted meanwhile took their entries with them.
        take(session, bulk, states.BULK_FINISH, at=at, skipped=bulk.asked - bulk.done)
    return len(numbers)


def _note(session: Session, bulk: BulkMove, numbers: Sequence[int], reasons: Mapping[int, str]) -> None:
    """Write what became of each, and the counts, in the transaction of the change."""
    done = [number for number in numbers if number not in reasons]
    groups: list[tuple[EntryState, str | None, list[int]]] = [(EntryState.DONE, None, done)]
    groups += [
        (EntryState.SKIPPED, reason, [number for number, why in reasons.items() if why == reason])
        for reason in sorted(set(reasons.values()))
    ]
    for state, reason, some in groups:
        session.execute(
            sa.update(BulkItem)
            .where(BulkItem.bulk_id == bulk.id, BulkItem.application_id.in_(some))
            .values(state=state, reason=reason)
            .execution_options(synchronize_session=False)
        )
    bulk.done, bulk.skipped = bulk.done + len(done), bulk.skipped + len(reasons)
    session.flush()


def _change(session: Session, bulk: BulkMove, due: Sequence[Application], at: datetime) -> dict[int, str]:
    """Change what can be changed; why not, by number, for the rest."""
    reasons = {row.id: reason for row in due if (reason := rules.why_not(bulk.verb, row, bulk.by_id))}
    fit = [row for row in due if row.id not in reasons]
    given = rules.values_of(bulk.given)
    if bulk.verb is BulkVerb.DISQUALIFY:
        return reasons | _disqualify(session, bulk, fit, given, at)
    if bulk.verb in (BulkVerb.FLAG, BulkVerb.UNFLAG):
        reasons |= _put_flag(bulk.verb, fit, given.flag)
    numbers = [row.id for row in fit if row.id not in reasons]
    if not numbers:
        return reasons
    if bulk.verb in rules.DECISIONS:
        decisions.mean(session, bulk.challenge, numbers, rules.DECISIONS[bulk.verb], by=bulk.by_id, at=at)
        return reasons
    if bulk.verb in rules.CALIBRATIONS:
        wanted = bulk.verb is BulkVerb.CALIBRATE
        set_calibration(session, bulk.challenge, numbers, wanted, by=bulk.by_id, at=at)
        return reasons
    _set(session, bulk, given, numbers)
    audit.record(
        session, f"selection:{bulk.verb}", f"bulk:{bulk.id}", by=bulk.by_id, at=at, scope=bulk.challenge.slug,
        after={**bulk.given, "applications": numbers},
    )  # fmt: skip
    return reasons


def _set(session: Session, bulk: BulkMove, given: Values, numbers: Sequence[int]) -> None:
    # The lead's word ends the first pass: nobody is shown these cards any more.
    looks = plan_of(session, bulk.challenge_id).looks
    looked = sa.case((Application.looks < looks, looks), else_=Application.looks)
    columns: dict[BulkVerb, dict[str, object]] = {
        BulkVerb.INTO_REVIEW: {"in_review": True}, BulkVerb.OUT_OF_REVIEW: {"in_review": False},
        BulkVerb.TRIAGE: {"triage": given.verdict, "looks": looked},
    }  # fmt: skip
    if bulk.verb in columns:
        written = sa.update(Application).where(Application.id.in_(numbers)).values(**columns[bulk.verb])
        session.execute(written.execution_options(synchronize_session=False))
        session.expire_all()


def _put_flag(verb: BulkVerb, fit: Sequence[Application], flag: str) -> dict[int, str]:
    """Set or remove a flag, row by row: a list in JSON is not added to in one way on both engines."""
    reasons = {}
    for row in fit:
        others = [known for known in row.flags if known != flag]
        if verb is BulkVerb.FLAG and len(others) >= rules.FLAGS:
            reasons[row.id] = f"it has {rules.FLAGS} flags already"
        else:
            row.flags = sorted([*others, flag]) if verb is BulkVerb.FLAG else others
    return reasons


def _disqualify(
    session: Session, bulk: BulkMove, fit: Sequence[Application], given: Values, at: datetime
) -> dict[int, str]:
    """One step each, with its own line in audit and timeline."""
    reasons = {}
    step = decisions.Given(reason=given.reason, kind=given.kind)
    for row in fit:
        try:
            decisions.take_step(session, row, application_states.DISQUALIFY, step, by=bulk.by_id, at=at)
        except (Refused, Conflict) as refused:
            reasons[row.id] = refused.reason[:120]
    return reasons


def stop(session: Session, bulk: BulkMove, *, by: int, at: datetime) -> None:
    """Leave the rest of a list as it is. What is done stays done. Raises Refused and Conflict."""
    take(session, bulk, states.BULK_STOP, at=at)
    audit.record(
        session, "selection:stop-bulk", f"bulk:{bulk.id}", by=by, at=at, scope=bulk.challenge.slug,
        after={"done": bulk.done, "skipped": bulk.skipped, "asked": bulk.asked},
    )  # fmt: skip
