"""Screening lists as they are published, read and brought in."""

import csv
import hashlib
import io
import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid
from portal.kits.actions.lists import ListSpec, bring_in, check_list, clear_away, retire_list
from portal.kits.models import ScreeningEntry, ScreeningList
from portal.kits.queries import policy as queries
from portal.kits.rules.lists import CSL_CSV, CSL_JSON, Entry, Fault, entries, shape_of
from portal.kits.states.holds import ListState
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.kits.conftest import Bench

PAGE = f"/staff/{SLUG}/shipments/screening"
# The columns of consolidated.csv, as csl-importers of the International Trade Administration writes them.
COLUMNS = (
    "_id,source,entity_number,type,programs,name,title,addresses,federal_register_notice,start_date,end_date,"
    "standard_order,license_requirement,license_policy,call_sign,vessel_type,gross_tonnage,gross_registered_tonnage,"
    "vessel_flag,vessel_owner,remarks,source_list_url,alt_names,citizenships,dates_of_birth,nationalities,"
    "places_of_birth,source_information_url,ids"
)
HEADER = COLUMNS.split(",")
PEOPLE = [
    {
        "_id": "a1", "source": "Denied Persons List (DPL) - Bureau of Industry and Security", "name": "QUENTIN QUIXOTE",
        "addresses": "1 WINDMILL ROAD, LA MANCHA, ES", "federal_register_notice": "82 F.R. 48792 10/20/2017",
        "start_date": "2017-10-16", "source_list_url": "http://lists.example/dpl",
    },
    {
        "_id": "b2", "source": "Entity List (EL) - Bureau of Industry and Security", "entity_number": "42",
        "type": "Entity", "programs": "EAR; SDGT", "name": "Windmill Dynamics, Ltd.",
        "alt_names": "风车动力; WMD Group", "addresses": "2 Mill Lane, Hangzhou, CN; 3 Mill Lane, Ningbo, CN",
        "remarks": "a \"quoted\" remark\nin two lines",
    },
]  # fmt: skip


def as_csv(people: list[dict[str, str]]) -> bytes:
    told = io.StringIO()
    writer = csv.DictWriter(told, HEADER)
    writer.writeheader()
    writer.writerows(people)
    return told.getvalue().encode("utf-8-sig")


def as_json(people: list[dict[str, str]]) -> bytes:
    rows = []
    for person in people:
        row: dict[str, object] = {key: value for key, value in person.items() if key != "_id"}
        row["alt_names"] = [name for name in person.get("alt_names", "").split("; ") if name]
        row["programs"] = person.get("programs", "").split("; ")
        row["addresses"] = [{"address": "1 Windmill Road", "city": "La Mancha", "country": "ES", "state": None}]
        rows.append(row)
    return json.dumps({"total": 2, "sources_used": [{"results": "x"}], "results": rows}, ensure_ascii=False).encode()


def read(data: bytes) -> list[Entry | Fault]:
    file = io.BytesIO(data)
    return list(entries(file, shape_of(file)))


def test_the_consolidated_list_is_read_from_both_its_shapes() -> None:
    for data, shape in ((as_csv(PEOPLE), CSL_CSV), (as_json(PEOPLE), CSL_JSON)):
        assert shape_of(io.BytesIO(data)) == shape
        first, second = read(data)
        assert isinstance(first, Entry)
        assert isinstance(second, Entry)
        assert (first.names, second.names) == (
            ("QUENTIN QUIXOTE",), ("Windmill Dynamics, Ltd.", "风车动力", "WMD Group")
        )  # fmt: skip
        assert second.keys == ("windmill dynamics ltd", "风车动力", "wmd group")
        assert second.words["programs"] == "EAR; SDGT"
        assert first.words["source"].startswith("Denied Persons List")
        assert "1 Windmill Road".casefold() in first.words["addresses"].casefold()
        assert second.words["remarks"] == 'a "quoted" remark in two lines'


def test_an_entry_is_the_same_word_for_word() -> None:
    first, changed = read(as_csv(PEOPLE)), read(as_csv([PEOPLE[0] | {"_id": "z9"}, PEOPLE[1] | {"remarks": "other"}]))
    assert [a.digest == b.digest for a, b in zip(first, changed, strict=True)] == [True, False]  # type: ignore[union-attr]


