"""News of carriers in the demonstration: two numbers nobody has, one message that was broken, and parcels asked for."""

import hashlib
from datetime import datetime, timedelta

from portal.demo.world import World
from portal.kits import follow
from portal.kits.actions import inbox, polls
from portal.kits.rules.payloads import EASYPOST, SHIPPO, SHIPSTATION, News
from portal.kits.rules.polling import Asked
from portal.kits.states import ShipmentState

# A number that was typed wrongly, and one that belongs to somebody else.
STRAYS = (
    ("DHL", "JD014600007710452396", ShipmentState.IN_TRANSIT, "Arrived at facility", 31),
    ("DHL", "JD014600007710452396", ShipmentState.OUT_FOR_DELIVERY, "Out for delivery", 5),
    ("UPS", "1Z999AA10123456784", ShipmentState.HANDED_OVER, "Package accepted", 50),
)
TROUBLE = "It answers 503."


def follow_parcels(world: World) -> None:
    """What came in over the last days, and whom the portal asks about."""
    session, now = world.session, world.now
    strays = [
        News(EASYPOST if carrier == "DHL" else SHIPPO, hashlib.sha256(f"demo {number} {hours}".encode()).hexdigest(),
             carrier, number, status.value, status, words, now - timedelta(hours=hours))
        for carrier, number, status, words, hours in STRAYS
    ]  # fmt: skip
    inbox.receive(session, strays, at=now - timedelta(hours=5))
    digest = hashlib.sha256(b"demo").hexdigest()
    inbox.note_malformed(session, SHIPPO, digest, "It is not JSON in UTF-8.", at=now - timedelta(hours=20))
    session.commit()
    follow.take_news(session, now - timedelta(hours=4))
    _ask(world)


def _ask(world: World) -> None:
    """Every parcel on its way has been asked for within the last hours; for one the service was out of order."""
    session, asked_at = world.session, world.now - timedelta(minutes=25)
    polls.plan(session, {SHIPSTATION: {"UPS", "DHL", "FedEx"}}, at=asked_at)
    parcels = polls.claim(session, SHIPSTATION, at=asked_at, limit=1000)
    polls.unanswered(session, parcels[:1], TROUBLE, at=asked_at - timedelta(minutes=40), wait=timedelta())
    polls.unanswered(session, parcels[:1], TROUBLE, at=asked_at, wait=timedelta())
    polls.answered(session, parcels[1:], at=asked_at)
    told = [_scan(parcel, asked_at) for parcel in parcels[1:] if parcel.state is not ShipmentState.LABELLED]
    inbox.receive(session, told, at=asked_at)
    session.commit()
    follow.take_news(session, asked_at)


def _scan(parcel: Asked, asked_at: datetime) -> News:
    """The service says that a parcel is still where it was."""
    key = hashlib.sha256(f"demo asked {parcel.shipment_id}".encode()).hexdigest()
    said, words = ("IT / HUB_SCAN_OUT", "Hub scan out")
    seen = asked_at - timedelta(minutes=10 + parcel.shipment_id % 50)
    return News(SHIPSTATION, key, parcel.carrier, parcel.number, said, parcel.state, words, seen)
