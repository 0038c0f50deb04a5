"""What the services that pass news of carriers on call things, in our words.

Their words are those of https://docs.easypost.com/docs/trackers, https://docs.goshippo.com/docs/tracking/tracking and
https://docs.shipstation.com/apis/shipengine/docs/tracking/tracking (whose detail codes are in their OpenAPI document
as `tracking_status_detail_code`). A carrier's own sentence is never passed on: it may name a place or who signed.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from portal.kits.states import ShipmentState

S = ShipmentState
UPS, DHL, FEDEX, USPS = CARRIERS = ("UPS", "DHL", "FedEx", "USPS")
# How the services spell them begins so, in small letters without what is between: UPSDAP, dhl_express, FedexSmartPost.
_SPELT = (
    ("ups", UPS), ("dhl", DHL), ("fedex", FEDEX), ("usps", USPS), ("stampscom", USPS), ("unitedparcelservice", UPS),
    ("federalexpress", FEDEX), ("unitedstatespostalservice", USPS), ("deutschepostdhl", DHL),
)  # fmt: skip
# Begins like one of these, and is another: its parcels end with the post, under the post's numbers.
_OTHERS = frozenset({"upsmailinnovations"})
_CODE = re.compile(r"[A-Za-z0-9_ -]{1,60}")


class Meaning(NamedTuple):
    """Where a parcel is (None where the words do not say), and what happened, for people."""

    status: ShipmentState | None
    words: str


def _all(status: ShipmentState | None, *codes: str) -> dict[str, ShipmentState | None]:
    return dict.fromkeys(codes, status)


# EasyPost: a tracker's `status`, and the `status_detail` that says more where the status leaves it open.
EASYPOST: Mapping[str, ShipmentState | None] = {
    "unknown": None, "pre_transit": None, "in_transit": S.IN_TRANSIT, "out_for_delivery": S.OUT_FOR_DELIVERY,
    "delivered": S.DELIVERED, "available_for_pickup": S.AVAILABLE_FOR_PICKUP, "return_to_sender": S.RETURNING,
    "failure": S.EXCEPTION, "cancelled": None, "error": None,
}  # fmt: skip
EASYPOST_OPEN = frozenset({"in_transit", "unknown", "failure"})
EASYPOST_DETAILS: Mapping[str, ShipmentState | None] = {
    **_all(
        S.IN_TRANSIT, "arrived_at_destination", "arrived_at_facility", "delayed", "departed_facility",
        "departed_origin_facility", "in_transit", "missorted", "received_at_destination_facility",
        "received_at_origin_facility", "transferred_to_destination_carrier", "weather_delay",
    ),
    **_all(
        S.EXCEPTION, "address_correction", "awaiting_information", "damaged", "delivery_exception", "failure", "held",
        "lost", "refused", "transit_exception",
    ),
    "arrived_at_pickup_location": S.AVAILABLE_FOR_PICKUP, "out_for_delivery": S.OUT_FOR_DELIVERY,
    "return": S.RETURNING, **_all(None, "cancelled", "expired", "label_created", "status_update", "unknown"),
}  # fmt: skip

# Shippo: `status`, and `substatus.code`, which decides where there is one.
SHIPPO: Mapping[str, ShipmentState | None] = {
    "PRE_TRANSIT": None, "TRANSIT": S.IN_TRANSIT, "DELIVERED": S.DELIVERED, "RETURNED": S.RETURNING,
    "FAILURE": S.EXCEPTION, "UNKNOWN": None,
}  # fmt: skip
SHIPPO_DETAILS: Mapping[str, ShipmentState | None] = {
    "information_received": None, "other": None, "package_accepted": S.HANDED_OVER, "delivered": S.DELIVERED,
    **_all(
        S.IN_TRANSIT, "delayed", "delivery_rescheduled", "delivery_scheduled", "package_arrived", "package_departed",
        "package_forwarded", "package_processed", "package_processing",
    ),
    **_all(
        S.EXCEPTION, "address_issue", "contact_carrier", "delivery_attempted", "location_inaccessible", "notice_left",
        "package_damaged", "package_held", "reschedule_delivery", "package_undeliverable", "package_disposed",
        "package_lost",
    ),
    "out_for_delivery": S.OUT_FOR_DELIVERY, "pickup_available": S.AVAILABLE_FOR_PICKUP,
    **_all(S.RETURNING, "return_to_sender", "package_unclaimed"),
}  # fmt: skip

# ShipStation (once ShipEngine): two letters, and a detail code, which decides where there is one.
SHIPSTATION: Mapping[str, ShipmentState | None] = {
    "UN": None, "NY": None, "AC": S.HANDED_OVER, "IT": S.IN_TRANSIT, "AT": S.EXCEPTION, "EX": S.EXCEPTION,
    "SP": S.AVAILABLE_FOR_PICKUP, "DE": S.DELIVERED,
}  # fmt: skip
SHIPSTATION_WORDS = {
    "UN": "Unknown", "NY": "Not yet in the carrier's system", "AC": "Accepted", "IT": "In transit",
    "AT": "Delivery attempted", "EX": "Exception", "SP": "Delivered to a collection point", "DE": "Delivered",
}  # fmt: skip
SHIPSTATION_DETAILS: Mapping[str, ShipmentState | None] = {
    **_all(
        None, "COLLECTION_FAILED", "AWAITING_DESPATCH", "COLLECTION_REQUESTED", "ELEC_ADVICE_RECD_BY_CARRIER",
        "NOT_YET_RECEIVED_BY_CARRIER", "AWAITING_ELECTRONIC_ADVICE", "CANCELLED", "CANCELLED_BEFORE_DESPATCH",
        "CARRIER_STATUS_NOT_MAPPED", "POST_TRANSIT_STATUS", "INFORMATION", "PARCEL_UPDATE_NOTIFICATION_VIA_EMAIL",
        "PARCEL_UPDATE_NOTIFICATION_VIA_SMS", "COD_AMOUNT_PAID",
    ),
    **_all(S.HANDED_OVER, "DESPATCHED", "COLLECTION_MADE", "RECEIVED_BY_CARRIER", "RECD_BY_CARRIER_NO_ELEC_ADVICE"),
    **_all(
        S.IN_TRANSIT, "CARRIER_DELAYS", "CUSTOMS_CLEARED", "DELAYED_NOT_CARRIER", "DELIVERY_ARRANGED_WITH_RECIPIENT",
        "HUB_SCAN_OUT", "IN_TRANSIT", "MISSORTED", "PARCEL_OVER_LABELLED", "PARCEL_REPACKED",
        "RECEIVED_LOCAL_DELIVERY_DEPOT", "ROUTING_ERROR", "SUB_CONTRACTOR_EVENT", "SUB_CONTRACTOR_RECEIVED",
    ),
    **_all(
        S.CUSTOMS_HOLD, "CUSTOMS_PROCESSING", "HELD_BY_CARRIER_FOR_CLEARANCE_PRE_PROCESSING", "HELD_BY_CUSTOMS",
        "HELD_BY_EXPORT_CUSTOMS", "HELD_BY_IMPORT_CUSTOMS",
    ),
    **_all(
        S.EXCEPTION, "ATTEMPTED_DELIVERY", "ATTEMPTED_DELIVERY_2ND", "ATTEMPTED_DELIVERY_3RD", "COD_AMOUNT_NOT_PAID",
        "CUSTOMER_CARDED", "CUSTOMER_IDENTIFICATION_FAILED", "INVALID_METHOD_OF_PAYMENT",
        "NO_ACCESS_TO_RECIPIENTS_ADDRESS", "NOT_DELIVERED_ADDRESSEE_DECEASED", "PARCEL_DISPOSED", "PARCEL_LOST",
        "ADDRESS_QUERY", "HELD_BY_CARRIER", "INCORRECT_DECLARATION",
    ),
    "OUT_FOR_DELIVERY": S.OUT_FOR_DELIVERY,
    **_all(
        S.AVAILABLE_FOR_PICKUP, "AWAITING_COLLECTION_FROM_PICKUP_POINT", "COLLECT_AT_LOCAL_PO",
        "CUSTOMER_TO_COLLECT_FROM_CARRIER", "DELIVERED_TO_LOCKER_COLLECTION_POINT",
    ),
    **_all(
        S.DELIVERED, "DELIVERED", "DELIVERED_DAMAGED", "DELIVERED_IN_PART", "DELIVERED_SPECIFIED_SAFE_PLACE",
        "DELIVERED_TO_ALTERNATIVE_DELIVERY_LOCATION", "DELIVERED_TO_NEIGHBOUR", "DELIVERED_TO_PO_BOX",
        "PARCEL_COLLECTED_FROM_PICKUP_POINT", "PROOF_OF_DELIVERY",
    ),
    **_all(
        S.RETURNING, "CUSTOMER_MOVED", "HAZARDOUS_PROHIBITED", "NOT_COLLECTED_FROM_PICKUP_POINT", "NOT_DELIVERED",
        "PARCEL_DAMAGED", "PARCEL_OUTSIDE_OF_SERVICE_CAPABILITY", "REFUSED_BY_CUSTOMER", "RETURN_TO_SENDER",
    ),
}  # fmt: skip


def easypost(status: str, detail: str) -> Meaning | None:
    """What a tracker's words mean; None where they are not EasyPost's. A status that says where it is decides."""
    if status not in EASYPOST:
        return None
    found = EASYPOST[status]
    if status in EASYPOST_OPEN:
        found = EASYPOST_DETAILS.get(detail) or found
    known = detail if detail in EASYPOST_DETAILS and detail not in ("unknown", "status_update") else status
    return Meaning(found, _words(known))


def shippo(status: str, detail: str) -> Meaning | None:
    """What a track's words mean; None where they are not Shippo's."""
    if detail in SHIPPO_DETAILS and detail != "other":
        return Meaning(SHIPPO_DETAILS[detail], _words(detail))
    return Meaning(SHIPPO[status], _words(status)) if status in SHIPPO else None


def shipstation(status: str, detail: str) -> Meaning | None:
    """What ShipStation's codes mean; None where they are not theirs."""
    if SHIPSTATION_DETAILS.get(detail):
        return Meaning(SHIPSTATION_DETAILS[detail], _words(detail))
    if status not in SHIPSTATION:
        return Meaning(None, _words(detail)) if detail in SHIPSTATION_DETAILS else None
    words = _words(detail) if detail in SHIPSTATION_DETAILS else SHIPSTATION_WORDS[status]
    return Meaning(SHIPSTATION[status], words)


def _words(code: str) -> str:
    return code.replace("_", " ").capitalize()


def code(value: object) -> str:
    """A service's code word as it may be kept: one that looks like a sentence, or like nothing, is a question mark."""
    text = value if isinstance(value, str) else ""
    return text if not text or _CODE.fullmatch(text) else "?"


def carrier_name(told: str | None) -> str:
    """Our name of a carrier, whoever spells it; what we do not know stays as it is told, without what is odd in it."""
    plain = re.sub(r"[^a-z0-9]", "", (told or "").lower())
    if plain not in _OTHERS:
        for begins, name in _SPELT:
            if plain.startswith(begins):
                return name
    return re.sub(r"[^A-Za-z0-9 _-]", "", told or "")[:40].strip()


def plain_number(told: str | None) -> str:
    """A tracking number as it is compared: capital letters and digits; "" where it is no tracking number."""
    plain = re.sub(r"[\s-]", "", told or "").upper()
    return plain if re.fullmatch(r"[A-Z0-9]{4,60}", plain, re.ASCII) else ""