@pytest.mark.parametrize(("data", "names"), [
    (b"Ann Example\nBob Example\n\n", ["Ann Example", "Bob Example"]),
    ("name\nΆννα\n".encode("utf-8-sig"), ["Άννα"]),
    (b"type,name,aliases\nperson,Ann,Anna; Annie\n", ["Ann"]),
    (b'[{"name": "Ann"}, {"name": "Bob", "alt_names": null}]', ["Ann", "Bob"]),
])  # fmt: skip
def test_plain_names_are_a_list_too(data: bytes, names: list[str]) -> None:
    assert [found.names[0] for found in read(data) if isinstance(found, Entry)] == names


def test_faulty_entries_are_told_by_their_place() -> None:
    assert [found for found in read(b"source,name\nx,\ny,Ann\nz,--\na,b,c\n") if isinstance(found, Fault)] == [
        (2, "It has no name."), (4, "There is no letter in its name."), (5, "It has 3 cells, the header 2."),
    ]  # fmt: skip
    assert read(b'{"results": [7, {"name": ""}]}') == [(1, "It is no object."), (2, "It has no name.")]


@pytest.mark.parametrize(("data", "words"), [
    (b"", "empty"), (b"  \n", "empty"), (b"\x00\x01PK", "no text"), (b"a,b\n1,2\n", "no column"),
    (b'{"results": [{"name": "Ann"}', "breaks off"), (b'{"other": []}', "no list"),
    (b'{"results": [nonsense]}', "breaks"),
    (b"name\n\xff\xfe\n", "UTF-8"), (b'name\n"' + b"x" * 200_000, "not readable"),
])  # fmt: skip
def test_what_is_no_list_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read(data)


def test_a_large_json_is_read_piece_by_piece() -> None:
    many = as_json(PEOPLE * 3000)
    assert len(many) > 1024 * 1024
    assert sum(isinstance(found, Entry) for found in read(many)) == 6000


SPEC = ListSpec("CSL", "trade.gov", NOON.date(), 90, "consolidated.csv")


def bring(session: Session, cast: Cast, data: bytes, at: timedelta = timedelta()) -> ScreeningList:
    file = io.BytesIO(data)
    for _ in bring_in(session, cast.challenge, file, check_list(file), SPEC, by=cast.logistics.id, at=NOON + at):
        session.commit()
    return queries.live_lists(session, cast.challenge.id)[0]


def count(session: Session) -> int:
    return session.scalars(sa.select(sa.func.count()).select_from(ScreeningEntry)).one()


def test_a_newer_list_replaces_the_older_one(session: Session, cast: Cast) -> None:
    first = bring(session, cast, as_csv(PEOPLE))
    assert (first.count, first.sha256, first.shape) == (2, hashlib.sha256(as_csv(PEOPLE)).hexdigest(), CSL_CSV)

    second = bring(session, cast, as_json(PEOPLE[:1]), timedelta(hours=1))

    session.refresh(first)
    assert (first.state, second.state, second.count) == (ListState.REPLACED, ListState.LIVE, 1)
    assert queries.live_lists(session, cast.challenge.id) == [second]
    assert clear_away(session, NOON) == 2
    assert (clear_away(session, NOON), count(session)) == (0, 1)
    assert [found.id for found in queries.lists(session, cast.challenge.id)] == [second.id, first.id]


def test_a_list_that_breaks_off_never_counts(session: Session, cast: Cast) -> None:
    file = io.BytesIO(("name\n" + "\n".join(f"Person Number{n}" for n in range(1500))).encode())
    steps = bring_in(session, cast.challenge, file, check_list(file), SPEC, by=cast.logistics.id, at=NOON)
    assert next(steps) == 1000
    session.commit()
    steps.close()

    assert queries.live_lists(session, cast.challenge.id) == []
    assert clear_away(session, NOON - timedelta(hours=1)) == 0  # perhaps it still goes on
    session.commit()
    assert clear_away(session, NOON + timedelta(hours=1)) == 1000
    assert clear_away(session, NOON + timedelta(hours=1)) == 0
    assert session.scalars(sa.select(ScreeningList.id)).all() == []


