"""Substitutes and second engineers: who can come, who is told, and that nobody is in two places."""

from collections import Counter
from datetime import timedelta

import icalendar
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import Role
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, queries, states
from portal.office_hours.actions.exceptions import move_sitting
from portal.office_hours.actions.substitutes import substitute
from portal.office_hours.models import BusySpan, Slot, SlotHost
from portal.office_hours.queries.sittings import hosts_of, slot_of
from portal.office_hours.queries.substitutes import candidates, gaps, slots_of
from portal.office_hours.rules import Share
from portal.office_hours.states import BookingState
from tests.cast import NOON, Cast, make_account
from tests.office_hours.conftest import FIRST, SENDER, Stage, local

HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)


def whole(session: Session, cast: Cast, slot: Slot) -> Slot:
    session.expire(slot)
    return slot_of(session, cast.challenge.id, slot.id)


def replace(session: Session, cast: Cast, slots: list[Slot], new: Account, old: Account | None = None) -> int:
    held = old if old is not None else cast.host
    return substitute(session, slots, held, new.id, by=cast.lead.id, at=NOON, sender=SENDER)


def mails(session: Session) -> list[tuple[str, str, str, int]]:
    rows = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.template != "x").order_by(OutgoingMail.id))
    told = []
    for mail in rows:
        [event] = icalendar.Calendar.from_ical(mail.calendar_text or "").walk("VEVENT")
        told.append(
            (mail.template.removeprefix("office_hours/"), mail.to, mail.calendar_method or "", event["SEQUENCE"])
        )
    return told


