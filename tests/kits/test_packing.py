"""Packing by scanner: what each scan comes to, and that each counts once."""

import random
import re
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.challenges.models import Participant
from portal.core.audit import AuditEntry
from portal.core.db import db, set_reading
from portal.core.errors import Refused
from portal.kits import actions, queries, states
from portal.kits.actions import KitSpec, packing
from portal.kits.actions.packing import Typed
from portal.kits.models import KitModel, PackingScan, PackingStation, Shipment, ShipmentUnit, Unit
from portal.kits.queries.packing import further
from portal.kits.queries.reservations import kept_for
from portal.kits.rules import codes
from portal.kits.rules import packing as rules
from portal.kits.states import ShipmentState, UnitState, Word
from portal.kits.states.packing import Act, ScanResult
from tests.cast import NOON, Cast, make_account
from tests.kits.conftest import HOUR, Bench
from tests.kits.test_counts import UNITS, Hands, disagreements

R, S, U = ScanResult, ShipmentState, UnitState
PAGE = "http://localhost/staff/test-challenge/shipments/pack"
CABLE = KitSpec("Cable", "", 40, Decimal("5.00"), "USD", per_place=0)


@dataclass
class Scanner:
    """Somebody with a scanner."""

    session: Session
    cast: Cast
    by: int
    at: datetime = NOON
    scans: int = 0

    def __call__(self, code: str, act: Act = Act.SCAN, key: str = "") -> PackingScan:
        """One scan, ten seconds after the one before; committed."""
        self.at += timedelta(seconds=10)
        self.scans += 1
        typed = Typed(code, key or f"{self.by}-{self.scans}", act)
        made = packing.scan(self.session, self.cast.challenge, typed, PAGE, by=self.by, at=self.at)
        self.session.commit()
        return made

    def all(self, *codes: str) -> list[ScanResult]:
        """Several, one after the other."""
        return [self(code).result for code in codes]

    @property
    def open(self) -> int | None:
        """The parcel that is open before them."""
        return self.session.scalars(
            sa.select(PackingStation.shipment_id).where(PackingStation.account_id == self.by)
        ).one()


@pytest.fixture
def scanner(session: Session, cast: Cast) -> Scanner:
    """The scanner of logistics."""
    return Scanner(session, cast, cast.logistics.id)


@pytest.fixture
def second(session: Session, cast: Cast) -> Scanner:
    """The scanner of a second person in logistics."""
    return Scanner(session, cast, make_account(session, "Quinn Logistics", Role.LOGISTICS).id)


def reserved(bench: Bench, *serials: str, participant: Participant | None = None) -> Shipment:
    """A parcel that is ready, whose units came by reservation: nobody has had them in hand yet."""
    parcel = bench.parcel(participant)
    if bench.again(parcel).state is S.PLANNED:
        bench.address((participant or bench.cast.participant).members[0])
    parcel = bench.again(parcel)
    for unit in bench.units(*serials) if serials else ():
        actions.assign_unit(bench.session, parcel, unit, by=bench.by, at=NOON)
    bench.advance(parcel, "ready")
    unseen = sa.update(ShipmentUnit).where(ShipmentUnit.shipment_id == parcel.id).values(scanned_at=None)
    bench.session.execute(unseen.execution_options(synchronize_session="fetch"))
    bench.session.commit()
    return bench.again(parcel)


def unit_named(session: Session, serial: str) -> Unit:
    """A unit as it is now."""
    return session.scalars(sa.select(Unit).where(Unit.serial == serial).execution_options(populate_existing=True)).one()


def inside(session: Session, parcel: Shipment) -> dict[str, bool]:
    """What is in a parcel, and whether it was scanned."""
    rows = session.execute(
        sa.select(Unit.serial, ShipmentUnit.scanned_at)
        .join(ShipmentUnit, ShipmentUnit.unit_id == Unit.id)
        .where(ShipmentUnit.shipment_id == parcel.id, ShipmentUnit.live)
    )
    return {serial: scanned_at is not None for serial, scanned_at in rows}


# Codes


