"""The pages of kits: the participant's, the stock, the pipeline."""

from portal.kits.views import arranging, importing, models, participant, reservations, scanning, shipments, stock
from portal.kits.views.base import blueprint

__all__ = [
    "arranging", "blueprint", "importing", "models", "participant", "reservations", "scanning", "shipments", "stock",
]  # fmt: skip
