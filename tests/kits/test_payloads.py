"""What services say, in our words: every documented word has its place, and nothing private comes through."""

import json
from typing import Any

import pytest

from portal.kits.rules import payloads, vocabulary
from portal.kits.rules.payloads import Malformed, News
from portal.kits.rules.vocabulary import Meaning
from portal.kits.states import TRACKING, ShipmentState
from tests.kits import services
from tests.kits.services import PRIVATE, body_of, hours

S = ShipmentState
# As documented by each service; see portal/kits/rules/vocabulary.py for where.
EASYPOST_WORDS = (
    "unknown pre_transit in_transit out_for_delivery delivered available_for_pickup return_to_sender failure cancelled "
    "error"
)
EASYPOST_DETAILS = (
    "address_correction arrived_at_destination arrived_at_facility arrived_at_pickup_location awaiting_information "
    "cancelled damaged delayed delivery_exception departed_facility departed_origin_facility expired failure held "
    "in_transit label_created lost missorted out_for_delivery received_at_destination_facility "
    "received_at_origin_facility refused return status_update transferred_to_destination_carrier transit_exception "
    "unknown weather_delay"
)
SHIPPO_WORDS = "PRE_TRANSIT TRANSIT DELIVERED RETURNED FAILURE UNKNOWN"
SHIPPO_DETAILS = (
    "information_received address_issue contact_carrier delayed delivery_attempted delivery_rescheduled "
    "delivery_scheduled location_inaccessible notice_left out_for_delivery package_accepted package_arrived "
    "package_damaged package_departed package_forwarded package_held package_processed package_processing "
    "pickup_available reschedule_delivery delivered return_to_sender package_unclaimed package_undeliverable "
    "package_disposed package_lost other"
)
SHIPSTATION_WORDS = "UN AC IT DE EX AT NY SP"
SHIPSTATION_DETAILS = (
    "COLLECTION_FAILED AWAITING_DESPATCH COLLECTION_REQUESTED DESPATCHED ELEC_ADVICE_RECD_BY_CARRIER "
    "NOT_YET_RECEIVED_BY_CARRIER COLLECTION_MADE ATTEMPTED_DELIVERY ATTEMPTED_DELIVERY_2ND ATTEMPTED_DELIVERY_3RD "
    "COD_AMOUNT_NOT_PAID COD_AMOUNT_PAID CUSTOMER_CARDED CUSTOMER_IDENTIFICATION_FAILED INVALID_METHOD_OF_PAYMENT "
    "NO_ACCESS_TO_RECIPIENTS_ADDRESS OUT_FOR_DELIVERY DELIVERED DELIVERED_DAMAGED DELIVERED_IN_PART "
    "DELIVERED_SPECIFIED_SAFE_PLACE DELIVERED_TO_ALTERNATIVE_DELIVERY_LOCATION DELIVERED_TO_NEIGHBOUR "
    "DELIVERED_TO_PO_BOX PARCEL_COLLECTED_FROM_PICKUP_POINT POST_TRANSIT_STATUS PROOF_OF_DELIVERY CANCELLED "
    "CANCELLED_BEFORE_DESPATCH CUSTOMER_MOVED HAZARDOUS_PROHIBITED NOT_COLLECTED_FROM_PICKUP_POINT NOT_DELIVERED "
    "NOT_DELIVERED_ADDRESSEE_DECEASED PARCEL_DAMAGED PARCEL_DISPOSED PARCEL_LOST PARCEL_OUTSIDE_OF_SERVICE_CAPABILITY "
    "REFUSED_BY_CUSTOMER RETURN_TO_SENDER ADDRESS_QUERY CARRIER_DELAYS CUSTOMS_CLEARED CUSTOMS_PROCESSING "
    "DELAYED_NOT_CARRIER DELIVERY_ARRANGED_WITH_RECIPIENT HELD_BY_CARRIER HELD_BY_CARRIER_FOR_CLEARANCE_PRE_PROCESSING "
    "HELD_BY_CUSTOMS HELD_BY_EXPORT_CUSTOMS HELD_BY_IMPORT_CUSTOMS HUB_SCAN_OUT IN_TRANSIT INCORRECT_DECLARATION "
    "INFORMATION MISSORTED PARCEL_OVER_LABELLED PARCEL_REPACKED PARCEL_UPDATE_NOTIFICATION_VIA_EMAIL "
    "PARCEL_UPDATE_NOTIFICATION_VIA_SMS RECEIVED_BY_CARRIER RECEIVED_LOCAL_DELIVERY_DEPOT ROUTING_ERROR "
    "SUB_CONTRACTOR_EVENT SUB_CONTRACTOR_RECEIVED RECD_BY_CARRIER_NO_ELEC_ADVICE AWAITING_ELECTRONIC_ADVICE "
    "AWAITING_COLLECTION_FROM_PICKUP_POINT COLLECT_AT_LOCAL_PO CUSTOMER_TO_COLLECT_FROM_CARRIER "
    "DELIVERED_TO_LOCKER_COLLECTION_POINT CARRIER_STATUS_NOT_MAPPED"
)