@pytest.mark.parametrize(("text", "parcel", "foreign"), [
    ("S-12", 12, False), (" s-12\r\n", 12, False), (f"{PAGE}/12", 12, False), ("S-99999999999999", None, False),
    ("S-9999999999", 2**31 - 1, False), (f"{PAGE}/", None, True), (f"{PAGE}/١٢", None, True),
    (f"{PAGE}/12/x", None, True),
    ("http://localhost/staff/other/shipments/pack/12", None, True), ("https://evil.example/12", None, True),
    ("S-12x", None, False), ("S12", None, False), ("KIT-1", None, False), (PAGE, None, True),
])  # fmt: skip
def test_slips_are_told_from_serials(text: str, parcel: int | None, foreign: bool) -> None:
    code = codes.read_code(text, PAGE)

    assert (code.parcel, code.foreign, code.text) == (parcel, foreign, text.strip())


# What is right


def test_a_parcel_is_packed_by_its_slip_its_serials_and_the_next_slip(
    session: Session, cast: Cast, bench: Bench, scanner: Scanner
) -> None:
    first, other = reserved(bench, "KIT-1", "KIT-2"), reserved(bench, "KIT-3", participant=cast.team)

    told = [scanner(code).words for code in (f"S-{first.id}", "KIT-2", "KIT-1", f"{PAGE}/{other.id}", "KIT-3", "")]

    assert told == [
        f"S-{first.id} to Rosa Researcher is open. Scan KIT-1 and KIT-2.",
        f"KIT-2 is in S-{first.id}. Scan KIT-1.",
        f"KIT-1 is in S-{first.id}. It is complete: scan the next slip, or press Enter, and it is packed.",
        f"S-{first.id} is packed. S-{other.id} to Team Kestrel is open. Scan KIT-3.",
        f"KIT-3 is in S-{other.id}. It is complete: scan the next slip, or press Enter, and it is packed.",
        f"S-{other.id} is packed. Scan the next slip.",
    ]
    assert [bench.again(parcel).state for parcel in (first, other)] == [S.PACKED, S.PACKED]
    assert scanner.open is None
    tags = session.scalars(sa.select(AuditEntry.tag).order_by(AuditEntry.id.desc()).limit(5)).all()
    assert tags[::-1] == ["kits:scan-unit", "kits:scan-unit", "kits:pack", "kits:scan-unit", "kits:pack"]


def test_any_free_unit_will_do_where_none_is_reserved(session: Session, bench: Bench, scanner: Scanner) -> None:
    parcel = reserved(bench)
    bench.units("KIT-7")

    assert scanner(f"S-{parcel.id}").words.endswith("is open. Scan what goes in.") is False
    assert scanner("KIT-7").result is R.ADDED
    assert inside(session, parcel) == {"KIT-7": True}
    assert unit_named(session, "KIT-7").state is U.RESERVED


def test_a_free_unit_takes_the_place_of_a_reserved_one(session: Session, bench: Bench, scanner: Scanner) -> None:
    parcel = reserved(bench, "KIT-1")
    bench.units("KIT-9")

    scans = [scanner(f"S-{parcel.id}"), scanner("KIT-9")]

    assert scans[1].words.startswith(f"KIT-9 goes into S-{parcel.id} instead of KIT-1, which is free again.")
    assert inside(session, parcel) == {"KIT-9": True}
    assert (unit_named(session, "KIT-1").state, unit_named(session, "KIT-9").state) == (U.IN_STOCK, U.RESERVED)
    [entry] = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:swap-unit"))
    assert entry.detail["after"] == {"serial": "KIT-9", "instead_of": "KIT-1"}


# What is wrong, with words for each


def _lost(bench: Bench, serial: str, *names: str) -> None:
    [unit] = bench.units(serial)
    moves = {move.name: move for move in states.UNIT_MOVES}
    for name in names:
        actions.move_unit(bench.session, unit, moves[name], scope=bench.cast.slug, by=bench.by, at=NOON)


