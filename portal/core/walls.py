"""What a clock on a wall shows, as an instant: none where clocks jump over it, two where they go back."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def instants(local: datetime, zone: str) -> tuple[datetime, ...]:
    """The UTC instants at which clocks in `zone` show the naive `local`: none, one, or two in their order."""
    place = ZoneInfo(zone)
    meant = [local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1)]
    shown = [each for each in meant if each.astimezone(place).replace(tzinfo=None, fold=0) == local]
    return tuple(sorted(set(shown)))
