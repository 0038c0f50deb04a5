"""Applications side by side, with what they have in common marked."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from portal.accounts.rules import canonical_email
from portal.applications.models import Application, DuplicatePair, Question
from portal.applications.rules.duplicates import handle_key, link_key, phone_key
from portal.applications.rules.likeness import Part, marked, words
from portal.applications.rules.openpgp import primary_fingerprint
from portal.applications.states import Evidence, QuestionKind

# So many pairs of texts are shown word by word; the others are told by their share.
TEXTS = 3


class Side(NamedTuple):
    """One application of a cluster: each row of the comparison as parts, marked where another one tells the same."""

    application: Application
    rows: dict[str, list[Part]]


class Texts(NamedTuple):
    """Two texts of a pair under their title, each marked where it stands in the other."""

    title: str
    low: list[Part]
    high: list[Part]


class Likeness(NamedTuple):
    """Two applications whose texts are nearly equal."""

    pair: DuplicatePair
    texts: list[Texts]


def sides(applications: Sequence[Application], questions: Sequence[Question]) -> list[Side]:
    """The applications of a cluster in columns."""
    asked = {str(question.id) for question in questions if question.kind is QuestionKind.TEXT}
    told = [_told(application, asked) for application in applications]
    counts = Counter(pair for rows in told for pair in {(name, key) for name, key, _ in rows if key})
    return [Side(application, _rows(rows, counts)) for application, rows in zip(applications, told, strict=True)]


def _told(application: Application, asked: set[str]) -> list[tuple[str, str, str]]:
    """What can be compared at a glance: row, compared form, and the words as they were written."""
    key = primary_fingerprint(application.certificate) if application.certificate else None
    addresses = dict.fromkeys((application.account.email, *application.team))
    phones = [str(text) for number, text in (application.answers or {}).items() if number in asked]
    return [
        ("Name", " ".join(words(application.name)), application.name),
        ("Handle", handle_key(application.handle), application.handle),
        ("Affiliation", "", application.affiliation),
        *(("E-mail", canonical_email(address), address) for address in addresses),
        *(("Link", link_key(link), link) for link in application.links),
        *(("Phone", phone_key(text), text) for text in phones if phone_key(text)),
        ("OpenPGP key", key or "", key or ""),
    ]


def _rows(told: Sequence[tuple[str, str, str]], counts: Counter[tuple[str, str]]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for name, key, text in told:
        if text:
            found.setdefault(name, []).append(Part(text, counts[name, key] > 1))
    return found


def likenesses(applications: Sequence[Application], pairs: Sequence[DuplicatePair]) -> list[Likeness]:
    """The pairs whose texts are nearly equal, most alike first, the first few with their texts."""
    by_id = {application.id: application for application in applications}
    alike = sorted((pair for pair in pairs if pair.kind is Evidence.ESSAY), key=lambda pair: -pair.share)
    return [
        Likeness(pair, _texts(by_id[pair.low_id], by_id[pair.high_id]) if place < TEXTS else [])
        for place, pair in enumerate(alike)
    ]


def _texts(low: Application, high: Application) -> list[Texts]:
    titles = (("Experience", "experience"), ("Research plan", "plan"), ("With a kit", "kit_use"))
    return [
        Texts(title, marked(getattr(low, name), getattr(high, name)), marked(getattr(high, name), getattr(low, name)))
        for title, name in titles
    ]


def reason_for(pairs: Sequence[DuplicatePair]) -> str:
    """Why these are one person's, in words for the timeline."""
    kinds = [kind.value for kind in Evidence if any(pair.kind is kind for pair in pairs)]
    return f"Same {', '.join(kinds)}." if kinds else ""