WRONG: list[tuple[str, Callable[[Bench], object], ScanResult, str]] = [
    ("XYZ-0", lambda bench: None, R.UNKNOWN, "There is no unit “XYZ-0” in the stock. Scan it again;"),
    ("kit-1", lambda bench: None, R.UNKNOWN, "There is no unit “kit-1” in the stock."),
    ("<b>'\"", lambda bench: None, R.UNKNOWN, "There is no unit “<b>'\"” in the stock."),
    ("S-999", lambda bench: None, R.UNKNOWN, "There is no parcel S-999 in this challenge."),
    ("https://example.org/1", lambda bench: None, R.FOREIGN, "This address is no packing slip of this challenge."),
    ("KIT-1", lambda bench: None, R.AGAIN, "KIT-1 is scanned already and in S-1. Go on with the next one."),
    ("KIT-5", lambda bench: reserved(bench, "KIT-5", participant=bench.cast.team), R.ELSEWHERE,
     "KIT-5 belongs in S-2 to Team Kestrel. Put it there and fetch KIT-2."),
    ("KIT-5", lambda bench: _lost(bench, "KIT-5", "mislay"), R.GONE, "KIT-5 is noted as lost. Put it aside"),
    ("KIT-5", lambda bench: _lost(bench, "KIT-5", "fault"), R.GONE, "KIT-5 is faulty. Put it aside"),
    ("KIT-5", lambda bench: _lost(bench, "KIT-5", "fault", "retire"), R.GONE, "KIT-5 is retired."),
    ("CABLE-1", lambda bench: cable(bench, "CABLE-1"), R.WRONG_MODEL,
     "CABLE-1 is a Cable, which is not for S-1. Put it back; fetch KIT-2."),
    ("", lambda bench: None, R.INCOMPLETE, "S-1 is not complete: it lacks KIT-2. Scan that first, or leave it."),
]  # fmt: skip


def cable(bench: Bench, serial: str) -> None:
    """Another kind of thing, in stock."""
    model = actions.add_model(bench.session, bench.cast.challenge, CABLE, by=bench.by, at=NOON)
    actions.add_units(
        bench.session, bench.cast.challenge, model, serial, location="", firmware="", by=bench.by, at=NOON
    )


@pytest.mark.parametrize(("code", "prepare", "result", "words"), WRONG)
def test_a_wrong_scan_says_what_is_wrong_and_changes_nothing(
    session: Session, bench: Bench, scanner: Scanner, code: str, prepare: Callable[[Bench], object],
    result: ScanResult, words: str,
) -> None:  # fmt: skip
    parcel = reserved(bench, "KIT-1", "KIT-2")
    scanner.all(f"S-{parcel.id}", "KIT-1")
    prepare(bench)
    session.commit()
    before = {unit.serial: unit.state for unit in session.scalars(sa.select(Unit))}

    scan = scanner(code)

    assert (scan.result, scan.tone, scan.words[: len(words)]) == (result, "wrong", words)
    assert inside(session, parcel) == {"KIT-1": True, "KIT-2": False}
    assert {unit.serial: unit.state for unit in session.scalars(sa.select(Unit))} == before
    assert scanner.open == parcel.id


def test_one_too_many_is_told(bench: Bench, scanner: Scanner) -> None:
    parcel = reserved(bench, "KIT-1")
    bench.units("KIT-9")

    assert scanner.all(f"S-{parcel.id}", "KIT-1", "KIT-9") == [R.OPENED, R.CHECKED, R.TOO_MANY]


def test_a_unit_with_a_participant_is_told_with_whom(bench: Bench, scanner: Scanner) -> None:
    away = bench.at(S.HANDED_OVER, "KIT-8")
    parcel = reserved(bench, "KIT-1", participant=bench.cast.team)
    scanner(f"S-{parcel.id}")

    assert scanner("KIT-8").words.startswith(
        f"KIT-8 (in S-{away.id} to Rosa Researcher) is on its way to a participant"
    )


@pytest.mark.parametrize(("code", "result", "words"), [
    ("KIT-1", R.NO_PARCEL, "No parcel is open. KIT-1 belongs in S-1 to Rosa Researcher: scan that slip first."),
    ("KIT-9", R.NO_PARCEL, "No parcel is open. KIT-9 is free: scan a slip first, then it again."),
    ("KIT-8", R.GONE, "KIT-8 is faulty."), ("", R.NOTHING, "Nothing was scanned, and no parcel is open."),
])  # fmt: skip
def test_what_is_scanned_before_any_slip(
    session: Session, bench: Bench, scanner: Scanner, code: str, result: ScanResult, words: str
) -> None:
    reserved(bench, "KIT-1")
    bench.units("KIT-9")
    _lost(bench, "KIT-8", "fault")
    session.commit()

    scan = scanner(code)

    assert (scan.result, scan.words[: len(words)]) == (result, words)
    assert scanner("", Act.UNDO).result is R.NOTHING
    assert scanner("", Act.LEAVE).result is R.NOTHING


