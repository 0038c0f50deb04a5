"""Tracking numbers as carriers' programs write them: reading, guessing, judging."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.kits.rules.carriers import numbers
from portal.kits.rules.carriers.returns import (
    LARGEST,
    MOST_ROWS,
    Known,
    Verdict,
    decode,
    guess,
    judged,
    lines_of,
    read,
)
from portal.kits.states import ShipmentState

UPS, UPS_TOO = "1Z999AA10123456784", "1Z5R89390357567127"
PACKED = Known(ShipmentState.PACKED, None, None, True)
WORLDSHIP = f'''"Package Tracking Number","Package Reference Number 1","Void Indicator"
"{UPS}","S-12","N"
"{UPS_TOO}","S-13","Y"
'''


def told(text: str, carrier: str = "UPS", known: dict[int, Known] | None = None) -> list[tuple[int, Verdict, str]]:
    table = read(text)
    lines = judged(lines_of(table, guess(table), carrier), known if known is not None else {12: PACKED, 13: PACKED}, {})
    return [(line.line, line.verdict, line.words) for line in lines]


# Reading


@pytest.mark.parametrize(("text", "header", "roles"), [
    (WORLDSHIP, ("Package Tracking Number", "Package Reference Number 1", "Void Indicator"),
     {"number": 0, "reference": 1, "void": 2}),
    (f"Tracking Number;Reference 1;Status\n{UPS};S-12;shipped\n", ("Tracking Number", "Reference 1", "Status"),
     {"number": 0, "reference": 1}),
    ("Waybill\tYour Reference\n1234567890\tS-12\n", ("Waybill", "Your Reference"), {"number": 0, "reference": 1}),
    ("reference,carrier,tracking_number\nS-12,DHL,1234567890\n", ("reference", "carrier", "tracking_number"),
     {"reference": 0, "carrier": 1, "number": 2}),
    # Without a header, and with one that says nothing: what stands there tells.
    (f"S-12,Rosa,{UPS}\nS-13,Karl,{UPS_TOO}\n", ("Column 1", "Column 2", "Column 3"), {"reference": 0, "number": 2}),
    (f"Foo,Bar\n{UPS},s 12\n", ("Foo", "Bar"), {"number": 0, "reference": 1}),
    ("Foo,Bar\nx,y\n", ("Foo", "Bar"), {}),
])  # fmt: skip
def test_columns_are_guessed(text: str, header: tuple[str, ...], roles: dict[str, int]) -> None:
    table = read(text)
    assert (table.header, guess(table)) == (header, roles)


@pytest.mark.parametrize(("text", "words"), [
    ("", "There is nothing here."), (" \n\n", "There is nothing here."), ("x" * (LARGEST + 1), "more than 500,000"),
    ("S-1,1\n" * (MOST_ROWS + 2), "more than 5,000 rows"), (f"a,b\n{'x' * 140_000},2", "This is no table"),
])  # fmt: skip
def test_what_is_no_table_or_too_much_is_refused(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read(text)


@given(st.text(max_size=80))
def test_whatever_is_pasted_is_read_or_refused(text: str) -> None:
    try:
        table = read(text)
    except Invalid:
        return
    assert all(len(row) == len(table.header) for _, row in table.rows)
    lines = lines_of(table, guess(table), "UPS")
    assert len(lines) == len(table.rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_files_are_read_in_the_encodings_that_programs_write(encoding: str) -> None:
    assert decode("Référence,Über\n".encode(encoding)) == "Référence,Über\n"


# Judging


@pytest.mark.parametrize("reference", ["S-12", "s-12", "S 12", "S12", " S - 12 ", "s_12"])
def test_a_reference_may_be_written_in_many_ways(reference: str) -> None:
    assert told(f"reference,tracking number\n{reference},{UPS}\n") == [(2, Verdict.GOOD, "")]


@pytest.mark.parametrize(("row", "words"), [
    (f",{UPS}", "There is no reference."), (f"X-12,{UPS}", "“X-12” is no reference of ours."),
    (f"S-0,{UPS}", "“S-0” is no reference of ours."), (f"S-99,{UPS}", "There is no parcel S-99 here."),
    ("S-12,", "There is no tracking number."), ("S-12,9.61E+21", "was rounded by a spreadsheet"),
    ("S-12,nonsense!", "“NONSENSE!” is no tracking number."), ("S-12,12", "“12” is no tracking number."),
    (f"S-14,{UPS}", "S-14 is labelled with DHL 123456. Only a packed parcel gets a number."),
    (f"S-15,{UPS}", "S-15 is ready. Only a packed parcel gets a number."),
    (f"S-16,{UPS}", "S-16 has no address any more."),
])  # fmt: skip
def test_every_faulty_row_is_told(row: str, words: str) -> None:
    known = {
        12: PACKED, 14: Known(ShipmentState.LABELLED, "DHL", "123456", True),
        15: Known(ShipmentState.READY, None, None, True), 16: Known(ShipmentState.PACKED, None, None, False),
    }  # fmt: skip
    [(line, verdict, found)] = told(f"reference,tracking number\n{row}\n", known=known)
    assert (line, verdict, words in found) == (2, Verdict.FAULTY, True)


def test_a_label_that_was_made_void_is_not_taken() -> None:
    assert told(WORLDSHIP) == [
        (2, Verdict.GOOD, ""), (3, Verdict.FAULTY, "This label is void in the carrier's program.")
    ]  # fmt: skip


def test_what_stands_twice_is_a_fault_the_second_time() -> None:
    text = f"reference,tracking number\nS-12,{UPS}\nS-12,{UPS_TOO}\nS-13,{UPS}\n"
    assert told(text) == [
        (2, Verdict.GOOD, ""), (3, Verdict.FAULTY, "S-12 stands on line 2 already."),
        (4, Verdict.FAULTY, f"{UPS} stands on line 2 already."),
    ]  # fmt: skip


def test_the_same_number_of_two_carriers_is_not_the_same() -> None:
    text = "reference,carrier,tracking number\nS-12,DHL,1234567890\nS-13,FedEx,1234567890\n"
    assert [verdict for _, verdict, _ in told(text)] == [Verdict.GOOD, Verdict.GOOD]


def test_a_carrier_must_be_told_and_has_one_spelling() -> None:
    text = "reference,carrier,tracking number\nS-12,fedex,986578788855\nS-13,,123456789012\n"
    table = read(text)
    lines = lines_of(table, guess(table), "")
    assert [(line.carrier, line.words) for line in lines] == [("FedEx", ""), ("", "No carrier is told.")]
    assert [line.carrier for line in lines_of(table, guess(table), " dhl ")] == ["FedEx", "DHL"]


def test_a_number_of_another_parcel_is_a_fault_and_ones_own_is_there_already() -> None:
    table = read(f"reference,tracking number\nS-12,{UPS}\nS-13,{UPS_TOO}\n")
    lines = lines_of(table, guess(table), "UPS")
    known = {12: PACKED, 13: Known(ShipmentState.IN_TRANSIT, "UPS", UPS_TOO, True)}
    found = judged(lines, known, {("UPS", UPS): 7, ("UPS", UPS_TOO): 13})
    assert [(line.verdict, line.words) for line in found] == [
        (Verdict.FAULTY, "Another parcel has this tracking number."),
        (Verdict.ALREADY, "It has this number already."),
    ]


# Check digits


@pytest.mark.parametrize(("carrier", "number"), [
    ("UPS", UPS), ("UPS", UPS_TOO), ("FedEx", "986578788855"), ("FedEx", "012345678983"),
    ("USPS", "03071790000523483741"), ("USPS", "71969010756003077385"), ("USPS", "RB123456785GB"),
    ("USPS", "EB000717618HK"), ("DHL", "1234567890"), ("UPS", "K2479825491"), ("FedEx", "0414417602289"),
])  # fmt: skip
def test_right_check_digits_and_unknown_ones_raise_no_doubt(carrier: str, number: str) -> None:
    assert (numbers.fault(number), numbers.doubt(carrier, number)) == (None, None)


@pytest.mark.parametrize(("carrier", "number"), [
    ("UPS", UPS), ("FedEx", "986578788855"), ("USPS", "03071790000523483741"), ("USPS", "RB123456785GB"),
])  # fmt: skip
def test_a_mistyped_digit_raises_a_doubt_and_is_no_fault(carrier: str, number: str) -> None:
    place = 10
    mistyped = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    assert numbers.doubt(carrier, mistyped) == f"The check digit of {mistyped} is not right: is it mistyped?"
    [(_, verdict, words)] = told(f"reference,tracking number\nS-12,{mistyped}\n", carrier)
    assert (verdict, "is it mistyped" in words) == (Verdict.GOOD, True)


@pytest.mark.parametrize("text", [" 1z 999 aa1 0123456784 ", "'1Z999AA10123456784"])
def test_numbers_are_kept_in_one_spelling(text: str) -> None:
    assert numbers.tidy(text) == UPS