def test_the_second_of_two_who_retire_a_list_loses(session: Session, cast: Cast) -> None:
    found = bring(session, cast, as_csv(PEOPLE))
    retire_list(session, cast.challenge, found, by=cast.logistics.id, at=NOON)
    session.commit()
    with pytest.raises(Conflict):
        retire_list(session, cast.challenge, found, by=cast.logistics.id, at=NOON)


# The page

FORM = {"name": "CSL", "source": "trade.gov", "as_of": "2020-06-15", "threshold": "90"}


def send(client: FlaskClient, data: bytes, **more: str) -> tuple[int, str]:
    sent = {**FORM, **more, "file": (io.BytesIO(data), "consolidated.csv")}
    answer = client.post(PAGE, data=sent, content_type="multipart/form-data")
    if answer.status_code == 302:
        answer = client.get(PAGE)
    return answer.status_code, answer.text


def test_logistics_bring_a_list_in_set_its_score_and_retire_it(
    client: FlaskClient, session: Session, cast: Cast
) -> None:
    sign_in(client, cast.logistics)
    assert "no hit is not clearance" in client.get(PAGE).text

    status, page = send(client, as_csv(PEOPLE))
    assert (status, "2 entries of “CSL” count now" in page) == (200, True)
    assert hashlib.sha256(as_csv(PEOPLE)).hexdigest() in page
    [found] = queries.live_lists(session, cast.challenge.id)
    assert client.post(f"{PAGE}/{found.id}/threshold", data={"threshold": "100"}).status_code == 302
    assert client.post(f"{PAGE}/{found.id}/threshold", data={"threshold": "20"}).status_code == 422
    session.refresh(found)
    assert found.threshold == 100
    assert client.post(f"{PAGE}/{found.id}/retire").status_code == 302
    assert client.post(f"{PAGE}/{found.id}/retire").status_code == 404


def test_faulty_entries_are_shown_and_can_be_skipped(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.logistics)
    faulty = as_csv([*PEOPLE, {"source": "x", "name": ""}])

    status, page = send(client, faulty)
    assert (status, "Faulty entries: 1." in page, "It has no name." in page) == (422, True, True)
    assert session.scalars(sa.select(ScreeningList.id)).all() == []
    status, page = send(client, faulty, skip="y")
    assert status == 200
    [found] = queries.live_lists(session, cast.challenge.id)
    assert (found.count, found.skipped) == (2, 1)
    assert send(client, b"")[0] == 422
    assert client.post(PAGE, data=FORM).status_code == 422
    assert send(client, as_csv(PEOPLE), threshold="5")[0] == 422


def as_body(data: bytes) -> bytes:
    """A form by hand: werkzeug's client leaves the file open through which it sends a large one."""
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in FORM.items()]
    head = b'Content-Disposition: form-data; name="file"; filename="l.csv"\r\nContent-Type: text/csv\r\n\r\n'
    parts.append(head + data)
    return b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"


def test_only_who_may_bring_lists_in_may_send_much(client: FlaskClient, session: Session, cast: Cast) -> None:
    much = as_body(b"name\n" + b"\n".join(b"Person Number%06d %s" % (n, b"x" * 200) for n in range(6000)))
    assert len(much) > 1024 * 1024
    kind = "multipart/form-data; boundary=edge"

    sign_in(client, cast.lead)
    assert client.post(PAGE, data=much, content_type=kind).status_code in (403, 413)
    sign_in(client, cast.logistics)
    assert client.post(PAGE, data=much, content_type=kind).status_code == 302
    assert client.post(f"/staff/{SLUG}/shipments/policy/import", data=much, content_type=kind).status_code == 413
    assert [found.count for found in queries.live_lists(session, cast.challenge.id)] == [6000]


def test_another_challenges_lists_are_not_found(client: FlaskClient, bench: Bench, cast: Cast) -> None:
    found = bench.screen("Ann Example")
    sign_in(client, cast.logistics)
    assert client.post(f"/staff/other/shipments/screening/{found.id}/retire").status_code in (403, 404)
