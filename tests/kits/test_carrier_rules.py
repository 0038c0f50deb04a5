"""Files for carriers' programs, without a database: what fits, what does not, and that nothing is lost."""

import csv
import io
import zipfile
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.kits.postal import Address
from portal.kits.rules.carriers import PROFILES
from portal.kits.rules.carriers.changes import calling_code, national
from portal.kits.rules.carriers.files import bundle, files_of, read_back
from portal.kits.rules.carriers.generic import GENERIC
from portal.kits.rules.carriers.lines import broken
from portal.kits.rules.carriers.preflight import row_of
from portal.kits.rules.carriers.profile import Consignment, Formulas, Goods, Options, Profile, Row
from portal.kits.rules.carriers.sources import SOURCES
from portal.kits.rules.carriers.ups import CAMPUSSHIP, WORLDSHIP
from tests.kits.carriers import RUN, check_campusship, check_mydhl, check_worldship
from tests.kits.conftest import BERLIN

MYDHL = PROFILES["dhl-mydhl"]
GOODS = Goods("1 x RDB 2", 320, Decimal("60.00"), "USD", ("8543.70",), ("CN",), ("KIT-1",))
OPTIONS = Options("kg", "65")
CHECKS = {"ups-worldship": check_worldship, "ups-campusship": check_campusship, "dhl-mydhl": check_mydhl}
# Greek, Chinese, emoji, formulas, quotes, line ends, what a guard looks like, and signs that CSV has a use for.
SIGNS = st.sampled_from("aZé0 ß βΩ漢字🦅\u0301'\"=+-@;,|#\t\r\n")
WORDS = st.text(SIGNS, max_size=40)
LINE_36 = "Kapitän-Nemo-Straße 12 Hinterhaus II"


def consignment(number: int = 12, email: str = "rosa@example.org", goods: Goods = GOODS, **changes: Any) -> Consignment:
    address = Address.of({**BERLIN.content(), **changes})
    return Consignment(number, f"S-{number}", address, email, goods)


def row(profile: Profile, typed: dict[int, str] | None = None, **changes: Any) -> Row:
    return row_of(profile, consignment(**changes), OPTIONS, typed)


def cells(profile: Profile, found: Row) -> dict[str, str]:
    return {column.name: cell for column, cell in zip(profile.columns, found.cells, strict=True)}


def words(found: Row) -> list[str]:
    return [fault.words for fault in found.faults]


def place(profile: Profile, name: str) -> int:
    return [column.name for column in profile.columns].index(name)


# The tables


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_table_names_sources_that_there_are_and_says_what_is_not_published(profile: Profile) -> None:
    for column in profile.columns:
        assert column.line is not None or column.source in SOURCES
    assert len({column.name for column in profile.columns}) == len(profile.columns)
    assert profile.note
    "".encode(profile.encoding)


def test_the_generic_file_has_the_whole_address() -> None:
    told = {column.source for column in GENERIC.columns}
    fields = {f"as given: {name}" for name in BERLIN.content() if name != "phone"}
    assert fields | {"calling code", "national number"} <= told


# What a row becomes


def test_a_row_for_worldship() -> None:
    found = row(WORLDSHIP, company="ACME GmbH", postal_code="10-115")

    assert found.faults == ()
    assert cells(WORLDSHIP, found) == {
        "Customer ID": "S-12", "Company or Name": "ACME GmbH", "Attention": "Rosa Researcher",
        "Address 1": "Invalidenstr. 117", "Address 2": "Hinterhaus", "Address 3": "", "City or Town": "Berlin",
        "State/Province/County": "", "Postal Code": "10115", "Country/Territory": "DE", "Telephone": "49301234567",
        "Email Address": "rosa@example.org", "Tax ID Number": "", "Weight": "0.4", "Description of Goods": "1 x RDB 2",
        "Reference Number 1": "S-12",
    }  # fmt: skip
    assert found.notes == ("Postal Code is written without hyphen and space: 10115",)


def test_a_row_for_campusship_has_every_place() -> None:
    found = row(CAMPUSSHIP)

    assert (found.faults, len(found.cells)) == ((), 57)
    assert found.cells[:10] == (
        "Rosa Researcher", "Rosa Researcher", "DE", "Invalidenstr. 117", "Hinterhaus", "", "Berlin", "", "10115",
        "49301234567",
    )  # fmt: skip
    assert [found.cells[n] for n in (13, 14, 15, 20, 24, 32)] == ["2", "60.00", "0.4", "1 x RDB 2", "65", "S-12"]


