"""Names, addresses, zones, paths, passwords."""

import pytest

from portal.accounts.passwords import common, is_common, tells_address
from portal.accounts.rules import canonical_email, clean_name, local_path, zones_by_region


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada \t\r\n Lovelace\x00", "Ada Lovelace"),
        ("Win at https://bad.example/x now", "Win at now"),
        ("www.bad.example Ada", "Ada"),
        ("cheap.pills.ru/buy Ada", "Ada"),
        ("J. R. R. Tolkien", "J. R. R. Tolkien"),
        ("Dr. O'Neil-Kučera", "Dr. O'Neil-Kučera"),
        ("A" * 100, "A" * 80),
    ],
)
def test_names_are_one_line_without_links(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@pytest.mark.parametrize(
    ("email", "canonical"),
    [
        ("A.Person+tag@Example.org", "a.person@example.org"),
        ("a.person+x@googlemail.com", "aperson@gmail.com"),
        ("a.person@gmail.com.", "aperson@gmail.com"),
    ],
)
def test_addresses_without_what_mail_systems_ignore(email: str, canonical: str) -> None:
    assert canonical_email(email) == canonical


def test_zones_are_grouped_by_region() -> None:
    zones = zones_by_region()
    america = zones["America"]
    assert isinstance(america, dict)
    assert america["America/Argentina/Buenos_Aires"] == "Argentina, Buenos Aires"
    assert next(iter(zones)) == "UTC"
    assert "Etc" not in zones


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example/", "evil", "", None, "/a\nb", "/a b", "\t/a"]
)
def test_what_leads_elsewhere_is_not_followed(target: str | None) -> None:
    assert local_path(target, "/home") == "/home"


def test_a_path_of_ours_is_followed() -> None:
    assert local_path("/challenges/x/kit?tab=1", "/home") == "/challenges/x/kit?tab=1"


@pytest.mark.parametrize(
    "password",
    ["password1234", "Pa$$w0rd2020", "qwerty-qwerty-qwerty", "1qaz2wsx3edc", "abcdefghijkl", "Welcome2020!!!!",
     "abababababab", "192837465019", "letmeinletmein", "security challenge"],
)  # fmt: skip
def test_common_passwords(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize(
    "password",
    ["mellow-teapot-orbit-19", "demo-only-password", "kV9#tq2Lm!xw", "the walrus eats fennel", "пароль-из-слов-7"],
)
def test_uncommon_passwords(password: str) -> None:
    assert not is_common(password)


def test_the_list_is_of_some_size() -> None:
    assert 400 < len(common()) < 600


def test_the_address_in_the_password() -> None:
    assert tells_address("xx-Ann.Smith-77", "ann.smith@example.org")
    assert not tells_address("xx-Ann-Smith-77", "ann@example.org")
