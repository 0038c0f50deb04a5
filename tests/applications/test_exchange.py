"""Applications into files and out of them again."""

import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications import actions
from portal.applications.actions import imports as importing
from portal.applications.actions import questions as asking
from portal.applications.jobs import forget_imports, run_imports
from portal.applications.long import run_import
from portal.applications.models import Application, Import, Question, Revision, Step
from portal.applications.queries import exchange
from portal.applications.rules.content import Content
from portal.applications.rules.exchange import (
    COLUMNS,
    MOST_ROWS,
    Checked,
    Entry,
    Known,
    as_cells,
    check,
    read,
)
from portal.applications.rules.questions import Asked
from portal.applications.states import ApplicantKind, ApplicationState, ImportState, QuestionKind
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.mail import render
from portal.core.outbox import OutgoingMail
from portal.core.tables import Fault, guarded, table_line, unguarded
from tests.applications.conftest import KEY, LINK, Desk
from tests.cast import NOON, Cast, make_account, sign_in

PAGE = "/staff/test-challenge/applications/imports"
KNOWN = Known({"H1": 1, "G1": 2}, [Question(id=7, kind=QuestionKind.TEXT, label="?", choices=[]),
                                   Question(id=8, kind=QuestionKind.NUMBER, label="?", choices=[])])  # fmt: skip
NAMES = [*COLUMNS, "answer_7", "answer_8"]
# What the form makes of what is typed: text without blanks around it, and one kind of line end.
WORDS = st.text(st.sampled_from("aβ漢🦅'\"=+-@;,\t\n #|é"), max_size=60).map(str.strip)
SOME = WORDS.filter(bool)


@st.composite
def contents(draw: Callable[[Any], Any]) -> Content:
    """Whatever can be submitted."""
    team = draw(st.sampled_from([(), ("b@example.org", "c@example.org")]))
    answers = {"7": draw(WORDS), "8": draw(st.sampled_from(["", 0, -5, 3.25]))}
    return Content(
        name=draw(st.sampled_from(["Ada", "李 伟", "=Άδα", "O’Neill 🦅"])), handle=draw(WORDS)[:80],
        affiliation=draw(WORDS)[:120], country=draw(st.sampled_from(["FR", "GR", "CN"])),
        kind=ApplicantKind.TEAM if team else ApplicantKind.SINGLE, team=team,
        links=draw(st.sampled_from([(), (LINK,), (LINK, "https://例え.example/=1")])),
        scenario_ids=draw(st.sampled_from([frozenset({1}), frozenset({1, 2})])), experience=draw(SOME),
        plan=draw(SOME), kit_use=draw(SOME), certificate=draw(st.sampled_from(["", KEY])),
        answers={number: answer for number, answer in answers.items() if answer != ""},
        adult=True, permitted=True, independent=True, agrees=True,
    )  # fmt: skip


def told(content: Content, email: str = "ada@example.org", no_kit: str | None = None) -> dict[str, Any]:
    """A content as `as_object` tells it."""
    codes = {number: code for code, number in KNOWN.scenarios.items()}
    snapshot = content.snapshot()
    del snapshot["scenario_ids"]
    return {"id": 1, "state": "submitted", "state_since": "2020-06-15T12:00:00Z",
            "submitted_at": "2020-06-14T12:00:00Z", "email": email,
            "scenarios": [codes[number] for number in sorted(content.scenario_ids)], **snapshot,
            "needs_kit": no_kit is None, "no_kit_because": no_kit}  # fmt: skip


def table(*rows: dict[str, Any], names: list[str] | None = None) -> bytes:
    lines = [table_line(names or NAMES), *(table_line(as_cells(row, names or NAMES)) for row in rows)]
    return "".join(lines).encode()


WHOLE = told(
    Content(
        name="Ada",
        country="FR",
        scenario_ids=frozenset({1}),
        experience="x",
        plan="y",
        kit_use="z",
        adult=True,
        permitted=True,
        independent=True,
        agrees=True,
    )
)


