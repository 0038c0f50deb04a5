"""What is true of kits: kinds, units by serial number, where they go, and how they got there."""

from portal.kits.models.addresses import AddressFinding, DeliveryAddress
from portal.kits.models.holds import ShipmentHold
from portal.kits.models.policy import CountryPolicy, ScreeningEntry, ScreeningList
from portal.kits.models.shipments import Shipment, ShipmentEvent, ShipmentUnit
from portal.kits.models.stock import KitModel, Unit

__all__ = [
    "AddressFinding",
    "CountryPolicy",
    "DeliveryAddress",
    "KitModel",
    "ScreeningEntry",
    "ScreeningList",
    "Shipment",
    "ShipmentEvent",
    "ShipmentHold",
    "ShipmentUnit",
    "Unit",
]
