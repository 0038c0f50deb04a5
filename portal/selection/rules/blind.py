"""What blind reviewing hides: who applies, and everything from which that could be read."""

import re
from typing import Protocol

from portal.accounts.states import Role
from portal.applications.search import words_of
from portal.selection.models import Plan

# Crockford's base 32 without letters that look like digits (https://www.crockford.com/base32.html).
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MASK = "▇▇▇"
# Shorter words of a name are too often words of the language.
SHORTEST = 3


class Drawn(Protocol):
    """What has a place in the order of chance: an application, or a row of a list."""

    @property
    def rnd(self) -> int:
        """A number below 2³¹."""


class Author(Protocol):
    """Who tells who they are."""

    @property
    def name(self) -> str:
        """In full."""

    @property
    def handle(self) -> str:
        """As they are known elsewhere."""

    @property
    def affiliation(self) -> str:
        """For whom they work."""

    @property
    def canonical_email(self) -> str:
        """Their mailbox."""


def is_blind(plan: Plan, roles: frozenset[Role]) -> bool:
    """Whether somebody with these roles must not see who applies. The lead always does."""
    return plan.blind and Role.LEAD not in roles


def alias(application: Drawn) -> str:
    """What an application is called where its author has no name: drawn by chance, like its place in the order."""
    number, text = application.rnd, ""
    for _ in range(7):
        number, digit = divmod(number, 32)
        text = _DIGITS[digit] + text
    return f"{text[:3]}-{text[3:]}"


def masked(text: str, application: Author) -> str:
    """The text without the applicant's name, handle, affiliation and address, which many write into their essays."""
    told = [application.handle, application.affiliation, application.name, *application.name.split()]
    told += [application.canonical_email, application.canonical_email.partition("@")[0]]
    words = sorted({word.strip() for word in told if len(word.strip()) >= SHORTEST}, key=len, reverse=True)
    if not words:
        return text
    pattern = "|".join(re.escape(word) for word in words)
    return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", MASK, text, flags=re.IGNORECASE)


def askable(text: str) -> str:
    """What of a search may be asked where names are masked: one or two letters would fit too many of them."""
    return " ".join(word for word in words_of(text) if len(word) >= SHORTEST)


def says(text: str, asked: str) -> bool:
    """Whether a text has words beginning with all those that are asked for."""
    told = words_of(text, most=None)
    return all(any(word.startswith(part) for word in told) for part in words_of(asked))
