"""What an address asks of the queue, as a filter; and the other way round, as views are kept."""

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from portal.selection.queries.queue import Filter

# What an address may say of a filter, and the most that is read of each word.
FIELDS = (
    "state", "country", "scenario", "q", "pending", "triage", "low", "high", "assigned", "reviewed", "flag", "second",
    "calibration", "cluster", "ships", "sort",
)  # fmt: skip
# What only the lead may ask for: whoever may not see it must not learn it from what a list leaves out either.
TELLING = ("pending", "triage", "low", "high", "flag", "calibration", "cluster", "ships")
LONGEST = 200


def filter_from(
    query: Mapping[str, str], *, full: bool, blind: bool = False, me: int | None = None
) -> Filter:  # fmt: skip
    """The filter that an address asks for; `full` for those who may see scores, `blind` for those who must not see who
    applies. `me` is the person for whom it is: whoever may not see all asks for nobody's reviews but their own.
    """

    def told(name: str) -> str:
        return query.get(name, "").replace("\0", "").strip()[:LONGEST]

    def person(name: str) -> int | None:
        word = told(name)
        if not word:
            return None
        return int(word) if full and word.isascii() and word.isdigit() and len(word) < 10 else me or 0

    return Filter(
        state=told("state"), country=told("country"), scenario=told("scenario"), text=told("q"),
        pending=told("pending"), sort=told("sort"), full=full, triage=told("triage"), low=_number(told("low")),
        high=_number(told("high")), assigned=person("assigned"), reviewed=person("reviewed"), flag=told("flag"),
        second=told("second"), calibration=told("calibration"), cluster=told("cluster"),
        ships=told("ships"), blind=blind,
    )  # fmt: skip


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def canonical(query: Mapping[str, str]) -> str:
    """What an address says of the filter, and nothing else, in one order: two that show the same are mostly alike."""
    return urlencode([(name, query[name].strip()[:LONGEST]) for name in FIELDS if query.get(name, "").strip()])


def parsed(query: str) -> dict[str, Any]:
    """A kept query as names and values."""
    return dict(parse_qsl(query))


def tells(query: str) -> bool:
    """Whether a kept query asks for what only the lead may know."""
    asked = parsed(query)
    return any(asked.get(name) for name in TELLING) or asked.get("sort", "").lstrip("-") in ("score", "raw", "spread")
