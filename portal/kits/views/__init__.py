"""The pages of kits: the participant's, the stock, the pipeline."""

from portal.kits.views import holds, participant, policy, screening, shipments, stock
from portal.kits.views.base import blueprint

__all__ = ["blueprint", "holds", "participant", "policy", "screening", "shipments", "stock"]
