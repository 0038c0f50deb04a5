"""Series and their sessions: made ahead, once, at the right time, shared among the hosts, and called off."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Invalid, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, jobs, queries, states
from portal.office_hours.actions import sittings as sittings_module
from portal.office_hours.models import Seat, Series, Sitting, Slot
from portal.office_hours.rules import Share
from portal.office_hours.states import BookingState, SeriesState, SittingState, SlotState, Wall
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage, local

HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)


def sittings(session: Session, series: Series) -> list[Sitting]:
    rows = sa.select(Sitting).where(Sitting.series_id == series.id).order_by(Sitting.starts_at)
    return list(session.scalars(rows))


def test_a_series_is_made_as_planned_and_noted(session: Session, cast: Cast, stage: Stage) -> None:
    plan = stage.plan(hosts=(Share(cast.host.id, 2, 6), Share(cast.second_host.id)))

    series = actions.create_series(session, cast.challenge, plan, by=cast.lead.id, at=NOON)
    session.commit()

    [found] = queries.series_of(session, cast.challenge.id)
    assert (found.id, found.rule, found.state) == (series.id, plan.rule, SeriesState.OPEN)
    assert [(host.account.name, host.weight, host.weekly_max) for host in found.hosts] == [
        ("Hugo Host", 2, 6), ("Hana Host", 1, None),
    ]  # fmt: skip
    assert [entry.tag for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))] == [
        "office_hours:create-series"
    ]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"hosts": ()}, ["hosts"]),
        ({"zone": "Mars/Olympus"}, ["zone"]),
        ({"slots": 25}, ["slots"]),
        ({"count": None, "until": datetime(2020, 6, 16, tzinfo=UTC).date()}, ["until"]),
    ],
)
def test_a_series_that_makes_no_sense_is_told_by_field(
    session: Session, cast: Cast, stage: Stage, changes: dict[str, object], fields: list[str]
) -> None:
    with pytest.raises(Invalid) as invalid:
        actions.create_series(session, cast.challenge, stage.plan(**changes), by=cast.lead.id, at=NOON)

    assert list(invalid.value.messages) == fields


def test_only_hosts_of_the_challenge_hold_its_sessions(session: Session, cast: Cast, stage: Stage) -> None:
    plan = stage.plan(hosts=(Share(cast.triager.id),))

    with pytest.raises(Invalid, match="Only hosts of this challenge"):
        actions.create_series(session, cast.challenge, plan, by=cast.lead.id, at=NOON)


def test_sessions_lie_as_the_series_says(session: Session, stage: Stage) -> None:
    series = stage.series(slots=3, slot_minutes=25, buffer_before=5, buffer_after=10, seats=2)

    first = sittings(session, series)[0]
    slots = stage.slots(series)[:3]

    minutes = [
        tuple(
            (moment - FIRST) // (HOUR / 60)
            for moment in (slot.busy_from, slot.starts_at, slot.ends_at, slot.busy_until)
        )
        for slot in slots
    ]
    assert minutes == [(-5, 0, 25, 35), (35, 40, 65, 75), (75, 80, 105, 115)]
    assert (first.starts_at, first.ends_at, first.wall) == (FIRST, FIRST + 105 * HOUR / 60, Wall.ONCE)
    seats = sa.select(Seat.seat_no).where(Seat.slot_id == slots[0].id)
    assert session.scalars(seats.order_by(Seat.seat_no)).all() == [1, 2]


def test_making_sessions_again_makes_none(session: Session, stage: Stage) -> None:
    series = stage.series()
    span = {"since": NOON, "before": NOON + 8 * WEEK, "at": NOON}

    again = actions.materialise(session, series.id, **span)
    later = actions.materialise(session, series.id, since=NOON + WEEK, before=NOON + 9 * WEEK, at=NOON + WEEK)

    assert (again, later, len(sittings(session, series))) == (0, 1, 9)


def test_a_past_term_can_be_made_whole(session: Session, stage: Stage) -> None:
    series = stage.series(first=local(2020, 3, 4, 9), until=datetime(2020, 5, 27, tzinfo=UTC).date(), count=None)

    made = actions.materialise(
        session, series.id, since=datetime(2020, 1, 1, tzinfo=UTC), before=NOON, at=datetime(2020, 3, 1, tzinfo=UTC)
    )

    # Four of April and May were made by the eight weeks before NOON.
    starts = [sitting.starts_at.hour for sitting in sittings(session, series)]
    assert (made, starts) == (7, [17] + [16] * 12)


def test_a_cancelled_session_is_not_made_again(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    sitting = queries.sitting_of(session, cast.challenge.id, sittings(session, series)[0].id)
    actions.cancel_sitting(session, sitting, "Holiday.", by=cast.host.id, at=NOON, sender=SENDER)

    assert actions.materialise(session, series.id, since=NOON, before=NOON + 8 * WEEK, at=NOON) == 0
    assert sitting.state is SittingState.CANCELLED


def test_a_closed_series_makes_no_more(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()

    actions.close_series(session, series, by=cast.lead.id, at=NOON, scope=cast.slug)

    assert actions.materialise(session, series.id, since=NOON, before=NOON + 20 * WEEK, at=NOON) == 0
    assert len(sittings(session, series)) == 8
    with pytest.raises(Refused, match="Close the series"):
        actions.close_series(session, series, by=cast.lead.id, at=NOON, scope=cast.slug)


def test_hosts_take_turns_by_weight_and_stop_at_their_weekly_maximum(
    session: Session, cast: Cast, stage: Stage
) -> None:
    hugo, hana = cast.host.id, cast.second_host.id

    weighted = stage.slots(stage.series(slots=6, hosts=(Share(hugo, 2), Share(hana, 1))))
    assert Counter(slot.host_id for slot in weighted) == {hugo: 32, hana: 16}

    limited = stage.slots(
        stage.series(first=local(2020, 6, 19, 9), slots=6, hosts=(Share(hugo, 1, 5), Share(hana, 1, 3)))
    )
    # Hugo has four and Hana two in each of those weeks already: one more each, and the other slots are not made.
    assert Counter(slot.host_id for slot in limited) == {hugo: 8, hana: 8}


def test_a_host_who_is_busy_elsewhere_gets_no_slot_there(session: Session, cast: Cast, stage: Stage) -> None:
    stage.series(slots=2)

    beside = stage.slots(stage.series(slots=4, hosts=(Share(cast.host.id), Share(cast.second_host.id))))[:4]
    alone = stage.slots(stage.series(slots=2))

    assert [slot.host_id for slot in beside[:2]] == [cast.second_host.id] * 2
    assert alone == []


def test_cancelling_a_session_gives_credit_back_and_tells_why(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    slots = stage.slots(series)
    booking = stage.book(slots[0])
    sitting = queries.sitting_of(session, cast.challenge.id, slots[0].sitting_id)

    count = actions.cancel_sitting(
        session, sitting, "The host is ill.", by=cast.host.id, at=FIRST - HOUR, sender=SENDER
    )

    session.refresh(booking)
    assert (count, booking.state, booking.sequence) == (1, BookingState.CANCELLED, 1)
    assert {slot.state for slot in stage.slots(series)[:4]} == {SlotState.CANCELLED}
    mails = session.scalars(
        sa.select(OutgoingMail).where(OutgoingMail.template == "office_hours/cancelled").order_by(OutgoingMail.id)
    ).all()
    assert [(mail.to, mail.context["reason"], mail.context["credit"]) for mail in mails] == [
        (cast.researcher.email, "The host is ill.", True), (cast.host.email, "The host is ill.", True),
    ]  # fmt: skip
    assert icalendar.Calendar.from_ical(mails[0].calendar_text or "")["METHOD"] == "CANCEL"
    assert queries.quota_used(session, cast.participant.id, ["2020-W25"])["2020-W25"] == 0
    with pytest.raises(Refused, match="This session has been cancelled"):
        stage.book(slots[1])


@pytest.mark.parametrize("late", [False, True])
def test_a_session_is_cancelled_once_and_before_it_is_over(
    session: Session, cast: Cast, stage: Stage, late: bool
) -> None:
    number = sittings(session, stage.series())[0].id
    sitting = queries.sitting_of(session, cast.challenge.id, number)
    if not late:
        actions.cancel_sitting(session, sitting, "Ill.", by=cast.host.id, at=NOON, sender=SENDER)
        sitting = queries.sitting_of(session, cast.challenge.id, number)

    with pytest.raises(Refused, match="It is over" if late else "Cancel the session"):
        actions.cancel_sitting(
            session, sitting, "Ill.", by=cast.host.id, at=sitting.ends_at if late else NOON, sender=SENDER
        )


@pytest.mark.parametrize("hours", [1, -1])
def test_when_a_zone_changes_its_rules_coming_sessions_follow(
    session: Session, cast: Cast, stage: Stage, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    series = stage.series()
    slots = stage.slots(series)
    booking, neighbour = stage.book(slots[1]), stage.book(slots[2], cast.team.members[0])
    monkeypatch.setattr(sittings_module, "zone_rules_version", lambda: "2020z")
    monkeypatch.setattr(sittings_module, "instant", lambda clock, _zone: clock.replace(tzinfo=UTC) + (7 + hours) * HOUR)

    moved = actions.follow_zone_rules(session, series.id, at=FIRST - 2 * HOUR, sender=SENDER)
    again = actions.follow_zone_rules(session, series.id, at=FIRST - 2 * HOUR, sender=SENDER)

    session.expire_all()
    assert (moved, again) == (8, 0)
    coming = [slot for slot in stage.slots(series) if slot.state is SlotState.OPEN]
    assert [slot.starts_at for slot in coming[:4]] == [FIRST + (hours + n / 2) * HOUR for n in range(4)]
    assert (booking.starts_at, booking.sequence) == (FIRST + (hours + 0.5) * HOUR, 1)
    assert (neighbour.starts_at, neighbour.sequence) == (FIRST + (hours + 1) * HOUR, 1)
    news = session.scalars(sa.select(OutgoingMail.to).where(OutgoingMail.template == "office_hours/moved")).all()
    assert sorted(news) == sorted([cast.researcher.email, cast.team_lead.email, cast.host.email, cast.host.email])


def test_a_session_that_cannot_follow_waits_and_the_others_do(
    session: Session, cast: Cast, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = stage.series()
    slots = stage.slots(series)
    stage.book(slots[0])
    beside = stage.slots(stage.series(first=local(2020, 6, 17, 11), hosts=(Share(cast.host.id),), count=1))
    session.commit()
    monkeypatch.setattr(sittings_module, "zone_rules_version", lambda: "2020z")
    monkeypatch.setattr(sittings_module, "instant", lambda clock, _zone: clock.replace(tzinfo=UTC) + 8 * HOUR)

    moved = actions.follow_zone_rules(session, series.id, at=NOON, sender=SENDER)
    session.commit()

    # An hour later, Hugo already holds the first slot of the other series.
    assert (len(beside), moved) == (4, 7)
    found = [(sitting.starts_at - FIRST, sitting.zone_rules == "2020z") for sitting in sittings(session, series)]
    assert found[:2] == [(0 * HOUR, False), (WEEK + HOUR, True)]
    assert len([slot for slot in slots[:4] if slot.state is SlotState.OPEN]) == 4


def test_new_rules_that_change_nothing_here_only_leave_their_mark(
    session: Session, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = stage.series()
    monkeypatch.setattr(sittings_module, "zone_rules_version", lambda: "2020z")

    assert actions.follow_zone_rules(session, series.id, at=NOON, sender=SENDER) == 0
    assert {sitting.zone_rules for sitting in sittings(session, series)} == {"2020z"}


def test_the_job_keeps_eight_weeks_made_and_may_run_at_any_time(session: Session, cast: Cast, stage: Stage) -> None:
    series = actions.create_series(session, cast.challenge, stage.plan(), by=cast.host.id, at=NOON)
    session.commit()

    made = [jobs.make_sessions(session, at) for at in (NOON, NOON, NOON + WEEK, NOON + 20 * WEEK)]

    assert (made, len(sittings(session, series))) == ([8, 0, 1, 0], 9)


def test_load_is_counted_by_the_programmes_week(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series(seats=2))
    there, absent = stage.book(slots[0]), stage.book(slots[4], cast.team.members[0])
    actions.mark_booking(session, there, states.ATTEND, by=cast.host.id, at=FIRST)
    actions.cancel_booking(session, absent, by=cast.team_lead.id, at=NOON, sender=SENDER)

    load = queries.load_by_week(session, cast.challenge)

    assert [(week.week, week.seats, week.taken) for week in load[:3]] == [
        ("2020-W25", 8, 1), ("2020-W26", 8, 0), ("2020-W27", 8, 0),
    ]  # fmt: skip
    assert load[1].bookings == {BookingState.CANCELLED: 1}


def test_slots_that_overlap_are_refused_whoever_makes_them(session: Session, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    session.add(
        Slot(
            sitting_id=slot.sitting_id,
            position=9,
            host_id=slot.host_id,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            busy_from=slot.busy_from,
            busy_until=slot.busy_until,
        )
    )

    with pytest.raises(sa.exc.IntegrityError, match="ex_office_slot_host"):
        session.flush()
