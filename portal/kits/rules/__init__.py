"""Pure answers about units, parcels and what is told of them."""

from portal.kits.rules.serials import Serials, read_serials
from portal.kits.rules.shipments import (
    ADDRESS_WITHIN,
    KEEP_ADDRESS,
    SILENT_AFTER,
    WHERE,
    check_address_change,
    check_assign,
    check_count,
    check_step,
    check_word,
    tracking_move,
)

__all__ = [
    "ADDRESS_WITHIN",
    "KEEP_ADDRESS",
    "SILENT_AFTER",
    "WHERE",
    "Serials",
    "check_address_change",
    "check_assign",
    "check_count",
    "check_step",
    "check_word",
    "read_serials",
    "tracking_move",
]
