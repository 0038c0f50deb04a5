"""Weeks in which sixty-four people want every seat at once, and the processes in which they ask are killed."""

import pytest
from sqlalchemy.orm import Session

from portal.core.db import db
from tests.office_hours.simulation.checks import faults
from tests.office_hours.simulation.figures import figures
from tests.office_hours.simulation.storm import Storm
from tests.office_hours.simulation.stormy import Stormy
from tests.office_hours.simulation.weeks import Weeks
from tests.office_hours.simulation.world import SHORT, build

pytestmark = pytest.mark.slow


def test_a_storm_at_every_opening(session: Session) -> None:
    world = build(session, SHORT)
    weeks = Weeks(session, world)
    storm = Storm(db.engine.url.render_as_string(hide_password=False))
    Stormy(weeks, storm)

    weeks.run()

    assert faults(session) == {}
    assert storm.killed >= SHORT.weeks * 3
    assert storm.heard > 0
    assert storm.lost > 0
    print(storm, figures(session, world))
