"""The challenge, its hosts and their three weekly series, in the database."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.office_hours import actions
from portal.office_hours.rules import Plan, Share
from portal.office_hours.time import Weekly
from tests.cast import make_account, make_challenge, make_participant
from tests.office_hours.simulation.people import DAY, HOUR, WEEK, Person, everybody

# A session can be booked from a fortnight to two hours before it.
AHEAD, NOTICE = 14 * DAY, 2 * HOUR


@dataclass(frozen=True)
class Season:
    """Some weeks from a Monday on."""

    name: str
    monday: date
    weeks: int = 12

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return datetime(self.monday.year, self.monday.month, self.monday.day, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The moment after its last one."""
        return self.begin + self.weeks * WEEK

    def week_of(self, at: datetime) -> int:
        """Which of its weeks it is, from 1 on."""
        return (at - self.begin) // WEEK + 1


# In both, the clocks of all three hosts change, each in another week.
SPRING = Season("spring", date(2020, 3, 2))
AUTUMN = Season("autumn", date(2020, 9, 28))
SEASONS = (SPRING, AUTUMN)
# Berlin's and Sydney's clocks change.
SHORT = Season("short", date(2020, 3, 23), weeks=3)
WEEK_OF_STORMS = Season("week of storms", date(2020, 3, 30), weeks=1)

HOSTS = {"Ada Host": "America/Los_Angeles", "Ben Host": "Europe/Berlin", "Chi Host": "Australia/Sydney"}
# Zone, day of the week from Monday on, hour, hosts, engineers a slot. The first two overlap, by more or less as the
# clocks change, and Ada is in both; in Sydney's she is the second engineer.
SERIES = (
    ("America/Los_Angeles", 2, 9, ("Ada Host",), 1),
    ("Europe/Berlin", 2, 17, ("Ben Host", "Ada Host"), 1),
    ("Australia/Sydney", 3, 11, ("Chi Host", "Ada Host"), 2),
)
SLOTS, SLOT_MINUTES = 5, 30
# At most so many seats in a week, as the programme counts weeks, and in any four weeks.
QUOTA, CAP, WEEK_ZONE = 2, 5, "America/Los_Angeles"


@dataclass(frozen=True)
class World:
    """Who is who in the database."""

    season: Season
    challenge_id: int
    host_id: int
    # The person of each participant, and the place of each person.
    people: dict[int, Person]
    members: dict[int, int]
    accounts: dict[int, int]


def build(session: Session, season: Season, **changes: object) -> World:
    """Everybody and everything but the sessions, committed; `changes` are those of every plan."""
    challenge = make_challenge(session)
    challenge.starts_on, challenge.ends_on = season.monday, season.end.date()
    hosts = {name: make_account(session, name, Role.HOST, zone=zone).id for name, zone in HOSTS.items()}
    people, members, accounts = {}, {}, {}
    for person in everybody():
        account = make_account(session, f"Researcher {person.number:02}", zone=person.zone)
        participant = make_participant(session, challenge, account, country=person.country)
        people[participant.id] = person
        members[person.number] = participant.members[0].id
        accounts[person.number] = account.id
    opened_at = season.begin - AHEAD - DAY
    for zone, day, hour, names, engineers in SERIES:
        plan = _plan(season, zone, day, hour, [hosts[name] for name in names], engineers, changes)
        actions.create_series(session, challenge, plan, by=hosts[names[0]], at=opened_at)
    session.commit()
    return World(season, challenge.id, hosts["Ada Host"], people, members, accounts)


def _plan(
    season: Season, zone: str, day: int, hour: int, hosts: list[int], engineers: int, changes: dict[str, object]
) -> Plan:
    first = datetime.combine(season.monday, datetime.min.time()) + timedelta(days=day, hours=hour)
    known: dict[str, object] = {
        "title": f"Office hours, {zone}", "rule": Weekly(first, zone, count=season.weeks),
        "hosts": tuple(map(Share, hosts)), "slots": SLOTS, "slot_minutes": SLOT_MINUTES, "engineers": engineers,
        "weekly_quota": QUOTA, "rolling_cap": CAP,
        "advance_days": AHEAD.days, "notice_minutes": NOTICE // timedelta(minutes=1),
    }  # fmt: skip
    return Plan(**(known | changes))  # type: ignore[arg-type]
