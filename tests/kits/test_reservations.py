"""A kit for every place that is promised one: kept, passed on, put into a parcel, put back."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications.actions import withdraw_application
from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision
from portal.challenges.actions import remove_participant
from portal.challenges.models import Challenge, Participant
from portal.core.audit import AuditEntry
from portal.core.db import db, set_reading
from portal.core.errors import Conflict, Invalid, NotFound, PortalError, Refused
from portal.kits import actions, queries, states
from portal.kits.actions import reservations
from portal.kits.models import KitModel, Reservation, Unit
from portal.kits.queries.reservations import LIVE, books, count, reservation
from portal.kits.states import ShipmentState, UnitState
from portal.selection import supply
from portal.selection.actions import invitations, waves
from portal.selection.models import Wave
from tests.cast import NOON, Cast, sign_in
from tests.kits.conftest import HOUR, SPEC, Bench
from tests.selection.conftest import Bench as Lead

U = UnitState
STAFF = "/staff/test-challenge"


@pytest.fixture
def lead(session: Session, cast: Cast) -> Lead:
    """The lead, who invites."""
    return Lead(session, cast)


def nobody_waits(session: Session, cast: Cast) -> None:
    """Nobody of the cast needs a kit, so that all that are in stock are free."""
    session.execute(sa.update(Participant).values(needs_kit=False))
    session.commit()


@pytest.fixture
def shelf(session: Session, cast: Cast, bench: Bench) -> list[Unit]:
    """Three units, and nobody who waits for one."""
    nobody_waits(session, cast)
    made = bench.units("KIT-1", "KIT-2", "KIT-3")
    session.commit()
    return made


def states_of(session: Session) -> list[UnitState]:
    session.expire_all()
    return list(session.scalars(sa.select(Unit.state).order_by(Unit.serial)))


def kept(session: Session) -> list[tuple[str, int | None, str]]:
    rows = sa.select(Reservation.holder, Reservation.participant_id, Unit.serial).join(Reservation.unit).where(LIVE)
    return [tuple(row) for row in session.execute(rows.order_by(Unit.serial))]


def keep(session: Session, cast: Cast, *holders: str) -> None:
    reservations.reserve(session, cast.challenge, holders, by=cast.lead.id, at=NOON)


# Keeping and putting back


def test_reserving_takes_units_in_the_order_of_their_serials(session: Session, cast: Cast, shelf: list[Unit]) -> None:
    keep(session, cast, "application:7", "application:8")

    assert kept(session) == [("application:7", None, "KIT-1"), ("application:8", None, "KIT-2")]
    assert states_of(session) == [U.RESERVED, U.RESERVED, U.IN_STOCK]
    session.commit()
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:reserve")).one()
    assert (entry.actor_id, entry.detail["after"]) == (cast.lead.id, {"places": 2, "units": 2})


def test_all_or_nothing_with_the_number_that_is_missing(session: Session, cast: Cast, shelf: list[Unit]) -> None:
    with pytest.raises(Refused, match="5 needed, 3 free, 2 missing"):
        keep(session, cast, *(f"application:{number}" for number in range(5)))
    assert states_of(session) == [U.IN_STOCK] * 3


def test_whoever_has_one_gets_no_second(session: Session, cast: Cast, shelf: list[Unit]) -> None:
    keep(session, cast, "application:7")
    keep(session, cast, "application:7", "application:8")
    assert [holder for holder, _, _ in kept(session)] == ["application:7", "application:8"]


def test_releasing_puts_back_what_is_kept_and_nothing_else(session: Session, cast: Cast, shelf: list[Unit]) -> None:
    keep(session, cast, "application:7", "application:8")
    for _twice in range(2):
        reservations.release(session, cast.challenge, ["application:7", "nobody"], by=cast.lead.id, at=NOON + HOUR)
    assert kept(session) == [("application:8", None, "KIT-2")]
    assert states_of(session) == [U.IN_STOCK, U.RESERVED, U.IN_STOCK]


def test_a_challenge_without_a_model_sends_none_and_needs_none(session: Session, cast: Cast) -> None:
    keep(session, cast, "application:7")
    assert (kept(session), supply.free_kits(session, cast.challenge.id)) == ([], None)


def test_a_model_without_units_is_no_kit(session: Session, cast: Cast, bench: Bench) -> None:
    nobody_waits(session, cast)
    bench.model()
    with pytest.raises(Refused, match="1 missing"):
        keep(session, cast, "application:7")
    assert supply.free_kits(session, cast.challenge.id) == 0


def test_participants_who_wait_come_first(session: Session, cast: Cast, bench: Bench) -> None:
    bench.units("KIT-1", "KIT-2", "KIT-3")
    # Two take part, and have neither a parcel nor a unit.
    with pytest.raises(Refused, match="2 needed, 1 free, 1 missing"):
        keep(session, cast, "application:7", "application:8")
    keep(session, cast, "application:7")
    assert supply.free_kits(session, cast.challenge.id) == 0


# What a place gets


def test_a_place_may_get_several_things_and_some_only_for_whoever_asks(
    session: Session, cast: Cast, bench: Bench
) -> None:
    nobody_waits(session, cast)
    board = bench.model()
    board.per_place = 2
    bench.units("KIT-1", "KIT-2", "KIT-3")
    for name, each, serials in (("Cable", 1, "C-1\nC-2"), ("Probe", 0, "P-1")):
        spec = replace(SPEC, name=name, per_place=each)
        model = actions.add_model(session, cast.challenge, spec, by=bench.by, at=NOON)
        actions.add_units(session, cast.challenge, model, serials, location="", firmware="", by=bench.by, at=NOON)
    session.commit()
    assert supply.free_kits(session, cast.challenge.id) == 1

    with pytest.raises(Refused, match="2 needed, 1 free, 1 missing"):
        keep(session, cast, "application:7", "application:8")
    keep(session, cast, "application:7")

    assert [serial for _, _, serial in kept(session)] == ["C-1", "KIT-1", "KIT-2"]
    assert supply.free_kits(session, cast.challenge.id) == 0


def test_when_places_get_more_those_that_lack_it_are_told_and_filled(
    session: Session, cast: Cast, bench: Bench, lead: Lead, shelf: list[Unit]
) -> None:
    row = lead.invited()
    bench.model().per_place = 2
    session.commit()

    found = books(session, cast.challenge.id)
    assert [(place.holder, dict(place.lacks)) for place in found.places] == [
        (f"application:{row.id}", {shelf[0].model_id: 1})
    ]
    # Three units: one is kept, one is lacking, one is no whole kit.
    assert found.free == 0
    assert reservations.reserve_missing(session, cast.challenge, by=bench.by, at=NOON) == 1
    assert Counter(holder for holder, _, _ in kept(session)) == {f"application:{row.id}": 2}
    with pytest.raises(Refused, match="has one"):
        reservations.reserve_missing(session, cast.challenge, by=bench.by, at=NOON)


# From the invitation to the parcel, and back


def test_the_whole_way(session: Session, cast: Cast, bench: Bench, lead: Lead, shelf: list[Unit]) -> None:
    row = lead.invited()
    assert (supply.free_kits(session, cast.challenge.id), states_of(session)[0]) == (2, U.RESERVED)
    signing = invitations.Signing("Ada Applicant")
    participant = invitations.accept_invitation(session, row, cast.applicant, signing, at=NOON)
    session.commit()
    assert kept(session) == [(f"application:{row.id}", participant.id, "KIT-1")]
    assert supply.free_kits(session, cast.challenge.id) == 2

    parcel = bench.parcel(participant)
    assert ([unit.serial for unit in parcel.units], kept(session)) == (["KIT-1"], [])
    assert supply.free_kits(session, cast.challenge.id) == 2

    # Cancelled, it is still theirs; planned again, it is in the parcel again.
    bench.advance(parcel, "cancel")
    session.commit()
    assert (kept(session), states_of(session)[0]) == (
        [(f"application:{row.id}", participant.id, "KIT-1")], U.RESERVED,
    )  # fmt: skip
    again = bench.parcel(participant)
    assert ([unit.serial for unit in again.units], kept(session)) == (["KIT-1"], [])
    assert count(session, cast.challenge.id).wrong == []


def test_who_gives_an_accepted_place_back_keeps_nothing(
    session: Session, cast: Cast, bench: Bench, lead: Lead, shelf: list[Unit]
) -> None:
    row = lead.invited()
    participant = invitations.accept_invitation(session, row, cast.applicant, invitations.Signing("Ada"), at=NOON)
    bench.advance(bench.parcel(participant), "cancel")
    session.commit()

    withdraw_application(session, row, at=NOON)
    session.commit()

    assert (kept(session), states_of(session)) == ([], [U.IN_STOCK] * 3)


def test_a_cancelled_parcel_keeps_nothing_for_whoever_is_gone_or_needs_none(
    session: Session, cast: Cast, bench: Bench
) -> None:
    parcel = bench.at(ShipmentState.READY, "KIT-1")
    cast.participant.needs_kit = False
    session.commit()
    bench.advance(bench.again(parcel), "cancel")
    assert (kept(session), states_of(session)) == ([], [U.IN_STOCK])


def test_a_cancelled_extra_parcel_keeps_nothing_as_they_have_one(session: Session, cast: Cast, bench: Bench) -> None:
    bench.at(ShipmentState.HANDED_OVER, "KIT-1")
    extra = bench.parcel()
    (unit,) = bench.units("KIT-2")
    actions.assign_unit(session, extra, unit, by=bench.by, at=NOON)
    bench.advance(bench.again(extra), "cancel")
    assert (kept(session), unit.state) == ([], U.IN_STOCK)


def test_who_needs_no_kit_gets_no_parcel_planned(session: Session, cast: Cast, bench: Bench) -> None:
    cast.team.needs_kit = False
    session.flush()
    assert queries.unplanned(session, cast.challenge.id) == [cast.participant]


# At the bench


def test_a_broken_unit_is_replaced_by_another(session: Session, cast: Cast, bench: Bench, shelf: list[Unit]) -> None:
    keep(session, cast, "application:7")
    actions.move_unit(session, shelf[0], states.FAULT, scope=cast.slug, by=bench.by, at=NOON, reason="It smokes.")
    assert (kept(session), states_of(session)) == (
        [("application:7", None, "KIT-2")], [U.FAULTY, U.RESERVED, U.IN_STOCK],
    )  # fmt: skip


def test_a_broken_last_unit_leaves_a_place_without(
    session: Session, cast: Cast, bench: Bench, lead: Lead, shelf: list[Unit]
) -> None:
    row = lead.invited()
    for unit in shelf:
        actions.move_unit(session, unit, states.MISLAY, scope=cast.slug, by=bench.by, at=NOON)
    session.commit()
    assert kept(session) == []
    assert [place.holder for place in books(session, cast.challenge.id).places] == [f"application:{row.id}"]


def test_a_unit_in_a_parcel_is_taken_out_before_it_is_found_broken(session: Session, cast: Cast, bench: Bench) -> None:
    [unit] = bench.at(ShipmentState.READY).units
    with pytest.raises(Refused, match="Take it out"):
        actions.move_unit(session, unit, states.FAULT, scope=cast.slug, by=bench.by, at=NOON)


def test_a_kept_unit_goes_into_no_other_parcel(session: Session, cast: Cast, bench: Bench, shelf: list[Unit]) -> None:
    keep(session, cast, "application:7")
    with pytest.raises(Refused, match="reserved"):
        actions.assign_unit(session, bench.parcel(), shelf[0], by=bench.by, at=NOON)


# By hand


def test_only_what_nobody_is_promised_is_released_by_hand(
    session: Session, cast: Cast, bench: Bench, lead: Lead, shelf: list[Unit]
) -> None:
    row = lead.invited()
    participant = invitations.accept_invitation(session, row, cast.applicant, invitations.Signing("Ada"), at=NOON)
    session.commit()
    number = session.scalars(sa.select(Reservation.id)).one()

    def release(reason: str = "They left.") -> None:
        held = reservation(session, cast.challenge.id, number)
        reservations.release_one(session, cast.challenge, held, reason, by=bench.by, at=NOON)

    with pytest.raises(Refused, match="still promised"):
        release()
    remove_participant(session, cast.challenge, participant, reason="Leaked.", by=cast.admin.id, at=NOON)
    session.commit()
    with pytest.raises(Invalid, match="Say why"):
        release("")
    seen = reservation(session, cast.challenge.id, number)
    release()
    with pytest.raises(Conflict):
        reservations.release_one(session, cast.challenge, seen, "Twice.", by=bench.by, at=NOON)
    with pytest.raises(NotFound):
        release()
    assert states_of(session) == [U.IN_STOCK] * 3


def test_the_database_keeps_a_unit_for_one(session: Session, cast: Cast, shelf: list[Unit]) -> None:
    keep(session, cast, "application:7")
    session.add(
        Reservation(challenge_id=cast.challenge.id, unit_id=shelf[0].id, holder="application:8", since=NOON)
    )  # fmt: skip
    with pytest.raises(sa.exc.IntegrityError, match="kit_reservation"):
        session.flush()


def test_books_that_do_not_agree_are_told(session: Session, cast: Cast, shelf: list[Unit]) -> None:
    keep(session, cast, "application:7")
    session.execute(sa.update(Unit).where(Unit.serial == "KIT-2").values(state=U.RESERVED))
    session.execute(sa.update(Unit).where(Unit.serial == "KIT-1").values(state=U.FAULTY))
    assert list(count(session, cast.challenge.id).wrong) == ["KIT-1", "KIT-2"]


# Two at once


def test_of_two_waves_for_the_last_kits_one_goes_out(
    app: Flask, session: Session, cast: Cast, lead: Lead, shelf: list[Unit]
) -> None:
    rows = lead.crowd(["a", "b", "c", "d"])
    pairs = (rows[:2], rows[2:])
    numbers = [lead.wave(*((row, Decision.INVITE) for row in pair)).id for pair in pairs]
    who, both = cast.lead.id, Barrier(2)
    session.rollback()

    def release(number: int) -> str:
        with app.app_context():
            set_reading(False)
            both.wait(20)
            try:
                waves.release_wave(db.session, db.session.get_one(Wave, number), count=2, by=who, at=NOON)
                db.session.commit()
            except PortalError as refused:
                db.session.rollback()
                return refused.reason
            return ""

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(release, numbers))

    assert told[0] == ""
    assert "2 needed, 1 free, 1 missing" in told[1]
    invited = sa.select(sa.func.count()).where(Application.state == ApplicationState.INVITED)
    assert session.scalars(invited).one() == 2
    assert len(kept(session)) == 2
    assert states_of(session) == [U.RESERVED, U.RESERVED, U.IN_STOCK]


def test_the_second_of_two_sessions_sees_what_the_first_took(
    session: Session, cast: Cast, bench: Bench, shelf: list[Unit]
) -> None:
    number = cast.challenge.id
    keep(session, cast, "application:1", "application:2", "application:3")
    session.commit()
    with Session(db.engine) as other:
        challenge = other.get_one(Challenge, number)
        with pytest.raises(Refused, match="0 free"):
            reservations.reserve(other, challenge, ["application:4"], by=None, at=NOON)


def test_it_costs_the_same_for_few_and_for_many(
    session: Session, cast: Cast, bench: Bench, statements: list[str]
) -> None:
    nobody_waits(session, cast)
    bench.units(*(f"KIT-{number:03}" for number in range(400)))
    session.commit()
    costs = []
    for begin, end in ((0, 2), (2, 302)):
        holders = [f"application:{number}" for number in range(begin, end)]
        statements.clear()
        keep(session, cast, *holders)
        reservations.release(session, cast.challenge, holders[::2], by=None, at=NOON)
        costs.append(len(statements))
    assert costs[1] <= costs[0]


# The page


def test_the_page_tells_who_holds_what_and_what_is_missing(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench, lead: Lead, shelf: list[Unit]
) -> None:
    row = lead.invited()
    sign_in(client, cast.logistics)

    page = client.get(f"{STAFF}/kits/reservations").text
    assert "The books agree" in page
    assert f"Invitation, application {row.id}" in page
    assert "Places without a kit" in page
    assert "Release KIT-1" not in page
    # Who is invited is the lead's to know.
    assert row.name not in page
    unit = client.get(f"{STAFF}/kits/units/{shelf[0].id}").text
    assert f"Kept for the invitation of application {row.id}" in unit

    session.execute(sa.update(KitModel).values(per_place=2))
    session.commit()
    assert "Keep what is missing for them" in client.get(f"{STAFF}/kits/reservations").text
    assert client.post(f"{STAFF}/kits/reservations/missing").status_code == 302
    assert client.post(f"{STAFF}/kits/reservations/missing").status_code == 422


def test_a_unit_whose_holder_is_gone_is_released_there(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench, shelf: list[Unit]
) -> None:
    keep(session, cast, "application:7")
    session.commit()
    number = session.scalars(sa.select(Reservation.id)).one()
    sign_in(client, cast.logistics)
    assert "Release KIT-1" in client.get(f"{STAFF}/kits/reservations").text

    url = f"{STAFF}/kits/reservations/{number}/release"
    assert client.get(url).status_code == 405
    assert client.post(url, data={"reason": "x" * 301}).status_code == 422
    assert client.post(url, data={"reason": ""}).status_code == 422
    assert client.post(url, data={"reason": "An old test."}).status_code == 302
    assert client.post(url, data={"reason": "An old test."}).status_code == 404
    assert "No unit is kept for anybody" in client.get(f"{STAFF}/kits/reservations").text
    assert states_of(session) == [U.IN_STOCK] * 3


def test_the_page_costs_the_same_for_few_and_for_many(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench, statements: list[str]
) -> None:
    nobody_waits(session, cast)
    bench.units(*(f"KIT-{number:03}" for number in range(40)))
    session.commit()
    sign_in(client, cast.logistics)
    costs = []
    for begin, end in ((0, 2), (2, 30)):
        keep(session, cast, *(f"application:{number}" for number in range(begin, end)))
        session.commit()
        statements.clear()
        assert client.get(f"{STAFF}/kits/reservations").status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1]
