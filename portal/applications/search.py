"""Full-text search over applications: an index that the database keeps by itself, on either engine."""

from enum import Enum

import sqlalchemy as sa

from portal.core.search import MOST_WORDS, Index, words_of

TABLE = "application_search"
# The columns by the weight under which PostgreSQL keeps them. Links tell who somebody is as surely as a name.
IDENTITY = ("name", "handle", "affiliation", "links")
ADDRESS = ("canonical_email",)
ESSAYS = ("experience", "plan", "kit_use")
COLUMNS = (*IDENTITY, *ADDRESS, *ESSAYS)
INDEX = Index(TABLE, "application", ((IDENTITY, "A"), (ADDRESS, "B"), (ESSAYS, "D")))
# For a database whose applications are older than the index.
FILL = INDEX.fill()

__all__ = ["COLUMNS", "FILL", "INDEX", "MOST_WORDS", "TABLE", "Scope", "matching", "words_of"]


class Scope(Enum):
    """How much of an application a search reads: the columns, and their weights."""

    TOLD = (ESSAYS, "D")
    SHOWN = ((*IDENTITY, *ESSAYS), "AD")
    ALL = (COLUMNS, "ABD")
    WHO = ((*IDENTITY, *ADDRESS), "AB")


def matching(text: str, scope: Scope, *, every: bool = True) -> sa.Select[int] | None:
    """The numbers of the applications that hold words beginning with all those of `text` (or with any, unless `every`).

    None where the text has no word at all.
    """
    columns, weights = scope.value
    return INDEX.matching(text, columns, weights, every=every)