@given(contents(), st.none() | SOME)
def test_what_is_exported_is_imported_as_it_was(content: Content, no_kit: str | None) -> None:
    row = told(content, no_kit=no_kit)
    for data, name in ((table(row), "a.csv"), (json.dumps({"applications": [row]}).encode(), "a.json")):
        checked = check(read(data, name), KNOWN, NOON)
        assert checked.faults == []
        assert checked.good == [
            Entry(2 if name == "a.csv" else 1, "ada@example.org", content, NOON - timedelta(days=1), no_kit)
        ]


@given(st.text())
def test_guarding_is_undone_and_leaves_no_formula(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.binary(max_size=300))
def test_whatever_is_sent_is_read_or_refused(data: bytes) -> None:
    for name in ("a.csv", "a.json"):
        with suppress(Invalid):
            assert isinstance(check(read(data, name), KNOWN, NOON), Checked)


CROWD = [f"x{number}@example.org" for number in range(11)]
KEYS = st.sampled_from([*COLUMNS, "answers", "answer_8"])
LEAVES = st.none() | st.booleans() | st.floats() | st.text()


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))
def test_whatever_json_is_read_or_told(value: Any) -> None:
    try:
        checked = check(read(json.dumps([value]).encode(), "a.json"), KNOWN, NOON)
    except Invalid:
        return
    assert checked.good == []
    assert checked.faults


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"\r\n", b"\n"),
        lambda data: data.decode().encode("utf-16"),
        lambda data: data.replace(b",", b";"),
        lambda data: data.replace(b",", b"\t"),
        lambda data: data + b"\r\n",
    ],
)
def test_files_of_spreadsheets_are_read(change: Callable[[bytes], bytes]) -> None:
    checked = check(read(change(table(WHOLE)), "a.csv"), KNOWN, NOON)
    assert ([entry.content.name for entry in checked.good], checked.faults) == (["Ada"], [])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"email,name\nx@example.org,caf\xe9\n", "Line 2 is not in UTF-8"),
        (b"email,name\n\"x", "Line 2: this is no CSV"), (b"name\nx\n", "no column “email”"),
        (b"email,Name,name \n", "column “name” is there twice"), (b"email,name\n", "no application in this file"),
        (b"", "no column “email”"), (b"email\0", "zero bytes"), (b"{", "no JSON"),
        (b'{"x": 1}', "list of applications"),
        (b"[NaN]", "NaN is no number"), (b"[" * 100_000, "no JSON"), (b"[]", "no application"),
        (b"email\n" + b"x\n" * (MOST_ROWS + 1), "more than 10,000 rows"),
    ],
)  # fmt: skip
def test_files_that_make_no_sense_are_refused_with_a_reason(data: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read(data, "file")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("email", "nobody", "Not an e-mail address."), ("name", "", "Say who you are."),
        ("country", "XX", "Choose a country from the list."), ("kind", "crowd", "Write single or team."),
        ("scenarios", ["Z9"], "There is no scenario Z9."), ("adult", "perhaps", "Write yes or no."),
        ("agrees", False, "Nobody takes part without the agreement."), ("team", CROWD, "At most 9 others."),
        ("links", ["ftp://x"], "beginning with https"), ("submitted_at", "yesterday", "Write a time with its zone"),
        ("submitted_at", "2020-06-15T12:00:00", "Write a time with its zone"), ("answer_9", "x", "no such question"),
        ("submitted_at", "2031-01-01T00:00:00Z", "lies in the future"), ("answer_8", "many", "Write a number"),
        ("experience", "x" * 4001, "At most 4,000"), ("certificate", "x", "Paste the public key"),
        ("needs_kit", "perhaps", "Write yes or no."), ("needs_kit", 3, "Write yes or no."),
        ("no_kit_because", "Has one.", "Here stands why none is needed: write no under needs_kit."),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_its_line_and_column(column: str, value: Any, words: str) -> None:
    flat = {**WHOLE, "answers": {}}
    if column.startswith("answer_"):
        flat["answers"] = {column.removeprefix("answer_"): value}
    else:
        flat[column] = value
    for data, line in (
        (table(WHOLE | {"email": "b@example.org"}, flat, names=[*NAMES, "answer_9"]), 3),
        (json.dumps([WHOLE | {"email": "b@example.org"}, flat]).encode(), 2),
    ):
        (fault,) = check(read(data, ""), KNOWN, NOON).faults
        assert (fault.line, fault.field) == (line, column)
        assert words in fault.message


@pytest.mark.parametrize(
    ("cells", "because", "fault"),
    [
        ({"needs_kit": "no", "no_kit_because": "Has one."}, "Has one.", None),
        ({"needs_kit": False, "no_kit_because": " Ναι 🦅\r\n"}, "Ναι 🦅", None),
        ({"needs_kit": "off", "no_kit_because": "x" * 300}, "x" * 300, None), ({"needs_kit": "x"}, None, None),
        ({"needs_kit": ""}, None, None), ({"needs_kit": None, "no_kit_because": None}, None, None), ({}, None, None),
        ({"needs_kit": "no"}, None, "Say why no kit is needed."),
        ({"needs_kit": False, "no_kit_because": " "}, None, "Say why no kit is needed."),
        ({"needs_kit": "no", "no_kit_because": "x" * 301}, None, "At most 300 characters."),
        ({"needs_kit": "no", "no_kit_because": ["x"]}, None, "Text is expected."),
        ({"no_kit_because": "Has one."}, None, "Here stands why none is needed: write no under needs_kit."),
    ],
)  # fmt: skip
def test_whether_a_kit_is_needed_may_be_left_out_and_wants_a_reason(
    cells: dict[str, Any], because: str | None, fault: str | None
) -> None:
    row = {name: value for name, value in WHOLE.items() if name not in ("needs_kit", "no_kit_because")} | cells
    checked = check(read(json.dumps([row]).encode(), "a.json"), KNOWN, NOON)
    assert checked.faults == ([Fault(1, "no_kit_because", fault)] if fault else [])
    assert [entry.no_kit_because for entry in checked.good] == ([] if fault else [because])


def test_lines_count_as_in_an_editor() -> None:
    rows = [WHOLE | {"experience": "one\ntwo\nthree"}, WHOLE | {"email": "x"}]
    assert [fault.line for fault in check(read(table(*rows), "a.csv"), KNOWN, NOON).faults] == [5]


def test_a_mailbox_counts_once() -> None:
    rows = [WHOLE, WHOLE | {"email": "Ada+again@Example.org"}, WHOLE | {"email": "taken@example.org"}]
    checked = check(read(table(*rows), "a.csv"), replace(KNOWN, taken={"taken@example.org"}), NOON)
    assert [entry.email for entry in checked.good] == ["ada@example.org"]
    assert checked.faults == [
        Fault(3, "email", "This is the same mailbox as in line 2."),
        Fault(4, "email", "This mailbox has applied for this challenge already."),
    ]


def test_strange_columns_and_rows_are_told() -> None:
    data = table(WHOLE).replace(b"kit_use", b"kit_use,shoe size", 1)
    assert read(data, "a.csv").faults == [
        Fault(1, "shoe size", "There is no such column. Rename or remove it; skipping what is faulty leaves it out."),
        Fault(2, "", "25 columns instead of 26."),
    ]
    assert [fault.field for fault in read(json.dumps([WHOLE | {"shoe": 1}, 3]).encode(), "").faults] == ["shoe", ""]


# From here on with a database.


def rows_of(desk: Desk, *names: str) -> list[dict[str, Any]]:
    content = desk.content("H1", links=(LINK, "https://例え.example"), plan='=1+1\n"二"', certificate=KEY)
    codes = [{"scenarios": ["H1"], "email": f"{name}@example.org", "name": name} for name in names]
    return [told(replace(content, scenario_ids=frozenset({1}))) | each for each in codes]


def brought_in(session: Session, cast: Cast, rows: list[dict[str, Any]], *, skip: bool = False) -> Import:
    """A file that was read, checked, confirmed and taken over."""
    data = json.dumps(rows).encode()
    sheet, challenge = read(data, "x.json"), cast.challenge
    checked = check(sheet, exchange.known(session, challenge.id), NOON)
    kept = importing.keep_import(session, challenge, "x.json", data, sheet, checked, by=cast.lead.id, at=NOON)
    importing.confirm_import(session, kept, skip_faulty=skip, by=cast.lead.id, at=NOON)
    session.commit()
    run_import(session, kept.id, NOON)
    session.refresh(kept)
    return kept


def columns(application: Application) -> dict[str, Any]:
    left_out = {"id", "account_id", "canonical_email", "name", "rnd", "submitted_at"}
    keys = [each.key for each in sa.inspect(Application).column_attrs if each.key not in left_out]
    return {key: getattr(application, key) for key in keys}


def test_what_is_imported_is_what_submitting_leaves(session: Session, desk: Desk, cast: Cast) -> None:
    by_hand = desk.submitted(content=desk.content("H1", plan="same"))
    row = rows_of(desk, "imported")[0] | {"plan": "same", "links": [LINK], "certificate": ""}
    kept = brought_in(session, cast, [row])

    imported = session.scalars(sa.select(Application).where(Application.id != by_hand.id)).one()
    assert (kept.state, kept.made, kept.content) == (ImportState.DONE, 1, None)
    assert columns(imported) == columns(by_hand)
    assert [scenario.code for scenario in imported.scenarios] == ["H1"]
    assert imported.submitted_at == datetime(2020, 6, 14, 12, tzinfo=UTC)
    first, second = session.scalars(sa.select(Revision).order_by(Revision.id))
    assert first.content | {"name": ""} == second.content | {"name": ""}
    step = session.scalars(sa.select(Step).where(Step.application_id == imported.id)).one()
    assert (step.by_id, step.reason) == (cast.lead.id, "Imported from x.json")
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.subject == f"application:{imported.id}")).one()
    assert (entry.tag, entry.detail["after"]["line"]) == ("applications:submit", 1)