@pytest.mark.parametrize(("state", "words"), [
    (S.PLANNED, "has no address yet"), (S.ADDRESS_REQUESTED, "has no address yet"),
    (S.ADDRESS_CONFIRMED, "is not ready, or its address has changed"), (S.PACKED, "is packed already"),
    (S.LABELLED, "is packed and labelled already"), (S.HANDED_OVER, "has left already"),
])  # fmt: skip
def test_a_slip_out_of_its_time_is_refused(bench: Bench, scanner: Scanner, state: S, words: str) -> None:
    parcel = bench.at(state)

    scan = scanner(f"S-{parcel.id}")

    assert (scan.result, scan.words.startswith(f"S-{parcel.id} {words}"), scanner.open) == (R.NOT_READY, True, None)


@pytest.mark.parametrize("state", list(S))
def test_every_state_but_ready_has_words_for_its_slip(state: S) -> None:
    finding = rules.not_ready(Shipment(id=7, state=state))

    assert (finding is None) is (state is S.READY)
    assert finding is None or re.fullmatch(r"S-7 (is|has|was|came) [^.]+[.]", finding.words)


@pytest.mark.parametrize("state", [state for state in U if state is not U.IN_STOCK])
def test_every_unit_that_is_not_free_has_words(state: U) -> None:
    finding = rules.judge_bound(Unit(serial="KIT-1", state=state), None)

    assert (finding.result, finding.words.startswith("KIT-1 ")) == (R.GONE, True)
    assert "cannot go." not in finding.words


# What belongs in a parcel


def kind(number: int, per_place: int) -> KitModel:
    return KitModel(id=number, name=f"Kind {number}", revision="", per_place=per_place)


def box_of(models: list[KitModel], inside: str, *, further: bool = False) -> rules.Box:
    """A parcel with units in it by the numbers of their kinds; those with a question mark are not yet scanned."""
    kinds, parcel = {model.id: model for model in models}, Shipment(id=1, state=S.READY)
    for place, word in enumerate(inside.split()):
        number = int(word.rstrip("?"))
        unit = Unit(id=place, serial=f"U{place}", model_id=number, model=kinds[number], state=U.RESERVED)
        parcel.places.append(
            ShipmentUnit(id=place, unit=unit, live=True, scanned_at=None if word.endswith("?") else NOON)
        )
    return rules.look_into(parcel, models, further=further)


@pytest.mark.parametrize(("per_place", "inside", "further", "lacks", "complete"), [
    ((1,), "", False, {1: 1}, False), ((1,), "1", False, {}, True), ((1,), "1?", False, {}, False),
    ((2,), "1", False, {1: 1}, False), ((2,), "1 1", False, {}, True), ((2,), "1 1 1", False, {}, True),
    ((1, 2), "1", False, {2: 2}, False), ((1, 2), "2 1 2", False, {}, True), ((1, 2), "2? 1", False, {2: 1}, False),
    # Accessories never lack, and make no parcel of their own.
    ((1, 0), "1", False, {}, True), ((1, 0), "2", False, {1: 1}, False), ((1, 0), "1 2?", False, {}, False),
    ((0,), "", False, {}, False), ((0,), "1", False, {}, True), ((), "", False, {}, False),
    # Whoever has a kit gets what logistics put in, if it is anything at all.
    ((1, 2), "", True, {}, False), ((1, 2), "2", True, {}, True), ((1, 2), "2 1?", True, {}, False),
    ((1, 0), "2", True, {}, True),
])  # fmt: skip
def test_what_belongs_in_a_parcel(
    per_place: tuple[int, ...], inside: str, further: bool, lacks: dict[int, int], complete: bool
) -> None:
    box = box_of([kind(number, each) for number, each in enumerate(per_place, 1)], inside, further=further)

    assert ({model.id: count for model, count in box.lacking}, box.complete) == (lacks, complete)


