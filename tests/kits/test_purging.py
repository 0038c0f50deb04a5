"""Addresses are kept while something may go there or come from there, and no longer: on both databases."""

from datetime import UTC, datetime, time, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.kits import actions, queries
from portal.kits.actions import returns
from portal.kits.jobs import purge_addresses
from portal.kits.models import DeliveryAddress, KitReturn
from portal.kits.states import ShipmentState, Word
from tests.cast import NOON, Cast
from tests.kits.conftest import HOUR, Afterwards, Bench

S = ShipmentState


def test_an_address_stays_until_a_trouble_is_settled(session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    actions.say(session, parcel, Word.DAMAGED, "", by=cast.researcher.id, at=NOON)
    session.commit()
    assert queries.addresses_over(session, NOON + timedelta(days=99)) == []

    actions.settle(session, bench.again(parcel), by=bench.by, at=NOON + HOUR)
    session.commit()

    assert queries.addresses_over(session, NOON - timedelta(seconds=1)) == []
    assert queries.addresses_over(session, NOON) == [cast.participant.id]


@pytest.mark.parametrize("sent", [False, True])
def test_an_address_nothing_ever_came_to_goes_thirty_days_after_the_end(
    session: Session, cast: Cast, bench: Bench, sent: bool
) -> None:
    """Whether or not anything was sent there."""
    bench.address()
    if sent:
        bench.advance(bench.parcel(), "ready", "cancel")
    session.commit()
    over = cast.challenge.ends_on + timedelta(days=31)

    assert purge_addresses(session, datetime.combine(over, time(0), UTC) - timedelta(seconds=1)) == 0
    assert purge_addresses(session, datetime.combine(over, time(0), UTC)) == 1
    assert session.scalars(sa.select(DeliveryAddress.sealed)).all() == [None]


@pytest.mark.parametrize("asked", [False, True])
def test_an_address_stays_while_something_is_to_come_back(
    session: Session, cast: Cast, afterwards: Afterwards, asked: bool
) -> None:
    back = afterwards.asked() if asked else afterwards.announced()
    session.commit()
    # The parcel itself came to its end long ago.
    late = NOON + timedelta(days=99)
    assert purge_addresses(session, late) == 0

    returns.cancel(session, afterwards.back(back), "Keep it.", by=afterwards.by, at=NOON + HOUR)
    session.commit()

    assert purge_addresses(session, late) == 1
    assert session.scalars(sa.select(KitReturn.label)).all() == [None]
