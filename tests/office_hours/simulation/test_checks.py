"""Each check sees what it looks for: a short season is played, then spoilt behind the portal's back."""

from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.office_hours import queries
from portal.office_hours.actions import Wish
from portal.office_hours.actions.waiting import join_list
from portal.office_hours.queries.waiting import slots_in
from tests.office_hours.simulation.checks import CHECKS, faults
from tests.office_hours.simulation.people import HOUR, everybody
from tests.office_hours.simulation.weeks import Request, Weeks
from tests.office_hours.simulation.world import SHORT, build

# Every session has one booking, each of somebody else; SHORT has nine sessions, three a week.
MINE = "participant_id = (SELECT min(participant_id) FROM office_booking)"
SPOILT = {
    "double_seats": ["UPDATE office_booking SET slot_id = 1, seat_no = 1"],
    "people_in_two_places": [
        f"UPDATE office_booking SET {MINE}, quota_no = id, starts_at = '2020-03-25T16:00:00.000000Z', "
        "ends_at = '2020-03-25T16:30:00.000000Z'"
    ],
    "hosts_in_two_places": ["UPDATE office_slot SET host_id = (SELECT min(host_id) FROM office_slot)"],
    "over_the_quota": [f"UPDATE office_booking SET {MINE}, quota_no = id"],
    "over_the_cap": [f"UPDATE office_booking SET {MINE}, quota_no = id"],
    "off_the_wall_clock": ["UPDATE office_session SET starts_at = '2020-03-25T17:00:00.000000Z' WHERE id = 1"],
    "unfinished": ["UPDATE office_booking SET state = 'confirmed' WHERE state = 'attended'"],
    "wrongly_told": ["DELETE FROM outgoing_mail WHERE id = (SELECT min(id) FROM outgoing_mail)"],
    "untimely_reminders": ["UPDATE outgoing_mail SET created_at = '2020-03-01T12:00:00.000000Z'"],
    "out_of_turn": ["UPDATE office_waiter SET joined_at = '2020-03-02T12:00:00.000000Z' WHERE id = 2"],
}


class Few:
    """One person books in each session. Two wait for the first of these seats, which is given back and offered."""

    def __init__(self, weeks: Weeks) -> None:
        self.weeks, self.people = weeks, iter(everybody())
        weeks.when_opened.append(self.opening)

    def opening(self, sitting_id: int, at: datetime) -> None:
        first = not any(self.weeks.seats.values())
        self.weeks.ask(Request(next(self.people), self.weeks.sittings[sitting_id][:1], f"{sitting_id}"), at, set())
        if first:
            for hours in (1, 2):
                self.weeks.at(at + hours * HOUR, lambda when: self.wait(sitting_id, when))
            self.weeks.at(at + 3 * HOUR, lambda when: self.weeks.give_up(1, when))

    def wait(self, sitting_id: int, at: datetime) -> None:
        session, world = self.weeks.session, self.weeks.world
        member = session.get_one(Member, world.members[next(self.people).number])
        sitting = queries.sitting_of(session, world.challenge_id, sitting_id)
        join_list(session, sitting, slots_in(session, sitting_id)[:1], member, Wish("", "A topic"), at=at)
        session.commit()


@pytest.mark.parametrize("database", ["sqlite"])
def test_every_check_sees_what_it_looks_for(session: Session) -> None:
    weeks = Weeks(session, build(session, SHORT))
    Few(weeks)
    weeks.run()
    assert faults(session) == {}
    assert sorted(SPOILT) == sorted(check.__name__ for check in CHECKS)

    for name, statements in SPOILT.items():
        _let_go(session)
        for statement in statements:
            session.execute(sa.text(statement))
        assert name in faults(session)  # which takes everything back


def _let_go(session: Session) -> None:
    """Let the database take anything, until the end of the transaction."""
    session.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
    guards = "SELECT type, name FROM sqlite_master WHERE type = 'trigger' OR name LIKE 'uq_office_booking%'"
    for kind, name in session.execute(sa.text(guards)).all():
        session.execute(sa.text(f"DROP {kind} {name}"))
