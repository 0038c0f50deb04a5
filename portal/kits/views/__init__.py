"""The pages of kits: the participant's, the stock, the pipeline."""

from portal.kits.views import board, numbers, participant, returns, shipments, stock, wishes
from portal.kits.views.base import blueprint

__all__ = ["blueprint", "board", "numbers", "participant", "returns", "shipments", "stock", "wishes"]
