"""Words and names that others chose, made harmless for a terminal and a file system."""

import re
import unicodedata

# Other than letters and signs: controls, what turns the direction of text, what cannot be encoded.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_LONGEST = 180
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def plain(text: str) -> str:
    """One line without anything that a terminal would obey."""
    return " ".join("".join(" " if unicodedata.category(sign) in _HIDDEN else sign for sign in text).split())


def file_name(name: str, taken: set[str], fallback: str) -> str:
    """A name for a file: no path, nothing hidden, none twice whatever the case; it is added to `taken`."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    last = re.sub(r'[<>:"|?*]', "_", plain(last)).lstrip(".- ").rstrip(". ")
    if not last or _RESERVED.fullmatch(last):
        last = fallback
    stem, dot, ending = last.rpartition(".")
    if not dot or len(ending) > 20:
        stem, ending = last, ""
    else:
        ending = f".{ending}"
    stem = stem.encode()[: _LONGEST - len(ending.encode())].decode(errors="ignore")
    made, number = f"{stem}{ending}", 1
    while made.casefold() in taken:
        number += 1
        made = f"{stem}-{number}{ending}"
    taken.add(made.casefold())
    return made
