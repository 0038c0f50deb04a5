"""Session keys that were wrapped for somebody else."""

from enum import StrEnum

from portal.core.moves import Move


class RewrapState(StrEnum):
    STANDING = "standing"
    # It does not open the file: so says whom it is for, or who made it. It stays, and another one may take its place.
    REFUTED = "refuted"


REFUTE = Move("refute", "Say that it does not open", frozenset({RewrapState.STANDING}), RewrapState.REFUTED)
