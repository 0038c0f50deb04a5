"""Kits"""

from collections.abc import Sequence

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _stock()
    _policy()
    _bench()
    _carriers()
    _tracking()
    _participants()


def _stock() -> None:
    """Reservations, and who needs a kit."""


def _policy() -> None:
    """Address keys, country policies, screening lists, holds."""


def _bench() -> None:
    """The sender, and what was scanned at the bench."""


def _carriers() -> None:
    """Files for carriers' programs."""


def _tracking() -> None:
    """News of carriers, and when they are asked."""


def _participants() -> None:
    """Returns, replacements that are asked for, and which mails somebody wants."""


def downgrade() -> None:
    """Nothing leads back: holds, reservations and returns would be lost. Restore a backup instead."""
    raise SystemExit("Restore a backup instead.")
