"""Parcels, stock and addresses: on both databases."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.core.moves import Move
from portal.core.outbox import OutgoingMail
from portal.kits import actions, queries, states
from portal.kits.actions import Given, Scan, returns
from portal.kits.actions.holds import judge_hold
from portal.kits.models import DeliveryAddress, Shipment, ShipmentEvent, ShipmentUnit, Unit
from portal.kits.queries import holds
from portal.kits.states import ShipmentState, UnitState, Word
from portal.kits.states.holds import Judgement
from portal.kits.states.returns import Condition
from portal.kits.vault import Vault
from tests.cast import NOON, Cast
from tests.kits.conftest import BERLIN, HOUR, SPEC, VAULT, Bench

S = ShipmentState


def tags(session: Session) -> list[tuple[str, str, int | None]]:
    session.commit()
    entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))
    return [(entry.tag, entry.subject, entry.actor_id) for entry in entries]


def posted(session: Session) -> list[tuple[str, str]]:
    session.commit()
    return [(mail.template, mail.to) for mail in session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id))]


def scan(status: ShipmentState, hours: float = 1, key: str = "", provider: str = "dhl") -> Scan:
    return Scan(provider, key or f"{status}-{hours}", status, NOON + hours * HOUR)


def later(session: Session, parcel: Shipment, news: Scan, by: int | None = None) -> bool:
    return actions.note_scan(session, parcel, news, by=by, at=NOON + timedelta(days=2))


# Stock


def test_units_are_added_all_at_once(session: Session, cast: Cast, bench: Bench) -> None:
    units = bench.units("KIT-2", "KIT-1")

    assert [(unit.serial, unit.state, unit.location, unit.firmware) for unit in units] == [
        ("KIT-2", UnitState.IN_STOCK, "Lab 3", "20.06"),
        ("KIT-1", UnitState.IN_STOCK, "Lab 3", "20.06"),
    ]
    assert [tag for tag, _, _ in tags(session)] == ["kits:add-model", "kits:add-units"]
    assert queries.unit_counts(session, cast.challenge.id) == {units[0].model_id: {UnitState.IN_STOCK: 2}}


def test_one_faulty_line_keeps_all_out_and_every_one_is_told(session: Session, cast: Cast, bench: Bench) -> None:
    bench.units("KIT-1")

    with pytest.raises(Invalid) as raised:
        bench.units("KIT-2", "KIT-1", "K?", "KIT-2", "", "KIT-3")

    assert raised.value.messages["serials"].split(" Line ") == [
        "Line 2: KIT-1 is already in the stock.",
        "3: “K?” is no serial number: 2 to 64 letters, digits and . _ : / -",
        "4: KIT-2 stands on line 1 already.",
    ]
    assert session.scalars(sa.select(Unit.serial)).all() == ["KIT-1"]


def test_a_serial_number_is_unique_whoever_adds_it(session: Session, cast: Cast, bench: Bench) -> None:
    unit = bench.units("KIT-1")[0]

    session.add(Unit(challenge_id=cast.challenge.id, model_id=unit.model_id, serial="KIT-1", state_since=NOON))
    with pytest.raises(sa.exc.IntegrityError, match="serial"):
        session.flush()


def test_a_model_of_the_same_name_and_revision_is_refused(session: Session, cast: Cast, bench: Bench) -> None:
    bench.model()

    with pytest.raises(Conflict, match="this name and revision"):
        actions.add_model(session, cast.challenge, SPEC, by=bench.by, at=NOON)


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [("fault", "in_stock", "faulty"), ("mislay", "in_stock", "lost")],
)
def test_the_bench_moves_a_unit(
    session: Session, cast: Cast, bench: Bench, name: str, source: str, target: str
) -> None:
    unit = bench.units("KIT-1")[0]
    assert unit.state == source

    move = {move.name: move for move in states.UNIT_MOVES}[name]
    actions.move_unit(session, unit, move, scope=cast.slug, by=bench.by, at=NOON + HOUR, reason="sparks")

    assert (unit.state, unit.state_since) == (target, NOON + HOUR)
    assert tags(session)[-1] == (f"kits:{name}-unit", f"unit:{unit.id}", bench.by)


@pytest.mark.parametrize("move", [move for move in states.UNIT_MOVES if not move.by], ids=lambda move: move.name)
def test_what_goes_with_a_parcel_is_not_done_by_hand(
    session: Session, cast: Cast, bench: Bench, move: Move[UnitState]
) -> None:
    unit = bench.units("KIT-1")[0]

    with pytest.raises(Refused, match="goes with a parcel"):
        actions.move_unit(session, unit, move, scope=cast.slug, by=bench.by, at=NOON)


def test_a_unit_that_is_kept_leaves_its_parcel(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    actions.say(session, parcel, Word.RECEIVED, "", by=cast.researcher.id, at=NOON)
    [unit] = parcel.units

    actions.move_unit(session, unit, states.KEEP, scope=cast.slug, by=bench.by, at=NOON)

    assert (unit.state, bench.again(parcel).units) == (UnitState.KEPT, [])


# Parcels


def test_planning_gives_each_participant_one_parcel(session: Session, cast: Cast, bench: Bench) -> None:
    waiting = queries.unplanned(session, cast.challenge.id)
    planned = actions.plan(session, cast.challenge, waiting, by=bench.by, at=NOON)

    assert [(parcel.participant_id, parcel.number, parcel.state) for parcel in planned] == [
        (cast.participant.id, 1, S.PLANNED),
        (cast.team.id, 1, S.PLANNED),
    ]
    assert queries.unplanned(session, cast.challenge.id) == []
    assert tags(session) == [("kits:plan", f"shipment:{parcel.id}", bench.by) for parcel in planned]


def test_two_who_plan_at_once_plan_one_parcel(session: Session, cast: Cast, bench: Bench) -> None:
    bench.parcel()

    session.add(
        Shipment(
            challenge_id=cast.challenge.id, participant_id=cast.participant.id, number=1, state_since=NOON,
            created_at=NOON,
        )
    )  # fmt: skip
    with pytest.raises(sa.exc.IntegrityError, match="number"):
        session.flush()


def test_asking_sends_a_mail_to_the_one_who_leads(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.parcel(cast.team)

    bench.advance(parcel, "request-address")

    assert parcel.state is S.ADDRESS_REQUESTED
    assert posted(session) == [("kits/address_requested", cast.team_lead.email)]


def test_the_address_lets_the_parcel_go_on(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.ADDRESS_REQUESTED)

    bench.address()

    assert bench.again(parcel).state is S.ADDRESS_CONFIRMED
    assert [event.title for event in queries.story_of(session, parcel)] == [
        "Planned",
        "Address requested",
        "Address given",
    ]


def test_whose_address_is_known_is_not_asked(session: Session, bench: Bench) -> None:
    bench.address()

    assert bench.parcel().state is S.ADDRESS_CONFIRMED
    assert posted(session) == []


def test_the_whole_way(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    assert [unit.state for unit in parcel.units] == [UnitState.SHIPPED]
    assert (parcel.carrier, parcel.tracking_number, parcel.handed_over_at) == ("DHL", f"JD{parcel.id:06}", NOON)

    for hours, status in enumerate((S.IN_TRANSIT, S.CUSTOMS_HOLD, S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.DELIVERED), 1):
        assert later(session, parcel, scan(status, hours))
        assert parcel.state is status
    assert (parcel.delivered_at, parcel.received_at) == (NOON + 5 * HOUR, None)
    assert [unit.state for unit in parcel.units] == [UnitState.SHIPPED]

    actions.say(session, parcel, Word.RECEIVED, "", by=cast.researcher.id, at=NOON + timedelta(days=2))

    assert (parcel.state, parcel.received_at) == (S.RECEIVED, NOON + timedelta(days=2))
    assert [unit.state for unit in parcel.units] == [UnitState.WITH_PARTICIPANT]
    assert posted(session) == [
        (f"kits/{news}", cast.researcher.email)
        for news in ("address_requested", "handed_over", "customs_hold", "delivered")
    ]
    mail = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.template == "kits/handed_over")).one()
    assert mail.context["tracking_number"] == parcel.tracking_number


STEPS = [move for move in states.MOVES if move.by]


@pytest.mark.parametrize("move", STEPS, ids=lambda move: move.name)
def test_a_step_from_elsewhere_is_refused(session: Session, bench: Bench, move: Move[ShipmentState]) -> None:
    parcel = bench.at(S.HANDED_OVER if S.HANDED_OVER not in move.sources else S.READY)
    before = parcel.state

    with pytest.raises(Refused, match=move.label):
        bench.advance(parcel, move.name)

    assert parcel.state is before


def test_news_are_no_step_of_logistics(session: Session, bench: Bench) -> None:
    with pytest.raises(Refused, match="comes from tracking"):
        bench.advance(bench.at(S.HANDED_OVER), "deliver")


def test_an_empty_parcel_is_not_packed(session: Session, bench: Bench) -> None:
    bench.address()
    parcel = bench.parcel()
    bench.advance(parcel, "ready")

    with pytest.raises(Refused, match="nothing in the parcel"):
        bench.advance(parcel, "pack")


@pytest.mark.parametrize(("state", "name", "missing"), [
    (S.PACKED, "label", {"carrier", "tracking_number"}), (S.ADDRESS_CONFIRMED, "hold", {"reason"}),
    (S.READY, "cancel", {"reason"}),
])  # fmt: skip
def test_a_step_without_what_it_needs_is_refused(
    session: Session, bench: Bench, state: ShipmentState, name: str, missing: set[str]
) -> None:
    parcel = bench.at(state)
    move = {move.name: move for move in states.MOVES}[name]

    with pytest.raises(Invalid) as raised:
        actions.advance(session, parcel, move, Given(), by=bench.by, at=NOON)

    assert set(raised.value.messages) == missing


def test_a_held_parcel_names_its_reason_to_the_team_alone(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.ADDRESS_CONFIRMED)

    bench.advance(parcel, "hold", reason="a name on a list")
    assert (parcel.state, parcel.hold_reason) == (S.HELD, "a name on a list")
    [held] = holds.live_holds(session, [parcel.id])
    judge_hold(session, held, Judgement.CLEARED, "another person", by=bench.by, at=NOON)
    parcel = bench.again(parcel)

    assert (parcel.state, parcel.hold_reason) == (S.ADDRESS_CONFIRMED, None)
    assert [event.told for event in queries.story_of(session, parcel)][-2:] == [False, False]


def test_a_held_parcel_can_be_cancelled(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.ADDRESS_CONFIRMED)
    bench.advance(parcel, "hold")

    bench.advance(parcel, "cancel")

    assert (parcel.state, parcel.hold_reason) == (S.CANCELLED, None)


def test_cancelling_puts_what_was_in_it_back(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.LABELLED, "KIT-1", "KIT-2")
    units = parcel.units

    bench.advance(parcel, "cancel")

    # One of them is kept for the participant, who needs a kit still.
    assert [unit.state for unit in units] == [UnitState.RESERVED, UnitState.IN_STOCK]
    assert bench.again(parcel).units == []
    assert bench.parcel().number == 2


def test_the_second_of_two_who_hand_it_over_loses(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.LABELLED)
    challenge_id, parcel_id = cast.challenge.id, parcel.id
    session.commit()
    with Session(db.engine, expire_on_commit=False) as other:
        seen = queries.shipment(other, challenge_id, parcel_id)
        other.commit()
        bench.advance(bench.again(parcel), "hand-over")
        session.commit()

        with pytest.raises(Conflict):
            actions.advance(other, seen, states.HAND_OVER, Given(), by=bench.by, at=NOON)


def test_a_unit_goes_into_one_parcel(session: Session, cast: Cast, bench: Bench) -> None:
    unit = bench.units("KIT-1")[0]
    actions.assign_unit(session, bench.parcel(), unit, by=bench.by, at=NOON)

    with pytest.raises(Refused, match="reserved"):
        actions.assign_unit(session, bench.parcel(cast.team), unit, by=bench.by, at=NOON)


def test_the_database_refuses_a_unit_in_two_parcels(session: Session, cast: Cast, bench: Bench) -> None:
    unit, first, second = bench.units("KIT-1")[0], bench.parcel(), bench.parcel(cast.team)
    session.add(ShipmentUnit(shipment_id=first.id, unit_id=unit.id, since=NOON))
    session.flush()

    session.add(ShipmentUnit(shipment_id=second.id, unit_id=unit.id, since=NOON))
    with pytest.raises(sa.exc.IntegrityError, match="unit"):
        session.flush()


def test_a_packed_parcel_is_shut(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.PACKED)

    with pytest.raises(Refused, match="packed"):
        actions.assign_unit(session, parcel, bench.units("KIT-9")[0], by=bench.by, at=NOON)
    with pytest.raises(Refused, match="packed"):
        actions.take_out(session, parcel, parcel.places[0], by=bench.by, at=NOON)


def test_a_unit_taken_out_is_back_in_stock(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.ADDRESS_CONFIRMED)
    [unit] = parcel.units

    actions.take_out(session, parcel, parcel.places[0], by=bench.by, at=NOON)

    assert (unit.state, bench.again(parcel).units) == (UnitState.IN_STOCK, [])


def test_one_tracking_number_is_for_one_parcel(session: Session, cast: Cast, bench: Bench) -> None:
    bench.at(S.LABELLED)
    team = cast.team.members[0]
    bench.address(team)
    parcel = bench.parcel(cast.team)
    actions.assign_unit(session, parcel, bench.units("KIT-2")[0], by=bench.by, at=NOON)
    bench.advance(parcel, "ready", "pack")
    first = session.scalars(sa.select(Shipment.tracking_number).where(Shipment.tracking_number.is_not(None))).one()

    with pytest.raises(Conflict, match="tracking number"):
        bench.advance(parcel, "label", tracking_number=first)


# Tracking


def test_late_news_never_undo_anything(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    assert later(session, parcel, scan(S.DELIVERED, 10))

    for status in (S.IN_TRANSIT, S.EXCEPTION, S.CUSTOMS_HOLD, S.OUT_FOR_DELIVERY, S.AVAILABLE_FOR_PICKUP):
        assert not later(session, parcel, scan(status, 5))
        assert not later(session, parcel, scan(status, 20))

    assert (parcel.state, parcel.tracked_at) == (S.DELIVERED, NOON + 10 * HOUR)
    assert len(queries.story_of(session, parcel)) == 8 + 1 + 10 - 1
    assert later(session, parcel, scan(S.RETURNING, 30))


def test_sideways_goes_only_what_happened_after(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    later(session, parcel, scan(S.EXCEPTION, 5))

    assert not later(session, parcel, scan(S.IN_TRANSIT, 4))
    assert parcel.state is S.EXCEPTION
    assert later(session, parcel, scan(S.IN_TRANSIT, 6))
    assert later(session, parcel, scan(S.OUT_FOR_DELIVERY, 3))
    assert not later(session, parcel, scan(S.EXCEPTION, 2))


def test_the_same_news_twice_are_one(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    before = len(queries.story_of(session, parcel))

    assert later(session, parcel, scan(S.IN_TRANSIT, 1, key="a"))
    assert later(session, parcel, scan(S.EXCEPTION, 2, key="b"))
    assert not later(session, parcel, scan(S.IN_TRANSIT, 3, key="a"))

    assert parcel.state is S.EXCEPTION
    assert len(queries.story_of(session, parcel)) == before + 2


def test_there_is_no_news_before_the_hand_over_nor_from_the_future(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.LABELLED)
    with pytest.raises(Refused, match="does not have this parcel"):
        later(session, parcel, scan(S.IN_TRANSIT))
    bench.advance(parcel, "hand-over")
    with pytest.raises(Invalid, match="future"):
        later(session, parcel, scan(S.IN_TRANSIT, 72))


@pytest.mark.parametrize("statement", ["UPDATE shipment_event SET title = 'x'", "DELETE FROM shipment_event"])
def test_the_story_is_never_changed(session: Session, bench: Bench, statement: str) -> None:
    bench.parcel()
    session.commit()

    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        session.execute(sa.text(statement))
    session.rollback()


# The participant's word


@pytest.mark.parametrize("word", [Word.DUTY, Word.NOTHING])
def test_a_trouble_moves_nothing_and_waits_for_logistics(
    session: Session, cast: Cast, bench: Bench, word: Word
) -> None:
    parcel = bench.at(S.HANDED_OVER)

    actions.say(session, parcel, word, "80 euros", by=cast.researcher.id, at=NOON)

    assert (parcel.state, parcel.word, parcel.word_note, parcel.complained) == (S.HANDED_OVER, word, "80 euros", True)
    assert queries.count_troubles(session, cast.challenge.id) == 1
    actions.settle(session, parcel, by=bench.by, at=NOON)
    assert (parcel.complained, queries.count_troubles(session, cast.challenge.id)) == (False, 0)
    with pytest.raises(Refused, match="no open trouble"):
        actions.settle(session, parcel, by=bench.by, at=NOON)


def test_a_damaged_kit_is_replaced_once(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    actions.say(session, parcel, Word.DAMAGED, "a cracked board", by=cast.researcher.id, at=NOON)
    assert (parcel.state, parcel.complained) == (S.RECEIVED, True)

    made = actions.replace(session, parcel, by=bench.by, at=NOON)

    assert (made.replaces_id, made.number, made.state) == (parcel.id, 2, S.ADDRESS_CONFIRMED)
    assert not parcel.complained
    with pytest.raises(Conflict, match="replaced already"):
        actions.replace(session, parcel, by=bench.by, at=NOON)


def test_only_what_is_lost_back_or_damaged_is_replaced(session: Session, bench: Bench) -> None:
    with pytest.raises(Refused, match="is replaced when"):
        actions.replace(session, bench.at(S.HANDED_OVER), by=bench.by, at=NOON)


@pytest.mark.parametrize("state", [S.ADDRESS_REQUESTED, S.ADDRESS_CONFIRMED, S.READY, S.PACKED, S.LABELLED])
def test_nobody_receives_what_was_not_sent(session: Session, cast: Cast, bench: Bench, state: ShipmentState) -> None:
    with pytest.raises(Refused, match="once it is on its way"):
        actions.say(session, bench.at(state), Word.RECEIVED, "", by=cast.researcher.id, at=NOON)


def test_a_parcel_comes_back_and_its_unit_can_go_out_again(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    [unit] = parcel.units
    actions.say(session, parcel, Word.RECEIVED, "", by=cast.researcher.id, at=NOON)

    bench.advance(parcel, "send-back", "come-back")
    assert (parcel.state, unit.state, bench.again(parcel).units) == (S.RETURNED, UnitState.RETURNED, [])
    with pytest.raises(Refused, match="not been inspected"):
        actions.move_unit(session, unit, states.RESTOCK, scope=cast.slug, by=bench.by, at=NOON)
    wiped = returns.Finding(Condition.GOOD, wiped=True, outcome="restock")
    returns.inspect(session, unit, wiped, scope=cast.slug, by=bench.by, at=NOON)
    actions.assign_unit(session, bench.parcel(cast.team), unit, by=bench.by, at=NOON)

    assert unit.state is UnitState.RESERVED


def test_a_lost_parcel_loses_its_unit(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    [unit] = parcel.units

    bench.advance(parcel, "lose")

    assert (parcel.state, unit.state, bench.again(parcel).units) == (S.LOST, UnitState.LOST, [])


# Addresses


def test_an_address_lies_sealed_and_opens_for_a_reason_in_the_audit(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.READY)

    shown = actions.reveal_address(session, parcel, "the label", vault=VAULT, by=bench.by, at=NOON)

    assert shown == BERLIN
    sealed = session.scalars(sa.select(DeliveryAddress.sealed)).one() or b""
    assert b"Rosa" not in sealed
    assert b"Berlin" not in sealed
    session.commit()
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:reveal-address")).one()
    assert (entry.subject, entry.actor_id, entry.detail["reason"]) == (f"shipment:{parcel.id}", bench.by, "the label")
    trail = " ".join(str(row.detail) for row in session.scalars(sa.select(AuditEntry)))
    assert "Invaliden" not in trail
    assert "+4930" not in trail


def test_an_address_is_not_shown_without_a_reason_nor_where_there_is_none(session: Session, bench: Bench) -> None:
    with pytest.raises(Invalid):
        actions.reveal_address(session, bench.at(S.READY), "", vault=VAULT, by=bench.by, at=NOON)
    other = bench.parcel(bench.cast.team)
    with pytest.raises(NotFound):
        actions.reveal_address(session, other, "the label", vault=VAULT, by=bench.by, at=NOON)


def test_another_key_or_anothers_address_does_not_open(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.READY)
    with pytest.raises(Refused, match="PORTAL_ADDRESS_KEY"):
        actions.reveal_address(session, parcel, "x", vault=Vault("another key"), by=bench.by, at=NOON)

    sealed = session.scalars(sa.select(DeliveryAddress.sealed)).one()
    session.add(DeliveryAddress(participant_id=cast.team.id, country="DE", sealed=sealed, given_at=NOON))
    session.flush()
    with pytest.raises(Refused):
        actions.own_address(session, cast.team.members[0], VAULT)


@pytest.mark.parametrize("state", [S.READY, S.PACKED, S.LABELLED])
def test_a_change_of_address_takes_the_parcel_back(session: Session, bench: Bench, state: ShipmentState) -> None:
    parcel = bench.at(state)

    bench.address(at=NOON + HOUR, city="Bonn", postal_code="53111")

    parcel = bench.again(parcel)
    assert (parcel.state, parcel.carrier, parcel.tracking_number) == (S.ADDRESS_CONFIRMED, None, None)
    assert [unit.state for unit in parcel.units] == [UnitState.RESERVED]


def test_the_address_of_a_parcel_under_way_stands(session: Session, bench: Bench) -> None:
    bench.at(S.HANDED_OVER)

    with pytest.raises(Refused, match="on its way"):
        bench.address()


def test_addresses_are_forgotten_thirty_days_after_delivery(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    later(session, parcel, scan(S.DELIVERED, 1))
    session.commit()
    delivered = NOON + HOUR

    assert queries.addresses_over(session, delivered - timedelta(seconds=1)) == []
    assert queries.addresses_over(session, delivered) == [cast.participant.id]
    assert actions.purge_address(session, cast.participant.id, at=NOON)
    assert not actions.purge_address(session, cast.participant.id, at=NOON)

    session.commit()
    kept = session.scalars(sa.select(DeliveryAddress)).one()
    assert (kept.country, kept.sealed, kept.purged_at) == ("DE", None, NOON)
    assert queries.addresses_over(session, delivered + timedelta(days=99)) == []
    assert bench.parcel().state is S.PLANNED


def test_an_address_stays_while_another_parcel_needs_it(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    actions.say(session, parcel, Word.DAMAGED, "", by=cast.researcher.id, at=NOON)
    actions.replace(session, parcel, by=bench.by, at=NOON)

    assert queries.addresses_over(session, NOON + timedelta(days=99)) == []


# The database refuses nonsense


@pytest.mark.parametrize(("values", "constraint"), [
    ({"state": S.LABELLED}, "tracked_once_labelled"),
    ({"state": S.PLANNED, "carrier": "DHL", "tracking_number": "1"}, "tracked_once_labelled"),
    ({"state": S.LABELLED, "tracking_number": "1"}, "tracked_by_someone"),
    ({"state": S.HANDED_OVER, "carrier": "DHL", "tracking_number": "1"}, "handed_over_time"),
    ({"state": S.PLANNED, "handed_over_at": NOON, "tracked_at": NOON}, "handed_over_time"),
    ({"state": S.DELIVERED, "carrier": "DHL", "tracking_number": "1", "handed_over_at": NOON, "tracked_at": NOON},
     "delivered_time"),
    ({"state": S.RECEIVED, "carrier": "DHL", "tracking_number": "1", "handed_over_at": NOON, "tracked_at": NOON},
     "received_time"),
    ({"state": S.HELD}, "held_has_reason"),
    ({"word": Word.DUTY}, "word_time"),
    ({"number": 0}, "number_positive"),
])  # fmt: skip
def test_state_and_data_agree(session: Session, cast: Cast, values: dict[str, object], constraint: str) -> None:
    base = {"challenge_id": cast.challenge.id, "participant_id": cast.participant.id, "number": 1}
    session.add(Shipment(**{**base, "state_since": NOON, "created_at": NOON, **values}))

    with pytest.raises(sa.exc.IntegrityError, match=constraint):
        session.flush()


def test_a_story_has_each_line_once(session: Session, bench: Bench) -> None:
    parcel = bench.parcel()
    line = session.scalars(sa.select(ShipmentEvent)).one()

    session.add(
        ShipmentEvent(
            shipment_id=parcel.id, provider=line.provider, event_key=line.event_key, title="x", occurred_at=NOON,
            recorded_at=NOON,
        )
    )  # fmt: skip
    with pytest.raises(sa.exc.IntegrityError, match="event_key"):
        session.flush()
