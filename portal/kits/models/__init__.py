"""What is true of kits: kinds, units by serial number, where they go, and how they got there."""

from portal.kits.models.addresses import DeliveryAddress
from portal.kits.models.bench import PackingScan, PackingStation, Sender
from portal.kits.models.shipments import Shipment, ShipmentEvent, ShipmentUnit
from portal.kits.models.stock import KitModel, Unit

__all__ = [
    "DeliveryAddress",
    "KitModel",
    "PackingScan",
    "PackingStation",
    "Sender",
    "Shipment",
    "ShipmentEvent",
    "ShipmentUnit",
    "Unit",
]
