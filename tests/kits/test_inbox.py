"""News of carriers find their parcel, once, in whatever order they come; and what has none waits for a person."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail
from portal.kits import actions, follow, queries
from portal.kits.actions import inbox
from portal.kits.models import Shipment, ShipmentEvent, TrackingNews
from portal.kits.queries import tracking
from portal.kits.rules import payloads
from portal.kits.states import ShipmentState, UnitState, Word
from portal.kits.states.tracking import NewsState
from tests.cast import NOON, Cast, make_account, make_challenge, make_participant
from tests.kits import services
from tests.kits.conftest import HOUR, Bench
from tests.kits.services import body_of, hours

S, N = ShipmentState, NewsState
DAY = timedelta(days=1)
LATER = NOON + 2 * DAY


def tell(
    session: Session, number: str, *scans: tuple[str, str, float], at: datetime = LATER, carrier: str = "DHLExpress"
) -> int:
    """EasyPost posts a history: (status, detail, hours after noon)."""
    history = [(status, detail, hours(after)) for status, detail, after in scans]
    told = payloads.read_webhook("easypost", body_of(services.easypost(number, history, carrier)))
    new = inbox.receive(session, told, at=at)
    session.commit()
    return new


def news(session: Session) -> list[tuple[str, NewsState, int | None]]:
    session.commit()
    rows = session.scalars(sa.select(TrackingNews).order_by(TrackingNews.occurred_at, TrackingNews.id)).all()
    return [(row.said.partition(" ")[0], row.state, row.shipment_id) for row in rows]


def story(session: Session, parcel: Shipment) -> list[tuple[str, str]]:
    """The lines of carriers."""
    rows = sa.select(ShipmentEvent).where(
        ShipmentEvent.shipment_id == parcel.id, ShipmentEvent.provider != "portal"
    ).order_by(ShipmentEvent.id)  # fmt: skip
    return [(row.title, row.detail) for row in session.scalars(rows.order_by(ShipmentEvent.occurred_at))]


WAY = (
    ("pre_transit", "label_created", -2), ("in_transit", "arrived_at_facility", 3), ("in_transit", "held", 5),
    ("in_transit", "departed_facility", 7), ("out_for_delivery", "out_for_delivery", 9), ("delivered", "unknown", 12),
)  # fmt: skip


def test_a_whole_way_is_taken_in_its_order(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)

    assert tell(session, "jd 000001", *WAY) == 6
    assert follow.take_news(session, LATER) == 6

    parcel = bench.again(parcel)
    assert (parcel.state, parcel.delivered_at, parcel.tracked_at) == (S.DELIVERED, hours(12), hours(12))
    assert story(session, parcel) == [
        ("In transit", "Arrived at facility"), ("Exception", "Held"), ("In transit", "Departed facility"),
        ("Out for delivery", "Out for delivery"), ("Delivered", "Delivered"),
    ]  # fmt: skip
    assert [state for _, state, _ in news(session)] == [N.IGNORED, N.TAKEN, N.TAKEN, N.TAKEN, N.TAKEN, N.TAKEN]
    assert {shipment_id for _, _, shipment_id in news(session)} == {parcel.id}


def test_the_same_way_told_backwards_ends_in_the_same_place(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)

    for scan in reversed(WAY):
        tell(session, "JD000001", scan)
        follow.take_news(session, LATER)

    parcel = bench.again(parcel)
    assert (parcel.state, parcel.delivered_at) == (S.DELIVERED, hours(12))
    assert len(story(session, parcel)) == 5


def test_taking_twice_is_taking_once(session: Session, bench: Bench, mails: Callable[[], list[OutgoingMail]]) -> None:
    parcel = bench.at(S.HANDED_OVER)
    tell(session, "JD000001", *WAY)

    assert (follow.take_news(session, LATER), follow.take_news(session, LATER)) == (6, 0)
    assert tell(session, "JD000001", *WAY) == 0
    assert follow.take_news(session, LATER) == 0

    assert len(story(session, parcel)) == 5
    assert [mail.template for mail in mails()].count("kits/delivered") == 1


def test_two_workers_take_each_once(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    tell(session, "JD000001", *WAY)
    seen = tracking.due(session, LATER)
    session.commit()
    with Session(db.engine) as other:
        follow.take_news(other, LATER)

    for news_id in seen:
        follow._take(session, news_id, LATER)

    assert len(story(session, parcel)) == 5
    assert [state for _, state, _ in news(session)].count(N.TAKEN) == 5


def test_what_the_inbox_forgot_and_a_service_tells_again_changes_nothing(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    tell(session, "JD000001", *WAY[:4])
    follow.take_news(session, LATER)

    follow.take_news(session, LATER + 89 * DAY)
    assert len(news(session)) == 4
    follow.take_news(session, LATER + 90 * DAY)
    assert news(session) == []

    actions.say(session, bench.again(parcel), Word.RECEIVED, "", by=bench.cast.researcher.id, at=LATER)
    assert tell(session, "JD000001", *WAY[:4]) == 4
    follow.take_news(session, LATER + 91 * DAY)
    assert bench.again(parcel).state is S.RECEIVED
    assert len(story(session, parcel)) == 3


def test_a_carriers_scan_of_a_labelled_parcel_hands_it_over(
    session: Session, bench: Bench, mails: Callable[[], list[OutgoingMail]]
) -> None:
    parcel = bench.at(S.LABELLED)
    tell(session, "JD000001", *WAY[:2])

    follow.take_news(session, LATER)

    parcel = bench.again(parcel)
    assert (parcel.state, parcel.handed_over_at, parcel.tracked_at) == (S.IN_TRANSIT, hours(3), hours(3))
    assert [unit.state for unit in parcel.units] == [UnitState.SHIPPED]
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:hand-over")).one()
    assert (entry.actor_id, entry.detail["reason"]) == (None, "The carrier has scanned it.")
    assert [mail.template for mail in mails()][-1] == "kits/handed_over"
    told = [event.title for event in queries.story_of(session, parcel)]
    assert told[-2:] == ["Handed over", "In transit"]


def test_a_printed_label_hands_nothing_over(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.LABELLED)
    tell(session, "JD000001", WAY[0])

    follow.take_news(session, LATER)

    assert bench.again(parcel).state is S.LABELLED


def test_who_presses_the_button_after_the_carrier_is_told(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.LABELLED)
    tell(session, "JD000001", WAY[1])
    follow.take_news(session, LATER)

    with pytest.raises(Refused, match="Hand to the carrier"):
        bench.advance(bench.again(parcel), "hand-over", at=LATER)


def test_what_the_carrier_scanned_before_the_button_was_pressed_is_news(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    tell(session, "JD000001", ("in_transit", "arrived_at_facility", -5), ("in_transit", "held", -3))

    follow.take_news(session, LATER)

    parcel = bench.again(parcel)
    assert (parcel.state, parcel.tracked_at) == (S.EXCEPTION, hours(-3))


def test_unknown_words_are_noted_for_the_team_and_move_nothing(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    tell(session, "JD000001", ("teleported", "brand_new", 3))

    follow.take_news(session, LATER)

    line = session.scalars(sa.select(ShipmentEvent).where(ShipmentEvent.provider == "easypost")).one()
    assert (line.title, line.detail, line.told, line.status) == (
        "The carrier says something unknown", "teleported / brand_new", False, None,
    )  # fmt: skip
    assert bench.again(parcel).state is S.HANDED_OVER
    assert news(session) == [("teleported", N.IGNORED, parcel.id)]


def test_what_would_happen_in_the_future_has_just_happened(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    tell(session, "JD000001", ("in_transit", "unknown", 9), at=NOON + HOUR)

    follow.take_news(session, NOON + HOUR)

    assert bench.again(parcel).tracked_at == NOON + HOUR


# Late news


@pytest.mark.parametrize(("known", "late", "state"), [
    # A late return undoes nothing that came after it.
    ((("delivered", "", 10),), ("return_to_sender", "return", 5), S.DELIVERED),
    ((("delivered", "", 10),), ("return_to_sender", "return", 11), S.RETURNING),
    ((("in_transit", "", 3), ("out_for_delivery", "", 10)), ("return_to_sender", "return", 5), S.OUT_FOR_DELIVERY),
    # A late "out for delivery" does not hide that it failed.
    ((("in_transit", "", 3), ("failure", "", 10)), ("out_for_delivery", "", 5), S.EXCEPTION),
    ((("in_transit", "", 3), ("failure", "", 10)), ("out_for_delivery", "", 11), S.OUT_FOR_DELIVERY),
    ((("in_transit", "", 3), ("in_transit", "held", 10)), ("delivered", "", 9), S.DELIVERED),
    ((("in_transit", "", 3),), ("out_for_delivery", "", 2), S.OUT_FOR_DELIVERY),
    # What was told again in between makes an older trouble late.
    ((("in_transit", "", 3), ("in_transit", "arrived_at_facility", 10)), ("in_transit", "held", 5), S.IN_TRANSIT),
    ((("delivered", "", 10),), ("delivered", "", 12), S.DELIVERED),
    ((("return_to_sender", "", 10),), ("delivered", "", 12), S.RETURNING),
])  # fmt: skip
def test_late_news_downgrade_nothing(
    session: Session, bench: Bench, known: Any, late: tuple[str, str, float], state: ShipmentState
) -> None:
    parcel = bench.at(S.HANDED_OVER)
    tell(session, "JD000001", *known)
    follow.take_news(session, LATER)
    before = bench.again(parcel).tracked_at

    tell(session, "JD000001", late)
    follow.take_news(session, LATER)

    parcel = bench.again(parcel)
    assert parcel.state is state
    assert parcel.tracked_at is not None
    assert before is not None
    assert parcel.tracked_at >= before


@pytest.mark.parametrize("end", ["receive", "lose"])
def test_what_is_over_stays_over(session: Session, bench: Bench, end: str) -> None:
    parcel = bench.at(S.HANDED_OVER)
    bench.advance(parcel, end)
    over = bench.again(parcel).state

    tell(session, "JD000001", *WAY)
    follow.take_news(session, LATER)

    assert bench.again(parcel).state is over
    assert len(story(session, parcel)) == 5


# Whose number it is


def test_a_number_is_found_however_it_was_typed(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.PACKED)
    bench.advance(parcel, "label", carrier="DHL Express", tracking_number="jd 00-11 x")
    tell(session, "JD0011X", WAY[1], carrier="UPS")

    follow.take_news(session, LATER)

    # The only parcel with this number: that the carrier is spelt, or told, otherwise does not matter.
    assert bench.again(parcel).state is S.IN_TRANSIT


def test_of_two_parcels_with_one_number_the_carrier_decides(session: Session, cast: Cast, bench: Bench) -> None:
    first = bench.at(S.PACKED)
    bench.advance(first, "label", carrier="DHL", tracking_number="12345678")
    second = bench.parcel(cast.team)
    bench.address(cast.team.members[0])
    second = bench.again(second)
    actions.assign_unit(session, second, bench.units("KIT-2")[0], by=bench.by, at=NOON)
    bench.advance(second, "ready", "pack", "label", carrier="fedex", tracking_number="1234 5678")
    tell(session, "12345678", WAY[1], carrier="FedexSmartPost")
    tell(session, "12345678", WAY[2], carrier="UPS")

    follow.take_news(session, LATER)

    assert (bench.again(first).state, bench.again(second).state) == (S.LABELLED, S.IN_TRANSIT)
    assert news(session) == [("in_transit", N.TAKEN, second.id), ("in_transit", N.UNMATCHED, None)]


def test_a_second_parcel_never_touches_the_first(session: Session, bench: Bench) -> None:
    first = bench.at(S.HANDED_OVER)
    tell(session, "JD000001", *WAY)
    follow.take_news(session, LATER)
    second = bench.parcel(at=LATER)
    actions.assign_unit(session, second, bench.units("KIT-2")[0], by=bench.by, at=LATER)
    bench.advance(bench.again(second), "ready", "pack", "label", at=LATER)
    before = (bench.again(first).tracking_number, bench.again(first).state, story(session, first))

    tell(session, "JD000002", ("in_transit", "unknown", 50), at=LATER + 10 * HOUR)
    follow.take_news(session, LATER + 10 * HOUR)

    assert bench.again(second).state is S.IN_TRANSIT
    assert (bench.again(first).tracking_number, bench.again(first).state, story(session, first)) == before


def test_a_new_number_keeps_the_history(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.LABELLED)
    tell(session, "JD000001", WAY[0], ("teleported", "", 1))
    follow.take_news(session, LATER)
    bench.address(at=LATER)
    parcel = bench.again(parcel)
    assert (parcel.state, parcel.tracking_number) == (S.ADDRESS_CONFIRMED, None)
    bench.advance(parcel, "ready", "pack", "label", tracking_number="JD000099", at=LATER)

    tell(session, "JD000099", ("in_transit", "unknown", 50), at=LATER + 10 * HOUR)
    tell(session, "JD000001", ("in_transit", "unknown", 51), at=LATER + 10 * HOUR)
    follow.take_news(session, LATER + 10 * HOUR)

    assert [title for title, _ in story(session, parcel)] == ["The carrier says something unknown", "In transit"]
    assert bench.again(parcel).state is S.IN_TRANSIT
    # The label that was thrown away went on a journey of its own: a person must look.
    assert news(session)[-1] == ("in_transit", N.UNMATCHED, None)


def test_a_cancelled_parcels_number_is_nobodys(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.LABELLED)
    bench.advance(parcel, "cancel")

    tell(session, "JD000001", WAY[1])
    follow.take_news(session, LATER)

    assert news(session) == [("in_transit", N.UNMATCHED, None)]


def test_what_nobody_has_waits_until_somebody_has_it(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.PACKED)
    tell(session, "JD000001", WAY[1], WAY[4])
    assert follow.take_news(session, LATER) == 2
    assert follow.take_news(session, LATER) == 0
    assert [(each.number, each.count, each.said) for each in tracking.unknown(session)] == [
        ("JD000001", 2, "Out for delivery")
    ]

    bench.advance(bench.again(parcel), "label", at=LATER)
    assert follow.take_news(session, LATER + timedelta(minutes=1)) == 2

    assert bench.again(parcel).state is S.OUT_FOR_DELIVERY
    assert tracking.unknown(session) == []


def test_what_nobody_ever_has_is_given_up_after_thirty_days(session: Session, bench: Bench) -> None:
    bench.at(S.PACKED)
    tell(session, "JD777777", WAY[1])
    follow.take_news(session, LATER)

    follow.take_news(session, LATER + 30 * DAY - HOUR)
    assert news(session) == [("in_transit", N.UNMATCHED, None)]
    follow.take_news(session, LATER + 30 * DAY)
    assert news(session) == [("in_transit", N.IGNORED, None)]


def test_another_room_may_know_of_a_number(session: Session, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    parcel = bench.at(S.HANDED_OVER)
    monkeypatch.setattr(inbox, "takers", [
        lambda _session, _news, _at: None,
        lambda session, news, _at: bench.again(parcel) if news.number == "RETURN001" else None,
    ])  # fmt: skip
    tell(session, "RETURN001", WAY[1])
    tell(session, "RETURN002", WAY[1])

    follow.take_news(session, LATER)

    assert sorted(news(session), key=str) == [
        ("in_transit", N.TAKEN, parcel.id), ("in_transit", N.UNMATCHED, None),
    ]  # fmt: skip
    assert bench.again(parcel).state is S.HANDED_OVER


# By hand


def test_a_mistyped_number_is_matched_by_hand_and_stays_so(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.LABELLED)
    tell(session, "JD9999", ("pre_transit", "label_created", 1), WAY[1])
    follow.take_news(session, LATER)

    assert inbox.match(session, "JD9999", bench.again(parcel), by=bench.by, at=LATER) == 2
    tell(session, "JD9999", *WAY)
    follow.take_news(session, LATER)

    parcel = bench.again(parcel)
    assert (parcel.state, parcel.tracking_number) == (S.DELIVERED, "JD000001")
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:match-tracking")).one()
    assert (entry.actor_id, entry.detail["after"]) == (bench.by, {"number": "JD9999", "news": 2})


def test_what_has_no_label_was_not_scanned(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.PACKED)
    tell(session, "JD9999", WAY[1])
    follow.take_news(session, LATER)

    with pytest.raises(Refused, match="no label yet"):
        inbox.match(session, "JD9999", parcel, by=bench.by, at=LATER)


def test_the_second_of_two_who_match_is_told(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.LABELLED)
    tell(session, "JD9999", WAY[1])
    follow.take_news(session, LATER)
    inbox.dismiss_number(session, "JD9999", scope="test-challenge", by=bench.by, at=LATER)

    with pytest.raises(Conflict, match="Nothing waits"):
        inbox.match(session, "JD9999", bench.again(parcel), by=bench.by, at=LATER)
    assert news(session) == [("in_transit", N.IGNORED, None)]


# What goes wrong


def failed(session: Session) -> list[tuple[NewsState, str | None, int]]:
    session.commit()
    return [
        (row.state, row.error, row.tries) for row in session.scalars(sa.select(TrackingNews).order_by(TrackingNews.id))
    ]


def test_a_fault_of_ours_stops_no_other_news_and_can_be_tried_again(
    session: Session, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    parcel = bench.at(S.HANDED_OVER)
    tell(session, "JD000001", WAY[1], WAY[4])
    take = inbox.take_news

    def faulty(session: Session, news: TrackingNews, *, at: datetime) -> None:
        take(session, news, at=at)
        if news.occurred_at == hours(3):
            raise ZeroDivisionError("Rosa Researcher")

    monkeypatch.setattr(inbox, "take_news", faulty)
    follow.take_news(session, LATER)
    monkeypatch.undo()

    assert sorted(failed(session)) == [(N.FAILED, "A fault of ours: ZeroDivisionError.", 1), (N.TAKEN, None, 0)]
    assert story(session, parcel) == [("Out for delivery", "Out for delivery")]
    [row] = tracking.failed(session, bench.cast.challenge.id)
    inbox.try_again(session, row, scope="test-challenge", by=bench.by, at=LATER)
    session.commit()
    follow.take_news(session, LATER)
    assert [state for state, _, _ in failed(session)] == [N.TAKEN, N.TAKEN]
    assert len(story(session, parcel)) == 2


def test_a_lost_race_is_run_again_but_not_for_ever(
    session: Session, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.at(S.HANDED_OVER)
    tell(session, "JD000001", WAY[1])

    def late(_session: Session, _news: TrackingNews, *, at: datetime) -> None:
        raise Conflict("Somebody has just moved it.")

    monkeypatch.setattr(inbox, "take_news", late)
    at = LATER
    for tries in range(1, inbox.TRIES):
        assert follow.take_news(session, at) == 1
        assert follow.take_news(session, at) == 0
        assert failed(session) == [(N.WAITING, None, tries)]
        at += timedelta(minutes=tries)
    follow.take_news(session, at)

    assert failed(session) == [(N.FAILED, "Somebody has just moved it.", inbox.TRIES)]


def test_what_could_not_be_read_is_not_tried_again(session: Session, bench: Bench) -> None:
    assert inbox.note_malformed(session, "shippo", "0" * 64, "It is not JSON in UTF-8.", at=NOON)
    assert not inbox.note_malformed(session, "shippo", "0" * 64, "It is not JSON in UTF-8.", at=LATER)
    [row] = tracking.failed(session, bench.cast.challenge.id)

    with pytest.raises(Refused, match="laid aside"):
        inbox.try_again(session, row, scope="test-challenge", by=bench.by, at=NOON)
    inbox.dismiss(session, row, scope="test-challenge", by=bench.by, at=NOON)

    assert failed(session) == [(N.IGNORED, None, 1)]


def test_failed_news_of_another_challenges_parcel_are_not_found(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    other = make_challenge(session, "other", "Other")
    make_participant(session, other, make_account(session, "Olga"))
    tell(session, "JD000001", WAY[1])
    session.execute(sa.update(TrackingNews).values(state=N.FAILED, error="x", shipment_id=parcel.id))

    assert tracking.failed(session, other.id) == []
    assert len(tracking.failed(session, cast.challenge.id)) == 1
    assert queries.shipment(session, cast.challenge.id, parcel.id).id == parcel.id


@pytest.mark.parametrize(("values", "constraint"), [
    ({"state": N.TAKEN}, "taken_by_a_parcel"), ({"state": N.FAILED}, "failed_has_error"),
    ({"number": ""}, "numbered"), ({"by_hand": True}, "matched_to_a_parcel"), ({"error": "x"}, "failed_has_error"),
])  # fmt: skip
def test_the_database_refuses_nonsense(session: Session, bench: Bench, values: dict[str, Any], constraint: str) -> None:
    tell(session, "JD000001", WAY[1])

    with pytest.raises(sa.exc.IntegrityError, match=constraint):
        session.execute(sa.update(TrackingNews).values(**values))
