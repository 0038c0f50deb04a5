"""When a calendar says that its owner is busy. Other people's calendars are read apart, in a process with limits.

Run as a program, it reads an iCalendar file (RFC 5545) from its input and writes the busy times as JSON. It knows
nothing of the portal, and nothing but times ever comes out of it. Rules of a hostile calendar may go on for ever
without giving a single date, so only a limit on the whole process ends them.
"""

import json
import subprocess
import sys
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # loaded where a calendar is read, which is in a process of its own
    from icalendar.parser import Parameters

LARGEST = 8 * 2**20
MOST_EVENTS = 20_000
# Dates that a calendar's rules may give in all, and busy times within the span that is asked for.
MOST_DATES = 200_000
MOST_TIMES = 5_000
SECONDS = 20
MEMORY = 2**30
TIMES = {"DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE"}
UTC_ZONE = zoneinfo.ZoneInfo("UTC")
WORDS = {"UID", "DURATION", "RRULE", "TRANSP", "STATUS"}


class Unreadable(Exception):
    """The calendar cannot be used; the text says why, for its owner, and repeats nothing of it."""


class Busy(NamedTuple):
    """From one instant up to another, in UTC."""

    since: datetime
    until: datetime


@dataclass(slots=True)
class Event:
    """What matters of a VEVENT. Times are naive on the clock of `zone`; dates are whole days there."""

    zone: zoneinfo.ZoneInfo
    words: dict[str, str] = field(default_factory=dict)
    times: dict[str, list[date]] = field(default_factory=dict)

    @property
    def start(self) -> date | None:
        """When it begins, the first time."""
        return self.times.get("DTSTART", [None])[0]

    @property
    def counts(self) -> bool:
        """Whether it keeps its owner busy."""
        told = (self.words.get("TRANSP", "").upper(), self.words.get("STATUS", "").upper())
        return self.start is not None and told[0] != "TRANSPARENT" and told[1] != "CANCELLED"

    def length(self) -> timedelta:
        """How long it lasts. A day without an end is a whole one; a moment without an end is none."""
        start = self.start
        assert start is not None
        if "DTEND" in self.times:
            end = self.times["DTEND"][0]
            return max(_naive(end) - _naive(start), timedelta())
        if "DURATION" in self.words:
            from icalendar import vDuration

            length: timedelta = vDuration.from_ical(self.words["DURATION"])  # type: ignore[no-untyped-call]
            return max(length, timedelta())
        return timedelta() if isinstance(start, datetime) else timedelta(days=1)


def _naive(moment: date) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time())


def lines(text: str) -> Iterator[str]:
    """The content lines, unfolded."""
    held: list[str] = []
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            held.append(line[1:])
            continue
        if held:
            yield "".join(held)
        held = [line]
    if held:
        yield "".join(held)


def place(name: str, home: zoneinfo.ZoneInfo) -> zoneinfo.ZoneInfo:
    """The zone that a TZID means: IANA's names, Windows' names, or for what nobody knows the owner's own zone."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    short = "/".join(name.strip('"').split("/")[-3:]).lstrip("/")
    for guess in (name, WINDOWS_TO_OLSON.get(name, ""), short, short.partition("/")[2]):
        if guess in zoneinfo.available_timezones():
            return zoneinfo.ZoneInfo(guess)
    return home


def events(text: str, home: zoneinfo.ZoneInfo) -> list[Event]:
    """The events of a calendar. Definitions of zones are passed over: the zones are those of the world's database."""
    found: list[Event] = []
    within: list[str] = []
    for line in lines(text):
        name = line.partition(":")[0].partition(";")[0].upper()
        if name == "BEGIN":
            within.append(line.partition(":")[2].strip().upper())
            if within[-1] == "VEVENT":
                found.append(Event(home))
        elif name == "END":
            del within[-1:]
        elif within[-1:] == ["VEVENT"] and name in TIMES | WORDS:
            _note(found[-1], name, line, home)
        if len(found) > MOST_EVENTS:
            raise Unreadable(f"It has more than {MOST_EVENTS:,} entries.")
    return found


def _note(event: Event, name: str, line: str, home: zoneinfo.ZoneInfo) -> None:
    from icalendar.parser import Contentline

    _, parameters, value = Contentline(line).parts()  # type: ignore[no-untyped-call]
    if name in WORDS:
        event.words[name] = value
        return
    zone = place(str(parameters["TZID"]), home) if "TZID" in parameters else home
    if name == "DTSTART":
        event.zone = UTC_ZONE if value.endswith("Z") else zone
    event.times.setdefault(name, []).extend(_times(value, parameters, zone, event.zone))


def _times(value: str, parameters: "Parameters", zone: zoneinfo.ZoneInfo, clock: zoneinfo.ZoneInfo) -> Iterator[date]:
    """Dates as they are; times as naive ones on the clock of the event."""
    from icalendar import vDDDTypes

    for part in value.split(","):
        moment = vDDDTypes.from_ical(part.partition("/")[0])  # type: ignore[no-untyped-call]
        if isinstance(moment, datetime):
            aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
            yield aware.astimezone(clock).replace(tzinfo=None, fold=0)
        elif isinstance(moment, date):
            yield moment


