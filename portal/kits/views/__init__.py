"""The pages of kits: the participant's, the stock, the pipeline."""

from portal.kits.views import (
    arranging,
    bench,
    carriers,
    holds,
    importing,
    models,
    packing,
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
    "bench",
    "blueprint",
    "carriers",
    "holds",
    "importing",
    "models",
    "packing",
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
