"""Full-text search: an index that the database keeps by itself beside a table, on either engine.

SQLite has an FTS5 table over columns of the other one, which keeps no text of its own; PostgreSQL a table of
tsvectors. Both know words without their case, and nothing else about language: people write in many.
"""

import unicodedata
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from typing_extensions import override

from portal.core.db import ddl

MOST_WORDS, LONGEST_WORD = 12, 60
# Columns under one of PostgreSQL's weights: what is asked for apart has a weight of its own.
Part = tuple[tuple[str, ...], str]
_NAMES: set[str] = set()


def is_other(name: str | None, kind: str) -> bool:
    """Whether something in the database is no table of a model, but one that keeps an index."""
    return kind == "table" and name is not None and any(name.startswith(index) for index in _NAMES)


def words_of(text: str, most: int | None = MOST_WORDS) -> list[str]:
    """A text as words, as both engines see them: nothing in them that either could take for an operator."""
    plain = unicodedata.normalize("NFC", text).lower()
    kept = "".join(sign if unicodedata.category(sign)[0] in "LNM" else " " for sign in plain)
    return [word[:LONGEST_WORD] for word in kept.split()[:most]]


def _sql(*parts: str) -> str:
    return " ".join(parts)


def _told(row: str, columns: tuple[str, ...]) -> str:
    """Columns as plain words: PostgreSQL's parser would keep addresses and links whole, FTS5 takes them apart."""
    texts = " || ' ' || ".join(f"{row}.{column}::text" for column in columns)
    return f"to_tsvector('simple', lower(regexp_replace({texts}, '[[:punct:][:space:][:cntrl:]]+', ' ', 'g')))"


class Index:
    """The index `name` over columns of the table `source`, whose key is `id`."""

    def __init__(self, name: str, source: str, parts: Sequence[Part]) -> None:
        self.name, self.source, self.parts = name, source, parts
        self.columns = tuple(column for columns, _ in parts for column in columns)
        _NAMES.add(name)

    def _vector(self, row: str) -> str:
        return " || ".join(f"setweight({_told(row, columns)}, '{weight}')" for columns, weight in self.parts)

    def sqlite(self) -> tuple[str, ...]:
        """What makes and keeps it on SQLite."""
        name, source, columns = self.name, self.source, ", ".join(self.columns)
        old, new = (", ".join(f"{row}.{column}" for column in self.columns) for row in ("old", "new"))
        forget = _sql("INSERT INTO", name, f"({name}, rowid, {columns}) VALUES ('delete', old.id, {old});")
        learn = _sql("INSERT INTO", name, f"(rowid, {columns}) VALUES (new.id, {new});")
        return (
            f"CREATE VIRTUAL TABLE {name} USING fts5({columns}, content='{source}', content_rowid='id', "
            "tokenize='unicode61 remove_diacritics 0')",
            _sql("CREATE TRIGGER", f"{name}_insert AFTER INSERT ON {source} BEGIN", learn, "END"),
            _sql("CREATE TRIGGER", f"{name}_delete AFTER DELETE ON {source} BEGIN", forget, "END"),
            _sql("CREATE TRIGGER", f"{name}_update AFTER UPDATE OF {columns} ON {source} BEGIN", forget, learn, "END"),
        )

    def postgresql(self) -> tuple[str, ...]:
        """What makes and keeps it on PostgreSQL."""
        name, source, columns = self.name, self.source, ", ".join(self.columns)
        return (
            f"CREATE TABLE {name} (rowid integer NOT NULL CONSTRAINT pk_{name} PRIMARY KEY CONSTRAINT "
            f"fk_{name}_rowid_{source} REFERENCES {source} (id) ON DELETE CASCADE, words tsvector NOT NULL)",
            f"CREATE INDEX ix_{name}_words ON {name} USING gin (words)",
            _sql(
                f"CREATE OR REPLACE FUNCTION {name}_learn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO",
                name, "(rowid, words) VALUES (new.id,", self._vector("new"),
                ") ON CONFLICT (rowid) DO UPDATE SET words = excluded.words; RETURN NULL; END $$",
            ),
            f"CREATE TRIGGER {name}_learn AFTER INSERT OR UPDATE OF {columns} ON {source} "
            f"FOR EACH ROW EXECUTE FUNCTION {name}_learn()",
        )  # fmt: skip

    def fill(self) -> dict[str, str]:
        """For a database whose rows are older than the index: what fills it, by engine."""
        return {
            "sqlite": _sql("INSERT INTO", self.name, f"({self.name}) VALUES ('rebuild')"),
            "postgresql": _sql(
                "INSERT INTO", self.name, "(rowid, words) SELECT id,", self._vector(self.source), "FROM", self.source
            ),
        }

    def attach(self, table: sa.Table | sa.FromClause) -> None:
        """Let the index be made with the table."""
        ddl(table, sqlite=self.sqlite(), postgresql=self.postgresql())

    def matching(
        self, text: str, columns: Sequence[str] | None = None, weights: str = "", *, every: bool = True
    ) -> sa.Select[int] | None:
        """The ids of the rows that hold words beginning with all those of `text` (or with any, unless `every`).

        `columns`, and the `weights` of the same, say where to look; everywhere by default. None where the text has
        no word at all.
        """
        words = words_of(text)
        if not words:
            return None
        fts5 = f"{{{' '.join(columns or self.columns)}}} : (" + (" AND " if every else " OR ").join(
            f'"{word}" *' for word in words
        ) + ")"  # fmt: skip
        tsquery = (" & " if every else " | ").join(f"'{word}':*{weights}" for word in words)
        index = sa.table(self.name, sa.column("rowid", sa.Integer))
        name: sa.ColumnElement[str] = sa.literal_column(self.name)
        return sa.select(index.c.rowid).where(_Matches(name, sa.literal(fts5), sa.literal(tsquery)))


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
    name, asked, _ = element.clauses
    return f"{compiler.process(name, **kwargs)} MATCH {compiler.process(asked, **kwargs)}"


@compiles(_Matches, "postgresql")
def _by_tsquery(element: _Matches, compiler: SQLCompiler, **kwargs: Any) -> str:
    _, _, asked = element.clauses
    return f"words @@ to_tsquery('simple', {compiler.process(asked, **kwargs)})"