@pytest.mark.parametrize(("table", "documented"), [
    (vocabulary.EASYPOST, EASYPOST_WORDS), (vocabulary.EASYPOST_DETAILS, EASYPOST_DETAILS),
    (vocabulary.SHIPPO, SHIPPO_WORDS), (vocabulary.SHIPPO_DETAILS, SHIPPO_DETAILS),
    (vocabulary.SHIPSTATION, SHIPSTATION_WORDS), (vocabulary.SHIPSTATION_WORDS, SHIPSTATION_WORDS),
    (vocabulary.SHIPSTATION_DETAILS, SHIPSTATION_DETAILS),
])  # fmt: skip
def test_every_documented_word_has_a_place(table: dict[str, Any], documented: str) -> None:
    assert set(table) == set(documented.split())


def test_words_lead_only_where_tracking_leads() -> None:
    reached = {move.target for move in TRACKING} | {S.HANDED_OVER, None}
    tables = (
        vocabulary.EASYPOST, vocabulary.EASYPOST_DETAILS, vocabulary.SHIPPO, vocabulary.SHIPPO_DETAILS,
        vocabulary.SHIPSTATION, vocabulary.SHIPSTATION_DETAILS,
    )  # fmt: skip

    assert {status for table in tables for status in table.values()} == reached


@pytest.mark.parametrize(("told", "meaning"), [
    (vocabulary.easypost("in_transit", "arrived_at_facility"), (S.IN_TRANSIT, "Arrived at facility")),
    (vocabulary.easypost("in_transit", "unknown"), (S.IN_TRANSIT, "In transit")),
    (vocabulary.easypost("in_transit", "held"), (S.EXCEPTION, "Held")),
    (vocabulary.easypost("in_transit", "brand_new"), (S.IN_TRANSIT, "In transit")),
    # A status that says where the parcel is is not undone by its detail.
    (vocabulary.easypost("delivered", "delivery_exception"), (S.DELIVERED, "Delivery exception")),
    (vocabulary.easypost("out_for_delivery", "delayed"), (S.OUT_FOR_DELIVERY, "Delayed")),
    (vocabulary.easypost("pre_transit", "label_created"), (None, "Label created")),
    (vocabulary.easypost("unknown", "out_for_delivery"), (S.OUT_FOR_DELIVERY, "Out for delivery")),
    (vocabulary.easypost("failure", "lost"), (S.EXCEPTION, "Lost")),
    (vocabulary.easypost("teleported", "in_transit"), None),
    (vocabulary.shippo("TRANSIT", ""), (S.IN_TRANSIT, "Transit")),
    (vocabulary.shippo("TRANSIT", "out_for_delivery"), (S.OUT_FOR_DELIVERY, "Out for delivery")),
    (vocabulary.shippo("TRANSIT", "brand_new"), (S.IN_TRANSIT, "Transit")),
    (vocabulary.shippo("UNKNOWN", "other"), (None, "Unknown")),
    (vocabulary.shippo("RETURNED", "package_unclaimed"), (S.RETURNING, "Package unclaimed")),
    (vocabulary.shippo("BEAMED", ""), None),
    (vocabulary.shipstation("IT", "HELD_BY_CUSTOMS"), (S.CUSTOMS_HOLD, "Held by customs")),
    (vocabulary.shipstation("IT", "INFORMATION"), (S.IN_TRANSIT, "Information")),
    (vocabulary.shipstation("AC", ""), (S.HANDED_OVER, "Accepted")),
    (vocabulary.shipstation("NY", ""), (None, "Not yet in the carrier's system")),
    (vocabulary.shipstation("", "DELIVERED"), (S.DELIVERED, "Delivered")),
    (vocabulary.shipstation("", "INFORMATION"), (None, "Information")),
    (vocabulary.shipstation("ZZ", ""), None),
])  # fmt: skip
def test_what_words_mean(told: Meaning | None, meaning: Meaning | None) -> None:
    assert told == meaning