@pytest.mark.parametrize(("per_place", "inside", "further", "scanned", "result"), [
    ((1, 1), "1", False, 2, R.ADDED), ((1, 1), "1 2", False, 2, R.TOO_MANY), ((2,), "1", False, 1, R.ADDED),
    ((1, 0), "", False, 2, R.WRONG_MODEL), ((1, 0), "1", False, 2, R.WRONG_MODEL),
    ((1, 2), "2? 1", False, 2, R.SWAPPED),
    ((1, 2), "", True, 2, R.ADDED), ((1, 2), "1", True, 2, R.ADDED), ((1, 2), "2", True, 2, R.ADDED),
    ((1, 2), "2 2", True, 2, R.TOO_MANY), ((1, 0), "1", True, 2, R.ADDED), ((1, 0), "2", True, 2, R.TOO_MANY),
    ((0,), "", False, 1, R.ADDED),
])  # fmt: skip
def test_what_a_free_unit_means_to_a_parcel(
    per_place: tuple[int, ...], inside: str, further: bool, scanned: int, result: ScanResult
) -> None:
    models = [kind(number, each) for number, each in enumerate(per_place, 1)]
    free = Unit(id=99, serial="U99", model_id=scanned, model=models[scanned - 1], state=U.IN_STOCK)

    assert rules.judge_unit(box_of(models, inside, further=further), free, None).result is result


def test_a_parcel_that_goes_without_something_is_closed_on_its_page(
    session: Session, bench: Bench, scanner: Scanner
) -> None:
    parcel = reserved(bench, "KIT-1")
    bench.model().per_place = 2
    session.commit()
    scanner.all(f"S-{parcel.id}", "KIT-1")

    assert scanner("").words == (
        f"S-{parcel.id} is not complete: it lacks one RDB 2. Scan that first, or leave it. "
        f"If it is to go without, mark S-{parcel.id} as packed on its page."
    )
    bench.advance(bench.again(parcel), "pack")
    session.commit()
    assert bench.again(parcel).state is S.PACKED


def test_a_further_parcel_is_told_from_the_first(session: Session, bench: Bench, scanner: Scanner) -> None:
    first, second = reserved(bench), reserved(bench)
    bench.units("KIT-1")
    assert further(session, [first, second]) == {second.id}

    bench.advance(bench.again(first), "cancel")
    session.commit()
    assert further(session, [first, second]) == set()

    assert scanner(f"S-{second.id}").words.endswith("Scan one RDB 2.")


def test_what_replaces_a_damaged_kit_holds_what_is_put_into_it(
    session: Session, cast: Cast, bench: Bench, scanner: Scanner
) -> None:
    broken = bench.at(S.HANDED_OVER, "KIT-1")
    cable(bench, "CABLE-1")
    actions.say(session, broken, Word.DAMAGED, "The cable.", by=cast.researcher.id, at=NOON)
    made = actions.replace(session, bench.again(broken), by=bench.by, at=NOON)
    bench.advance(made, "ready")
    session.commit()

    assert scanner.all(f"S-{made.id}", "CABLE-1", "") == [R.OPENED, R.ADDED, R.PACKED]


def test_what_replaces_a_lost_kit_is_a_whole_one(session: Session, bench: Bench, scanner: Scanner) -> None:
    lost = bench.at(S.HANDED_OVER, "KIT-1")
    bench.advance(lost, "lose")
    made = actions.replace(session, bench.again(lost), by=bench.by, at=NOON)
    bench.units("KIT-2")
    bench.advance(made, "ready")
    session.commit()

    assert scanner(f"S-{made.id}").words.endswith("Scan one RDB 2.")
    assert scanner.all("", "KIT-2", "") == [R.INCOMPLETE, R.ADDED, R.PACKED]


# What happens meanwhile


@pytest.mark.parametrize(("names", "words"), [
    (("cancel",), "was cancelled"), (("pack",), "is packed already"),
])  # fmt: skip
def test_a_parcel_that_was_moved_meanwhile_leaves_the_bench(
    session: Session, bench: Bench, scanner: Scanner, names: tuple[str, ...], words: str
) -> None:
    parcel = reserved(bench, "KIT-1")
    bench.units("KIT-9")
    scanner.all(f"S-{parcel.id}", "KIT-1")
    bench.advance(bench.again(parcel), *names)
    session.commit()

    scan = scanner("KIT-9")

    assert (scan.result, scan.words.startswith(f"S-{parcel.id} {words}"), scanner.open) == (R.NOT_READY, True, None)
    assert unit_named(session, "KIT-9").state is U.IN_STOCK


def test_after_a_new_address_nothing_is_scanned_twice(session: Session, bench: Bench, scanner: Scanner) -> None:
    parcel = reserved(bench, "KIT-1")
    scanner.all(f"S-{parcel.id}", "KIT-1")
    bench.address(at=NOON + HOUR, city="Potsdam")
    session.commit()

    assert "its address has changed" in scanner("").words
    bench.advance(bench.again(parcel), "ready")
    session.commit()

    assert scanner.all(f"S-{parcel.id}", "") == [R.OPENED, R.PACKED]
    assert inside(session, parcel) == {"KIT-1": True}


