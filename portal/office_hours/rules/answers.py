"""What may be published for all, and what it must not say."""

import re
from collections.abc import Iterable

from portal.office_hours.models import Answer
from portal.office_hours.states import AnswerState, Consent

# Shorter names are words of any text.
SHORTEST_NAME = 4
_MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[a-z]{2,}", re.IGNORECASE)

CHECKLIST = (
    ("person", "It names no person and no team, and nobody can be told from it"),
    ("company", "It names no company, customer or employer of those who asked"),
    ("weakness", "It tells of no weakness that is not fixed, and gives no hint of one"),
)


def named_in(text: str, names: Iterable[str]) -> str | None:
    """A name or a mail address that stands in the text, if any."""
    found = _MAIL.search(text)
    if found:
        return found.group()
    flat = " ".join(text.split())
    for name in sorted(set(names)):
        plain = " ".join(name.split())
        if len(plain) >= SHORTEST_NAME and re.search(rf"(?<!\w){re.escape(plain)}(?!\w)", flat, re.IGNORECASE):
            return plain
    return None


def why_not_review(answer: Answer, account_id: int) -> str | None:
    """Why this person cannot pass it as reviewed."""
    return "Somebody else reviews it than who wrote it last." if answer.edited_by_id == account_id else None


def why_not_publish(answer: Answer) -> str | None:
    """Why it cannot be published yet."""
    return {
        Consent.ASKED: "Those whose question it was have not answered yet whether they agree.",
        Consent.NOT_ASKED: "Those whose question it was have not been asked. Have it reviewed first.",
        Consent.REFUSED: "Those whose question it was do not agree to publishing it.",
    }.get(answer.consent)


def asks_consent(answer: Answer) -> bool:
    """Whether those whose question it was may say now what they think of publishing it."""
    asked = answer.consent in (Consent.ASKED, Consent.GIVEN, Consent.REFUSED)
    return asked and answer.state in (AnswerState.REVIEWED, AnswerState.PUBLISHED)