def test_a_row_for_mydhl_has_a_company_and_a_phone_in_two_columns() -> None:
    found = cells(MYDHL, row(MYDHL))

    assert (found["Name"], found["Company"], found["Nickname"]) == ("Rosa Researcher", "Rosa Researcher", "S12")
    assert (found["Phone Type"], found["Phone Number Country Code"], found["Phone Number"]) == ("H", "49", "301234567")


def test_a_leading_zero_of_a_number_is_left_out_and_told() -> None:
    found = row(MYDHL, phone="+390212345678", company="ACME")

    assert cells(MYDHL, found)["Phone Number"] == "212345678"
    assert found.notes == ("Phone Number is written without its first zero: 212345678",)
    assert cells(MYDHL, found)["Phone Type"] == "O"


def test_the_latin_form_is_taken_where_there_is_one() -> None:
    tokyo = {"recipient": "山田 花子", "latin_recipient": "Hanako Yamada", "city": "東京", "latin_city": "Tōkyō"}
    found = row(MYDHL, **tokyo)

    assert (cells(MYDHL, found)["Name"], cells(MYDHL, found)["City"]) == ("Hanako Yamada", "Tōkyō")
    assert words(row(WORLDSHIP, **tokyo)) == [
        "City or Town has “ō”, which is not in the character set of UPS WorldShip: «Tōkyō»"
    ]


def test_an_accent_that_comes_as_a_sign_of_its_own_joins_its_letter() -> None:
    found = row(WORLDSHIP, city="Saint-E\u0301tienne")

    assert (found.faults, cells(WORLDSHIP, found)["City or Town"]) == ((), "Saint-Étienne")


@pytest.mark.parametrize(("changes", "told"), [
    ({"city": "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"}, ["City or Town has 58 characters, 30 are "
      "allowed: «Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch»"]),
    ({"city": "Αθήνα"}, ["City or Town has “Α”, which is not in the character set of UPS WorldShip: «Αθήνα»"]),
    ({"city": "杭州"}, ["City or Town has “杭”, which is not in the character set of UPS WorldShip: «杭州»"]),
    ({"company": "Eagle 🦅"}, ["Company or Name has “🦅”, which is not in the character set of UPS WorldShip: "
      "«Eagle 🦅»"]),
    ({"company": "=1+1"}, ["Company or Name begins with “=”, which a spreadsheet would run as a formula: «=1+1»"]),
    ({"company": "@home"}, ["Company or Name begins with “@”, which a spreadsheet would run as a formula: «@home»"]),
    ({"company": "A\tB"}, ["Company or Name has “U+0009”, which is not in the character set of UPS WorldShip: «A\tB»"]),
    ({"country": "US", "region": "Kolorado"}, ["State/Province/County should be a state or province by its code, "
      "such as AL: «Kolorado»"]),
    ({"tax_id": "1" * 16}, ["Tax ID Number has 16 characters, 15 are allowed: «1111111111111111»"]),
    ({"postal_code": "1234567890"}, ["Postal Code has 10 characters, 9 are allowed: «1234567890»"]),
    ({"goods": replace(GOODS, description="")}, ["Description of Goods is missing, and it is required."]),
    ({"recipient": "R" * 36, "company": "ACME"}, [f"Attention has 36 characters, 35 are allowed: «{'R' * 36}»"]),
])  # fmt: skip
def test_what_does_not_fit_is_told_and_not_cut(changes: dict[str, Any], told: list[str]) -> None:
    assert words(row(WORLDSHIP, **changes)) == told


def test_every_fault_of_a_row_is_told() -> None:
    assert len(row(WORLDSHIP, city="Αθήνα", company="=1", postal_code="1234567890").faults) == 3


def test_what_a_program_takes_for_something_else_is_a_fault() -> None:
    assert words(row(CAMPUSSHIP, recipient="#1 Rosa", company="ACME")) == [
        "Contact Name begins with “#”, which UPS CampusShip takes for something else: «#1 Rosa»"
    ]
    assert row(WORLDSHIP, recipient="#1 Rosa", company="ACME").faults == ()


@pytest.mark.parametrize(("country", "region", "code"), [
    ("US", "Colorado", "CO"), ("US", "co", "CO"), ("CA", "Ontario", "ON"), ("CA", "Colombie-Britannique", "BC"),
    ("FR", "Île-de-France", "Île-de-France"), ("US", "", ""),
])  # fmt: skip
def test_states_have_their_codes_where_the_carrier_wants_them(country: str, region: str, code: str) -> None:
    for profile, name in ((WORLDSHIP, "State/Province/County"), (CAMPUSSHIP, "State/Province/Other")):
        found = row(profile, country=country, region=region)
        assert (found.faults, cells(profile, found)[name]) == ((), code)


