"""What a scanner reads off slips and units."""

import re
from typing import NamedTuple

_SLIP = re.compile(r"[Ss]-([0-9]{1,10})")
_LARGEST = 2**31 - 1


class Code(NamedTuple):
    """A code as it was scanned or typed: the number of a parcel, an address that is none of ours, or else a serial."""

    text: str
    parcel: int | None = None
    foreign: bool = False


def read_code(text: str, packing_page: str) -> Code:
    """Tell a slip ("S-12", or the address below `packing_page` that its QR code carries) from a serial number."""
    text = text.strip()
    slip = _SLIP.fullmatch(text)
    if slip:
        return Code(text, parcel=min(int(slip[1]), _LARGEST))
    if "://" not in text:
        return Code(text)
    number = text.removeprefix(f"{packing_page}/")
    if number != text and number.isdecimal() and number.isascii():
        return Code(text, parcel=min(int(number[:10]), _LARGEST))
    return Code(text, foreign=True)
