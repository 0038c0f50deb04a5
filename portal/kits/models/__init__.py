"""What is true of kits: kinds, units by serial number, where they go, and how they got there."""

from portal.kits.models.addresses import AddressFinding, DeliveryAddress
from portal.kits.models.bench import PackingScan, PackingStation, Sender
from portal.kits.models.carriers import CarrierExport
from portal.kits.models.holds import ShipmentHold
from portal.kits.models.policy import CountryPolicy, ScreeningEntry, ScreeningList
from portal.kits.models.reservations import Reservation
from portal.kits.models.returns import KitReplacement, KitReturn, MailChoice, SentReminder, UnitReturn
from portal.kits.models.shipments import Shipment, ShipmentEvent, ShipmentUnit
from portal.kits.models.stock import KitModel, Unit
from portal.kits.models.tracking import TrackingNews, TrackingPoll

__all__ = [
    "AddressFinding",
    "CarrierExport",
    "CountryPolicy",
    "DeliveryAddress",
    "KitModel",
    "KitReplacement",
    "KitReturn",
    "MailChoice",
    "PackingScan",
    "PackingStation",
    "Reservation",
    "ScreeningEntry",
    "ScreeningList",
    "Sender",
    "SentReminder",
    "Shipment",
    "ShipmentEvent",
    "ShipmentHold",
    "ShipmentUnit",
    "TrackingNews",
    "TrackingPoll",
    "Unit",
    "UnitReturn",
]