def busy(data: bytes, zone: str, since: datetime, until: datetime) -> list[Busy]:
    """The times within a span at which the owner, who lives in `zone`, is busy; joined, in order."""
    if len(data) > LARGEST:
        raise Unreadable(f"It is larger than {LARGEST // 2**20} MB.")
    text = data.decode("utf-8-sig", "replace").replace("\0", "")
    if not text.lstrip().upper().startswith("BEGIN:VCALENDAR"):
        raise Unreadable("It is not an iCalendar file.")
    found = events(text, zoneinfo.ZoneInfo(zone))
    moved: dict[str, set[datetime]] = {}
    for event in found:
        for moment in event.times.get("RECURRENCE-ID", []):
            moved.setdefault(event.words.get("UID", ""), set()).add(_naive(moment))
    return _joined(list(_all(found, moved, since, until)))


def _all(found: list[Event], moved: dict[str, set[datetime]], since: datetime, until: datetime) -> Iterator[Busy]:
    dates = times = 0
    for event in found:
        if not event.counts:
            continue
        length = event.length()
        apart = set() if "RECURRENCE-ID" in event.times else moved.get(event.words.get("UID", ""), set())
        for start in _starts(event, until):
            dates += 1
            if dates > MOST_DATES:
                raise Unreadable("Its rules give more dates than anybody keeps.")
            begin = start.replace(tzinfo=event.zone).astimezone(UTC)
            if start in apart or begin >= until or begin + length <= since or not length:
                continue
            times += 1
            if times > MOST_TIMES:
                raise Unreadable(f"It has more than {MOST_TIMES:,} times in the coming months.")
            yield Busy(max(begin, since), min(_end(event, start, length), until))


def _end(event: Event, start: datetime, length: timedelta) -> datetime:
    """Days end at midnight on the owner's clock; anything else lasts as long as it lasts."""
    if isinstance(event.start, datetime):
        return start.replace(tzinfo=event.zone).astimezone(UTC) + length
    return (start + length).replace(tzinfo=event.zone).astimezone(UTC)


def _starts(event: Event, until: datetime) -> Iterator[datetime]:
    """When an event begins, on its own clock: once, or as its rule and its further dates say."""
    start = event.start
    assert start is not None
    never = {_naive(moment) for moment in event.times.get("EXDATE", [])}
    last = until.astimezone(event.zone).replace(tzinfo=None)
    rule: Iterator[datetime] = iter([_naive(start)])
    if "RRULE" in event.words and "RECURRENCE-ID" not in event.times:
        from dateutil.rrule import rrulestr

        rule = iter(rrulestr(_plain(event.words["RRULE"], event.zone), dtstart=_naive(start)))
    for moment in islice(rule, MOST_DATES + 1):
        if moment > last:
            break
        if moment not in never:
            yield moment
    yield from (_naive(moment) for moment in event.times.get("RDATE", []) if _naive(moment) not in never)


def _plain(rule: str, zone: zoneinfo.ZoneInfo) -> str:
    """The rule with UNTIL as a naive time on the event's clock, as its start is one."""
    parts = []
    for part in rule.upper().split(";"):
        if part.startswith("UNTIL=") and part.endswith("Z"):
            moment = datetime.strptime(part, "UNTIL=%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(zone)
            part = f"UNTIL={moment:%Y%m%dT%H%M%S}"
        elif part.startswith("UNTIL=") and len(part) == len("UNTIL=20200101"):
            part += "T235959"
        parts.append(part)
    return ";".join(parts)


def _joined(times: list[Busy]) -> list[Busy]:
    joined: list[Busy] = []
    for each in sorted(times):
        if joined and each.since <= joined[-1].until:
            joined[-1] = Busy(joined[-1].since, max(joined[-1].until, each.until))
        else:
            joined.append(each)
    return joined


def read_apart(data: bytes, zone: str, since: datetime, until: datetime, *, seconds: int = SECONDS) -> list[Busy]:
    """As `busy`, in a process of its own that is ended when it takes too long. Raises Unreadable."""
    if len(data) > LARGEST:
        raise Unreadable(f"It is larger than {LARGEST // 2**20} MB.")
    command = [sys.executable, "-P", __file__, zone, since.isoformat(), until.isoformat()]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=seconds, check=False)  # noqa: S603
        answer = json.loads(done.stdout) if done.returncode == 0 else {}
    except subprocess.TimeoutExpired:
        raise Unreadable(f"It could not be read within {seconds} seconds.") from None
    if "busy" not in answer:
        raise Unreadable(answer.get("error") or "It cannot be read as a calendar.")
    return [Busy(datetime.fromisoformat(begin), datetime.fromisoformat(end)) for begin, end in answer["busy"]]


def main() -> None:
    """Read the calendar from the input; the arguments are the owner's zone and the span."""
    _limit()
    zone, since, until = sys.argv[1], *(datetime.fromisoformat(part) for part in sys.argv[2:4])
    try:
        found = busy(sys.stdin.buffer.read(LARGEST + 1), zone, since, until)
        answer: dict[str, object] = {"busy": [[each.since.isoformat(), each.until.isoformat()] for each in found]}
    except Unreadable as reason:
        answer = {"error": str(reason)}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, IndexError):
        answer = {"error": "It cannot be read as a calendar."}
    json.dump(answer, sys.stdout)


def _limit() -> None:
    """Where the system can, bound the memory and the time of this process."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))


if __name__ == "__main__":
    main()
