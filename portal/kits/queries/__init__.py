"""Finding kits: a participant's own parcels, and a challenge's stock and pipeline."""

from portal.kits.queries.people import COMPLAINED, address_of, addresses_over, contact, countries_of, unplanned
from portal.kits.queries.shipments import (
    Stage,
    count_troubles,
    names_of,
    own_parcel,
    parcels_of,
    pipeline,
    shipment,
    shipments,
    story_of,
)
from portal.kits.queries.stock import (
    UnitFilter,
    all_units,
    known_serials,
    model,
    models,
    places_of,
    unit,
    unit_by_serial,
    unit_counts,
    units,
)
from portal.kits.queries.todo import queues, tasks

__all__ = [
    "COMPLAINED",
    "Stage",
    "UnitFilter",
    "address_of",
    "addresses_over",
    "all_units",
    "contact",
    "count_troubles",
    "countries_of",
    "known_serials",
    "model",
    "models",
    "names_of",
    "own_parcel",
    "parcels_of",
    "pipeline",
    "places_of",
    "queues",
    "shipment",
    "shipments",
    "story_of",
    "tasks",
    "unit",
    "unit_by_serial",
    "unit_counts",
    "units",
    "unplanned",
]
