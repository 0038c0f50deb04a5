"""How results get out: an hour that one proposes and another confirms."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class ReleaseState(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    # The challenge has come to end later than its hour: what two people had set holds no more.
    VOID = "void"


R = ReleaseState
# What counts as the challenge's one hour.
LIVE = (R.PROPOSED, R.CONFIRMED)
_HEADS = frozenset({Role.LEAD.value, Role.ADMIN.value})
CONFIRM = Move("confirm", "Confirm the release", frozenset({R.PROPOSED}), R.CONFIRMED, by=_HEADS)
VOID = Move("void", "Void", frozenset({R.PROPOSED, R.CONFIRMED}), R.VOID)
CANCEL = Move("cancel", "Cancel the release", frozenset({R.PROPOSED, R.CONFIRMED}), R.CANCELLED, by=_HEADS)
