"""How results get out: an hour that one proposes and another confirms."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class ReleaseState(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


R = ReleaseState
_HEADS = frozenset({Role.LEAD.value, Role.ADMIN.value})
CONFIRM = Move("confirm", "Confirm the release", frozenset({R.PROPOSED}), R.CONFIRMED, by=_HEADS)
CANCEL = Move("cancel", "Cancel the release", frozenset({R.PROPOSED, R.CONFIRMED}), R.CANCELLED, by=_HEADS)
