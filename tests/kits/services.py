"""What services post, signed by other code than the portal's: openssl for every signature."""

import base64
import json
import subprocess
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.cast import NOON

SECRET = "only-for-tests-sécret"
# Whatever of these is found later was kept though nobody needs it.
PRIVATE = ("Rosa Researcher", "BERLIN-MITTE", "10115", "Invalidenstr. 117", "R. RESEARCHER")
PLACE = {"city": "BERLIN-MITTE", "state": "BE", "zip": "10115", "country": "DE"}
# The event that EasyPost's own client libraries are tested with, its secret and its signature
# (https://github.com/EasyPost/easypost-python, tests/conftest.py and tests/test_webhook.py).
OFFICIAL_SECRET = "sécret"
OFFICIAL_SIGNATURE = "hmac-sha256-hex=e93977c8ccb20363d51a62b3fe1fc402b7829be1152da9e88cf9e8d07115a46b"
OFFICIAL_BODY = (
    b'{"result":{"id":"batch_123...","object":"Batch","mode":"test","state":"created","num_shipments":0,'
    b'"reference":null,"created_at":"2022-07-26T17:22:32Z","updated_at":"2022-07-26T17:22:32Z","scan_form":null,'
    b'"shipments":[],"status":{"created":0,"queued_for_purchase":0,"creation_failed":0,"postage_purchased":0,'
    b'"postage_purchase_failed":0},"pickup":null,"label_url":null},"description":"batch.created","mode":"test",'
    b'"previous_attributes":null,"completed_urls":null,"user_id":"user_123...","status":"pending","object":"Event",'
    b'"id":"evt_123..."}'
)


def _openssl(*arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout


def hmac_hex(secret: str, signed: bytes) -> str:
    """HMAC-SHA256 by openssl; the key in hex, so that no shell or locale spells it anew."""
    made = _openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{secret.encode().hex()}", given=signed)
    return made.decode().rpartition(" ")[2].strip()


@cache
def rsa_key(bits: int = 2048) -> bytes:
    """A private key in PEM."""
    return _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}", "-outform", "PEM")


@cache
def rsa_public(bits: int = 2048) -> str:
    """Its public part in PEM."""
    return _openssl("pkey", "-pubout", given=rsa_key(bits)).decode()


def jwks(kid: str, bits: int = 2048) -> str:
    """The same as a JWKS document (RFC 7517), with a key of another kind beside it."""
    told = _openssl("rsa", "-pubin", "-modulus", "-noout", given=rsa_public(bits).encode())
    modulus = bytes.fromhex(told.decode().strip().removeprefix("Modulus="))
    number = base64.urlsafe_b64encode(modulus).rstrip(b"=").decode()
    keys = [{"kty": "EC", "kid": "other", "crv": "P-256"}, {"kty": "RSA", "kid": kid, "n": number, "e": "AQAB"}]
    return json.dumps({"keys": keys})


def rsa_sign(folder: Path, signed: bytes, bits: int = 2048) -> str:
    """The signature in base64."""
    key = folder / f"key-{bits}.pem"
    key.write_bytes(rsa_key(bits))
    return base64.b64encode(_openssl("dgst", "-sha256", "-sign", str(key), given=signed)).decode()


