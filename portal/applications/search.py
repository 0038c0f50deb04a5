"""Full-text search over applications: an index that the database keeps by itself, on either engine.

SQLite has an FTS5 table over the columns of `application`, which keeps no text of its own; PostgreSQL a table of
tsvectors. Both know words without their case, and nothing else about language: people write in many.
"""

import unicodedata
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from typing_extensions import override

from portal.core.db import ddl

TABLE = "application_search"
# The columns by the weight under which PostgreSQL keeps them. Links tell who somebody is as surely as a name.
IDENTITY = ("name", "handle", "affiliation", "links")
ADDRESS = ("canonical_email",)
ESSAYS = ("experience", "plan", "kit_use")
COLUMNS = (*IDENTITY, *ADDRESS, *ESSAYS)
MOST_WORDS, LONGEST_WORD = 12, 60


class Scope(Enum):
    """How much of an application a search reads: the columns, and their weights."""

    TOLD = (ESSAYS, "D")
    SHOWN = ((*IDENTITY, *ESSAYS), "AD")
    ALL = (COLUMNS, "ABD")
    WHO = ((*IDENTITY, *ADDRESS), "AB")


def _of(row: str) -> str:
    return ", ".join(f"{row}.{column}" for column in COLUMNS)


def _told(row: str, columns: tuple[str, ...]) -> str:
    """Columns as plain words: PostgreSQL's parser would keep addresses and links whole, FTS5 takes them apart."""
    texts = " || ' ' || ".join(f"{row}.{column}::text" for column in columns)
    return f"to_tsvector('simple', lower(regexp_replace({texts}, '[[:punct:][:space:][:cntrl:]]+', ' ', 'g')))"


def _vector(row: str) -> str:
    parts = ((IDENTITY, "A"), (ADDRESS, "B"), (ESSAYS, "D"))
    return " || ".join(f"setweight({_told(row, columns)}, '{weight}')" for columns, weight in parts)


def _sql(*parts: str) -> str:
    return " ".join(parts)


_COLUMNS = ", ".join(COLUMNS)
_FORGET = _sql("INSERT INTO", TABLE, f"({TABLE}, rowid, {_COLUMNS}) VALUES ('delete', old.id, {_of('old')});")
_LEARN = _sql("INSERT INTO", TABLE, f"(rowid, {_COLUMNS}) VALUES (new.id, {_of('new')});")

SQLITE = (
    f"CREATE VIRTUAL TABLE {TABLE} USING fts5({_COLUMNS}, content='application', content_rowid='id', "
    "tokenize='unicode61 remove_diacritics 0')",
    _sql("CREATE TRIGGER", f"{TABLE}_insert AFTER INSERT ON application BEGIN", _LEARN, "END"),
    _sql("CREATE TRIGGER", f"{TABLE}_delete AFTER DELETE ON application BEGIN", _FORGET, "END"),
    _sql("CREATE TRIGGER", f"{TABLE}_update AFTER UPDATE OF {_COLUMNS} ON application BEGIN", _FORGET, _LEARN, "END"),
)
POSTGRESQL = (
    f"CREATE TABLE {TABLE} (rowid integer NOT NULL CONSTRAINT pk_{TABLE} PRIMARY KEY CONSTRAINT "
    f"fk_{TABLE}_rowid_application REFERENCES application (id) ON DELETE CASCADE, words tsvector NOT NULL)",
    f"CREATE INDEX ix_{TABLE}_words ON {TABLE} USING gin (words)",
    _sql(
        f"CREATE OR REPLACE FUNCTION {TABLE}_learn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO",
        TABLE, "(rowid, words) VALUES (new.id,", _vector("new"),
        ") ON CONFLICT (rowid) DO UPDATE SET words = excluded.words; RETURN NULL; END $$",
    ),
    f"CREATE TRIGGER {TABLE}_learn AFTER INSERT OR UPDATE OF {_COLUMNS} ON application "
    f"FOR EACH ROW EXECUTE FUNCTION {TABLE}_learn()",
)  # fmt: skip
# For a database whose applications are older than the index.
FILL = {
    "sqlite": _sql("INSERT INTO", TABLE, f"({TABLE}) VALUES ('rebuild')"),
    "postgresql": _sql("INSERT INTO", TABLE, "(rowid, words) SELECT id,", _vector("application"), "FROM application"),
}


def is_other(name: str | None, kind: str) -> bool:
    """Whether something in the database is no table of a model, but one that keeps the index."""
    return kind == "table" and name is not None and name.startswith(TABLE)


def attach(table: sa.Table | sa.FromClause) -> None:
    """Let the index be made with the table of applications."""
    ddl(table, sqlite=SQLITE, postgresql=POSTGRESQL)


def words_of(text: str, most: int | None = MOST_WORDS) -> list[str]:
    """A text as words, as both engines see them: nothing in them that either could take for an operator."""
    plain = unicodedata.normalize("NFC", text).lower()
    kept = "".join(sign if unicodedata.category(sign)[0] in "LNM" else " " for sign in plain)
    return [word[:LONGEST_WORD] for word in kept.split()[:most]]


class _Matches(FunctionElement[bool]):
    """Whether a row of the index holds words: the question for FTS5, and the one for PostgreSQL."""

    type = sa.Boolean()
    inherit_cache = True

    @override
    def self_group(self, against: Any = None) -> Any:
        """As it is: FTS5 would not understand "… = 1", as which SQLite is otherwise asked."""
        return self


@compiles(_Matches, "sqlite")
def _by_fts5(element: _Matches, compiler: SQLCompiler, **kwargs: Any) -> str:
    asked, _ = element.clauses
    return f"{TABLE} MATCH {compiler.process(asked, **kwargs)}"


@compiles(_Matches, "postgresql")
def _by_tsquery(element: _Matches, compiler: SQLCompiler, **kwargs: Any) -> str:
    _, asked = element.clauses
    return f"words @@ to_tsquery('simple', {compiler.process(asked, **kwargs)})"


def matching(text: str, scope: Scope, *, every: bool = True) -> sa.Select[int] | None:
    """The numbers of the applications that hold words beginning with all those of `text` (or with any, unless `every`).

    None where the text has no word at all.
    """
    words = words_of(text)
    if not words:
        return None
    columns, weights = scope.value
    fts5 = f"{{{' '.join(columns)}}} : (" + (" AND " if every else " OR ").join(f'"{word}" *' for word in words) + ")"
    tsquery = (" & " if every else " | ").join(f"'{word}':*{weights}" for word in words)
    index = sa.table(TABLE, sa.column("rowid", sa.Integer))
    return sa.select(index.c.rowid).where(_Matches(sa.literal(fts5), sa.literal(tsquery)))
