"""The pages of kits: the participant's, the stock, the pipeline."""

from portal.kits.views import (
    arranging,
    carriers,
    importing,
    models,
    participant,
    reservations,
    scanning,
    shipments,
    stock,
    tracking,
    webhooks,
)
from portal.kits.views.base import blueprint

__all__ = [
    "arranging",
    "blueprint",
    "carriers",
    "importing",
    "models",
    "participant",
    "reservations",
    "scanning",
    "shipments",
    "stock",
    "tracking",
    "webhooks",
]
