"""Changing a series: what follows, what stays, and what is moved along."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, Refused
from portal.office_hours import actions, queries
from portal.office_hours.actions.changes import DROPPED, Change, change_series
from portal.office_hours.actions.exceptions import add_sitting, move_sitting
from portal.office_hours.models import Booking, Series, Sitting, Slot
from portal.office_hours.rules import Share
from portal.office_hours.states import SittingState, SlotState
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage, local

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


def change(session: Session, cast: Cast, stage: Stage, series: Series, **changes: Any) -> Change:
    moving, version = changes.pop("moving", ()), changes.pop("version", series.version)
    whole = queries.one_series(session, cast.challenge.id, series.id)
    done = change_series(
        session, whole, stage.plan(**changes), version=version, moving=moving, before=NOON + 8 * WEEK,
        by=cast.lead.id, at=NOON, sender=SENDER,
    )  # fmt: skip
    session.commit()
    return done


def table(session: Session, series: Series) -> list[tuple[str, str, int]]:
    """When each session begins in UTC, its state, and how many slots it offers."""
    open_slots = sa.select(sa.func.count()).where(Slot.sitting_id == Sitting.id, Slot.state == SlotState.OPEN)
    rows = session.execute(
        sa.select(Sitting.starts_at, Sitting.state, open_slots.scalar_subquery())
        .where(Sitting.series_id == series.id)
        .order_by(Sitting.starts_at)
    )
    return [(f"{starts_at:%m-%d %H}", str(state), count) for starts_at, state, count in rows]


def test_unbooked_sessions_follow_and_a_booked_one_stays_for_its_week(
    session: Session, cast: Cast, stage: Stage
) -> None:
    series = stage.series()
    booking = stage.book(stage.slots(series)[4])

    done = change(session, cast, stage, series, first=local(2020, 6, 18, 10), slots=3)

    assert done == Change(7, 1, 0)
    assert table(session, series)[:3] == [("06-18 17", "planned", 3), ("06-24 16", "planned", 4),
                                          ("07-02 17", "planned", 3)]  # fmt: skip
    assert len(table(session, series)) == 8
    session.refresh(booking)
    assert (booking.starts_at, booking.sequence) == (FIRST + WEEK, 0)
    kept = session.get_one(Sitting, session.get_one(Slot, booking.slot_id).sitting_id)
    assert (kept.recurrence_local, kept.moved_local) == (local(2020, 6, 25, 10), local(2020, 6, 24, 9))
    assert actions.materialise(session, series.id, since=NOON, before=NOON + 8 * WEEK, at=NOON) == 0
    [entry] = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "office_hours:change-series"))
    assert entry.detail["after"]["sessions"] == 7


def test_a_booked_session_is_moved_along_where_that_is_asked_for(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    slot = stage.slots(series)[4]
    booking = stage.book(slot)

    done = change(session, cast, stage, series, first=local(2020, 6, 18, 10), moving=[slot.sitting_id])

    assert done == Change(7, 0, 1)
    session.refresh(booking)
    assert (booking.starts_at, booking.sequence) == (FIRST + WEEK + DAY + HOUR, 1)
    assert table(session, series)[1] == ("06-25 17", "planned", 4)


def test_exceptions_outlive_the_change(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    numbers = [slot.sitting_id for slot in stage.slots(series)[::4]]
    cancelled, moved = (queries.sitting_of(session, cast.challenge.id, number) for number in numbers[:2])
    actions.cancel_sitting(session, cancelled, "A holiday.", by=cast.host.id, at=NOON, sender=SENDER)
    move_sitting(session, moved, local(2020, 6, 26, 12), by=cast.host.id, at=NOON, sender=SENDER)
    extra = add_sitting(session, series, local(2020, 7, 4, 8), by=cast.host.id, at=NOON, scope=cast.slug)
    session.commit()

    change(session, cast, stage, series, first=local(2020, 6, 18, 10), zone="Europe/Berlin")

    assert table(session, series)[:5] == [
        ("06-17 16", "cancelled", 0), ("06-26 19", "planned", 4), ("07-02 08", "planned", 4),
        ("07-04 15", "planned", 4), ("07-09 08", "planned", 4),
    ]  # fmt: skip
    session.refresh(extra)
    assert (extra.local, extra.recurrence_local) == (local(2020, 7, 4, 17), local(2020, 7, 4, 8))
    # Read in the new zone, their times mean the same instants.
    assert actions.follow_zone_rules(session, series.id, at=NOON, sender=SENDER) == 0


def test_a_week_that_the_new_rule_leaves_out_is_dropped_and_comes_back(
    session: Session, cast: Cast, stage: Stage
) -> None:
    series = stage.series()

    assert change(session, cast, stage, series, interval=2) == Change(4, 0, 0)
    assert [row[1] for row in table(session, series)] == ["planned", "cancelled"] * 4
    reasons = set(session.scalars(sa.select(Sitting.cancel_reason).where(Sitting.state == SittingState.CANCELLED)))
    assert reasons == {DROPPED}

    assert change(session, cast, stage, series) == Change(8, 0, 0)
    assert [row[1:] for row in table(session, series)] == [("planned", 4)] * 8


def test_new_hosts_take_over_what_nobody_has_booked(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    stage.book(stage.slots(series)[0])

    change(session, cast, stage, series, hosts=(Share(cast.second_host.id, 2, 9, ("kernel", "boot")),))

    rows = sa.select(Slot.host_id).where(Slot.state == SlotState.OPEN).order_by(Slot.starts_at)
    assert session.scalars(rows).all() == [cast.host.id] * 4 + [cast.second_host.id] * 28
    [found] = queries.series_of(session, cast.challenge.id)
    assert [(host.account_id, host.weight, host.weekly_max, host.components) for host in found.hosts] == [
        (cast.second_host.id, 2, 9, ["kernel", "boot"]),
    ]  # fmt: skip


def test_a_hold_counts_as_booked_and_an_ended_booking_does_not(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    slots = stage.slots(series)
    stage.book(slots[0], hold_until=NOON + HOUR)
    ended = stage.book(slots[4], cast.team.members[0])
    actions.cancel_booking(session, ended, by=cast.team_lead.id, at=NOON, sender=SENDER)

    assert change(session, cast, stage, series, first=local(2020, 6, 18, 10)) == Change(7, 1, 0)
    session.refresh(ended)
    assert ended.starts_at == FIRST + WEEK


def test_the_second_of_two_who_change_it_is_told(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    change(session, cast, stage, series, title="Ours")

    with pytest.raises(Conflict, match="Somebody has changed this series since you opened it"):
        change(session, cast, stage, series, title="Theirs", version=1)


def test_a_change_that_makes_no_sense_or_comes_too_late_is_refused(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    with pytest.raises(Invalid, match="Two engineers a slot need at least two hosts"):
        change(session, cast, stage, series, engineers=2)
    actions.close_series(session, series, by=cast.lead.id, at=NOON, scope=cast.slug)

    with pytest.raises(Refused, match="makes no more sessions"):
        change(session, cast, stage, series)


def test_where_a_booked_session_cannot_be_moved_along_nothing_changes(
    session: Session, cast: Cast, stage: Stage
) -> None:
    series = stage.series(weekly_quota=2)
    slot = stage.slots(series)[0]
    stage.book(slot)
    beside = stage.series(
        first=local(2020, 6, 18, 10), hosts=(Share(cast.second_host.id),), weekly_quota=2, title="Beside"
    )
    stage.book(stage.slots(beside)[0])
    session.commit()
    seen = table(session, series)

    with pytest.raises(Refused, match="has another booking then"):
        change(session, cast, stage, series, first=local(2020, 6, 18, 10), moving=[slot.sitting_id])

    session.rollback()
    assert table(session, series) == seen
    assert session.scalars(sa.select(sa.func.count()).select_from(Booking)).one() == 2
