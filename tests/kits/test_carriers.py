"""Files for carriers' programs and the numbers that come back, through the pages and on both databases."""

import hashlib
import io
import re
import zipfile
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.challenges.models import Member, Participant
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Refused
from portal.kits import actions as kits
from portal.kits.actions import carriers as actions
from portal.kits.models import CarrierExport, Shipment, ShipmentEvent
from portal.kits.rules.carriers import PROFILES
from portal.kits.rules.carriers.files import read_back
from portal.kits.rules.carriers.returns import Verdict, guess, read
from portal.kits.states import ShipmentState
from tests.cast import NOON, Cast, make_account, make_challenge, make_participant, sign_in
from tests.kits.carriers import check_campusship, check_mydhl, check_worldship
from tests.kits.conftest import BERLIN, HOUR, Bench

S = ShipmentState
PAGE = "/staff/test-challenge/shipments/carriers"
NUMBERS = f"{PAGE}/numbers"
WHY = {"reason": "labels of today", "unit": "kg", "service": "65"}
UPS, UPS_TOO = "1Z999AA10123456784", "1Z5R89390357567127"
ATHENS = {"city": "Αθήνα", "street": "Ερμού 1", "recipient": "Ρόζα", "country": "GR", "postal_code": "105 63"}


def packed(bench: Bench, number: int = 1, **address: Any) -> Shipment:
    """A packed parcel to one more participant."""
    account = make_account(bench.session, f"Packed {number}")
    participant = make_participant(bench.session, bench.cast.challenge, account)
    return packed_for(bench, participant, f"KIT-{number:04}", **address)


def packed_for(bench: Bench, participant: Participant, serial: str, **address: Any) -> Shipment:
    parcel = bench.parcel(participant)
    member = bench.session.scalars(sa.select(Member).filter_by(participant_id=participant.id)).one()
    bench.address(member, **address)
    parcel = bench.again(parcel)
    kits.assign_unit(bench.session, parcel, bench.units(serial)[0], by=bench.by, at=NOON)
    bench.advance(parcel, "ready", "pack")
    bench.session.commit()
    return bench.again(parcel)


def audited(session: Session, tag: str) -> list[tuple[str, int | None, dict[str, Any]]]:
    session.commit()
    rows = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == tag).order_by(AuditEntry.id))
    return [(row.subject, row.actor_id, row.detail) for row in rows]


def states_of(session: Session) -> list[tuple[ShipmentState, str | None, str | None]]:
    session.expire_all()
    return [(parcel.state, parcel.carrier, parcel.tracking_number)
            for parcel in session.scalars(sa.select(Shipment).order_by(Shipment.id))]  # fmt: skip


# Export


