"""What the queue offers to choose from: countries, scenarios, readers, and the views that somebody keeps."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.rules import COUNTRIES
from portal.challenges.models import Challenge

# One country after another by the index, instead of all applications: there are few countries.
_FOUND = """
WITH RECURSIVE found (country) AS (
    SELECT min(country) FROM application
    WHERE challenge_id = :challenge_id AND country > '' AND state NOT IN ('draft', 'erased')
    UNION ALL
    SELECT (
        SELECT min(a.country) FROM application a
        WHERE a.challenge_id = :challenge_id AND a.country > found.country AND a.state NOT IN ('draft', 'erased')
    ) FROM found WHERE found.country IS NOT NULL
)
"""
_COUNTRIES = sa.text("".join((_FOUND, "SELECT country FROM found WHERE country IS NOT NULL")))
# All in one statement: the page asks for them each time.
_EVERYTHING = """
SELECT 'country' AS what, country AS word, '' AS name, '' AS query, -1 AS number, 0 AS place FROM found
WHERE country IS NOT NULL
UNION ALL
SELECT 'scenario', CAST(id AS VARCHAR(12)), code, '', -1, position FROM scenario WHERE challenge_id = :challenge_id
UNION ALL
SELECT 'reader', CAST(a.id AS VARCHAR(12)), CASE WHEN a.name <> '' THEN a.name ELSE a.email END, '', -1, 0
FROM role_grant g JOIN account a ON a.id = g.account_id
WHERE g.scope = :slug AND g.role IN ('reviewer', 'lead') AND :full
UNION ALL
SELECT 'own', CAST(id AS VARCHAR(12)), '', '', -1, 0 FROM application
WHERE challenge_id = :challenge_id AND account_id = :me AND state <> 'erased'
UNION ALL
SELECT 'view', CAST(id AS VARCHAR(12)), name, query, coalesce(counted, -1),
    CASE WHEN owner_id = :me THEN 4 ELSE 0 END + CASE WHEN is_shared THEN 2 ELSE 0 END
    + CASE WHEN is_first AND owner_id = :me THEN 1 ELSE 0 END
FROM saved_view WHERE challenge_id = :challenge_id AND (owner_id = :me OR is_shared)
"""
_OFFERS = sa.text("".join((_FOUND, _EVERYTHING)))
_MINE, _SHARED, _FIRST = 4, 2, 1


class View(NamedTuple):
    """A kept filter, as somebody sees it. `counted` is None where it is another's or was not counted yet."""

    id: int
    name: str
    query: str
    is_mine: bool
    is_shared: bool
    is_first: bool
    counted: int | None


class Offers(NamedTuple):
    """Countries by code and name; scenarios' codes by number, in their order; readers' names by number; views; and the
    number of the person's own application, if there is one.
    """

    countries: list[tuple[str, str]]
    scenarios: dict[str, str]
    readers: dict[str, str]
    views: list[View]
    own: int | None

    def codes(self, numbers: str | None) -> str:
        """Numbers of scenarios, apart by spaces, as codes in their order."""
        chosen = set((numbers or "").split())
        return " ".join(code for number, code in self.scenarios.items() if number in chosen)


def countries(session: Session, challenge_id: int) -> list[tuple[str, str]]:
    """The countries from which there are applications, as code and name, by name."""
    return _named(list(session.scalars(_COUNTRIES, {"challenge_id": challenge_id})))


def _named(codes: list[str]) -> list[tuple[str, str]]:
    return sorted(((code, COUNTRIES.get(code, code)) for code in codes), key=lambda entry: entry[1])


def offers(session: Session, challenge: Challenge, *, me: int, full: bool) -> Offers:
    """What this person may choose from; one statement."""
    asked = {"challenge_id": challenge.id, "slug": challenge.slug, "me": me, "full": full}
    rows = session.execute(_OFFERS, asked).all()

    def of(what: str) -> list[sa.Row[str, str, str, str, int, int]]:
        return [row for row in rows if row.what == what]

    return Offers(
        countries=_named([row.word for row in of("country")]),
        scenarios={row.word: row.name for row in sorted(of("scenario"), key=lambda row: row.place)},
        readers={row.word: row.name for row in sorted(of("reader"), key=lambda row: row.name)},
        views=sorted((_view(row, full) for row in of("view")), key=lambda view: (not view.is_mine, view.name.lower())),
        own=next((int(row.word) for row in of("own")), None),
    )


def _view(row: sa.Row[str, str, str, str, int, int], full: bool) -> View:
    mine = bool(row.place & _MINE)
    known = row.number >= 0 and (mine or full)
    return View(
        int(row.word), row.name, row.query, mine, bool(row.place & _SHARED), bool(row.place & _FIRST),
        row.number if known else None,
    )  # fmt: skip
