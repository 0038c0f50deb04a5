"""The pages of kits, by whom they are for."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.challenges.models import Participant
from portal.core.audit import AuditEntry
from portal.core.mail import render
from portal.core.outbox import OutgoingMail
from portal.kits import actions, queries
from portal.kits.jobs import JOBS
from portal.kits.models import DeliveryAddress, KitModel, Shipment, Unit
from portal.kits.states import ShipmentState, UnitState, Word
from tests.cast import NOON, Cast, make_account, make_challenge, make_participant, sign_in
from tests.kits.conftest import BERLIN, HOUR, Bench

S = ShipmentState
STAFF = "/staff/test-challenge"
KIT = "/challenges/test-challenge/kit"
FORM = {
    "country": "DE", "recipient": "Rosa Researcher", "street": "Invalidenstr. 117\r\nHinterhaus", "city": "Berlin",
    "postal_code": "10115", "phone": "+49 30 1234567",
}  # fmt: skip
MODEL = {
    "name": "RDB", "revision": "2", "weight_g": "320", "declared_value": "60.00", "currency": "USD",
    "hs_code": "0543.70", "eccn": "5A992.c", "origin": "CN", "basis": "the maker's data sheet", "per_place": "1",
}  # fmt: skip

STAFF_PAGES = [
    ("GET", "/kits"), ("GET", "/kits.csv"), ("POST", "/kits/units"), ("GET", "/kits/models/new"),
    ("GET", "/kits/units/1"), ("POST", "/kits/units/1/fault"), ("GET", "/shipments"), ("GET", "/shipments.csv"),
    ("POST", "/shipments/plan"), ("POST", "/shipments/ask"), ("GET", "/shipments/1"),
    ("POST", "/shipments/1/steps/ready"), ("POST", "/shipments/1/units"), ("POST", "/shipments/1/units/1/out"),
    ("POST", "/shipments/1/scans"), ("POST", "/shipments/1/settle"), ("POST", "/shipments/1/replace"),
    ("GET", "/shipments/1/address"), ("POST", "/shipments/1/address"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), STAFF_PAGES)
def test_the_stock_and_the_pipeline_are_for_logistics(
    client: FlaskClient, cast: Cast, bench: Bench, method: str, path: str
) -> None:
    bench.at(S.READY)
    for person in (cast.researcher, cast.reviewer, cast.lead, cast.host, cast.triager, cast.finance, cast.admin):
        sign_in(client, person)
        assert client.open(STAFF + path, method=method).status_code == 403, person.name
    sign_in(client, None)
    assert client.open(STAFF + path, method=method).status_code == 302
    sign_in(client, cast.logistics)
    assert client.open(STAFF + path, method=method).status_code not in (403, 404, 405, 500)


@pytest.mark.parametrize("path", [path for method, path in STAFF_PAGES if method == "POST" and "address" not in path])
def test_what_changes_something_is_not_got(client: FlaskClient, cast: Cast, path: str) -> None:
    sign_in(client, cast.logistics)
    assert client.get(STAFF + path).status_code == 405


@pytest.mark.parametrize(("method", "path"), [
    (method, path.replace("/1", "/99")) for method, path in STAFF_PAGES if "/1" in path
] + [("POST", "/shipments/1/steps/fly"), ("POST", "/kits/units/1/fly"), ("GET", "/shipments?state=nowhere"),
     ("GET", "/kits?state=nowhere"), ("GET", "/shipments?after=nonsense"), ("POST", "/shipments/1/units/99/out")],
)  # fmt: skip
def test_what_there_is_not_is_not_found(client: FlaskClient, cast: Cast, bench: Bench, method: str, path: str) -> None:
    bench.at(S.READY)
    sign_in(client, cast.logistics)

    assert client.open(STAFF + path, method=method).status_code == 404


def test_another_challenges_kits_are_not_found(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    bench.at(S.READY)
    make_challenge(session, "other", "Other")
    elsewhere = make_account(session, "Olga Other", Role.LOGISTICS, scope="other")
    sign_in(client, elsewhere)

    assert client.get("/staff/other/shipments/1").status_code == 404
    assert client.get("/staff/other/kits/units/1").status_code == 404
    assert client.get(f"{STAFF}/shipments/1").status_code == 403
    assert "KIT-1" not in client.get("/staff/other/kits").text


# The participant


def test_strangers_and_the_signed_out_have_no_kit(client: FlaskClient, cast: Cast, bench: Bench) -> None:
    bench.at(S.HANDED_OVER)
    for method, path in (
        ("GET", KIT),
        ("GET", f"{KIT}/address"),
        ("POST", f"{KIT}/address"),
        ("POST", f"{KIT}/1/word"),
    ):
        sign_in(client, None)
        assert client.open(path, method=method).status_code == 302
        for person in (cast.stranger, cast.applicant, cast.logistics):
            sign_in(client, person)
            assert client.open(path, method=method).status_code == 404


def test_anothers_parcel_is_not_found(client: FlaskClient, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    sign_in(client, cast.colleague)

    page = client.get(KIT)
    assert (page.status_code, parcel.tracking_number in page.text) == (200, False)
    assert client.post(f"{KIT}/{parcel.id}/word", data={"word": "received"}).status_code == 404
    sign_in(client, cast.researcher)
    assert client.get(f"{KIT}/{parcel.id}/word").status_code == 405
    assert client.post(f"{KIT}/99/word", data={"word": "received"}).status_code == 404


def test_who_has_not_signed_is_sent_to_sign(client: FlaskClient, session: Session, cast: Cast) -> None:
    newcomer = make_account(session, "Nina Newcomer")
    make_participant(session, cast.challenge, newcomer, signed=False)
    sign_in(client, newcomer)

    assert "agreement" in client.get(KIT).headers["Location"]


def test_the_address_is_asked_for_where_it_is_needed(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    sign_in(client, cast.researcher)
    assert "Where should we send" not in client.get(KIT).text
    bench.at(S.ADDRESS_REQUESTED)

    page = client.get(KIT).text
    assert "Where should we send" in page
    assert 'value="Rosa Researcher"' in page
    assert client.post(f"{KIT}/address", data=FORM).headers["Location"].endswith(KIT)

    kept = session.scalars(sa.select(DeliveryAddress)).one()
    assert (kept.country, kept.doubtful, kept.given_by_id) == ("DE", False, cast.researcher.id)
    assert "Where should we send" not in client.get(KIT).text
    assert 'value="10115"' in client.get(f"{KIT}/address").text


@pytest.mark.parametrize(("changes", "words"), [
    ({"phone": "030 1234567"}, "country&#39;s prefix"), ({"recipient": " "}, "This is needed"),
    ({"country": "XX"}, "Not a valid choice"), ({"street": ""}, "This is needed"),
    ({"recipient": "山田 花子"}, "needs this in Latin letters"), ({"postal_code": "1"}, "for example"),
    ({"city": ""}, "usually have this"),
])  # fmt: skip
def test_what_cannot_be_sent_to_is_told_and_what_was_typed_stays(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench, changes: dict[str, str], words: str
) -> None:
    bench.at(S.ADDRESS_REQUESTED)
    sign_in(client, cast.researcher)

    answer = client.post(f"{KIT}/address", data=FORM | changes)

    assert (answer.status_code, words in answer.text) == (422, True)
    assert "Hinterhaus" in answer.text or "street" in changes
    assert session.scalars(sa.select(DeliveryAddress)).all() == []


def test_people_may_insist_on_an_unusual_address(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    bench.at(S.ADDRESS_REQUESTED)
    sign_in(client, cast.researcher)

    assert client.post(f"{KIT}/address", data=FORM | {"postal_code": "1", "use_anyway": "y"}).status_code == 302

    assert session.scalars(sa.select(DeliveryAddress.doubtful)).all() == [True]


def test_another_country_brings_its_own_words(client: FlaskClient, cast: Cast, bench: Bench) -> None:
    bench.at(S.ADDRESS_REQUESTED)
    sign_in(client, cast.researcher)

    answer = client.post(f"{KIT}/address", data=FORM | {"country": "JP", "refresh": "1"})

    assert (answer.status_code, "Prefecture" in answer.text, "Hinterhaus" in answer.text) == (200, True, True)


def test_the_participant_says_that_it_is_there(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    sign_in(client, cast.researcher)
    page = client.get(KIT).text
    assert "The carrier has your kit." in page
    assert str(parcel.tracking_number) in page

    assert client.post(f"{KIT}/{parcel.id}/word", data={}).status_code == 422
    assert client.post(f"{KIT}/{parcel.id}/word", data={"word": "received"}).status_code == 302
    again = client.post(f"{KIT}/{parcel.id}/word", data={"word": "received"})

    assert (again.status_code, bench.again(parcel).state) == (422, S.RECEIVED)


def test_the_reason_for_holding_is_not_shown_to_the_participant(client: FlaskClient, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.ADDRESS_CONFIRMED)
    bench.advance(parcel, "hold", reason="a name on a list")
    sign_in(client, cast.researcher)

    assert "name on a list" not in client.get(KIT).text
    sign_in(client, cast.logistics)
    assert "name on a list" in client.get(f"{STAFF}/shipments/{parcel.id}").text


# The stock


def test_a_model_and_its_units_are_added(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.logistics)
    assert "No kit model yet" in client.get(f"{STAFF}/kits").text

    assert client.post(f"{STAFF}/kits/models/new", data=MODEL | {"declared_value": "0"}).status_code == 422
    assert client.post(f"{STAFF}/kits/models/new", data=MODEL).status_code == 302
    model = session.scalars(sa.select(KitModel)).one()
    assert (model.label, model.hs_code, model.declared_value) == ("RDB 2", "0543.70", Decimal("60.00"))
    data = {"model": str(model.id), "serials": "KIT-1\nKIT-2\n", "location": "Lab 3", "firmware": "20.06"}
    assert client.post(f"{STAFF}/kits/units", data=data).status_code == 302
    faulty = client.post(f"{STAFF}/kits/units", data=data | {"serials": "KIT-3\nKIT-2"})

    assert (faulty.status_code, "Line 2: KIT-2 is already in the stock." in faulty.text) == (422, True)
    assert session.scalars(sa.select(Unit.serial).order_by(Unit.serial)).all() == ["KIT-1", "KIT-2"]
    page = client.get(f"{STAFF}/kits?state=in_stock&serial=kit-1").text
    assert ("KIT-1" in page, "KIT-2" in page) == (True, False)


def test_the_csv_is_what_the_list_shows(client: FlaskClient, cast: Cast, bench: Bench) -> None:
    bench.units("KIT-1", "KIT-2", "SPARE-1")
    sign_in(client, cast.logistics)

    answer = client.get(f"{STAFF}/kits.csv?serial=KIT")

    assert answer.text.splitlines() == [
        "serial,model,revision,state,since,location,firmware",
        "KIT-1,RDB,2,in_stock,2020-06-15T12:00:00Z,Lab 3,20.06",
        "KIT-2,RDB,2,in_stock,2020-06-15T12:00:00Z,Lab 3,20.06",
    ]


def test_a_unit_is_moved_at_the_bench(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    unit = bench.units("KIT-1")[0]
    sign_in(client, cast.logistics)
    assert "Mark as faulty" in client.get(f"{STAFF}/kits/units/{unit.id}").text

    assert client.post(f"{STAFF}/kits/units/{unit.id}/fault", data={"reason": "sparks"}).status_code == 302
    assert client.post(f"{STAFF}/kits/units/{unit.id}/fault").status_code == 422

    session.refresh(unit)
    assert unit.state is UnitState.FAULTY


# The pipeline


def test_the_whole_way_by_its_pages(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    bench.units("KIT-1")
    sign_in(client, cast.logistics)
    assert "Plan 2 parcels" in client.get(f"{STAFF}/shipments").text
    assert client.post(f"{STAFF}/shipments/plan", data={"count": "3"}).status_code == 409
    assert client.post(f"{STAFF}/shipments/plan", data={"count": "2"}).status_code == 302
    assert client.post(f"{STAFF}/shipments/ask", data={"count": "2"}).status_code == 302
    bench.address()
    parcel = session.scalars(sa.select(Shipment).where(Shipment.participant_id == cast.participant.id)).one()
    url = f"{STAFF}/shipments/{parcel.id}"

    def post(path: str, code: int = 302, **data: str) -> str:
        answer = client.post(f"{url}/{path}", data=data)
        assert answer.status_code == code, answer.text
        return answer.text

    assert "no unit with this serial" in post("units", 422, serial="KIT-9")
    post("units", serial="KIT-1")
    post("steps/ready")
    post("steps/pack")
    assert 'value="DHL"' in post("steps/label", 422, carrier="DHL")
    post("steps/label", carrier="DHL", tracking_number="JD1")
    post("steps/hand-over")
    post("steps/hand-over", 422)
    post("scans", 422, status="delivered")
    post("scans", status="delivered", occurred_at="2020-06-15T12:00", key="one", detail="Berlin")
    page = client.get(url).text

    assert ("Delivered" in page, "Berlin" in page, "Rosa Researcher" in page) == (True, True, True)
    assert bench.again(parcel).state is S.DELIVERED
    lines, news = client.get(f"{STAFF}/shipments.csv?state=delivered").text.splitlines(), "2020-06-15T12:00:00Z"
    assert lines[1] == f"S-{parcel.id},Rosa Researcher,DE,delivered,2020-06-15T12:00:00Z,KIT-1,DHL,JD1,{news},,"


def test_troubles_stand_out_and_are_settled(client: FlaskClient, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    actions.say(bench.session, parcel, Word.DUTY, "80 euros", by=cast.researcher.id, at=NOON)
    sign_in(client, cast.logistics)

    assert f"S-{parcel.id}" in client.get(f"{STAFF}/shipments?state=trouble").text
    assert "80 euros" in client.get(f"{STAFF}/shipments/{parcel.id}").text
    assert client.post(f"{STAFF}/shipments/{parcel.id}/settle").status_code == 302
    assert f"S-{parcel.id}" not in client.get(f"{STAFF}/shipments?state=trouble").text


def test_a_lost_parcel_is_replaced(client: FlaskClient, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    bench.advance(parcel, "lose")
    sign_in(client, cast.logistics)

    assert client.post(f"{STAFF}/shipments/{parcel.id}/replace").headers["Location"].endswith(f"/{parcel.id + 1}")
    assert client.post(f"{STAFF}/shipments/{parcel.id}/replace").status_code == 409


def test_an_address_opens_for_a_reason_alone(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.READY)
    sign_in(client, cast.researcher)
    client.post(f"{KIT}/address", data=FORM)  # sealed under the application's own key
    sign_in(client, cast.logistics)
    url = f"{STAFF}/shipments/{parcel.id}/address"

    assert "Invaliden" not in client.get(f"{STAFF}/shipments/{parcel.id}").text + client.get(url).text
    assert client.post(url, data={"reason": " "}).status_code == 422
    shown = client.post(url, data={"reason": "the label"})

    assert (shown.status_code, "Invalidenstr. 117" in shown.text, "+49301234567" in shown.text) == (200, True, True)
    assert shown.headers["Cache-Control"] == "no-store"
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:reveal-address")).one()
    assert (entry.actor_id, entry.scope, entry.detail["reason"]) == (cast.logistics.id, cast.slug, "the label")


def test_a_stale_sign_in_does_not_open_an_address(client: FlaskClient, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.READY)
    sign_in(client, cast.logistics)
    with client.session_transaction() as cookie:
        cookie["fs_paa"] = 1.0

    answer = client.post(f"{STAFF}/shipments/{parcel.id}/address", data={"reason": "the label"})

    assert (answer.status_code, "Invaliden" in answer.text) == (302, False)
    assert "/account/verify" in answer.headers["Location"]


def test_pages_cost_the_same_for_few_and_for_many(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench, statements: list[str]
) -> None:
    def cost(path: str) -> int:
        client.get(STAFF + path)
        statements.clear()
        assert client.get(STAFF + path).status_code == 200
        return len(statements)

    bench.at(S.READY, "KIT-0")
    sign_in(client, cast.logistics)
    few = [cost(path) for path in ("/kits", "/shipments", "/kits.csv", "/shipments.csv")]
    people = [make_account(session, f"Person {number}") for number in range(30)]
    made: list[Participant] = [make_participant(session, cast.challenge, person) for person in people]
    for participant, unit in zip(made, bench.units(*(f"KIT-{number + 1}" for number in range(30))), strict=True):
        actions.assign_unit(session, bench.parcel(participant), unit, by=bench.by, at=NOON)

    assert [cost(path) for path in ("/kits", "/shipments", "/kits.csv", "/shipments.csv")] == few


# Tasks, queues, mails, jobs


def test_tasks_come_when_something_is_to_be_done(session: Session, cast: Cast, bench: Bench) -> None:
    assert queries.tasks(session, cast.member, NOON) == []
    parcel = bench.at(S.ADDRESS_REQUESTED)
    [task] = queries.tasks(session, cast.member, NOON)
    assert (task.label, task.url, task.due) == ("Tell us where to send your kit", KIT, NOON + 7 * 24 * HOUR)
    bench.address()
    assert queries.tasks(session, cast.member, NOON) == []
    parcel = bench.again(parcel)
    actions.assign_unit(session, parcel, bench.units("KIT-1")[0], by=bench.by, at=NOON)
    bench.advance(parcel, "ready", "pack", "label", "hand-over")
    actions.note_scan(session, parcel, actions.Scan("dhl", "1", S.DELIVERED, NOON), by=None, at=NOON)

    assert [task.label for task in queries.tasks(session, cast.member, NOON)] == ["Say whether your kit has arrived"]


def test_queues_are_for_logistics(session: Session, cast: Cast, bench: Bench) -> None:
    bench.at(S.READY)

    assert queries.queues(session, cast.challenge, {Role.LEAD}, NOON) == []
    found = {queue.label: (queue.count, queue.oldest) for queue in
             queries.queues(session, cast.challenge, {Role.LOGISTICS}, NOON)}  # fmt: skip
    assert found == {
        "Participants without a parcel": (1, cast.team.accepted_at),
        "Parcels to prepare": (0, None),
        "Parcels to pack": (1, NOON),
        "Parcels to label": (0, None),
        "Parcels to hand over": (0, None),
        "Parcels with a trouble": (0, None),
        "Replacements asked for": (0, None),
        "Returns to announce": (0, None),
        "Returns that are late": (0, None),
        "Returns that should be here, says the carrier": (0, None),
        "Units to inspect": (0, None),
        "Address missing for 7 days": (0, None),
        "Held for 3 days": (0, None),
        "No scan for 5 days": (0, None),
        "Tracking numbers nobody has": (0, None),
    }


def test_a_silent_carrier_becomes_work(session: Session, cast: Cast, bench: Bench) -> None:
    bench.at(S.HANDED_OVER)

    for hours, count in ((5 * 24, 0), (5 * 24 + 1, 1)):
        queues = queries.queues(session, cast.challenge, {Role.LOGISTICS}, NOON + hours * HOUR)
        assert [queue.count for queue in queues if queue.label == "No scan for 5 days"] == [count]


def test_mails_have_one_link_and_no_address(
    session: Session, cast: Cast, bench: Bench, mails: Callable[[], list[OutgoingMail]]
) -> None:
    parcel = bench.at(S.HANDED_OVER)
    actions.note_scan(session, parcel, actions.Scan("dhl", "1", S.DELIVERED, NOON), by=None, at=NOON)

    subjects = []
    for mail in mails():
        subject, text, _ = render(mail)
        subjects.append(subject)
        assert text.count("http://") == 1
        assert f"http://localhost{KIT}" in text
        assert BERLIN.city not in text + str(mail.context)
    assert subjects == ["Where should we send your kit?", "Your kit is on its way", "Has your kit arrived?"]


def test_the_job_forgets_addresses_in_time(session: Session, cast: Cast, bench: Bench, clock: Any) -> None:
    parcel = bench.at(S.HANDED_OVER)
    actions.say(session, parcel, Word.RECEIVED, "", by=cast.researcher.id, at=NOON)
    session.commit()
    job = next(job for job in JOBS if job.name == "kits-purge-addresses")

    assert job.run(session, NOON + 30 * 24 * HOUR - HOUR) == 0
    assert job.run(session, NOON + 30 * 24 * HOUR) == 1
    assert job.run(session, NOON + 30 * 24 * HOUR) == 0
    assert session.scalars(sa.select(DeliveryAddress.sealed)).all() == [None]
