"""The day at the bench, and every paper that comes out of the printer."""

import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.challenges.models import Participant
from portal.core.audit import AuditEntry
from portal.kits import actions
from portal.kits.actions import papers
from portal.kits.actions.papers import SenderSpec
from portal.kits.models import KitModel, PackingScan, Sender, Shipment, ShipmentUnit, Unit
from portal.kits.postal import label
from portal.kits.qr import qr_svg
from portal.kits.rules.papers import SIZES, SPACES, LabelFormat, joined, size_of, usual_paper
from portal.kits.states import ShipmentState
from portal.kits.vault import Vault
from tests.cast import NOON, Cast, make_account, make_challenge, make_participant, sign_in
from tests.kits.conftest import BERLIN, Bench
from tests.kits.test_packing import reserved

S = ShipmentState
STAFF = "/staff/test-challenge"
BENCH = f"{STAFF}/shipments/bench"
PACK = f"{STAFF}/shipments/pack"
HOSTILE = "<script>alert(1)</script>&\"'"
SENDER = {
    "name": "Logistics desk", "company": "Foundry Devices", "street": "7 Foundry Yard\r\n\r\nDock 2", "city": "Redmond",
    "region": "WA", "postal_code": "98052", "country": "US", "phone": "+1 425 555 0100", "tax_id": "US-1",
    "export_reason": "Loan for research", "packaging_g": "240",
}  # fmt: skip


