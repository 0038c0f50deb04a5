"""Tables of units: every fault is told, nothing is half done, and what was written out can be read in again."""

import io
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Response
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid
from portal.core.tables import Fault, text_of
from portal.core.web import csv_response
from portal.kits.actions import intake
from portal.kits.models import KitModel, Unit
from portal.kits.rules.intake import MOST_ROWS, Arrival, check, read
from portal.kits.states import UnitState
from tests.cast import NOON, Cast, make_account, make_challenge, sign_in
from tests.kits.conftest import Bench

IMPORT = "/staff/test-challenge/kits/import"
MODELS = [KitModel(id=1, name="RDB", revision="2"), KitModel(id=2, name="Cable", revision="A"),
          KitModel(id=3, name="Cable", revision="B")]  # fmt: skip
HEADER = "serial,model,revision,location,firmware\n"


def told(text: str, known: tuple[str, ...] = ()) -> list[tuple[int, str, str]]:
    return [tuple(fault) for fault in check(read(text), MODELS, known).faults]


def send(client: FlaskClient, text: str | bytes, **fields: Any) -> Any:
    data = text if isinstance(text, bytes) else text.encode()
    return client.post(
        IMPORT, data={"file": (io.BytesIO(data), "units.csv"), **fields}, content_type="multipart/form-data"
    )


def units(session: Session) -> list[tuple[str, str, str, str]]:
    session.expire_all()
    rows = session.scalars(sa.select(Unit).order_by(Unit.serial))
    return [(unit.serial, unit.model.label, unit.location, unit.firmware) for unit in rows]


# Rules


def test_every_fault_of_every_row_is_told() -> None:
    table = HEADER + "".join(f"{line}\n" for line in (
        "KIT-1,RDB,2,Shelf 1,20.07", "K?,RDBX,2,,", "KIT-1,RDB,2,,", "KIT-3,Cable,C,,", ",,,x,",
        f"KIT-5,RDB,2,{'x' * 81},{'y' * 61}", "KIT-6,RDB", "KIT-7,RDB,2,,",
    ))  # fmt: skip
    assert told(table, ("KIT-7",)) == [
        (8, "", "2 columns instead of 5."),
        (3, "serial", "“K?” is no serial number: 2 to 64 letters, digits and . _ : / -"),
        (3, "model", "There is no kit model “RDBX”."),
        (4, "serial", "KIT-1 stands on line 2 already."),
        (5, "model", "There is no revision “C” of it; known: A, B."),
        (6, "serial", "There is no serial number: 2 to 64 letters, digits and . _ : / -"),
        (6, "model", "Name the kit model."),
        (7, "location", "At most 80 characters."),
        (7, "firmware", "At most 60 characters."),
        (9, "serial", "KIT-7 is already in the stock."),
    ]


def test_a_revision_may_be_left_out_where_there_is_but_one() -> None:
    checked = check(read("serial,model\nKIT-1,RDB\nKIT-2,Cable\n"), MODELS, ())
    assert checked.good == [Arrival(2, "KIT-1", 1, "", "")]
    assert checked.faults == [Fault(3, "model", "There is no revision “” of it; known: A, B.")]


@pytest.mark.parametrize("text", [
    "serial;model;location\nKIT-1;RDB;Regal, oben\n", "serial,model,location\r\nKIT-1,RDB,\"Regal, oben\"\r\n",
    "serial\tmodel\tlocation\nKIT-1\tRDB\tRegal, oben\n", "SERIAL , Model,Location\n KIT-1 , RDB ,\"Regal, oben \"\n",
])  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_as_programs_write_them(text: str, encoding: str) -> None:
    checked = check(read(text_of(text.encode(encoding))), MODELS, ())
    assert (checked.good, checked.faults) == ([Arrival(2, "KIT-1", 1, "Regal, oben", "")], [])


@pytest.mark.parametrize(("text", "message"), [
    ("", "no column “serial”"), ("model\nRDB\n", "no column “serial”"), ("serial,model\n", "no unit"),
    ("serial,serial\nA,B\n", "there twice"), ('serial,model\nKIT-1,"RDB\n', "no CSV"),
    ("serial\n" + "KIT-1\n" * (MOST_ROWS + 1), "more than 5,000 rows"),
    ("serial\n" + "x" * 400_001, "longer than 400 kB"),
])  # fmt: skip
def test_what_is_no_table_of_units_is_refused_as_a_whole(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        read(text)


def test_a_column_that_nobody_knows_is_told() -> None:
    assert told("serial,model,colour\nKIT-1,RDB,red\n")[0][:2] == (1, "colour")


# Anything that a database keeps and a person types; what stands around it is not kept.
TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t'=+-@\"ΔΩ木💡,;"), max_size=60
).map(lambda text: text.replace("\x85", "").strip())  # fmt: skip