def iso(at: datetime) -> str:
    """As services write instants."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def hours(count: float) -> datetime:
    """So many hours after noon."""
    return NOON + timedelta(hours=count)


def body_of(message: Mapping[str, Any]) -> bytes:
    """The bytes of a message."""
    return json.dumps(message, ensure_ascii=False).encode()


# What happened, as (status, detail, instant).
Scans = list[tuple[str, str, datetime]]


def easypost(number: str, scans: Scans, carrier: str = "DHLExpress", event: str = "evt_1") -> dict[str, Any]:
    """EasyPost's event of a tracker, with everything in it that is nobody's business."""
    details = [
        {
            "object": "TrackingDetail", "message": "Left with R. RESEARCHER at BERLIN-MITTE", "status": status,
            "status_detail": detail, "datetime": iso(at), "source": carrier, "tracking_location": PLACE,
        }
        for status, detail, at in scans
    ]  # fmt: skip
    status, detail, at = scans[-1]
    tracker = {
        "id": "trk_1", "object": "Tracker", "tracking_code": number, "status": status, "status_detail": detail,
        "signed_by": "R. RESEARCHER", "carrier": carrier, "updated_at": iso(at), "tracking_details": details,
        "carrier_detail": {"destination_location": "BERLIN-MITTE 10115"}, "is_return": False,
    }  # fmt: skip
    return {"id": event, "object": "Event", "description": "tracker.updated", "mode": "production", "result": tracker}


def shippo(number: str, scans: Scans, carrier: str = "dhl_express") -> dict[str, Any]:
    """Shippo's message of a track."""
    history = [
        {
            "object_id": str(position), "status": status, "status_details": "Left with R. RESEARCHER",
            "substatus": {"code": detail, "text": "Invalidenstr. 117", "action_required": False} if detail else None,
            "status_date": iso(at), "location": PLACE,
        }
        for position, (status, detail, at) in enumerate(scans)
    ]  # fmt: skip
    track = {
        "carrier": carrier, "tracking_number": number, "address_to": {"name": "Rosa Researcher", **PLACE},
        "tracking_status": history[-1], "tracking_history": history, "metadata": "Rosa Researcher",
    }  # fmt: skip
    return {"event": "track_updated", "test": False, "data": track}


def shipstation_tracking(number: str, scans: Scans, carrier: str | None = "dhl_express") -> dict[str, Any]:
    """ShipStation's account of a parcel."""
    events = [
        {
            "occurred_at": iso(at), "description": "Left at BERLIN-MITTE", "city_locality": "BERLIN-MITTE",
            "postal_code": "10115", "signer": "R. RESEARCHER", "status_code": status,
            "status_detail_code": detail or None,
        }
        for status, detail, at in scans
    ]  # fmt: skip
    status, detail, at = scans[-1]
    return {
        "tracking_number": number, "status_code": status, "status_detail_code": detail or None,
        "carrier_code": carrier, "actual_delivery_date": iso(at), "events": events,
    }  # fmt: skip


def shipstation(number: str, scans: Scans, carrier: str | None = "dhl_express") -> dict[str, Any]:
    """ShipStation's message of it."""
    return {"resource_type": "TRACK_EVENT_V2", "resource_url": "https://192.0.2.1/steal",
            "data": shipstation_tracking(number, scans, carrier)}  # fmt: skip


def easypost_headers(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """How EasyPost signs."""
    key = unicodedata.normalize("NFKD", secret)
    return {"X-Hmac-Signature": f"hmac-sha256-hex={hmac_hex(key, body)}"}


def easypost_v2_headers(
    body: bytes, at: datetime = NOON, path: str = "/webhooks/easypost", secret: str = SECRET
) -> dict[str, str]:
    """How EasyPost signs newer webhooks."""
    time = at.strftime("%a, %d %b %Y %H:%M:%S -0000")
    digest = hmac_hex(unicodedata.normalize("NFKD", secret), f"{time}POST{path}".encode() + body)
    return {"X-Timestamp": time, "X-Path": path, "X-Hmac-Signature-V2": f"hmac-sha256-hex={digest}"}


def shippo_headers(body: bytes, at: datetime = NOON, secret: str = SECRET) -> dict[str, str]:
    """How Shippo signs."""
    time = str(int(at.timestamp()))
    return {"Shippo-Auth-Signature": f"t={time},v1={hmac_hex(secret, f'{time}.'.encode() + body)}"}


def shipstation_headers(
    folder: Path, body: bytes, at: datetime = NOON, kid: str = "kid-1", bits: int = 2048
) -> dict[str, str]:
    """How ShipStation signs."""
    time = iso(at)
    return {
        "X-ShipEngine-RSA-SHA256-Key-ID": kid,
        "X-ShipEngine-Timestamp": time,
        "X-ShipEngine-RSA-SHA256-Signature": rsa_sign(folder, f"{time}.".encode() + body, bits),
    }
