"""Whose turn it is: hosts take slots in proportion to their weight, within their week and their calendar."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from portal.office_hours.rules.planning import Span


@dataclass(slots=True)
class HostLoad:
    """What a host has taken on: slots of the series in all, slots of any series in the week, and when they are busy.

    `busy` are their slots, `away` what their own calendar says.
    """

    account_id: int
    weight: int = 1
    weekly_max: int | None = None
    total: int = 0
    weeks: dict[str, int] = field(default_factory=dict)
    busy: list[Span] = field(default_factory=list)
    away: list[Span] = field(default_factory=list)

    def why_not(self, busy: Span, week: str) -> str | None:
        """What keeps the host from one more slot in that week; None if nothing does."""
        if any(busy.meets(other) for other in self.busy):
            return "has another slot then"
        if any(busy.meets(other) for other in self.away):
            return "is busy in their own calendar"
        taken = self.weeks.get(week, 0)
        if self.weekly_max is not None and taken >= self.weekly_max:
            return f"has {taken} of at most {self.weekly_max} slots that week"
        return None

    def can_take(self, busy: Span, week: str) -> bool:
        """Whether one more slot fits into the host's week and calendar."""
        return self.why_not(busy, week) is None

    def take(self, busy: Span, week: str) -> None:
        """Count one more slot."""
        self.total += 1
        self.weeks[week] = self.weeks.get(week, 0) + 1
        self.busy.append(busy)


def in_turn(hosts: Iterable[HostLoad]) -> list[HostLoad]:
    """The hosts in the order of their turn: who is furthest behind their share comes first."""
    return sorted(hosts, key=lambda host: (host.total / host.weight, host.account_id))


def next_host(hosts: Iterable[HostLoad], busy: Span, week: str) -> HostLoad | None:
    """The host whose turn it is among those who are free, or None."""
    return next((host for host in in_turn(hosts) if host.can_take(busy, week)), None)


def next_hosts(hosts: Sequence[HostLoad], busy: Span, week: str, engineers: int) -> list[HostLoad]:
    """Who holds the slot: the first, and for two engineers the second by the same rule. As many as are free."""
    chosen: list[HostLoad] = []
    while len(chosen) < engineers:
        host = next_host(hosts, busy, week)
        if host is None:
            break
        host.take(busy, week)
        chosen.append(host)
    return chosen
