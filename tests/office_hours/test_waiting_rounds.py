"""The waiting list of a session whose seats are drawn begins where the draw ends; and nobody is offered two seats."""

from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Refused
from portal.office_hours import queries
from portal.office_hours.actions import Wish
from portal.office_hours.actions.waiting import join_list, offer_seat
from portal.office_hours.jobs import hold_rounds, offer_seats
from portal.office_hours.models import Booking, Sitting
from portal.office_hours.queries.waiting import candidates
from portal.office_hours.states import Source
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage
from tests.office_hours.rounds import DAY, DRAW, Rounds
from tests.office_hours.test_waiting import Queue


def wait(session: Session, cast: Cast, sitting_id: int, at: datetime = NOON) -> None:
    sitting = queries.sitting_of(session, cast.challenge.id, sitting_id)
    join_list(session, sitting, [], cast.member, Wish("", "The boot log"), at=at)
    session.commit()


def test_while_a_round_gathers_one_asks_and_does_not_wait(session: Session, cast: Cast, stage: Stage) -> None:
    rounds = Rounds(stage)
    found, _ = rounds.one()

    with pytest.raises(Refused, match=r"Its seats are drawn. Ask for one until Tue 16 Jun 12:00 UTC"):
        wait(session, cast, found.sitting_id)

    rounds.draw()
    with pytest.raises(Refused, match=r"A seat of it is free\. Book it"):
        wait(session, cast, found.sitting_id, DRAW)


def test_who_waited_before_the_round_gets_what_the_draw_leaves(session: Session, cast: Cast, stage: Stage) -> None:
    series = Rounds(stage).series(advance_days=7)
    second = sa.select(Sitting.id).where(Sitting.series_id == series.id).order_by(Sitting.starts_at).offset(1).limit(1)
    wait(session, cast, session.scalars(second).one())

    given: list[list[tuple[Source, int]]] = []
    for at in (FIRST, FIRST + DAY):
        hold_rounds(session, at)
        offer_seats(session, at)
        given.append([tuple(row) for row in session.execute(sa.select(Booking.source, Booking.participant_id))])

    assert given == [[], [(Source.WAITLIST, cast.participant.id)]]


def test_two_workers_offer_nobody_two_seats(session: Session, stage: Stage) -> None:
    queue = Queue(stage, slots=2, weekly_quota=2)
    queue.join("Mona")
    queue.free(0)
    queue.free(1)
    # Both workers look before either has offered anything.
    chosen = [(slot, candidates(session, slot, NOON)[0]) for slot in queue.slots]

    assert offer_seat(session, *chosen[0], at=NOON, sender=SENDER)
    session.commit()
    with pytest.raises(Conflict, match="Another seat has just been offered to them"):
        offer_seat(session, *chosen[1], at=NOON, sender=SENDER)
    session.rollback()

    assert queue.held() == ["Mona"]