@pytest.mark.parametrize(("unit", "grams", "weight"), [
    ("kg", 320, "0.4"), ("kg", 300, "0.3"), ("lb", 320, "0.8"), ("kg", 1, "0.1"), ("lb", 453, "1.0"),
])  # fmt: skip
def test_weights_are_rounded_up(unit: str, grams: int, weight: str) -> None:
    found = row_of(WORLDSHIP, consignment(goods=replace(GOODS, weight_g=grams)), Options(unit), None)
    assert cells(WORLDSHIP, found)["Weight"] == weight


def test_a_value_in_another_currency_is_not_taken_for_dollars() -> None:
    found = row(CAMPUSSHIP, goods=replace(GOODS, currency="EUR"))
    assert (found.faults, cells(CAMPUSSHIP, found)["Customs Value"]) == ((), "")


@pytest.mark.parametrize(("number", "code", "rest"), [
    ("+4930123456", "49", "30123456"), ("+13035550100", "1", "3035550100"), ("+74951234567", "7", "4951234567"),
    ("+420541141111", "420", "541141111"), ("+97248293111", "972", "48293111"), ("+6567777777", "65", "67777777"),
    ("+84236382111", "84", "236382111"), ("+35312345678", "353", "12345678"), ("+852234567890", "852", "234567890"),
])  # fmt: skip
def test_the_calling_code_is_told_from_the_number(number: str, code: str, rest: str) -> None:
    assert (calling_code(number), national(number)) == (code, rest)


# Streets


@pytest.mark.parametrize(("street", "lines"), [
    ("Invalidenstr. 117\nHinterhaus", ["Invalidenstr. 117", "Hinterhaus"]),
    ("x" * 35, ["x" * 35]),
    (LINE_36, ["Kapitän-Nemo-Straße 12 Hinterhaus", "II"]),
    (f"c/o Rosa\n{LINE_36}", ["c/o Rosa", "Kapitän-Nemo-Straße 12 Hinterhaus", "II"]),
    # Four lines do not go into three, so all words are set anew.
    (f"c/o Rosa\n{LINE_36}\nUnit 7", ["c/o Rosa Kapitän-Nemo-Straße 12", "Hinterhaus II Unit 7"]),
    ("a\nb\nc\nd", ["a b c d"]),
    ("x" * 36, None), (" ".join(["x" * 30] * 4), None),
])  # fmt: skip
def test_a_street_is_broken_at_spaces_and_only_where_it_must(street: str, lines: list[str] | None) -> None:
    assert broken(street, 3, 35) == lines


@given(st.text("ab é\n", max_size=160))
def test_no_word_of_a_street_is_lost_or_cut(street: str) -> None:
    lines = broken(street, 3, 35)
    if lines is not None:
        assert " ".join(lines).split() == street.split()
        assert len(lines) <= 3
        assert all(0 < len(line) <= 35 for line in lines)


def test_a_street_that_was_broken_is_told() -> None:
    assert row(WORLDSHIP, street=LINE_36).notes == (
        "The street is broken anew: Kapitän-Nemo-Straße 12 Hinterhaus / II",
    )  # fmt: skip


def test_a_street_that_cannot_be_broken_is_a_fault_of_its_lines() -> None:
    found = row(WORLDSHIP, street="Mill\n" + "x" * 38)

    assert words(found) == [
        f"Address line 2 has 38 characters, 35 are allowed, and the street cannot be broken into 3 such lines: "
        f"«{'x' * 38}»"
    ]
    assert [WORLDSHIP.columns[n].name for n in found.asked] == ["Address 1", "Address 2", "Address 3"]
    assert [found.cells[n] for n in found.asked] == ["Mill", "x" * 38, ""]


# Typed over, for one file


def test_what_is_typed_stands_in_the_file_and_is_checked_like_the_rest() -> None:
    city = place(WORLDSHIP, "City or Town")
    mended, wrong = row(WORLDSHIP, {city: "Athens"}, city="Αθήνα"), row(WORLDSHIP, {city: "=Athens"}, city="Αθήνα")

    assert (mended.faults, mended.cells[city], mended.typed) == ((), "Athens", {city})
    assert len(wrong.faults) == 1
    assert row(WORLDSHIP, {city: "Berlin"}).typed == frozenset()


def test_one_line_of_a_street_that_is_typed_makes_the_person_answer_for_all() -> None:
    second = place(WORLDSHIP, "Address 2")
    found = row(WORLDSHIP, {second: "short"}, street="Mill\n" + "x" * 38)

    assert (found.faults, found.cells[second - 1 : second + 2]) == ((), ("Mill", "short", ""))
    first = place(WORLDSHIP, "Address 1")
    assert words(row(WORLDSHIP, {first: ""})) == ["Address 1 is missing, and it is required."]


