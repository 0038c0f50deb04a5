"""Pure answers: serial numbers, news of tracking, and addresses."""

from datetime import timedelta

import pytest

from portal.kits import postal, rules, states
from portal.kits.postal import Address
from portal.kits.states import ShipmentState, UnitState
from tests.cast import NOON
from tests.kits.conftest import BERLIN

S = ShipmentState


def test_every_state_can_be_reached_and_told() -> None:
    assert {move.target for move in states.MOVES} == set(S)
    assert {move.target for move in states.UNIT_MOVES} == set(UnitState)
    assert set(rules.WHERE) == set(S)
    assert len({move.name for move in states.MOVES}) == len(states.MOVES)
    assert len({move.name for move in states.UNIT_MOVES}) == len(states.UNIT_MOVES)


def test_a_parcel_is_cancelled_only_before_its_hand_over() -> None:
    assert set(states.BEFORE_HAND_OVER) == states.CANCEL.sources
    assert not states.CANCEL.sources & set(states.ON_THE_WAY)


def test_serial_numbers_are_read_line_by_line() -> None:
    read = rules.read_serials("  A-1 \n\nA-2\r\nA-1\nA 3\nB-9", known={"B-9"})

    assert read.good == ("A-1", "A-2")
    assert read.faults == (
        "Line 4: A-1 stands on line 1 already.",
        "Line 5: “A 3” is no serial number: 2 to 64 letters, digits and . _ : / -",
        "Line 6: B-9 is already in the stock.",
    )


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("status", [move.target for move in states.TRACKING])
@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_no_news_ever_lead_backwards(state: ShipmentState, status: ShipmentState, hours: int) -> None:
    move = rules.tracking_move(state, status, occurred_at=NOON + timedelta(hours=hours), tracked_at=NOON)

    if move is None:
        return
    assert move.target is status
    assert state in move.sources
    assert states.RANK[status] > states.RANK[state] or hours == 1
    assert state is not S.DELIVERED or status is S.RETURNING
    assert state not in states.OVER


@pytest.mark.parametrize(("typed", "number"), [
    ("+49 30 1234567", "+49301234567"), ("0049 (30) 123-4567", "+49301234567"), ("+1.425.555.0100", "+14255550100"),
    ("030 1234567", None), ("+49 30", None), ("+0 30 1234567", None), ("call me", None),
])  # fmt: skip
def test_telephone_numbers(typed: str, number: str | None) -> None:
    assert postal.phone_number(typed) == number


def test_a_usual_address_raises_no_doubt() -> None:
    assert postal.doubts(BERLIN) == {}
    assert postal.needs_latin(BERLIN) == []


def test_an_unusual_address_raises_doubts_by_field() -> None:
    odd = Address(country="DE", recipient="R", street="S 1", phone="+49301234567", postal_code="123")

    doubts = postal.doubts(odd)

    assert set(doubts) == {"city", "postal_code"}
    assert doubts["postal_code"].startswith("This is not how it is written in this country (for example ")


TOKYO = Address(
    country="JP",
    recipient="山田 花子",
    street="千代田1-1",
    phone="+81312345678",
    region="東京都",
    postal_code="100-0001",
)


def test_another_script_needs_latin_letters_for_the_label() -> None:
    assert postal.doubts(TOKYO) == {}
    assert postal.needs_latin(TOKYO) == ["latin_recipient", "latin_street", "latin_region"]


def test_the_label_is_in_latin_letters_and_leaves_nothing_out() -> None:
    given = Address.of(
        {
            **TOKYO.content(), "latin_recipient": "Yamada Hanako", "latin_street": "1-1 Chiyoda",
            "latin_region": "Tokyo", "city": "Chiyoda-ku", "company": "Lab 9",
        }
    )  # fmt: skip

    assert postal.needs_latin(given) == []
    assert postal.label(given) == [
        "Yamada Hanako", "Lab 9", "1-1 Chiyoda", "Chiyoda-ku, Tokyo 100-0001", "JAPAN",
    ]  # fmt: skip


def test_every_country_has_hints_and_a_name() -> None:
    for code, name in postal.countries():
        assert postal.hints(code) is not None
        assert name
    assert len(postal.countries()) > 200
    assert postal.hints("XX") is None
    assert set(postal.doubts(Address(country="XX", recipient="R", street="S", phone="+49301234567"))) == {"country"}