def test_a_packed_parcel_with_a_new_address_is_closed_again_without_opening_it(
    session: Session, bench: Bench, scanner: Scanner
) -> None:
    parcel = bench.at(S.PACKED, "KIT-1")
    bench.address(at=NOON + HOUR, city="Potsdam")
    bench.advance(bench.again(parcel), "ready", "pack")

    assert bench.again(parcel).state is S.PACKED


def test_an_unscanned_unit_keeps_a_parcel_open(session: Session, bench: Bench) -> None:
    parcel = reserved(bench, "KIT-1", "KIT-2")

    with pytest.raises(Refused, match="KIT-1 and KIT-2 must be scanned at the bench"):
        bench.advance(parcel, "pack")

    assert bench.again(parcel).state is S.READY


# Questions


def test_an_incomplete_parcel_is_left_only_after_a_question(cast: Cast, bench: Bench, scanner: Scanner) -> None:
    first, other = reserved(bench, "KIT-1"), reserved(bench, "KIT-2", participant=cast.team)
    slip = f"S-{other.id}"
    scanner(f"S-{first.id}")

    asked = scanner(slip)

    assert (asked.result, asked.tone, scanner.open) == (R.ASKED, "ask", first.id)
    assert asked.words == (
        f"S-{first.id} is incomplete: it lacks KIT-1. Go on with {slip} all the same? Then scan its slip once more."
    )
    scanner.at -= timedelta(seconds=9)
    assert scanner(slip).result is R.ASKED  # the trigger bounced
    assert scanner(slip).words.startswith(f"S-{first.id} is left incomplete. {slip} to Team Kestrel is open.")
    assert (scanner.open, bench.again(first).state) == (other.id, S.READY)


def test_another_scan_is_no_answer(cast: Cast, bench: Bench, scanner: Scanner) -> None:
    first, other = reserved(bench, "KIT-1"), reserved(bench, "KIT-2", participant=cast.team)

    results = scanner.all(f"S-{first.id}", f"S-{other.id}", "KIT-1", f"S-{other.id}")

    assert results == [R.OPENED, R.ASKED, R.CHECKED, R.OPENED]
    assert bench.again(first).state is S.PACKED


def test_the_button_answers_at_once(cast: Cast, bench: Bench, scanner: Scanner) -> None:
    first, other = reserved(bench, "KIT-1"), reserved(bench, "KIT-2", participant=cast.team)
    scanner.all(f"S-{first.id}", f"S-{other.id}")

    assert scanner(f"S-{other.id}", Act.ANYWAY).result is R.OPENED
    assert scanner.open == other.id


def test_the_second_of_two_who_pack_the_same_parcel_is_told(
    session: Session, bench: Bench, scanner: Scanner, second: Scanner
) -> None:
    parcel = reserved(bench, "KIT-1", "KIT-2")
    slip = f"S-{parcel.id}"
    scanner.all(slip, "KIT-1")
    second.at = scanner.at + timedelta(minutes=3)

    asked = second(slip)

    assert (asked.result, asked.words[:44]) == (R.ASKED, f"Pat Logistics has had {slip} open for 3 min. Go")
    assert second("KIT-2").result is R.NO_PARCEL
    assert second.all(slip, slip) == [R.ASKED, R.OPENED]
    assert (scanner.open, second.open) == (None, parcel.id)
    assert scanner("KIT-2").result is R.NO_PARCEL
    assert second.all("KIT-2", "") == [R.CHECKED, R.PACKED]


# Taking back


def test_the_last_scans_are_taken_back(session: Session, cast: Cast, bench: Bench, scanner: Scanner) -> None:
    parcel = reserved(bench, "KIT-1", "KIT-2")
    bench.units("KIT-9")
    scanner.all(f"S-{parcel.id}", "KIT-1", "KIT-9", "XYZ")

    swap_back = scanner("", Act.UNDO)

    assert swap_back.words.startswith(
        f"KIT-9 is back in stock: put it on the shelf. KIT-2 is reserved for S-{parcel.id} again. Scan KIT-2."
    )
    assert inside(session, parcel) == {"KIT-1": True, "KIT-2": False}
    assert scanner("", Act.UNDO).words.startswith("KIT-1 counts as not scanned.")
    assert scanner("", Act.UNDO).result is R.NOTHING
    assert inside(session, parcel) == {"KIT-1": False, "KIT-2": False}
    assert unit_named(session, "KIT-9").state is U.IN_STOCK