def words(answer: TestResponse) -> str:
    """What people read on a page: its text, with single spaces."""
    text = re.sub(r"<svg.*?</svg>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.fixture
def desk(app: Flask, client: FlaskClient, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Logistics at the desk; addresses are sealed under the key of the bench."""
    monkeypatch.setitem(app.extensions, "portal.vault", Vault("only-for-tests-" * 4))
    sign_in(client, cast.logistics)
    return client


@pytest.fixture
def sender(session: Session, cast: Cast) -> Sender:
    """Who sends."""
    spec = SenderSpec(
        name="Logistics desk", company="Foundry Devices", street="7 Foundry Yard", city="Redmond", region="WA",
        postal_code="98052", country="US", phone="+14255550100", tax_id="EORI-7", export_reason="Loan for research",
        packaging_g=240,
    )  # fmt: skip
    made = papers.set_sender(session, cast.challenge, spec, by=cast.logistics.id, at=NOON)
    session.commit()
    return made


def entries(session: Session) -> list[tuple[str, int | None, str, str]]:
    """Who had which address opened, for what paper and why."""
    session.expire_all()
    rows = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:reveal-address").order_by(AuditEntry.id))
    return [(row.subject, row.actor_id, row.detail["after"]["paper"], row.detail["reason"]) for row in rows]


# The day


def test_the_bench_shows_what_waits_and_since_when(desk: FlaskClient, cast: Cast, bench: Bench, clock: Any) -> None:
    first = reserved(bench, "KIT-1", "KIT-2")
    desk.post(PACK, data={"key": "a", "code": f"S-{first.id}"})
    desk.post(PACK, data={"key": "b", "code": "KIT-2"})
    clock.tick(hours=3)

    page = words(desk.get(BENCH))

    assert "To pack 1 oldest 3 hours ago" in page
    assert "To label 0 none waits" in page
    assert "Open at the bench 1 Pat Logistics" in page
    assert f"S-{first.id} Rosa Researcher DE ready open before Pat Logistics 3 hours ago KIT-1 KIT-2 1 of 2" in page
    assert "Nobody is named as the sender yet" in page
    assert "Nothing to pack" in words(desk.get(f"{BENCH}?state=packed"))
    assert desk.get(f"{BENCH}?state=lost").status_code == 404
    assert desk.get(f"{BENCH}?chosen=all").text.count(" checked>") == 1


def test_pages_of_the_bench_cost_the_same_for_few_and_for_many(
    desk: FlaskClient, session: Session, cast: Cast, bench: Bench, sender: Sender, statements: list[str]
) -> None:
    def parcels(count: int) -> str:
        number = session.scalars(sa.select(sa.func.count()).select_from(Shipment)).one()
        serials = [f"KIT-{number + each}" for each in range(count)]
        for serial, unit in zip(serials, bench.units(*serials), strict=True):
            participant = make_participant(session, cast.challenge, make_account(session, f"Person {serial}"))
            bench.address(participant.members[0])
            parcel = bench.parcel(participant)
            actions.assign_unit(session, parcel, unit, by=bench.by, at=NOON)
            bench.advance(parcel, "ready")
        session.execute(sa.update(ShipmentUnit).values(scanned_at=None))
        session.commit()
        return "&".join(f"parcel={each}" for each in session.scalars(sa.select(Shipment.id)))

    def costs(chosen: str) -> list[int]:
        data = {"parcel": re.findall(r"\d+", chosen), "reason": "labels", "paper": "a4"}
        told = []
        for path in ("", f"/pick?{chosen}", f"/slips?{chosen}", f"/customs?{chosen}", "/customs", "/labels"):
            statements.clear()
            posts = path in ("/customs", "/labels")
            answer = desk.post(BENCH + path, data=data) if posts else desk.get(BENCH + path)
            assert answer.status_code == 200, path
            told.append(len(statements))
        return told

    costs(parcels(1))
    few = costs(parcels(2))

    assert costs(parcels(27)) == few


def test_a_scan_costs_the_same_however_many_there_were(
    desk: FlaskClient, session: Session, bench: Bench, statements: list[str]
) -> None:
    parcel = reserved(bench, *(f"KIT-{number}" for number in range(30)))

    def cost(code: str) -> int:
        statements.clear()
        answer = desk.post(PACK, data={"key": code, "code": code}, headers={"X-Part": "1"})
        assert (answer.status_code, "result-good" in answer.text) == (200, True)
        return len(statements)

    cost(f"S-{parcel.id}")
    few = cost("KIT-3")
    assert [cost(f"KIT-{number}") for number in range(4, 20)] == [few] * 16


# The sender


def test_the_sender_is_named_and_changed(desk: FlaskClient, session: Session, cast: Cast) -> None:
    url = f"{STAFF}/shipments/sender"
    assert desk.post(url, data=SENDER).headers["Location"].endswith("/shipments/bench")
    kept = session.get_one(Sender, cast.challenge.id)
    assert (kept.street, kept.phone, kept.packaging_g) == ("7 Foundry Yard\nDock 2", "+14255550100", 240)

    assert 'value="Foundry Devices"' in desk.get(url).text
    assert desk.post(url, data=SENDER | {"city": "Seattle"}).status_code == 302
    session.expire_all()
    told = session.scalars(
        sa.select(AuditEntry).where(AuditEntry.tag == "kits:set-sender").order_by(AuditEntry.id)
    ).all()
    assert [entry.detail.get("before", {}).get("city") for entry in told] == [None, "Redmond"]
    assert session.get_one(Sender, cast.challenge.id).city == "Seattle"


@pytest.mark.parametrize(("changes", "told"), [
    ({"name": ""}, "This is needed."), ({"phone": "555 0100"}, "country's prefix"), ({"country": "XX"}, "Not a valid"),
    ({"company": "富士"}, "need this in Latin letters"), ({"packaging_g": "-1"}, "between 0 and 50000"),
    ({"packaging_g": "x"}, "integer"), ({"street": "x" * 201}, "200 characters"),
    ({"tax_id": "x" * 41}, "40 characters"),
])  # fmt: skip
def test_a_faulty_sender_is_told_and_stays_typed(
    desk: FlaskClient, session: Session, changes: dict[str, str], told: str
) -> None:
    answer = desk.post(f"{STAFF}/shipments/sender", data=SENDER | changes)

    assert (answer.status_code, told in words(answer), 'value="98052"' in answer.text) == (422, True, True)
    assert session.scalars(sa.select(Sender)).all() == []


# Papers without addresses


def test_the_pick_list_is_in_the_order_of_the_shelves(
    desk: FlaskClient, session: Session, cast: Cast, bench: Bench, clock: Any
) -> None:
    first, other = reserved(bench, "KIT-2", "KIT-1", "KIT-9"), reserved(bench, participant=cast.team)
    for serial, location in (("KIT-9", "A 1"), ("KIT-1", "B 2"), ("KIT-2", "B 2")):
        session.execute(sa.update(Unit).where(Unit.serial == serial).values(location=location))
    bench.units("KIT-7", "KIT-8")
    desk.post(PACK, data={"key": "a", "code": f"S-{first.id}"})

    page = words(desk.get(f"{BENCH}/pick?parcel={other.id}&parcel={first.id}&parcel=99"))

    assert page[page.index("2 parcels") :] == (
        "2 parcels, 3 units by name. Mon 15 Jun 2020, 12:00 UTC "
        "Units to fetch, by location and serial number Fetched Location Serial Model Firmware Parcel "
        f"A 1 KIT-9 RDB 2 20.06 S-{first.id} Rosa Researcher B 2 KIT-1 RDB 2 20.06 S-{first.id} Rosa Researcher "
        f"B 2 KIT-2 RDB 2 20.06 S-{first.id} Rosa Researcher "
        "Without a reserved unit: take any that is free Fetched Count Model Free in stock Parcels "
        f"1 RDB 2 Lab 3: 2 S-{other.id}"
    )
    assert "S-99 is left out: there is no such parcel in this challenge." in page
    desk.post(PACK, data={"key": "b", "code": "KIT-1"})
    assert "2 units by name" in words(desk.get(f"{BENCH}/pick?parcel={first.id}"))


@pytest.mark.parametrize("query", ["", "?parcel=", "?parcel=x", "?parcel=-1", "?parcel=99999999999"])
@pytest.mark.parametrize("paper", ["pick", "slips", "customs", "labels"])
def test_nothing_chosen_is_told(desk: FlaskClient, paper: str, query: str) -> None:
    answer = desk.get(f"{BENCH}/{paper}{query}")

    assert (answer.status_code, "No parcel is chosen." in answer.text) == (422, True)


def test_a_slip_says_what_is_in_it_and_neither_where_it_goes_nor_what_it_is_worth(
    desk: FlaskClient, session: Session, cast: Cast, bench: Bench, sender: Sender
) -> None:
    parcel = reserved(bench, "KIT-2", "KIT-1")
    session.execute(sa.update(Participant).where(Participant.id == cast.participant.id).values(name=HOSTILE))

    answer = desk.get(f"{BENCH}/slips?parcel={parcel.id}")

    page = words(answer)
    assert page[page.index("Foundry Devices Packing slip") :] == (
        f"Foundry Devices Packing slip Test Challenge S-{parcel.id} For {HOSTILE} Parcel S-{parcel.id} "
        "Printed 15 Jun 2020 In this parcel Quantity What Serial numbers 2 RDB 2 KIT-1 KIT-2"
    )
    assert "<script>alert" not in answer.text
    for secret in (BERLIN.street[:10], BERLIN.city, BERLIN.phone, "60.00", "USD", "Redmond"):
        assert secret not in answer.text
    assert str(qr_svg(f"http://localhost{PACK}/{parcel.id}")) in answer.text
    assert not re.search(r"<[^>]+ (style|on\w+)=", answer.text)
    assert entries(session) == []


def test_the_paper_is_that_of_the_country_which_sends(desk: FlaskClient, bench: Bench, sender: Sender) -> None:
    parcel = reserved(bench, "KIT-1")
    url = f"{BENCH}/slips?parcel={parcel.id}"

    assert "page-letter.css" in desk.get(url).text
    assert "page-a4.css" in desk.get(f"{url}&paper=a4").text
    assert "page-letter.css" in desk.get(f"{url}&paper=tapestry").text
    assert [usual_paper(country).value for country in ("US", "DE", "")] == ["letter", "a4", "a4"]


# Papers with addresses


def test_a_customs_sheet_needs_a_sender(desk: FlaskClient, session: Session, bench: Bench) -> None:
    parcel = reserved(bench, "KIT-1")

    assert "Nobody is named as the sender yet" in desk.get(f"{BENCH}/customs?parcel={parcel.id}").text
    answer = desk.post(f"{BENCH}/customs", data={"parcel": parcel.id, "reason": "customs", "paper": "a4"})

    assert (answer.status_code, "Say first who sends" in answer.text, BERLIN.city in answer.text) == (422, True, False)
    assert entries(session) == []


def test_a_customs_sheet_tells_all_that_customs_ask(
    desk: FlaskClient, session: Session, cast: Cast, bench: Bench, sender: Sender
) -> None:
    bench.model().basis = "the maker's data sheet"
    parcel = reserved(bench, "KIT-2", "KIT-1")
    bench.address(tax_id="DE-9", recipient=HOSTILE)
    bench.advance(bench.again(parcel), "ready")
    data = {"parcel": parcel.id, "reason": "for the courier", "paper": "letter"}

    answer = desk.post(f"{BENCH}/customs", data=data)

    page = words(answer)
    assert page[page.index("Customs sheet S-") :] == (
        f"Customs sheet S-{parcel.id} · 15 Jun 2020 S-{parcel.id} "
        "Sender Logistics desk Foundry Devices 7 Foundry Yard Redmond, WA 98052 UNITED STATES +14255550100 "
        "Tax or EORI number: EORI-7 "
        f"Recipient {HOSTILE} Invalidenstr. 117 Hinterhaus Berlin 10115 GERMANY +49301234567 Tax or ID number: DE-9 "
        "Contents Quantity Description HS code ECCN Origin Net weight Value each Value "
        "2 RDB 2 KIT-1 KIT-2 8543.70 5A992.c China 0.640 kg 60.00 USD 120.00 USD "
        "Total declared value 120.00 USD Net weight 0.640 kg Gross weight, with the packaging 0.880 kg "
        "Reason for export Loan for research Basis, RDB 2 the maker's data sheet Date Name and signature"
    )
    assert "<script>alert" not in answer.text
    assert "page-letter.css" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert entries(session) == [
        (f"shipment:{parcel.id}", cast.logistics.id, "customs sheet", "for the courier")
    ]  # fmt: skip


def test_values_in_several_currencies_stay_apart_and_gaps_are_named(
    desk: FlaskClient, session: Session, bench: Bench, sender: Sender
) -> None:
    parcel = reserved(bench, "KIT-1")
    spec = actions.KitSpec("Cable", "", 40, Decimal("7.50"), "EUR")
    cable = actions.add_model(session, bench.cast.challenge, spec, by=bench.by, at=NOON)
    [unit] = actions.add_units(
        session, bench.cast.challenge, cable, "CABLE-1", location="", firmware="", by=bench.by, at=NOON
    )
    actions.assign_unit(session, parcel, unit, by=bench.by, at=NOON)

    page = words(desk.post(f"{BENCH}/customs", data={"parcel": parcel.id, "reason": "x", "paper": "a4"}))

    assert "Total declared value 7.50 EUR Total declared value 60.00 USD Net weight 0.360 kg" in page
    assert "Not declared Cable: HS code, ECCN, country of origin" in page


def test_labels_are_in_latin_letters_with_telephone_country_and_code(
    desk: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    first, other = reserved(bench, "KIT-1"), reserved(bench, "KIT-2", participant=cast.team)
    bench.address(
        cast.team.members[0], country="JP", recipient="山田 花子", street="神宮前 1-2-3", city="渋谷区",
        region="東京都", postal_code="150-0001", phone="+81312345678", latin_recipient="Hanako Yamada",
        latin_street="1-2-3 Jingumae",
        latin_city="Shibuya-ku", latin_region="Tokyo",
    )  # fmt: skip
    bench.advance(bench.again(other), "ready")
    data = {"parcel": [first.id, other.id], "reason": "labels", "paper": "letter"}

    answer = desk.post(f"{BENCH}/labels", data=data)

    page = words(answer)
    assert page[page.index("Rosa Researcher") :] == (
        f"Rosa Researcher Invalidenstr. 117 Hinterhaus Berlin 10115 GERMANY +49301234567 S-{first.id} "
        f"Hanako Yamada 1-2-3 Jingumae Shibuya-ku, Tokyo 150-0001 JAPAN +81312345678 S-{other.id}"
    )
    assert "labels-letter.css" in answer.text
    assert [row[0] for row in entries(session)] == [f"shipment:{first.id}", f"shipment:{other.id}"]


@pytest.mark.parametrize("paper", ["customs", "labels"])
def test_addresses_are_printed_for_a_reason_after_a_fresh_sign_in(
    desk: FlaskClient, session: Session, bench: Bench, sender: Sender, paper: str
) -> None:
    parcel = reserved(bench, "KIT-1")
    url, data = f"{BENCH}/{paper}", {"parcel": parcel.id, "paper": "a4"}

    asked = desk.get(f"{url}?parcel={parcel.id}")
    without = desk.post(url, data=data | {"reason": "  "})
    odd = desk.post(url, data=data | {"reason": "x", "paper": "vellum"})
    with desk.session_transaction() as cookie:
        cookie["fs_paa"] = 1.0
        cookie.pop("fs_gexp", None)
    stale = desk.post(url, data=data | {"reason": "because"})

    assert [answer.status_code for answer in (asked, without, odd, stale)] == [200, 422, 422, 302]
    assert "/account/verify" in stale.headers["Location"]
    assert BERLIN.city not in asked.text + without.text + odd.text + stale.text
    assert f'name="parcel" value="{parcel.id}"' in without.text
    assert entries(session) == []


@pytest.mark.parametrize("paper", ["customs", "labels"])
def test_what_cannot_be_printed_any_more_is_left_out_and_not_opened(
    desk: FlaskClient, session: Session, cast: Cast, bench: Bench, sender: Sender, paper: str
) -> None:
    good, gone = reserved(bench, "KIT-1"), reserved(bench, "KIT-2", participant=cast.team)
    bench.advance(gone, "cancel")
    data = {"parcel": [good.id, gone.id, 77], "reason": "x", "paper": "a4"}

    page = words(desk.post(f"{BENCH}/{paper}", data=data))

    assert f"S-{gone.id} is left out: it is cancelled now." in page
    assert "S-77 is left out: there is no such parcel in this challenge." in page
    assert [row[0] for row in entries(session)] == [f"shipment:{good.id}"]
    actions.purge_address(session, cast.participant.id, at=NOON)
    again = words(desk.post(f"{BENCH}/{paper}", data=data))
    assert f"S-{good.id} is left out: it has no address." in again
    assert len(entries(session)) == 1


def test_an_empty_parcel_has_no_customs_sheet(
    desk: FlaskClient, session: Session, bench: Bench, sender: Sender
) -> None:
    parcel = reserved(bench)

    page = words(desk.post(f"{BENCH}/customs", data={"parcel": parcel.id, "reason": "x", "paper": "a4"}))

    assert f"S-{parcel.id} is left out: there is nothing in it yet." in page
    assert entries(session) == []


@pytest.mark.parametrize("kind", list(LabelFormat))
def test_the_type_of_a_label_shrinks_with_what_stands_on_it(kind: LabelFormat) -> None:
    long = ["W" * 80, "W" * 80, "W" * 200, f"{'W' * 80}, {'W' * 80} {'W' * 20}", "SOUTH GEORGIA", "+123456789012345"]
    lines = label(BERLIN)

    sizes = [size_of(told, SPACES[kind]) for told in (lines, [*lines, "x" * 60], long)]

    assert sizes == sorted(sizes)
    assert SIZES[sizes[0]] >= 10.5
    assert SIZES[sizes[2]] >= 4.5


def test_many_short_lines_of_an_address_are_joined() -> None:
    assert joined(["a", "b", "c"]) == ["a", "b", "c"]
    assert joined([*"abcdefghij"]) == ["a", "b, c, d, e, f, g", "h", "i", "j"]


# The packing page, as forms


def test_scans_are_forms_that_come_back(desk: FlaskClient, session: Session, bench: Bench) -> None:
    parcel = reserved(bench, "KIT-1")

    def scan(code: str, **more: str) -> str:
        answer = desk.post(PACK, data={"key": f"{code}{more}", "code": code, **more})
        assert (answer.status_code, answer.headers["Location"]) == (303, PACK)
        return words(desk.get(PACK))

    assert "Nothing has been scanned yet." in words(desk.get(PACK))
    assert f"Right S-{parcel.id} to Rosa Researcher is open. Scan KIT-1. " in scan(f"S-{parcel.id}")
    page = scan(HOSTILE)
    assert f"✕ Wrong There is no unit “{HOSTILE}” in the stock." in page
    assert "<script>alert" not in desk.get(PACK).text
    assert f"{parcel.id} Rosa Researcher Germany 0 of 1 scanned KIT-1 RDB 2 to scan · Lab 3 Put aside" in page
    assert BERLIN.city not in page
    assert "✓ Complete ✓ KIT-1 RDB 2 scanned" in scan("KIT-1")
    assert "KIT-1 counts as not scanned." in scan("", act="undo")
    assert "is put aside as it is" in scan("", act="leave")
    assert "No parcel is open." in words(desk.get(PACK))


def test_the_code_of_a_slip_leads_to_its_parcel(desk: FlaskClient, session: Session, bench: Bench) -> None:
    parcel = reserved(bench, "KIT-1")
    url = f"{PACK}/{parcel.id}"

    page = desk.get(url)
    assert f"The slip of S-{parcel.id} Rosa Researcher , Germany. In it: KIT-1 ." in words(page)
    assert f'name="code" value="S-{parcel.id}"' in page.text
    assert session.scalars(sa.select(PackingScan)).all() == []
    desk.post(PACK, data={"key": "a", "code": f"http://localhost{url}"})
    assert desk.get(url).headers["Location"] == PACK
    desk.post(PACK, data={"key": "b", "act": "leave"})
    bench.advance(bench.again(parcel), "cancel")
    barred = desk.get(url)
    assert ("was cancelled" in barred.text, f'value="S-{parcel.id}"' in barred.text) == (True, False)
    assert desk.get(f"{PACK}/99").status_code == 404


@pytest.mark.parametrize("data", [
    {}, {"code": "KIT-1"}, {"key": "a", "act": "explode"}, {"key": "a" * 65}, {"key": "a", "code": "x" * 501},
])  # fmt: skip
def test_what_is_no_scan_changes_nothing(desk: FlaskClient, session: Session, data: dict[str, str]) -> None:
    answer = desk.post(PACK, data=data, headers={"Accept": "application/json", "X-Part": "1"})

    assert (answer.status_code, answer.json is not None and bool(answer.json["reason"])) == (422, True)
    assert session.scalars(sa.select(PackingScan)).all() == []


def test_another_challenges_parcels_are_not_at_this_bench(
    desk: FlaskClient, session: Session, cast: Cast, bench: Bench, sender: Sender
) -> None:
    parcel = reserved(bench, "KIT-1")
    other = make_challenge(session, "other", "Other")
    session.execute(sa.update(Shipment).where(Shipment.id == parcel.id).values(challenge_id=other.id))
    session.execute(sa.update(KitModel).values(challenge_id=other.id))

    assert f"S-{parcel.id}" not in desk.get(BENCH).text
    desk.post(PACK, data={"key": "a", "code": f"S-{parcel.id}"})
    assert f"There is no parcel S-{parcel.id} in this challenge." in words(desk.get(PACK))
    answer = desk.post(f"{BENCH}/labels", data={"parcel": parcel.id, "reason": "x", "paper": "a4"})
    assert (answer.status_code, BERLIN.city in answer.text) == (404, False)
    assert entries(session) == []