def test_a_substitute_takes_the_booking_over_under_its_uid(session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    booking = stage.book(slot)
    uid = booking.uid
    session.execute(sa.delete(OutgoingMail))

    assert replace(session, cast, [whole(session, cast, slot)], cast.second_host) == 1
    session.commit()

    assert whole(session, cast, slot).host_id == cast.second_host.id
    session.refresh(booking)
    assert (booking.uid, booking.sequence, booking.starts_at) == (uid, 1, FIRST)
    assert sorted(mails(session)) == sorted([
        ("substituted", cast.researcher.email, "REQUEST", 1),
        ("booked", cast.second_host.email, "REQUEST", 1),
        ("released", cast.host.email, "CANCEL", 1),
    ])  # fmt: skip


def test_a_whole_session_changes_hands(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    stage.book(slots[0])
    held = slots_of(session, slots[0].sitting_id, cast.host.id)

    assert replace(session, cast, list(held), cast.second_host) == 1
    session.flush()

    assert slots_of(session, slots[0].sitting_id, cast.host.id) == []
    assert len(slots_of(session, slots[0].sitting_id, cast.second_host.id)) == 4
    assert len(slots_of(session, slots[4].sitting_id, cast.host.id)) == 4


def test_who_can_stand_in_and_why_the_others_cannot(session: Session, cast: Cast, stage: Stage) -> None:
    third, fourth = make_account(session, "Third Host", Role.HOST), make_account(session, "Fourth Host", Role.HOST)
    hugo, hana = Share(cast.host.id), Share(cast.second_host.id, 1, 2)
    slot = stage.slots(stage.series(slots=6, hosts=(hugo, hana)))[0]
    session.add(BusySpan(account_id=third.id, since=FIRST, until=FIRST + HOUR))
    session.commit()

    told = candidates(session, [whole(session, cast, slot)])

    assert [(one.account.name, one.why_not) for one in told] == [
        ("Third Host", "is busy in their own calendar"),
        ("Fourth Host", ""),
        ("Hana Host", "has 2 of at most 2 slots that week"),
        ("Hugo Host", "holds it"),
    ]
    for who, why in ((third, "Third Host is busy in their own calendar"), (cast.second_host, "Hana Host has 2 of")):
        with pytest.raises(Refused, match=why):
            replace(session, cast, [whole(session, cast, slot)], who)
    assert replace(session, cast, [whole(session, cast, slot)], fourth) == 0


def test_only_hosts_of_the_challenge_stand_in(session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]

    with pytest.raises(Refused, match="Only hosts of this challenge"):
        replace(session, cast, [whole(session, cast, slot)], cast.triager)
    with pytest.raises(Refused, match="It has begun"):
        substitute(session, [whole(session, cast, slot)], cast.host, cast.second_host.id,
                   by=cast.lead.id, at=FIRST, sender=SENDER)  # fmt: skip


def test_the_second_of_two_who_substitute_loses(session: Session, cast: Cast, stage: Stage) -> None:
    third = make_account(session, "Third Host", Role.HOST)
    slot = whole(session, cast, stage.slots(stage.series())[0])
    session.execute(
        sa.update(Slot).values(host_id=third.id).where(Slot.id == slot.id),
        execution_options={"synchronize_session": False},
    )

    with pytest.raises(Conflict, match="Somebody has just changed this slot"):
        replace(session, cast, [slot], cast.second_host)


def test_the_slots_of_a_host_who_has_left_wait_for_somebody_else(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series(slots=1))
    assert gaps(session, cast.challenge, NOON) == []

    session.execute(sa.delete(RoleGrant).where(RoleGrant.account_id == cast.host.id))

    assert [gap.slot.id for gap in gaps(session, cast.challenge, NOON)] == [slot.id for slot in slots]
    held = slots_of(session, slots[0].sitting_id, cast.host.id)
    assert [one.account.name for one in candidates(session, held)] == ["Hana Host"]
    replace(session, cast, list(held), cast.second_host)
    assert [gap.slot.id for gap in gaps(session, cast.challenge, NOON)] == [slot.id for slot in slots[1:]]


def test_two_engineers_take_turns_in_both_places(session: Session, cast: Cast, stage: Stage) -> None:
    third = make_account(session, "Third Host", Role.HOST)
    hosts = tuple(Share(account.id) for account in (cast.host, cast.second_host, third))
    slots = [whole(session, cast, slot) for slot in stage.slots(stage.series(slots=3, hosts=hosts, engineers=2))]

    pairs = [[host.name for host in hosts_of(slot)] for slot in slots]
    assert pairs[:3] == [["Hugo Host", "Hana Host"], ["Third Host", "Hugo Host"], ["Hana Host", "Third Host"]]
    assert Counter(name for pair in pairs for name in pair) == {"Hugo Host": 16, "Hana Host": 16, "Third Host": 16}


def test_with_one_engineer_free_the_second_place_stays_empty_and_can_be_filled(
    session: Session, cast: Cast, stage: Stage
) -> None:
    session.add(BusySpan(account_id=cast.second_host.id, since=FIRST, until=FIRST + HOUR))
    series = stage.series(hosts=(Share(cast.host.id), Share(cast.second_host.id, 1, None)), engineers=2)
    session.execute(sa.delete(BusySpan))
    slot = stage.slots(series)[0]
    stage.book(slot)
    slot = whole(session, cast, slot)
    assert [host.name for host in hosts_of(slot)] == ["Hugo Host"]

    substitute(session, [slot], None, cast.second_host.id, by=cast.lead.id, at=NOON, sender=SENDER)

    assert [host.name for host in hosts_of(whole(session, cast, slot))] == ["Hugo Host", "Hana Host"]
    assert mails(session)[-3:] == [
        ("substituted", cast.researcher.email, "REQUEST", 1), ("substituted", cast.host.email, "REQUEST", 1),
        ("booked", cast.second_host.email, "REQUEST", 1),
    ]  # fmt: skip
    third = make_account(session, "Third Host", Role.HOST)
    with pytest.raises(Conflict, match="Somebody has just changed this slot"):
        substitute(session, [whole(session, cast, slot)], None, third.id, by=cast.lead.id, at=NOON, sender=SENDER)


def test_a_busy_second_engineer_closes_the_own_slots_and_nobody_elses(
    session: Session, cast: Cast, stage: Stage
) -> None:
    third = make_account(session, "Third Host", Role.HOST)
    hers = stage.slots(stage.series(hosts=(Share(cast.host.id), Share(cast.second_host.id)), engineers=2))[0]
    theirs = stage.slots(stage.series(hosts=(Share(third.id),)))[0]
    assert hers.starts_at == theirs.starts_at

    session.add(BusySpan(account_id=cast.second_host.id, since=FIRST, until=FIRST + HOUR))
    session.flush()

    assert [whole(session, cast, slot).collides for slot in (hers, theirs)] == [True, False]


def test_the_second_engineer_is_invited_sees_the_booking_and_marks_it(
    session: Session, cast: Cast, stage: Stage
) -> None:
    series = stage.series(hosts=(Share(cast.host.id), Share(cast.second_host.id)), engineers=2)
    booking = stage.book(stage.slots(series)[0])

    assert sorted(mail[1] for mail in mails(session)) == sorted(
        [cast.researcher.email, cast.host.email, cast.second_host.email]
    )
    for host in (cast.host, cast.second_host):
        [row, *_] = queries.timetable(session, cast.challenge.id, NOON, NOON + WEEK, viewer_id=host.id)
        assert [found.uid for each in row.bookings.values() for found in each] == [booking.uid]
    found = queries.booking_for_host(session, cast.challenge.id, cast.second_host.id, booking.uid)
    actions.mark_booking(session, found, states.ATTEND, by=cast.second_host.id, at=FIRST + HOUR)
    assert found.state is BookingState.ATTENDED


def test_a_second_engineer_is_replaced_in_the_second_place(session: Session, cast: Cast, stage: Stage) -> None:
    third = make_account(session, "Third Host", Role.HOST)
    series = stage.series(hosts=(Share(cast.host.id), Share(cast.second_host.id)), engineers=2)
    slot = whole(session, cast, stage.slots(series)[0])

    replace(session, cast, [slot], third, cast.second_host)

    assert [host.name for host in hosts_of(whole(session, cast, slot))] == ["Hugo Host", "Third Host"]


def test_when_a_two_engineer_session_moves_both_go_along(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series(hosts=(Share(cast.host.id), Share(cast.second_host.id)), engineers=2)
    old = stage.slots(series)[0]
    sitting = queries.sitting_of(session, cast.challenge.id, old.sitting_id)

    move_sitting(session, sitting, local(2020, 6, 18, 9), by=cast.lead.id, at=NOON, sender=SENDER)

    spans = session.execute(
        sa.select(SlotHost.live, SlotHost.busy_from).join(Slot).where(Slot.sitting_id == sitting.id, Slot.position == 1)
    ).all()
    assert spans == [(False, FIRST)]
    new = session.scalars(sa.select(Slot).where(Slot.sitting_id == sitting.id, Slot.position == 5)).one()
    assert [host.name for host in hosts_of(whole(session, cast, new))] == ["Hugo Host", "Hana Host"]


def test_nobody_is_in_a_first_and_a_second_place_at_once(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    beside = stage.slots(stage.series(hosts=(Share(cast.second_host.id),)))
    times = {"busy_from": slots[0].busy_from, "busy_until": slots[0].busy_until}
    hana, hugo = cast.second_host.id, cast.host.id

    def refused(row: object) -> str:
        try:
            with conflicts(), session.begin_nested():
                session.add(row)
                session.flush()
        except Conflict as answer:
            return answer.reason
        return ""

    sentence = "An engineer already has another slot at that time."
    # In the first place elsewhere; in both places of one slot.
    assert refused(SlotHost(slot_id=slots[0].id, account_id=hana, **times)) == sentence
    assert refused(SlotHost(slot_id=slots[0].id, account_id=hugo, **times)) == sentence
    third = make_account(session, "Third Host", Role.HOST)
    session.add(SlotHost(slot_id=slots[0].id, account_id=third.id, **times))
    session.flush()
    # In two second places; then in a first one besides the second.
    assert refused(SlotHost(slot_id=beside[0].id, account_id=third.id, **times)) == sentence
    with pytest.raises(Conflict, match="A host already has another slot"), conflicts(), session.begin_nested():
        session.execute(sa.update(Slot).where(Slot.id == beside[0].id).values(host_id=third.id))
    # A cancelled slot keeps nobody busy.
    session.execute(sa.update(Slot).where(Slot.id == slots[0].id).values(state=states.SlotState.CANCELLED))
    session.execute(sa.update(Slot).where(Slot.id == beside[0].id).values(host_id=third.id))
