"""A case's way at another party: a kernel's security team, a vendor."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class UpstreamState(StrEnum):
    DRAFTED = "drafted"
    REPORTED = "reported"
    ACKNOWLEDGED = "acknowledged"
    FIXING = "fixing"
    FIXED = "fixed"
    # They will not fix it.
    REFUSED = "refused"


_U = UpstreamState
_TRIAGER = frozenset({Role.TRIAGER.value})
REPORT_UPSTREAM = Move("report", "It is reported to them", frozenset({_U.DRAFTED}), _U.REPORTED, by=_TRIAGER)
UPSTREAM_MOVES = (
    REPORT_UPSTREAM,
    Move("acknowledge", "They have acknowledged it", frozenset({_U.REPORTED}), _U.ACKNOWLEDGED, by=_TRIAGER),
    Move("fixing", "They are fixing it", frozenset({_U.REPORTED, _U.ACKNOWLEDGED}), _U.FIXING, by=_TRIAGER),
    Move(
        "fixed", "They have fixed it", frozenset({_U.REPORTED, _U.ACKNOWLEDGED, _U.FIXING}), _U.FIXED, by=_TRIAGER,
        needs=("fixed_in",),
    ),
    Move(
        "refuse", "They will not fix it", frozenset({_U.REPORTED, _U.ACKNOWLEDGED, _U.FIXING}), _U.REFUSED,
        by=_TRIAGER, needs=("note",),
    ),
)  # fmt: skip
# What waits for the other party.
UPSTREAM_OPEN = frozenset({_U.REPORTED, _U.ACKNOWLEDGED, _U.FIXING})
