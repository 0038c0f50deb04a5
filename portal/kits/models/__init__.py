"""What is true of kits: kinds, units by serial number, where they go, and how they got there."""

from portal.kits.models.addresses import DeliveryAddress
from portal.kits.models.returns import KitReplacement, KitReturn, MailChoice, SentReminder, UnitReturn
from portal.kits.models.shipments import Shipment, ShipmentEvent, ShipmentUnit
from portal.kits.models.stock import KitModel, Unit

__all__ = [
    "DeliveryAddress",
    "KitModel",
    "KitReplacement",
    "KitReturn",
    "MailChoice",
    "SentReminder",
    "Shipment",
    "ShipmentEvent",
    "ShipmentUnit",
    "Unit",
    "UnitReturn",
]
