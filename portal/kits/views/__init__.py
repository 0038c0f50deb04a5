"""The pages of kits: the participant's, the stock, the pipeline."""

from portal.kits.views import carriers, participant, shipments, stock, tracking, webhooks
from portal.kits.views.base import blueprint

__all__ = [
    "blueprint",
    "carriers",
    "participant",
    "shipments",
    "stock",
    "tracking",
    "webhooks",
]
