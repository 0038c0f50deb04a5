"""Office hours and the line"""

from collections.abc import Sequence

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _series()
    _bookings()
    _fairness()
    _meetings()
    _calendars()
    _line()
    _resources()


def _series() -> None:
    """Exceptions, hosts' rotation and calendars, second engineers."""


def _bookings() -> None:
    """Strikes, caps, bookings by staff and by import."""


def _fairness() -> None:
    """Demand rounds and the waiting list."""


def _meetings() -> None:
    """Sealed questions, meeting links, the day itself, notes and what was promised."""


def _calendars() -> None:
    """Feeds and reminders."""


def _line() -> None:
    """Conversations with the team."""


def _resources() -> None:
    """Documents, downloads, builds and announcements."""


def downgrade() -> None:
    """Nothing leads back: conversations and notes would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