def test_the_page_tells_what_there_is_to_do(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    sign_in(client, cast.logistics)
    empty = client.get(PAGE).text
    assert ("No packed parcel waits" in empty, "No file yet" in empty) == (True, True)
    packed(bench)

    assert "1 packed parcel waits for a label" in client.get(PAGE).text
    assert "KIT-0001" in client.get(f"{PAGE}/ups-worldship").text
    assert client.get(f"{PAGE}/hermes").status_code == 404
    assert client.post(f"{PAGE}/hermes/file").status_code == 404


def test_an_export_opens_each_address_once_with_its_reason(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    first, second = packed(bench, 1), packed(bench, 2, company="=SUM(1)", recipient='Ρόζα 🦅 "R"')
    sign_in(client, cast.logistics)

    answer = client.post(f"{PAGE}/generic/file", data=WHY | {"parcel": [first.id, second.id]})

    assert (answer.status_code, answer.headers["Cache-Control"], answer.mimetype) == (200, "no-store", "text/csv")
    name = "test-challenge-generic-2020-06-15-1200.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    rows = read_back(answer.data)
    assert [(row["reference"], row["recipient"], row["company"], row["email"]) for row in rows] == [
        (first.reference, "Rosa Researcher", "", "packed-1@example.org"),
        (second.reference, 'Ρόζα 🦅 "R"', "=SUM(1)", "packed-2@example.org"),
    ]
    assert rows[0]["street"] == BERLIN.street
    assert [rows[0][name] for name in ("contents", "weight_g", "value", "currency", "hs_codes", "serials")] == [
        "1 x RDB 2", "320", "60.00", "USD", "8543.70", "KIT-0001"
    ]  # fmt: skip
    [made] = session.scalars(sa.select(CarrierExport))
    digest = hashlib.sha256(answer.data).hexdigest()
    assert (made.profile, made.count, made.by_id, made.at) == ("generic", 2, cast.logistics.id, NOON)
    assert [tuple(file) for file in made.files] == [(name, 2, digest)]
    entries = audited(session, "kits:export-for-carrier")
    assert [(subject, actor) for subject, actor, _ in entries] == [
        (f"shipment:{first.id}", cast.logistics.id), (f"shipment:{second.id}", cast.logistics.id),
        (f"carrier-export:{made.id}", cast.logistics.id),
    ]  # fmt: skip
    assert {detail["reason"] for _, _, detail in entries} == {"labels of today"}
    page = client.get(PAGE).text
    assert (digest in page, "Berlin" in page) == (True, False)
    # A label has not been printed by that.
    assert [state for state, _, _ in states_of(session)] == [S.PACKED, S.PACKED]


@pytest.mark.parametrize(("profile", "check"), [
    ("ups-worldship", check_worldship), ("ups-campusship", check_campusship), ("dhl-mydhl", check_mydhl),
])  # fmt: skip
def test_each_programs_file_is_within_its_limits(
    client: FlaskClient, cast: Cast, bench: Bench, profile: str, check: Any
) -> None:
    parcels = [
        packed(bench, 1),
        packed(bench, 2, country="US", region="Colorado", city="Boulder", postal_code="80302-1234",
               phone="+13035550100", street="Kapitän-Nemo-Straße 12 Hinterhaus II"),
        packed(bench, 3, recipient="山田 花子", latin_recipient="Hanako Yamada", city="東京", latin_city="Tokyo",
               street="神田1-1", latin_street="1-1 Kanda", country="JP", postal_code="101-0021"),
    ]  # fmt: skip
    sign_in(client, cast.logistics)

    answer = client.post(f"{PAGE}/{profile}/file", data=WHY | {"parcel": [parcel.id for parcel in parcels]})

    assert (answer.status_code, len(check(answer.data))) == (200, 3)


def test_the_check_tells_every_fault_and_what_fits_can_go_alone(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    fine, foreign = packed(bench, 1), packed(bench, 2, **ATHENS)
    sign_in(client, cast.logistics)
    both = WHY | {"parcel": [fine.id, foreign.id]}

    page = client.post(f"{PAGE}/ups-worldship", data=both)

    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert "1 of 2 fit" in page.text
    assert "City or Town has “Α”, which is not in the character set of UPS WorldShip: «Αθήνα»" in page.text
    assert re.findall(r'name="parcel" value="(\d+)" checked', page.text) == [str(fine.id)]
    assert [subject for subject, _, _ in audited(session, "kits:check-for-carrier")] == [
        f"shipment:{fine.id}", f"shipment:{foreign.id}"
    ]  # fmt: skip
    refused = client.post(f"{PAGE}/ups-worldship/file", data=both)
    assert (refused.status_code, "1 of 2 fit" in refused.text) == (422, True)
    assert session.scalars(sa.select(CarrierExport)).all() == []
    alone = client.post(f"{PAGE}/ups-worldship/file", data=WHY | {"parcel": [fine.id]})
    assert [row["Customer ID"] for row in check_worldship(alone.data)] == [fine.reference]


def test_a_cell_is_typed_over_for_this_file_alone_and_the_audit_has_no_address(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    parcel = packed(bench, 1, city="Đà Nẵng", country="VN", postal_code="550000")
    sign_in(client, cast.logistics)
    typed = {f"typed-{parcel.id}-6": "Da Nang", f"typed-{parcel.id}-99": "x", "typed-0-1": "x"}

    again = client.post(f"{PAGE}/ups-worldship", data=WHY | {"listed": [parcel.id]} | typed)
    answer = client.post(f"{PAGE}/ups-worldship/file", data=WHY | {"parcel": [parcel.id]} | typed)

    assert ("1 of 1 fit" in again.text, 'value="Da Nang"' in again.text) == (True, True)
    assert [row["City or Town"] for row in check_worldship(answer.data)] == ["Da Nang"]
    details = [detail for _, _, detail in audited(session, "kits:export-for-carrier")]
    assert details[0]["after"] == {"profile": "ups-worldship", "typed": ["City or Town"]}
    told = str(details) + str([detail for _, _, detail in audited(session, "kits:check-for-carrier")])
    assert not any(word in told for word in ("Da Nang", "Nẵng", "Rosa", BERLIN.street.split()[0]))
    sign_in(client, cast.logistics)
    revealed = client.post(f"/staff/test-challenge/shipments/{parcel.id}/address", data={"reason": "compare"}).text
    assert "Đà Nẵng" in revealed


@pytest.mark.parametrize("left_out", ["reason", "service", "parcel"])
def test_what_is_missing_is_told_and_nothing_is_opened(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench, left_out: str
) -> None:
    parcel = packed(bench)
    sign_in(client, cast.logistics)
    data = {name: value for name, value in (WHY | {"parcel": str(parcel.id)}).items() if name != left_out}

    for path in (f"{PAGE}/ups-campusship", f"{PAGE}/ups-campusship/file"):
        assert client.post(path, data=data).status_code == 422
    assert client.post(f"{PAGE}/ups-campusship", data=WHY | {"parcel": ["x", "²", "9" * 30]}).status_code == 422
    assert client.post(f"{PAGE}/ups-campusship", data=WHY | {"parcel": "1", "service": "99"}).status_code == 422
    assert audited(session, "kits:check-for-carrier") == []
    assert audited(session, "kits:export-for-carrier") == []


def test_who_signed_in_long_ago_proves_again_who_they_are(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    parcel = packed(bench)
    sign_in(client, cast.logistics)
    with client.session_transaction() as kept:
        kept["fs_paa"] = 0.0

    for path in (f"{PAGE}/generic", f"{PAGE}/generic/file"):
        answer = client.post(path, data=WHY | {"parcel": parcel.id})
        assert (answer.status_code, "/account/verify" in answer.location) == (302, True)
    assert audited(session, "kits:export-for-carrier") == []


def test_a_parcel_that_is_packed_no_more_is_named(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    fine, moved = packed(bench, 1), packed(bench, 2)
    bench.advance(moved, "label")
    sign_in(client, cast.logistics)

    answer = client.post(f"{PAGE}/generic/file", data=WHY | {"parcel": [fine.id, moved.id]})

    assert (answer.status_code, f"Not packed any more: {moved.reference}." in answer.text) == (409, True)
    assert session.scalars(sa.select(CarrierExport)).all() == []


def test_anothers_challenge_has_no_say(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    parcel = packed(bench)
    make_challenge(session, "other", "Other")
    sign_in(client, make_account(session, "Olga Other", Role.LOGISTICS, scope="other"))

    assert (
        client.post("/staff/other/shipments/carriers/generic/file", data=WHY | {"parcel": parcel.id}).status_code == 409
    )
    text = f"reference,tracking number\n{parcel.reference},{UPS}\n"
    page = client.post("/staff/other/shipments/carriers/numbers", data={"text": text, "carrier": "UPS"}).text
    assert f"There is no parcel {parcel.reference} here." in page
    assert client.post(f"{PAGE}/generic/file", data=WHY | {"parcel": parcel.id}).status_code == 403


def test_a_parcel_without_an_address_does_not_fit(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    fine, erased = packed(bench, 1), packed(bench, 2)
    kits.purge_address(session, erased.participant_id, at=NOON)
    sign_in(client, cast.logistics)

    page = client.post(f"{PAGE}/generic", data=WHY | {"parcel": [fine.id, erased.id]}).text

    assert ("1 of 2 fit" in page, "There is no address any more." in page) == (True, True)
    assert [subject for subject, _, _ in audited(session, "kits:check-for-carrier")] == [f"shipment:{fine.id}"]


def test_rows_beyond_the_limit_come_in_a_zip(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROFILES, "ups-campusship", replace(PROFILES["ups-campusship"], most_rows=2))
    parcels = [packed(bench, number) for number in range(1, 4)]
    sign_in(client, cast.logistics)

    answer = client.post(f"{PAGE}/ups-campusship/file", data=WHY | {"parcel": [parcel.id for parcel in parcels]})

    assert answer.mimetype == "application/zip"
    [made] = session.scalars(sa.select(CarrierExport))
    with zipfile.ZipFile(io.BytesIO(answer.data)) as opened:
        found = [(name, hashlib.sha256(opened.read(name)).hexdigest()) for name in opened.namelist()]
        assert [len(check_campusship(opened.read(name))) for name in opened.namelist()] == [2, 1]
    assert [(name, digest) for name, _, digest in made.files] == found


def test_checking_and_exporting_cost_the_same_for_many(
    client: FlaskClient, cast: Cast, bench: Bench, statements: list[str]
) -> None:
    sign_in(client, cast.logistics)
    parcels = [packed(bench, number).id for number in range(1, 3)]

    def cost(path: str) -> int:
        client.post(path, data=WHY | {"parcel": parcels})
        statements.clear()
        assert client.post(path, data=WHY | {"parcel": parcels}).status_code == 200
        return len(statements)

    few = [cost(path) for path in (f"{PAGE}/generic", f"{PAGE}/generic/file")]
    parcels += [packed(bench, number).id for number in range(3, 20)]

    assert [cost(path) for path in (f"{PAGE}/generic", f"{PAGE}/generic/file")] == few


# Numbers


def sent(*rows: str, **more: str) -> dict[str, str]:
    return {"text": "\r\n".join(["reference,tracking number", *rows]), "carrier": "UPS", **more}


def test_numbers_come_back_and_label_all_parcels_at_once(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    first, second = packed(bench, 1), packed(bench, 2)
    sign_in(client, cast.logistics)
    rows = sent(f"{first.reference},{UPS}", f"s {second.id},{UPS_TOO.lower()}")

    page = client.post(NUMBERS, data=rows)
    assert (page.status_code, "Label 2 parcels" in page.text) == (200, True)
    assert [state for state, _, _ in states_of(session)] == [S.PACKED, S.PACKED]
    done = client.post(f"{NUMBERS}/take", data=rows | {"count": "2"})

    assert (done.status_code, "2 parcels are labelled." in client.get(done.location).text) == (302, True)
    assert states_of(session) == [(S.LABELLED, "UPS", UPS), (S.LABELLED, "UPS", UPS_TOO)]
    assert [(subject, actor) for subject, actor, _ in audited(session, "kits:label")] == [
        (f"shipment:{first.id}", cast.logistics.id), (f"shipment:{second.id}", cast.logistics.id)
    ]  # fmt: skip
    lines = session.scalars(
        sa.select(ShipmentEvent).where(ShipmentEvent.title == "Labelled").order_by(ShipmentEvent.id)
    )
    assert [(line.shipment_id, line.status, line.told) for line in lines] == [
        (first.id, S.LABELLED, True), (second.id, S.LABELLED, True)
    ]  # fmt: skip
    assert bench.again(first).state_since == NOON


def test_the_same_file_twice_changes_nothing_and_says_so(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    parcel = packed(bench)
    sign_in(client, cast.logistics)
    rows = sent(f"{parcel.reference},{UPS}")
    client.post(f"{NUMBERS}/take", data=rows | {"count": "1"})

    page = client.post(NUMBERS, data=rows).text
    client.get(PAGE)
    client.post(f"{NUMBERS}/take", data=rows | {"count": "0"})
    again = client.get(PAGE).text

    assert ("1 row is there already" in page, "/numbers/take" in page) == (True, False)
    assert "Nothing was changed. 1 parcel had its number already." in again
    assert len(audited(session, "kits:label")) == 1
    # Later, when the parcel is on its way, too.
    bench.advance(bench.again(parcel), "hand-over")
    assert "1 row is there already" in client.post(NUMBERS, data=rows).text


def test_a_file_is_read_as_the_program_wrote_it(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    parcel = packed(bench)
    sign_in(client, cast.logistics)
    text = f'"Package Tracking Number";"Attention";"Reference 1"\r\n"{UPS}";"Zoë";"{parcel.reference}"\r\n'

    page = client.post(NUMBERS, data={"file": (io.BytesIO(text.encode("cp1252")), "out.csv"), "carrier": "ups"})

    assert ("Label 1 parcel" in page.text, "Zoë" in page.text) == (True, True)


def test_columns_can_be_chosen(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    parcel = packed(bench)
    sign_in(client, cast.logistics)
    text = f"a,b,c,d\n{parcel.reference},{UPS_TOO},{UPS},UPS\n"

    guessed = client.post(NUMBERS, data={"text": text}).text
    assert "No carrier is told." in guessed
    chosen = {"text": text, "reference": "0", "number": "2", "carrier_column": "3", "void": ""}
    assert "Label 1 parcel" in client.post(NUMBERS, data=chosen).text
    client.post(f"{NUMBERS}/take", data=chosen | {"count": "1"})

    assert states_of(session) == [(S.LABELLED, "UPS", UPS)]
    assert client.post(NUMBERS, data=chosen | {"number": "7"}).status_code == 422
    assert client.post(f"{NUMBERS}/take", data=chosen | {"reference": ""}).status_code == 422


@pytest.mark.parametrize("data", [{}, {"text": "   "}, {"text": "x" * 500_001}, {"text": "a,b\n", "carrier": "c" * 41}])
def test_what_cannot_be_read_is_told(client: FlaskClient, cast: Cast, data: dict[str, str]) -> None:
    sign_in(client, cast.logistics)

    for path in (NUMBERS, f"{NUMBERS}/take"):
        answer = client.post(path, data=data, content_type="multipart/form-data")
        assert (answer.status_code, "Please check this" in answer.text) == (422, True)


def test_nothing_changes_while_a_row_is_faulty_unless_it_is_skipped(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    parcel = packed(bench)
    sign_in(client, cast.logistics)
    rows = sent(f"{parcel.reference},{UPS}", f"S-999,{UPS_TOO}") | {"count": "1"}

    assert "Skip what is faulty and label 1 parcel" in client.post(NUMBERS, data=rows).text
    assert client.post(f"{NUMBERS}/take", data=rows).status_code == 422
    assert states_of(session) == [(S.PACKED, None, None)]
    client.post(f"{NUMBERS}/take", data=rows | {"skip": "y"})

    assert "1 parcel is labelled. 1 faulty row was skipped." in client.get(PAGE).text
    assert states_of(session) == [(S.LABELLED, "UPS", UPS)]


def test_the_second_of_two_people_is_told_that_it_is_another_list_now(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    first, second = packed(bench, 1), packed(bench, 2)
    sign_in(client, cast.logistics)
    mine = sent(f"{first.reference},{UPS}", f"{second.reference},{UPS_TOO}") | {"count": "2"}
    client.post(f"{NUMBERS}/take", data=sent(f"{first.reference},{UPS}") | {"count": "1"})

    answer = client.post(f"{NUMBERS}/take", data=mine)

    assert (answer.status_code, "It is 1 now, not 2." in answer.text) == (409, True)
    assert states_of(session) == [(S.LABELLED, "UPS", UPS), (S.PACKED, None, None)]


def test_whoever_moves_a_parcel_in_between_lets_all_of_it_fail(
    session: Session, cast: Cast, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = packed(bench, 1), packed(bench, 2)
    table = read(sent(f"{first.reference},{UPS}", f"{second.reference},{UPS_TOO}")["text"])
    taking = actions.take

    def outrun(*args: Any, **values: Any) -> None:
        if args[1].id == second.id:
            session.execute(sa.text("UPDATE shipment SET state = 'ready' WHERE id = :id"), {"id": second.id})
        taking(*args, **values)

    monkeypatch.setattr(actions, "take", outrun)
    with pytest.raises(Conflict):
        actions.take_numbers(
            session, cast.challenge, table, guess(table), "UPS", seen=2, skip_faulty=False, by=bench.by, at=NOON
        )
    session.rollback()

    assert states_of(session) == [(S.PACKED, None, None)] * 2
    assert audited(session, "kits:label") == []


def test_a_number_that_another_parcel_has_is_a_fault(session: Session, cast: Cast, bench: Bench) -> None:
    first, second = packed(bench, 1), packed(bench, 2)
    bench.advance(first, "label", carrier="UPS", tracking_number=UPS)
    table = read(sent(f"{second.reference},{UPS}")["text"])

    [line] = actions.check_numbers(session, cast.challenge, table, guess(table), "UPS")

    assert (line.verdict, line.words) == (Verdict.FAULTY, "Another parcel has this tracking number.")
    with pytest.raises(Refused, match="Rows that are faulty: 1"):
        actions.take_numbers(
            session, cast.challenge, table, guess(table), "UPS", seen=1, skip_faulty=False, by=bench.by, at=NOON
        )


def test_each_number_costs_one_statement(session: Session, cast: Cast, bench: Bench, statements: list[str]) -> None:
    parcels = [packed(bench, number) for number in range(1, 13)]
    rows = [f"{parcel.reference},JD{parcel.id:010}" for parcel in parcels]

    def cost(part: list[str]) -> int:
        table = read("\n".join(["reference,tracking number", *part]))
        statements.clear()
        actions.take_numbers(
            session, cast.challenge, table, guess(table), "DHL", seen=len(part), skip_faulty=False, by=bench.by,
            at=NOON + HOUR,
        )  # fmt: skip
        session.commit()
        return len(statements)

    cost(rows[:1])
    two, nine = cost(rows[1:3]), cost(rows[3:])
    assert nine - two == 7


def test_nothing_of_it_is_got(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.logistics)
    assert client.get(f"{PAGE}/generic/file").status_code == 405
    assert client.get(f"{NUMBERS}/take").status_code == 405
