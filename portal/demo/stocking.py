"""The shelves of the demonstration: kits before the first invitation, as each of them reserves one."""

from datetime import datetime
from decimal import Decimal

from portal.demo.world import Stage, World
from portal.kits.actions import KitSpec, add_model, add_units
from portal.kits.models import KitModel


def fill_shelves(world: World, stage: Stage, at: datetime, count: int) -> None:
    """So many units of the kit that every place gets, on two shelves, and a few probes for whoever asks for one."""
    session, challenge, by = world.session, stage.challenge, world.staff["logistics"]
    kit, probe = _models(world, stage, at)
    first = count * 2 // 3
    for shelf, numbers in (("Shelf A", range(1, first + 1)), ("Shelf B", range(first + 1, count + 1))):
        serials = "\n".join(f"MT3620-{challenge.id}{number:04}" for number in numbers)
        add_units(session, challenge, kit, serials, location=shelf, firmware="20.05", by=by, at=at)
    probes = "\n".join(f"PROBE-{challenge.id}{number:03}" for number in range(1, 5))
    add_units(session, challenge, probe, probes, location="Cabinet 2", firmware="", by=by, at=at)


def _models(world: World, stage: Stage, at: datetime) -> tuple[KitModel, KitModel]:
    kit = KitSpec(
        name="MT3620 development kit", revision="RDB 1.0", weight_g=180, declared_value=Decimal("85.00"),
        currency=stage.challenge.currency, hs_code="8543.70", eccn="5A992.c", origin="TW",
        basis="as the maker's sheet says",
    )  # fmt: skip
    probe = KitSpec(
        name="Debug probe", revision="1", weight_g=60, declared_value=Decimal("40.00"), origin="TW", hs_code="9030.89",
        currency=stage.challenge.currency, basis="as the maker's sheet says", per_place=0,
    )  # fmt: skip
    made = [
        add_model(world.session, stage.challenge, spec, by=world.staff["logistics"], at=at) for spec in (kit, probe)
    ]
    return made[0], made[1]
