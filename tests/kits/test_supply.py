"""What the selection learns of the stock."""

from sqlalchemy.orm import Session

from portal.kits.states import ShipmentState
from portal.selection import supply
from tests.cast import Cast
from tests.kits.conftest import Bench


def test_a_challenge_without_units_has_no_stock_to_count(session: Session, cast: Cast) -> None:
    assert supply.free_kits(session, cast.challenge.id) is None
    assert supply.unshippable(session, cast.challenge.id) == frozenset()


def test_units_that_participants_wait_for_are_not_free(session: Session, cast: Cast) -> None:
    bench = Bench(session, cast)
    bench.units(*(f"KIT-{number}" for number in range(5)))
    session.commit()
    # Two participants take part, and nothing is planned for either.
    assert supply.free_kits(session, cast.challenge.id) == 3


def test_a_packed_unit_is_neither_free_nor_waited_for(session: Session, cast: Cast) -> None:
    bench = Bench(session, cast)
    bench.at(ShipmentState.READY)
    # The team has no parcel yet.
    assert supply.free_kits(session, cast.challenge.id) == 0
    bench.units("KIT-X", "KIT-Y")
    session.commit()
    assert supply.free_kits(session, cast.challenge.id) == 1
