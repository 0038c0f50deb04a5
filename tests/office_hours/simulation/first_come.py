"""First come, first served: whoever looks at the right moment gets the seat."""

from datetime import datetime
from functools import partial

from portal.office_hours import queries
from tests.office_hours.simulation.people import WEEK, Person, chance, everybody
from tests.office_hours.simulation.weeks import Chair, Request, Weeks
from tests.office_hours.simulation.world import AHEAD, NOTICE


class FirstCome:
    """Some book in the moment of the opening; others look now and then, and take what is left."""

    def __init__(self, weeks: Weeks) -> None:
        self.weeks = weeks
        season = weeks.world.season
        weeks.when_opened.append(self.opening)
        for week in range(1, season.weeks + 1):
            since = season.begin + (week - 1) * WEEK - AHEAD
            for person in everybody():
                if person.wanted(week):
                    for at in person.looks(week, since):
                        weeks.at(at, partial(self.look, person, week))

    def opening(self, sitting_id: int, at: datetime) -> None:
        """Those who are quick, in an order that chance decides."""
        chairs = self.weeks.sittings[sitting_id]
        week, full = self.weeks.week_of(chairs[0]), set[int]()
        for person in sorted(everybody(), key=lambda who: chance("quick", at, who.number)):
            if person.pace.quick and self.weeks.wants(person, week):
                self.ask(person, chairs, at, full)

    def look(self, person: Person, week: int, at: datetime) -> None:
        """Somebody looks at what is free in a week."""
        if not self.weeks.wants(person, week):
            return
        world = self.weeks.world
        monday = world.season.begin + (week - 1) * WEEK
        since, before = max(monday, at + NOTICE), min(monday + WEEK, at + AHEAD)
        offers = queries.offers(self.weeks.session, world.challenge_id, since, before)
        chairs = [
            Chair(each.slot.id, each.slot.starts_at, each.slot.sitting_id) for each in offers if each.taken < each.seats
        ]
        self.weeks.session.commit()
        self.ask(person, chairs, at, set())

    def ask(self, person: Person, chairs: list[Chair], at: datetime, full: set[int]) -> None:
        """Ask for the best of the slots that lie in the person's day."""
        mine = person.best(chairs)
        if mine:
            self.weeks.ask(Request(person, mine, f"{person.number}-{at:%m%d%H%M}-{mine[0].id}"), at, full)
