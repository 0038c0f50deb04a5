"""The pages of kits: the participant's, the stock, the pipeline."""

from portal.kits.views import (
    arranging,
    carriers,
    holds,
    importing,
    models,
    participant,
    policy,
    reservations,
    scanning,
    screening,
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
    "holds",
    "importing",
    "models",
    "participant",
    "policy",
    "reservations",
    "scanning",
    "screening",
    "shipments",
    "stock",
    "tracking",
    "webhooks",
]
