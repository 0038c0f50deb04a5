"""Which passwords are refused besides short ones: the common, the regular, and one's own address."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flask_security import PasswordUtil

LIST = Path(__file__).parent / "common-passwords.txt"
# How digits and signs stand in for letters.
_LEET = str.maketrans("0134578@$!|", "oleastbasil")
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_SEPARATORS = re.compile(r"[\W_]+")


@cache
def common() -> frozenset[str]:
    """The words and patterns of the list, in lower case."""
    return frozenset(LIST.read_text(encoding="utf-8").split())


def _known(text: str) -> bool:
    """Whether the text is on the list, or is made of at most three things that are."""
    reached = {0: 0}  # how many words it takes to get there
    for start in range(len(text)):
        if start not in reached or reached[start] == 3:
            continue
        for end in range(start + 3, len(text) + 1):
            if text[start:end] in common():
                reached[end] = min(reached.get(end, 4), reached[start] + 1)
    return len(text) in reached


def is_common(password: str) -> bool:
    """Whether guessers try it early: listed words, disguised or not, digits alone, or the same few signs."""
    whole = password.casefold()
    bare = _EDGES.sub("", whole)
    plain = _SEPARATORS.sub("", whole)
    forms = {_SEPARATORS.sub("", form.translate(table)) for form in (whole, bare) for table in ({}, _LEET)}
    dull = len(set(plain)) < 5 or plain.isdecimal()
    return dull or any(_known(form) for form in forms if form)


def tells_address(password: str, email: str) -> bool:
    """Whether the password contains the address, or the part of it before the @."""
    local = email.casefold().partition("@")[0]
    return len(local) >= 4 and local in password.casefold()


class Passwords(PasswordUtil):
    """Flask-Security's rules, and ours."""

    def validate(self, password: str, is_register: bool, **values: Any) -> tuple[list[str] | None, str]:
        """What is wrong with a new password, and its normal form."""
        wrong, normal = super().validate(password, is_register, **values)
        if wrong:
            return wrong, normal
        if is_common(normal):
            return ["This is one of the passwords that are tried first. Choose another."], normal
        if tells_address(normal, _address(values)):
            return ["The password contains your address. Choose another."], normal
        return None, normal


def _address(values: Mapping[str, Any]) -> str:
    """The address of the person: of the form where they sign up, of their account later."""
    return str(values.get("email") or getattr(values.get("user"), "email", "") or "")
