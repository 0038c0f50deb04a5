"""The pages of kits: the participant's, the stock, the pipeline."""

from portal.kits.views import participant, shipments, stock, tracking, webhooks
from portal.kits.views.base import blueprint

__all__ = ["blueprint", "participant", "shipments", "stock", "tracking", "webhooks"]
