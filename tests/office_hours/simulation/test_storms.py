"""Weeks in which sixty-four people want every seat at once, and the processes in which they ask are killed."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.db import db
from portal.office_hours.models import RoundRequest, SeatOffer
from portal.office_hours.states import RequestState
from tests.office_hours.simulation.checks import faults
from tests.office_hours.simulation.fair import ROUND_HOURS
from tests.office_hours.simulation.storm import CROWD, Storm
from tests.office_hours.simulation.stormy import Stormy
from tests.office_hours.simulation.stormy_fair import StormyFair
from tests.office_hours.simulation.weeks import Weeks
from tests.office_hours.simulation.world import SHORT, WEEK_OF_STORMS, build

pytestmark = pytest.mark.slow


@pytest.fixture
def storm(session: Session) -> Storm:
    """Processes on the test's database."""
    return Storm(db.engine.url.render_as_string(hide_password=False))


def test_everybody_books_in_the_moment_of_each_opening(session: Session, storm: Storm) -> None:
    weeks = Weeks(session, build(session, SHORT))
    Stormy(weeks, storm)

    weeks.run()

    assert faults(session) == {}
    assert storm.killed == 6
    # Some had been answered when their process died, others had not: all of them have asked again.
    assert min(storm.heard, storm.lost) > 0


def test_everybody_asks_and_waits_while_many_workers_draw_and_offer(session: Session, storm: Storm) -> None:
    weeks = Weeks(session, build(session, WEEK_OF_STORMS, round_hours=ROUND_HOURS))
    StormyFair(weeks, storm)

    weeks.run()

    assert faults(session) == {}
    assert storm.killed == 4
    drawn = session.execute(sa.select(RoundRequest.state, sa.func.count()).group_by(RoundRequest.state)).all()
    assert sum(count for _, count in drawn) == CROWD
    assert dict(drawn)[RequestState.SEATED] == 5
    assert session.scalars(sa.select(sa.func.count()).select_from(SeatOffer)).one() >= 3
