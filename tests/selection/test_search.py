"""Full-text search: the same answers on both engines, whatever is typed."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications import search
from portal.applications.actions import erase_application
from portal.applications.models import Application
from portal.applications.search import Scope
from tests.cast import NOON
from tests.selection.conftest import Bench


def found(session: Session, text: str, scope: Scope = Scope.ALL) -> list[int]:
    rows = search.matching(text, scope)
    if rows is None:
        return []
    return list(session.scalars(sa.select(Application.id).where(Application.id.in_(rows)).order_by(Application.id)))


def said(bench: Bench, **content: object) -> int:
    return bench.submitted(content=bench.content(**content)).id


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("glitch", True), ("GLITCH", True), ("gli", True), ("litch", False), ("voltage glitching", True),
        ("glitching voltage", True), ("voltage rain", False), ("CVE-2019-1234", True), ("cve 2019", True),
        ("élan", True), ("ÉLAN", True), ("elan", False), ("жук", True), ("Жу", True), ("東京", True), ("हिन्दी", True),
        ("example.org", True), ("https://example.org/~ada/cve-2019-1234", True), ("ada-applicant@example.org", True),
        ("zero_cool", True), ("cool", True), ("Analytical Engines", True), ("(glitch)", True), ("glitch*", True),
        ("“voltage”", True), ("x1", True), ("3e5", True), ("007", True), ("don't", True), ("don’t", True),
    ],
)  # fmt: skip
def test_ordinary_words_are_found_alike(session: Session, bench: Bench, text: str, finds: bool) -> None:
    number = said(
        bench, name="Ада Élan", handle="zero_cool", experience="Voltage glitching, жуки; 東京 – हिन्दी. Don’t panic.",
        plan="Read <b>the</b> x1 3e5 007 &amp; don't stop.",
    )  # fmt: skip
    assert found(session, text) == ([number] if finds else [])


@pytest.mark.parametrize(
    "text",
    ["", " ", "%", "''", '"', '"""', "*", "AND", "OR", "NOT", "NEAR(", "a AND", "{name}:", "name : ada", "^ada", "-ada",
     "(", ")", "!", "&", "|", "<->", ":*", "a:*B", "\\", "'; DROP TABLE application; --", "\0", "a\0b", "x" * 10_000,
     "word " * 5_000, "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "\u202e", "…", "+1", "a'b\"c"],
)  # fmt: skip
def test_nothing_that_is_typed_breaks_the_question(session: Session, bench: Bench, text: str) -> None:
    said(bench)
    assert found(session, text) in ([], [1])


def test_words_without_a_word_find_nothing() -> None:
    assert [search.matching(text, Scope.ALL) for text in ("", "%", "\0", " - ")] == [None] * 4


@pytest.mark.parametrize("column", [*search.COLUMNS])
def test_who_may_search_what(session: Session, bench: Bench, column: str) -> None:
    number = said(bench)
    word = "needle@example.net" if column == "canonical_email" else "needle"
    value = ["https://needle.example"] if column == "links" else word
    session.execute(sa.update(Application).where(Application.id == number).values({column: value}))
    told = {scope: found(session, "needle", scope) == [number] for scope in Scope if scope is not Scope.WHO}
    assert told == {
        Scope.TOLD: column in search.ESSAYS, Scope.SHOWN: column != "canonical_email", Scope.ALL: True,
    }  # fmt: skip


def test_the_index_follows_what_is_told(session: Session, bench: Bench) -> None:
    number = said(bench, plan="first thoughts")
    session.execute(sa.update(Application).where(Application.id == number).values(plan="second thoughts"))
    assert (found(session, "first"), found(session, "second")) == ([], [number])
    session.execute(sa.update(Application).where(Application.id == number).values(score_spread=None))
    assert found(session, "second") == [number]


def test_erasing_leaves_nothing_to_be_found(session: Session, bench: Bench, database: str) -> None:
    number = said(bench, name="Needle", handle="needle", affiliation="needle", experience="needle", plan="needle",
                  kit_use="needle", links=("https://needle.example/",))  # fmt: skip
    session.execute(sa.update(Application).where(Application.id == number).values(canonical_email="needle@example.net"))
    assert found(session, "needle") == [number]
    erase_application(session, session.get_one(Application, number), at=NOON)
    session.commit()
    assert found(session, "needle") == []
    if database == "sqlite":
        session.execute(sa.text("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, application_search, row)"))
        terms = "SELECT count(*) FROM temp.terms WHERE term LIKE 'needle%'"
    else:
        terms = "SELECT count(*) FROM application_search WHERE words::text LIKE '%needle%'"
    assert session.scalars(sa.text(terms)).one() == 0
    session.rollback()


def test_deleted_rows_leave_the_index(session: Session, bench: Bench, database: str) -> None:
    (row,) = bench.crowd(["Needle"])
    assert found(session, "needle") == [row.id]
    session.execute(sa.delete(Application).where(Application.id == row.id))
    session.commit()
    assert found(session, "needle") == []
    if database == "sqlite":
        check = sa.text("INSERT INTO application_search (application_search, rank) VALUES ('integrity-check', 1)")
        session.execute(check)
        session.rollback()


def test_an_older_database_is_filled_at_once(session: Session, bench: Bench, database: str) -> None:
    number = said(bench, plan="needle")
    empty = {"sqlite": "INSERT INTO application_search (application_search) VALUES ('delete-all')",
             "postgresql": "DELETE FROM application_search"}  # fmt: skip
    session.execute(sa.text(empty[database]))
    assert found(session, "needle") == []
    session.execute(sa.text(search.FILL[database].replace(":", "\\:")))
    assert found(session, "needle") == [number]