def test_what_made_room_may_be_gone_by_then(session: Session, cast: Cast, bench: Bench, scanner: Scanner) -> None:
    parcel, other = reserved(bench, "KIT-1"), reserved(bench, participant=cast.team)
    bench.units("KIT-9")
    scanner.all(f"S-{parcel.id}", "KIT-9")
    actions.assign_unit(session, other, unit_named(session, "KIT-1"), by=bench.by, at=NOON)
    session.commit()

    assert "KIT-1 is not free any more. Scan one RDB 2." in scanner("", Act.UNDO).words
    assert inside(session, parcel) == {}


def test_an_added_unit_is_taken_back_and_a_packed_parcel_is_not(
    session: Session, bench: Bench, scanner: Scanner
) -> None:
    parcel = reserved(bench)
    bench.units("KIT-9")
    scanner.all(f"S-{parcel.id}", "KIT-9")
    assert scanner("", Act.UNDO).result is R.UNDONE
    assert inside(session, parcel) == {}

    assert scanner.all("KIT-9", "") == [R.ADDED, R.PACKED]
    assert scanner("", Act.UNDO).result is R.NOTHING
    assert bench.again(parcel).state is S.PACKED


# Once, in order, whoever else is there


def test_a_scan_that_is_sent_twice_counts_once(session: Session, bench: Bench, scanner: Scanner) -> None:
    parcel = reserved(bench, "KIT-1")

    first = [scanner(f"S-{parcel.id}", key="a").id, scanner("KIT-1", key="b").id, scanner("", key="c").id]
    again = [scanner(f"S-{parcel.id}", key="a"), scanner("KIT-1", key="b"), scanner("", key="c")]

    assert [scan.id for scan in again] == first
    assert [scan.result for scan in again] == [R.OPENED, R.CHECKED, R.PACKED]
    assert session.scalars(sa.select(sa.func.count()).select_from(PackingScan)).one() == 3


def test_an_old_key_under_another_code_is_another_scan(bench: Bench, scanner: Scanner) -> None:
    parcel = reserved(bench, "KIT-1")

    assert scanner(f"S-{parcel.id}", key="a").result is R.OPENED
    assert scanner("KIT-1", key="a").result is R.CHECKED


