"""The only place that asks what time it is."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, aware and in UTC. Views, jobs and commands ask; everything else is told."""
    return datetime.now(UTC)
