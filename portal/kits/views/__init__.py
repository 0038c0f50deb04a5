"""The pages of kits: the participant's, the stock, the pipeline."""

from portal.kits.views import bench, packing, participant, shipments, stock
from portal.kits.views.base import blueprint

__all__ = ["bench", "blueprint", "packing", "participant", "shipments", "stock"]