def test_a_fault_before_the_street_hides_none_in_it() -> None:
    second = place(WORLDSHIP, "Address 2")
    found = row(WORLDSHIP, {second: "x" * 36}, recipient="Ρόζα", company="ACME")

    assert words(found) == [
        "Attention has “Ρ”, which is not in the character set of UPS WorldShip: «Ρόζα»",
        f"Address 2 has 36 characters, 35 are allowed: «{'x' * 36}»",
    ]


# Files


@given(st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS), min_size=1, max_size=4))
@example([("=1+1", "'=1", LINE_36, "''+x")])
@example([("Αθήνα", "杭州市", '🦅 "a"\r\nb', "-")])
def test_the_generic_file_gives_back_what_went_in(texts: list[tuple[str, str, str, str]]) -> None:
    sent = [
        consignment(n + 1, recipient=a, company=b, street=c, latin_street=d, city=a, email="r@example.org")
        for n, (a, b, c, d) in enumerate(texts)
    ]
    rows = [row_of(GENERIC, each, OPTIONS) for each in sent]

    [file] = files_of(GENERIC, rows, "stem")
    back = read_back(file.content)

    assert all(found.faults == () for found in rows)
    fields = [name for name in BERLIN.content() if name not in ("phone",)]
    assert [{name: line[name] for name in fields} for line in back] == [
        {name: each.address.content()[name] for name in fields} for each in sent
    ]
    assert [f"+{line['phone_country_code']}{line['phone_number']}" for line in back] == [BERLIN.phone] * len(sent)
    assert [line["reference"] for line in back] == [each.reference for each in sent]
    for raw in csv.reader(io.StringIO(file.content.decode(), newline="")):
        assert not any(cell.startswith(RUN) for cell in raw)


@given(
    st.sampled_from(sorted(CHECKS)),
    st.lists(
        st.fixed_dictionaries({
            "recipient": WORDS, "company": WORDS, "street": st.text(st.sampled_from("abé \nß=漢"), max_size=120),
            "city": WORDS, "region": st.sampled_from(["", "Colorado", "CO", "Île-de-France", "Ontario"]),
            "postal_code": st.text("0123456789 -A", max_size=12), "country": st.sampled_from(["DE", "US", "CA", "JP"]),
            "phone": st.sampled_from(["+4930123456", "+390212345678", "+123456789012345"]),
            "tax_id": st.text("0123456789A", max_size=40), "email": st.sampled_from(["a@example.org", "b" * 60]),
        }), max_size=6,
    ),
)  # fmt: skip
def test_what_passes_the_check_is_within_the_carriers_limits(name: str, people: list[dict[str, str]]) -> None:
    profile = PROFILES[name]
    regions = {"US": ("Colorado", "CO"), "CA": ("Ontario",)}
    rows = [
        row_of(profile, consignment(n + 1, **person), OPTIONS)
        for n, person in enumerate(people)
        if person["country"] not in regions or person["region"] in regions[person["country"]]
    ]
    good = [found for found in rows if not found.faults]
    for file in files_of(profile, good, "stem"):
        assert len(CHECKS[name](file.content)) == file.rows


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_an_ordinary_address_passes_every_program(name: str) -> None:
    [file] = files_of(PROFILES[name], [row(PROFILES[name])], "stem")
    assert len(CHECKS[name](file.content)) == 1


def test_the_limit_of_rows_makes_several_files_and_a_zip() -> None:
    rows = [row_of(CAMPUSSHIP, consignment(n), OPTIONS) for n in range(1, 502)]
    files = files_of(CAMPUSSHIP, rows, "stem")

    assert [(file.name, file.rows) for file in files] == [("stem-1.csv", 250), ("stem-2.csv", 250), ("stem-3.csv", 1)]
    packed = bundle(files, "stem")
    assert (packed.name, packed.rows, packed.sha256) == ("stem.zip", 501, bundle(files, "stem").sha256)
    with zipfile.ZipFile(io.BytesIO(packed.content)) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == {file.name: file.content for file in files}
        assert sum(len(check_campusship(opened.read(name))) for name in opened.namelist()) == 501
    assert bundle(files[:1], "stem") is files[0]


def test_only_the_generic_file_guards_and_only_programs_refuse() -> None:
    assert {profile.name for profile in PROFILES.values() if profile.formulas is Formulas.GUARDED} == {"generic"}
    [file] = files_of(GENERIC, [row(GENERIC, company="=1+1")], "stem")
    assert "'=1+1" in file.content.decode()