def test_accounts_are_found_or_made_and_each_person_gets_one_mail(
    session: Session, desk: Desk, cast: Cast, mails: Callable[[], list[OutgoingMail]], app: Flask
) -> None:
    rows = [*rows_of(desk, "new"), rows_of(desk, "old")[0] | {"email": "Sam-Stranger@example.org"}]
    assert brought_in(session, cast, rows).made == 2

    again = check(read(json.dumps(rows).encode(), ""), exchange.known(session, cast.challenge.id), NOON)
    assert [fault.message for fault in again.faults] == ["This mailbox has applied for this challenge already."] * 2
    made = session.scalars(sa.select(Account).where(Account.email == "new@example.org")).one()
    assert (made.password, made.confirmed_at, made.active) == (None, None, True)
    assert [(mail.to, mail.context["new"]) for mail in mails()] == [
        ("new@example.org", True), ("sam-stranger@example.org", False),
    ]  # fmt: skip
    # By these it becomes a task of the lead's where it cannot be delivered.
    about = session.scalars(sa.select(Application.id).order_by(Application.id))
    assert [(mail.subject, mail.scope) for mail in mails()] == [
        (f"application:{number}", cast.slug) for number in about
    ]  # fmt: skip
    texts = [render(mail)[1] for mail in mails()]
    assert "/account/confirm" in texts[0]
    assert "/account/reset" in texts[0]
    assert "/challenges/test-challenge/apply" in texts[1]