@pytest.mark.parametrize(("spelt", "name"), [
    ("UPS", "UPS"), ("UPSDAP", "UPS"), ("ups_walleted", "UPS"), ("DHLExpress", "DHL"), ("dhl_express", "DHL"),
    ("DhlEcs", "DHL"), ("fedex_ground", "FedEx"), ("FedexSmartPost", "FedEx"), ("FEDEX", "FedEx"), ("usps", "USPS"),
    ("USPS", "USPS"), ("stamps_com", "USPS"), ("UPSMailInnovations", "UPSMailInnovations"),
    ("Royal Mail", "Royal Mail"), ("", ""), (None, ""), ("<b>Odd</b>" + "x" * 60, "bOddb" + "x" * 35),
])  # fmt: skip
def test_carriers_have_one_name(spelt: str | None, name: str) -> None:
    assert vocabulary.carrier_name(spelt) == name


@pytest.mark.parametrize(("typed", "plain"), [
    (" 1z 999-aa1 ", "1Z999AA1"), ("JD0001", "JD0001"), ("123", ""), ("", ""), (None, ""), ("A" * 61, ""),
    ("1Z<x>", ""), ("１２３４５", ""), ("1Z99\x00", ""),
])  # fmt: skip
def test_numbers_are_compared_in_plain_form(typed: str | None, plain: str) -> None:
    assert vocabulary.plain_number(typed) == plain


EASY = [("pre_transit", "label_created", hours(-9)), ("in_transit", "arrived_at_facility", hours(-3)),
        ("out_for_delivery", "out_for_delivery", hours(-1))]  # fmt: skip
SHIP = [("PRE_TRANSIT", "information_received", hours(-9)), ("TRANSIT", "package_arrived", hours(-3)),
        ("TRANSIT", "out_for_delivery", hours(-1))]  # fmt: skip
STATION = [("NY", "ELEC_ADVICE_RECD_BY_CARRIER", hours(-9)), ("IT", "IN_TRANSIT", hours(-3)),
           ("IT", "OUT_FOR_DELIVERY", hours(-1))]  # fmt: skip
MESSAGES = {
    "easypost": services.easypost("jd 0001", EASY), "shippo": services.shippo("jd-0001", SHIP),
    "shipstation": services.shipstation("JD0001", STATION),
}  # fmt: skip


