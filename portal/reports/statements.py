"""How what the portal signs is written: JSON and instants in one form, so that the same is the same bytes."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime


def instant(at: datetime) -> str:
    """An instant to the microsecond: 2020-06-15T12:00:00.000000Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def written(content: Mapping[str, object]) -> str:
    """JSON as people can read it, with a line break at its end."""
    return json.dumps(content, indent=2) + "\n"
