"""What customs ask of the people to whom parcels come: advice, never a refusal.

Gathered from what parcel services tell their customers about tax numbers of recipients (the help pages of Pirate Ship,
Easyship, EasyParcel and Purolator on "recipient tax ID", read in 2026) and from the names that these countries' own
authorities give the numbers. Such rules change often, and for gifts, companies and small values they differ: a person
may always leave the number out, or write it in another way.
"""

import re
from typing import NamedTuple


class CustomsNumber(NamedTuple):
    """What the number is called in a country, how it looks, and the form in which it usually comes."""

    name: str
    looks: str
    usual: re.Pattern[str]


def _number(name: str, looks: str, usual: str) -> CustomsNumber:
    return CustomsNumber(name, looks, re.compile(usual, re.ASCII | re.IGNORECASE))


# `usual` is held against the number without spaces, points, hyphens and slashes.
NUMBERS = {
    "AR": _number("CUIT, CUIL or CDI", "11 digits", r"\d{11}"),
    "BR": _number("CPF or CNPJ", "11 digits for a person, 14 for a company", r"\d{11}|[0-9A-Z]{12}\d{2}"),
    "CL": _number("RUT or RUN", "7 or 8 digits and a check digit, which may be K", r"\d{7,8}[\dK]"),
    "CN": _number(
        "Resident identity number or unified social credit code", "18 digits or letters; a passport number for others",
        r"\d{17}[\dX]|[0-9A-Z]{18}|[A-Z]{1,2}\d{7,8}",
    ),
    "CO": _number("NIT or cédula", "6 to 11 digits", r"\d{6,11}"),
    "EC": _number("Cédula or RUC", "10 or 13 digits", r"\d{10}|\d{13}"),
    "ID": _number("NIK or NPWP", "15 or 16 digits", r"\d{15,16}"),
    "IL": _number("Identity or company number", "9 digits", r"\d{8,9}"),
    "IN": _number(
        "PAN, Aadhaar or GSTIN (KYC)", "10 letters and digits, 12 digits, or 15 for a company",
        r"[A-Z]{5}\d{4}[A-Z]|\d{12}|\d{2}[A-Z]{5}\d{4}[A-Z][0-9A-Z]{3}",
    ),
    "KR": _number(
        "Personal customs clearance code (PCCC)", "P and 12 digits; 10 digits for a company", r"P\d{12}|\d{10}"
    ),
    "KZ": _number("IIN or BIN", "12 digits", r"\d{12}"),
    "MX": _number("RFC or CURP", "12, 13 or 18 letters and digits", r"[A-ZÑ&]{3,4}\d{6}[0-9A-Z]{3}|[A-Z0-9]{18}"),
    "PE": _number("DNI or RUC", "8 or 11 digits", r"\d{8}|\d{11}"),
    "SA": _number("National identity or Iqama number", "10 digits", r"\d{10}"),
    "TR": _number("T.C. kimlik or vergi number", "11 digits for a person, 10 for a company", r"\d{10,11}"),
    "TW": _number(
        "Identity, resident or company number",
        "a letter and 9 digits, or 8 digits; the EZ WAY registration is checked",
        r"[A-Z][0-9A-Z]\d{8}|\d{8}",
    ),
    "UA": _number("Tax number (RNOKPP or EDRPOU)", "10 digits for a person, 8 for a company", r"\d{10}|\d{8}"),
    "ZA": _number(
        "Identity, passport or importer's number", "13 digits, or 8 for an importer", r"\d{13}|\d{8}|[A-Z]\d{8}"
    ),
}  # fmt: skip
_BETWEEN = re.compile(r"[\s./\-]")


def number_of(country: str) -> CustomsNumber | None:
    """What customs of a country usually ask for; None where nothing is known."""
    return NUMBERS.get(country)


def doubt(country: str, text: str) -> str | None:
    """What is unusual about the number that somebody wrote, or about there being none."""
    number = number_of(country)
    if number is None:
        return None
    if not text:
        return f"Customs in this country usually ask for it: {number.name} ({number.looks})."
    usual = number.usual.fullmatch(_BETWEEN.sub("", text))
    return None if usual else f"It usually has {number.looks} ({number.name})."