@pytest.mark.parametrize("provider", payloads.PROVIDERS)
def test_a_message_is_read_scan_by_scan(provider: str) -> None:
    told = payloads.read_webhook(provider, body_of(MESSAGES[provider]))

    assert [(news.status, news.occurred_at) for news in told] == [
        (None, hours(-9)), (S.IN_TRANSIT, hours(-3)), (S.OUT_FOR_DELIVERY, hours(-1)),
    ]  # fmt: skip
    assert {(news.provider, news.carrier, news.number) for news in told} == {(provider, "DHL", "JD0001")}
    assert len({news.key for news in told}) == 3
    text = repr(told)
    assert [secret for secret in PRIVATE if secret in text] == []


def test_the_same_scan_has_the_same_key_in_every_message() -> None:
    first = payloads.read_webhook("easypost", body_of(services.easypost("JD0001", EASY[:2], event="evt_1")))
    second = payloads.read_webhook("easypost", body_of(services.easypost("JD0001", EASY, event="evt_2")))

    assert {news.key for news in first} < {news.key for news in second}


def test_asking_shipstation_and_being_told_are_one() -> None:
    told = payloads.read_webhook("shipstation", body_of(MESSAGES["shipstation"]))
    asked = payloads.read_shipstation(services.shipstation_tracking("JD0001", STATION, carrier=None), "DHL")

    assert [news.key for news in asked] == [news.key for news in told]


@pytest.mark.parametrize(("provider", "message"), [
    ("easypost", {"description": "batch.created", "result": {"object": "Batch"}}), ("easypost", {}),
    ("shippo", {"event": "transaction_created", "data": {}}), ("shipstation", {"resource_type": "BATCH_PROCESSED_V2"}),
    ("shipstation", {}),
])  # fmt: skip
def test_what_is_about_something_else_is_no_news(provider: str, message: dict[str, Any]) -> None:
    assert payloads.read_webhook(provider, body_of(message)) == []


def test_an_older_message_of_shippo_is_the_track_itself() -> None:
    message = services.shippo("JD0001", SHIP)["data"]

    assert [news.status for news in payloads.read_webhook("shippo", body_of(message))] == [
        None, S.IN_TRANSIT, S.OUT_FOR_DELIVERY,
    ]  # fmt: skip


STRANGE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b"[" * 200_000,
    b'{"a":' * 50_000,
    b'{"result":' + b"9" * 5000 + b"}",
    b'{"object":"Event","description":"tracker.updated","result":{}}',
    b'{"description":"tracker.updated","result":{"tracking_code":7}}',
    b'{"description":"tracker.updated","result":{"tracking_code":"<script>"}}',
]


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        payloads.read_webhook("easypost", body)


def test_strange_values_are_read_as_nothing() -> None:
    message = services.easypost("JD0001", EASY[1:2])
    message["result"]["tracking_details"] = [
        None, 7, [], {"status": 7}, {"status": "in_transit", "datetime": "yesterday"},
        {"status": "in_transit", "datetime": "9999-12-31T23:59:59-12:00"},
        {"status": "\ud800", "status_detail": "\x00"},
        {"status": "Left with R. Researcher, Invalidenstr. 117", "status_detail": "x" * 500},
    ]  # fmt: skip
    message["result"]["carrier"] = {"name": "DHL"}

    told = payloads.read_webhook("easypost", json.dumps(message).encode())

    assert [(news.status, news.occurred_at, news.said) for news in told] == [
        (S.IN_TRANSIT, None, "in_transit"), (S.IN_TRANSIT, None, "in_transit"), (None, None, "? / ?"),
        (None, None, "? / ?"), (S.IN_TRANSIT, hours(-3), "in_transit / arrived_at_facility"),
    ]  # fmt: skip
    assert {news.carrier for news in told} == {""}
    assert isinstance(told[0], News)


def test_of_a_very_long_history_the_last_scans_are_read() -> None:
    scans = [("in_transit", "arrived_at_facility", hours(-n)) for n in range(500, 0, -1)]

    told = payloads.read_webhook("easypost", body_of(services.easypost("JD0001", scans)))

    assert len(told) == payloads.MOST_SCANS
    assert told[-1].occurred_at == hours(-1)
