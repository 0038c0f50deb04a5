"""What one does with kits. Actor and time are passed in; nothing is committed."""

from portal.kits.actions.addresses import (
    give_address,
    own_address,
    own_address_if_open,
    purge_address,
    reveal_address,
)
from portal.kits.actions.shipments import (
    Given,
    advance,
    ask_for_addresses,
    assign_unit,
    plan,
    replace,
    say,
    settle,
    take_out,
)
from portal.kits.actions.stock import KitSpec, add_model, add_units, move_unit
from portal.kits.actions.tracking import Scan, note_scan

__all__ = [
    "Given", "KitSpec", "Scan", "add_model", "add_units", "advance", "ask_for_addresses", "assign_unit",
    "give_address", "move_unit", "note_scan", "own_address", "own_address_if_open", "plan", "purge_address", "replace",
    "reveal_address", "say", "settle", "take_out",
]  # fmt: skip
