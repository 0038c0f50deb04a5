"""What is out of the ordinary: a session at another time, one more, and a host who is busy elsewhere."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal.core.errors import PortalError
from portal.demo.world import Stage, World
from portal.office_hours import actions
from portal.office_hours.actions.calendars import give_file
from portal.office_hours.busy import Busy
from portal.office_hours.models import Series, Sitting
from portal.office_hours.states import SittingState


def make_exceptions(world: World, stage: Stage) -> None:
    """For a challenge that still runs: move one of the coming sessions, add another, and fill a host's calendar."""
    coming = world.session.scalars(
        sa.select(Sitting)
        .join(Sitting.series)
        .options(joinedload(Sitting.series).joinedload(Series.challenge))
        .where(
            Series.challenge_id == stage.challenge.id, Sitting.state == SittingState.PLANNED,
            Sitting.starts_at > world.now + timedelta(days=8),
        )
        .order_by(Sitting.starts_at, Sitting.id)
    ).all()  # fmt: skip
    if len(coming) < 3:
        return
    host = world.staff["host2"]
    try:
        with world.session.begin_nested():
            later = coming[0].local + timedelta(days=1, hours=1)
            actions.move_sitting(
                world.session, coming[0], later, by=host, at=world.now, sender=world.sender, reason="A public holiday."
            )
            extra = coming[1].local + timedelta(days=1, hours=3)
            actions.add_sitting(
                world.session, coming[1].series, extra, by=host, at=world.now, scope=stage.challenge.slug
            )
    except PortalError:
        pass  # somebody has something else then: so it goes
    begin = coming[2].starts_at
    give_file(world.session, world.staff["host3"], [Busy(begin, begin + timedelta(hours=1))], at=world.now)