def at_once(app: Flask, session: Session, *works: Callable[[Session], None]) -> None:
    """Do several things in threads of their own, begun at the same moment; the test's session lets go before."""
    session.commit()
    barrier, faults = Barrier(len(works)), []

    def run(work: Callable[[Session], None]) -> None:
        with app.app_context():
            set_reading(False)
            barrier.wait()
            try:
                work(db.session)
                db.session.commit()
            except Exception as fault:
                db.session.rollback()
                faults.append(fault)
            finally:
                db.session.remove()

    threads = [Thread(target=Context().run, args=(run, work)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults


def work_of(cast: Cast, code: str, key: str, by: int) -> Callable[[Session], None]:
    """One scan in a session of its own."""
    challenge_id = cast.challenge.id

    def work(session: Session) -> None:
        challenge = session.get_one(type(cast.challenge), challenge_id)
        packing.scan(session, challenge, Typed(code, key), PAGE, by=by, at=NOON + HOUR)

    return work


def test_two_scanners_take_the_same_unit_and_one_of_them_gets_it(
    app: Flask, session: Session, cast: Cast, bench: Bench, scanner: Scanner, second: Scanner
) -> None:
    mine, theirs = reserved(bench), reserved(bench, participant=cast.team)
    bench.units("KIT-9")
    scanner(f"S-{mine.id}")
    second(f"S-{theirs.id}")

    at_once(app, session, work_of(cast, "KIT-9", "a", scanner.by), work_of(cast, "KIT-9", "b", second.by))

    session.expire_all()
    last = session.scalars(sa.select(PackingScan).order_by(PackingScan.id.desc()).limit(2)).all()
    assert {scan.result for scan in last} == {R.ADDED, R.ELSEWHERE}
    assert sorted([*inside(session, mine), *inside(session, theirs)]) == ["KIT-9"]


def test_two_open_the_same_slip_and_one_of_them_is_asked(
    app: Flask, session: Session, cast: Cast, bench: Bench, scanner: Scanner, second: Scanner
) -> None:
    parcel = reserved(bench, "KIT-1")
    scanner("")
    second("")
    slip = f"S-{parcel.id}"

    at_once(app, session, work_of(cast, slip, "a", scanner.by), work_of(cast, slip, "b", second.by))

    session.expire_all()
    last = session.scalars(sa.select(PackingScan).order_by(PackingScan.id.desc()).limit(2)).all()
    assert {scan.result for scan in last} == {R.OPENED, R.ASKED}
    assert {scanner.open, second.open} == {parcel.id, None}


def test_the_same_scan_sent_twice_at_once_counts_once(
    app: Flask, session: Session, cast: Cast, bench: Bench, scanner: Scanner
) -> None:
    parcel = reserved(bench)
    bench.units("KIT-9")
    scanner(f"S-{parcel.id}")

    at_once(app, session, *[work_of(cast, "KIT-9", "a", scanner.by)] * 2)

    session.expire_all()
    results = session.scalars(sa.select(PackingScan.result).order_by(PackingScan.id)).all()
    assert results == [R.OPENED, R.ADDED]


def test_a_parcel_that_is_cancelled_while_a_unit_goes_in_leaves_it_in_one_place(
    app: Flask, session: Session, cast: Cast, bench: Bench, scanner: Scanner
) -> None:
    parcel = reserved(bench)
    bench.units("KIT-9", *(f"KIT-{number}" for number in range(UNITS - 1)))
    scanner(f"S-{parcel.id}")
    challenge_id, parcel_id, by = cast.challenge.id, parcel.id, bench.by

    def cancel(session: Session) -> None:
        found = queries.shipment(session, challenge_id, parcel_id)
        actions.advance(session, found, states.CANCEL, actions.Given(reason="no more"), by=by, at=NOON + HOUR)

    at_once(app, session, cancel, work_of(cast, "KIT-9", "a", scanner.by))

    session.expire_all()
    assert bench.again(parcel).state is S.CANCELLED
    assert inside(session, parcel) == {}
    # Who was first decides: what went in before is kept for the participant, who still needs a kit.
    [scan] = session.scalars(sa.select(PackingScan).where(PackingScan.code == "KIT-9"))
    was_in = scan.result is R.ADDED
    assert was_in or scan.result is R.NOT_READY
    kept = [("KIT-9", NOON + HOUR)] if was_in else []
    assert kept_for(session, cast.participant.id) == kept
    assert unit_named(session, "KIT-9").state is (U.RESERVED if was_in else U.IN_STOCK)
    assert disagreements(session, challenge_id) == []


def test_the_database_refuses_two_stations_with_one_parcel(
    session: Session, cast: Cast, bench: Bench, scanner: Scanner, second: Scanner
) -> None:
    parcel = reserved(bench, "KIT-1")
    scanner(f"S-{parcel.id}")
    second("")

    with pytest.raises(sa.exc.IntegrityError, match="packing_station"):
        session.execute(
            sa.update(PackingStation).where(PackingStation.account_id == second.by).values(
                shipment_id=parcel.id, since=NOON
            )
        )  # fmt: skip
    session.rollback()
    assert isinstance(session.get(Account, second.by), Account)


@pytest.mark.parametrize("seed", range(2))
def test_units_and_parcels_agree_whatever_is_scanned(
    session: Session, cast: Cast, bench: Bench, scanner: Scanner, second: Scanner, seed: int
) -> None:
    reserved(bench, "KIT-0", "KIT-1")
    reserved(bench, "KIT-2", participant=cast.team)
    bench.units(*(f"KIT-{number}" for number in range(3, UNITS)))
    session.commit()
    hands, chance = Hands(session, cast, bench, seed), random.Random(seed)
    codes = [*(f"KIT-{number}" for number in range(UNITS)), *(f"S-{number}" for number in range(1, 6)), "", "", "XYZ"]
    acts = [*[Act.SCAN] * 8, Act.ANYWAY, Act.UNDO, Act.LEAVE]
    results = set(scanner.all("S-1", "KIT-0"))

    for _ in range(30):
        hands.act()
        for _ in range(3):
            results.add(chance.choice([scanner, second])(chance.choice(codes), chance.choice(acts)).result)
        assert disagreements(session, cast.challenge.id) == []

    assert {R.OPENED, R.CHECKED, R.UNKNOWN, R.NO_PARCEL} <= results