@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6), name=TEXT.filter(bool), revision=TEXT)
@settings(deadline=None, derandomize=True, max_examples=300)
def test_what_was_written_out_is_read_in_again(rows: list[tuple[str, str]], name: str, revision: str) -> None:
    written = [(f"KIT-{n}", name, revision, UnitState.IN_STOCK, NOON, *row) for n, row in enumerate(rows, 10)]
    header = ("serial", "model", "revision", "state", "since", "location", "firmware")
    data = csv_response("kits.csv", header, written).get_data()

    for line in text_of(data).splitlines():
        assert not line.startswith(("=", "+", "-", "@"))
    checked = check(read(text_of(data)), [KitModel(id=7, name=name, revision=revision)], ())
    assert checked.faults == []
    assert [row[1:] for row in checked.good] == [(row[0], 7, *row[5:]) for row in written]


# Pages


def test_good_tables_are_taken_at_once(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    bench.model()
    session.commit()
    sign_in(client, cast.logistics)
    answer = send(client, "\ufeffserial;model;location;firmware\nKIT-2;RDB;Ράφι Δ;20.07\nKIT-1;RDB;木箱 💡;'=SUM(A1)\n")

    assert answer.status_code == 302
    assert units(session) == [("KIT-1", "RDB 2", "木箱 💡", "=SUM(A1)"), ("KIT-2", "RDB 2", "Ράφι Δ", "20.07")]
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:import-units")).one()
    assert entry.detail["after"] == {"count": 2, "first": "KIT-2", "last": "KIT-1"}


def test_nothing_changes_while_a_row_is_faulty_unless_the_person_says_so(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    bench.model()
    session.commit()
    sign_in(client, cast.logistics)
    table = "serial,model\nKIT-1,RDB\nK?,RDB\nKIT-2,Nothing\n"

    answer = send(client, table)
    assert answer.status_code == 422
    assert "Skip what is faulty and add 1 unit" in answer.text
    assert "KIT-2,Nothing" in answer.text
    assert units(session) == []
    # Who was told of another number is asked again.
    assert client.post(IMPORT, data={"text": table, "good": "2"}).status_code == 422
    assert units(session) == []
    assert client.post(IMPORT, data={"text": table, "good": "1"}).status_code == 302
    assert [serial for serial, *_ in units(session)] == ["KIT-1"]
    again = client.post(IMPORT, data={"text": table, "good": "1"})
    assert (again.status_code, "KIT-1 is already in the stock." in again.text) == (422, True)
    assert "Skip what is faulty" not in again.text


@pytest.mark.parametrize(("data", "message"), [
    (b"", "Choose a file, or paste a table."), (b"\xff\xfa\x00", "not in UTF-8"), (b"serial\0", "zero bytes"),
    (b"a,b\n1,2\n", "no column “serial”"), (b"serial\n" + b"KIT-0001,RDB\n" * 32_000, "longer than 400 kB"),
])  # fmt: skip
def test_what_is_no_table_is_told_and_nothing_is_lost(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench, data: bytes, message: str
) -> None:
    bench.model()
    session.commit()
    sign_in(client, cast.logistics)
    answer = send(client, data)
    assert (answer.status_code, message in answer.text) == (422, True)
    assert units(session) == []


def test_two_who_import_the_same_add_it_once(session: Session, cast: Cast, bench: Bench) -> None:
    model = bench.model()
    row = [Arrival(2, "KIT-1", model.id, "", "")]
    intake.add_arrivals(session, cast.challenge, row, by=bench.by, at=NOON)
    session.commit()
    with pytest.raises(Conflict, match="already in the stock"):
        intake.add_arrivals(session, cast.challenge, [*row, row[0]._replace(serial="KIT-2")], by=bench.by, at=NOON)
    session.rollback()
    assert len(units(session)) == 1


def test_the_list_goes_from_one_challenge_into_another(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    bench.units("KIT-1", "KIT-2")
    session.execute(sa.update(Unit).where(Unit.serial == "KIT-1").values(location='=2+2\n"Ω"', firmware="'-1;木"))
    other = make_challenge(session, "other", "Other")
    model = KitModel(
        challenge_id=other.id, name="RDB", revision="2", weight_g=1, declared_value=Decimal(1), currency="USD"
    )
    session.add(model)
    session.commit()
    sign_in(client, cast.logistics)
    table: Response = client.get("/staff/test-challenge/kits.csv")
    sign_in(client, make_account(session, "Olga Other", Role.LOGISTICS, scope="other"))
    session.commit()

    data = {"file": (io.BytesIO(table.get_data()), "kits.csv")}
    answer = client.post("/staff/other/kits/import", data=data, content_type="multipart/form-data")

    assert answer.status_code == 302
    there = sa.select(Unit.serial, Unit.location, Unit.firmware).where(Unit.challenge_id == other.id)
    assert [tuple(row) for row in session.execute(there.order_by(Unit.serial))] == [
        ("KIT-1", '=2+2\n"Ω"', "'-1;木"), ("KIT-2", "Lab 3", "20.06"),
    ]  # fmt: skip
