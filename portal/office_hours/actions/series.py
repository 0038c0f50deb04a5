"""Series: making one, and ending it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts.queries import holders
from portal.accounts.states import Role
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.errors import Invalid
from portal.core.moves import take
from portal.office_hours import states
from portal.office_hours.models import Series, SeriesHost
from portal.office_hours.rules import Plan
from portal.office_hours.states import SeriesState
from portal.office_hours.time import known_zones

LONGEST = timedelta(hours=12)
# What a plan and a series call by the same name.
SAME = (
    "title", "slots", "slot_minutes", "seats", "buffer_before", "buffer_after", "notice_minutes", "cutoff_minutes",
    "advance_days", "weekly_quota", "question_due_minutes", "engineers", "rolling_cap", "strike_limit", "strike_days",
    "strike_hours", "late_strikes", "round_hours",
)  # fmt: skip


def create_series(session: Session, challenge: Challenge, plan: Plan, *, by: int, at: datetime) -> Series:
    """Make a series. Its sessions come with the next `materialise`. Raises Invalid, with messages by field."""
    check_plan(session, challenge, plan)
    rule = plan.rule
    series = Series(
        challenge_id=challenge.id, state=SeriesState.OPEN, state_since=at, **columns(plan), hosts=hosts_of_plan(plan)
    )
    session.add(series)
    session.flush()
    told = {
        "title": plan.title,
        "first": rule.first,
        "zone": rule.zone,
        "hosts": [host.account_id for host in plan.hosts],
    }
    audit.record(
        session, "office_hours:create-series", f"series:{series.id}", by=by, at=at, scope=challenge.slug, after=told
    )
    return series


def columns(plan: Plan) -> dict[str, Any]:
    """What a plan says, as columns of a series."""
    rule = plan.rule
    same = {name: getattr(plan, name) for name in SAME}
    return {
        "zone": rule.zone, "first_local": rule.first, "weeks": rule.interval, "until_on": rule.until,
        "count": rule.count, **same,
    }  # fmt: skip


def hosts_of_plan(plan: Plan) -> list[SeriesHost]:
    """The hosts of a plan, as rows of a series."""
    return [
        SeriesHost(**{**share._asdict(), "components": list(share.components)})
        for share in sorted(plan.hosts, key=lambda share: share.account_id)
    ]


def close_series(session: Session, series: Series, *, by: int, at: datetime, scope: str) -> None:
    """Make no more sessions of it. Those that exist stay, with their bookings."""
    take(session, series, states.CLOSE_SERIES, at=at)
    audit.record(session, "office_hours:close-series", f"series:{series.id}", by=by, at=at, scope=scope)


def check_plan(session: Session, challenge: Challenge, plan: Plan) -> None:
    """Raise Invalid, with messages by field, where a plan makes no sense for the challenge."""
    faults: dict[str, str] = {}
    known = {account.id for account in holders(session, Role.HOST, challenge.slug)}
    if not plan.hosts:
        faults["hosts"] = "Choose at least one host."
    elif not {host.account_id for host in plan.hosts} <= known:
        faults["hosts"] = "Only hosts of this challenge can hold its office hours."
    if len(plan.hosts) < plan.engineers:
        faults.setdefault("hosts", "Two engineers a slot need at least two hosts.")
    if plan.rule.zone not in known_zones():
        faults["zone"] = "This is not the name of a time zone, such as America/New_York."
    if plan.whole > LONGEST:
        faults["slots"] = "A session lasts at most 12 hours, buffers included."
    if plan.rule.until is not None and plan.rule.until < plan.rule.first.date():
        faults["until"] = "The series would end before it begins."
    if plan.round_hours and 24 * plan.advance_days < plan.round_hours + plan.notice_minutes / 60:
        faults["round_hours"] = "The draw would come after booking has closed. Open booking earlier."
    if plan.question_due_minutes is not None and plan.question_due_minutes < plan.cutoff_minutes:
        faults["question_due_hours"] = "A question is due before bookings can no longer be given back: the cut-off."
    if faults:
        raise Invalid(faults)
