"""Reading tables in: what every room's table has in common."""

import io

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage

from portal.core.errors import Invalid
from portal.core.forms import TableForm
from portal.core.tables import Fault, read_sheet


class Things(TableForm):
    """A table of things, of which only short ones are read."""

    largest = 40


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" * 2001, "The table is longer than 2 kB. Divide it."), ("name\n", "There is no thing in this table."),
        ("", "there is no column “name”"), ("title\nA\n", "there is no column “name”"),
        ("name\n" + "A\n" * 4, "There are more than 3 rows. Divide the file."),
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_refused_in_words(text: str, reason: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_sheet(text, "name", ("name",), what="thing", most=3, largest=2000)

    assert reason in refusal.value.messages["file"]


def test_an_unknown_column_is_a_fault_of_the_table_only() -> None:
    sheet = read_sheet("name;colour\nA;red\n", "name", ("name",), what="thing", most=3, largest=2000)

    assert [(row.line, row.values["name"]) for row in sheet.rows] == [(2, "A")]
    assert [fault[:2] for fault in sheet.faults] == [Fault(1, "colour", "")[:2]]


def sent(file: bytes) -> FileStorage | None:
    return FileStorage(io.BytesIO(file), "things.csv") if file else None


@pytest.mark.parametrize(
    ("file", "pasted", "told"),
    [
        (b"\xef\xbb\xbfname\r\nA\r\n", "", "name\r\nA\r\n"),
        (b"", "name\nB", "name\nB"),
        (b"name\nA\n", "name\nB", "name\nA\n"),
    ],
)
def test_a_table_is_sent_or_pasted_and_stays_in_the_form(app: Flask, file: bytes, pasted: str, told: str) -> None:
    with app.test_request_context(method="POST", data={"text": pasted}):
        form = Things()

        assert form.table(sent(file)) == told
        assert form.text.data == told


@pytest.mark.parametrize(
    ("file", "pasted", "reason"),
    [
        (b"x" * 41, "", "The table is longer than 0 kB. Divide it."),
        (b"", "x" * 41, "The table is longer than 0 kB. Divide it."),
        (b"\xff\x00name", "", "Line 1 is not in UTF-8. Save the file as “CSV UTF-8”."),
        (b"", " \n", "Choose a file, or paste a table."),
    ],
)
def test_why_it_cannot_be_read_is_said_at_the_file(app: Flask, file: bytes, pasted: str, reason: str) -> None:
    with app.test_request_context(method="POST", data={"text": pasted}):
        form = Things()
        with pytest.raises(Invalid) as refusal:
            form.table(sent(file))
        form.refuse(refusal.value)

        assert list(form.file.errors) == [reason]


@pytest.mark.parametrize(("good", "seen", "skips"), [(3, "3", True), (2, "3", False), (0, "0", False), (3, "", False)])
def test_faulty_rows_are_left_out_only_by_who_saw_them(app: Flask, good: int, seen: str, skips: bool) -> None:
    with app.test_request_context(method="POST", data={"good": seen}):
        assert Things().skips(good) is skips
