"""Tracking numbers: how they are written, and the check digits of those carriers that publish theirs."""

import re

_NUMBER = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{4,58})[A-Z0-9]")
# What a spreadsheet makes of a long number.
_ROUNDED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]+")
_UPS = re.compile(r"1Z[0-9A-Z]{15}[0-9]")
_S10 = re.compile(r"[A-Z]{2}[0-9]{9}[A-Z]{2}")
_KNOWN = {name.casefold(): name for name in ("UPS", "DHL", "FedEx", "USPS")}


def carrier_name(text: str) -> str:
    """A carrier's name as it is kept: the known ones have one spelling."""
    name = " ".join(text.split())
    return _KNOWN.get(name.casefold(), name)


def tidy(text: str) -> str:
    """A tracking number as it is kept: capital letters, no spaces, no apostrophe that guarded it."""
    return "".join(text.lstrip("'").upper().split())


def fault(number: str) -> str | None:
    """Why this is no tracking number at all."""
    if not number:
        return "There is no tracking number."
    if _ROUNDED.fullmatch(number):
        return f"“{number}” was rounded by a spreadsheet. Export the column as text."
    return None if _NUMBER.fullmatch(number) else f"“{number[:70]}” is no tracking number."


def doubt(carrier: str, number: str) -> str | None:
    """What is unusual about a number, where the carrier publishes its check digit. Never a reason to refuse it."""
    checks = {"UPS": _ups, "FedEx": _fedex, "USPS": _usps}
    right = checks[carrier](number) if carrier in checks else None
    return f"The check digit of {number} is not right: is it mistyped?" if right is False else None


def _ups(number: str) -> bool | None:
    """1Z and 16 signs: letters count as digits, every second one twice, and all with the last make a full ten."""
    if not _UPS.fullmatch(number):
        return None
    values = [int(sign) if sign.isdigit() else (ord(sign) - 3) % 10 for sign in number[2:]]
    total = sum(values[0:15:2]) + 2 * sum(values[1:15:2])
    return -total % 10 == values[15]


def _fedex(number: str) -> bool | None:
    """Express, 12 digits: weights 3, 1, 7 from the left, the remainder by 11 is the last digit, and 10 is 0."""
    if len(number) != 12 or not number.isdigit():
        return None
    total = sum(int(sign) * (3, 1, 7)[place % 3] for place, sign in enumerate(number[:11]))
    return total % 11 % 10 == int(number[11])


def _usps(number: str) -> bool | None:
    """22 digits, or the last 20 of them where they begin with 91: every second from the right thrice.

    Or the postal union's S10, such as RB123456785GB.
    """
    if len(number) in (20, 22) and number.isdigit():
        whole = {number, f"91{number}"} if len(number) == 20 else {number}
        return any(_tens(digits) for digits in whole)
    if not _S10.fullmatch(number):
        return None
    total = sum(int(sign) * weight for sign, weight in zip(number[2:10], (8, 6, 4, 2, 3, 5, 9, 7), strict=True))
    return {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11) == int(number[10])


def _tens(number: str) -> bool:
    digits = [int(sign) for sign in reversed(number)]
    return (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0