def test_a_faulty_row_stops_everything_unless_it_may_be_skipped(session: Session, desk: Desk, cast: Cast) -> None:
    rows = [*rows_of(desk, "good"), rows_of(desk, "bad")[0] | {"country": "XX"}]
    with pytest.raises(Refused, match="Some rows are faulty"):
        brought_in(session, cast, rows)
    session.rollback()
    assert session.scalars(sa.select(Application)).all() == []
    assert brought_in(session, cast, rows, skip=True).made == 1
    with pytest.raises(Refused, match="no row"):
        brought_in(session, cast, rows, skip=True)


def test_a_draft_stands_in_the_way(session: Session, desk: Desk, cast: Cast) -> None:
    desk.draft()
    row = rows_of(desk, "x")[0] | {"email": cast.applicant.email}
    with pytest.raises(Refused):
        brought_in(session, cast, [row], skip=True)


def test_whoever_applies_in_the_meantime_is_left_out_and_told(session: Session, desk: Desk, cast: Cast) -> None:
    rows = rows_of(desk, "first", "second")
    data = json.dumps(rows).encode()
    sheet = read(data, "x.json")
    checked = check(sheet, exchange.known(session, cast.challenge.id), NOON)
    kept = importing.keep_import(session, cast.challenge, "x.json", data, sheet, checked, by=cast.lead.id, at=NOON)
    importing.confirm_import(session, kept, skip_faulty=False, by=cast.lead.id, at=NOON)
    session.commit()
    desk.submitted(make_account(session, "First"))

    assert run_imports(session, NOON) == 2

    kept = exchange.import_of(session, cast.challenge.id, kept.id)
    assert (kept.made, kept.faults) == (1, [[1, "email", "This mailbox has applied in the meantime."]])
    assert run_imports(session, NOON) == 0


def test_an_import_that_was_cut_short_goes_on_where_it_stopped(
    session: Session, desk: Desk, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.applications.long.CHUNK", 2)
    rows = rows_of(desk, *(f"p{number}" for number in range(5)))
    calls: list[int] = []
    real = importing.take_over

    def cut(session: Session, kept: Import, entries: Any, *, begin: int, end: int, at: datetime) -> list[Fault]:
        calls.append(begin)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(session, kept, entries, begin=begin, end=end, at=at)

    monkeypatch.setattr("portal.applications.long.take_over", cut)
    with pytest.raises(KeyboardInterrupt):
        brought_in(session, cast, rows)
    session.rollback()
    assert run_imports(session, NOON) == 3
    assert session.scalars(sa.select(sa.func.count()).select_from(Application)).one() == 5
    assert session.scalars(sa.select(sa.func.count()).select_from(OutgoingMail)).one() == 5


def test_the_second_of_two_workers_does_nothing(session: Session, desk: Desk, cast: Cast) -> None:
    kept = brought_in(session, cast, rows_of(desk, "one"))
    with pytest.raises(Conflict):
        importing.take_over(session, kept, [], begin=0, end=1, at=NOON)
    with pytest.raises(Conflict):
        importing.confirm_import(session, kept, skip_faulty=True, by=cast.lead.id, at=NOON)
    with pytest.raises(Conflict):
        importing.discard_import(session, kept, by=cast.lead.id, at=NOON)


def test_the_whole_way_over_http(client: FlaskClient, session: Session, desk: Desk, cast: Cast) -> None:
    question = asking.add_question(
        session, cast.challenge, Asked(QuestionKind.NUMBER, "Hours?"), by=cast.lead.id, at=NOON
    )
    row = desk.submitted(
        content=desk.content("H1", "G2", plan="=cmd|' /C calc'!A0\n漢字 🦅", answers={str(question.id): -5})
    )
    row.needs_kit, row.no_kit_because = False, "=Has one,\n“hers” 🦅"
    session.commit()
    sign_in(client, cast.lead)
    exports = {name: client.get(f"/staff/test-challenge/applications/export.{name}") for name in ("csv", "json")}
    assert "'=cmd" in exports["csv"].text
    (line,) = csv.DictReader(io.StringIO(exports["csv"].text))
    assert (line["scenarios"], line["email"], line[question.field]) == ("H1 G2", cast.applicant.email, "'-5")
    (whole,) = json.loads(exports["json"].text)["applications"]
    assert whole["answers"] == {str(question.id): -5}
    assert (line["needs_kit"], line["no_kit_because"]) == ("no", "'=Has one,\n“hers” 🦅")
    assert (whole["needs_kit"], whole["no_kit_because"]) == (False, "=Has one,\n“hers” 🦅")

    for name, answer in exports.items():
        moved = answer.text.replace(cast.applicant.email, f"{name}@example.org").encode()
        sent = client.post(PAGE, data={"file": (io.BytesIO(moved), f"x.{name}")})
        assert sent.status_code == 302
        assert "All rows are good" in client.get(sent.location).text
        assert client.post(f"{sent.location}/confirm").location == sent.location
        assert "Rows dealt with" in client.get(sent.location).text
        assert run_imports(session, NOON) == 1
        assert "1 application made of 1 row" in client.get(sent.location).text

    session.expire_all()
    first, *others = session.scalars(sa.select(Application).order_by(Application.id)).all()
    assert [columns(other) | {"agreement_id": 1} for other in others] == [columns(first) | {"agreement_id": 1}] * 2


def test_faults_are_shown_and_a_file_can_be_put_away(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast
) -> None:
    sign_in(client, cast.lead)
    assert client.post(PAGE, data={}).status_code == 422
    refused = client.post(PAGE, data={"file": (io.BytesIO(b"name\nx\n"), "x.csv")})
    assert (refused.status_code, "no column “email”" in refused.text) == (422, True)
    rows = json.dumps([*rows_of(desk, "good"), {"email": "<script>"}]).encode()
    sent = client.post(PAGE, data={"file": (io.BytesIO(rows), "x.json")})
    page = client.get(sent.location).text
    assert "Not an e-mail address." in page
    assert "Skip what is faulty and import 1 row" in page
    assert client.post(f"{sent.location}/confirm").status_code == 422
    assert client.post(f"{sent.location}/discard").location == PAGE
    assert "Nothing was changed" in client.get(sent.location).text
    assert session.scalars(sa.select(Application)).all() == []


def test_files_that_nobody_confirms_are_forgotten(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast
) -> None:
    sign_in(client, cast.lead)
    client.post(PAGE, data={"file": (io.BytesIO(json.dumps(rows_of(desk, "x")).encode()), "x.json")})
    assert forget_imports(session, NOON + timedelta(hours=23)) == 0
    assert forget_imports(session, NOON + timedelta(hours=25)) == 1
    kept = session.scalars(sa.select(Import)).one()
    assert (kept.state, kept.content) == (ImportState.DISCARDED, None)


def test_large_files_are_for_those_who_may_import(client: FlaskClient, cast: Cast) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\nemail\n'
    data, kind = head + b" " * (3 * 1024 * 1024) + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"
    sign_in(client, cast.lead)
    answer = client.post(PAGE, data=data, content_type=kind)
    assert (answer.status_code, "field larger than field limit" in answer.text) == (422, True)
    sign_in(client, cast.reviewer)
    assert client.post(PAGE, data=data, content_type=kind).status_code in (403, 413)


def test_the_export_has_two_statements_a_batch(
    session: Session, desk: Desk, cast: Cast, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "BATCH", 4)
    desk.crowd([f"Name {number}" for number in range(10)])
    desk.draft()
    challenge_id = cast.challenge.id
    session.commit()
    statements.clear()
    assert len(list(exchange.exported(db.engine, challenge_id))) == 10
    assert len([each for each in statements if each.startswith("SELECT")]) == 6


def test_the_command_tells_what_is_wrong(app: Flask, session: Session, desk: Desk, cast: Cast, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([*rows_of(desk, "good"), {"email": "x"}]))
    lead, slug = cast.lead.email, cast.slug
    session.commit()
    run = app.test_cli_runner().invoke
    args = ["applications", "import", slug, str(path), "--by"]
    assert "no account" in run(args=[*args, "nobody@example.org"]).output
    refused = run(args=[*args, lead])
    assert (refused.exit_code, "Some rows are faulty" in refused.output) == (1, True)
    assert "line 2: email: Not an e-mail address." in refused.output
    assert "1 rows are good" in run(args=[*args, lead, "--dry-run"]).output
    done = run(args=[*args, lead, "--skip-faulty"])
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "1 applications made, 1 rows left out")
    assert run(args=["applications", "compare", slug]).output == "1 applications compared\n"
    session.rollback()
    made = session.scalars(sa.select(Application)).one()
    assert made.state is ApplicationState.SUBMITTED
    actions.withdraw_application(session, made, at=NOON)
