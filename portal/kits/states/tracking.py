"""What becomes of one piece of news of a carrier."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class NewsState(StrEnum):
    WAITING = "waiting"
    # It is in its parcel's story, whether or not it moved the parcel.
    TAKEN = "taken"
    # Nobody has this number yet: it may be labelled or imported later.
    UNMATCHED = "unmatched"
    # Nothing came of it: nobody ever had the number, it tells nothing, or somebody laid it aside.
    IGNORED = "ignored"
    # It cannot be read or believed; the error says why.
    FAILED = "failed"


N = NewsState
_LOGISTICS = frozenset({Role.LOGISTICS.value})

TAKE_NEWS = Move("take", "Take", frozenset({N.WAITING, N.UNMATCHED}), N.TAKEN)
WAIT_FOR_NUMBER = Move("wait", "Wait for the number", frozenset({N.WAITING}), N.UNMATCHED)
FAIL = Move("fail", "Fail", frozenset({N.WAITING, N.UNMATCHED}), N.FAILED)
DISMISS = Move("dismiss", "Lay aside", frozenset({N.WAITING, N.UNMATCHED, N.FAILED}), N.IGNORED, by=_LOGISTICS)
TRY_AGAIN = Move("again", "Try again", frozenset({N.FAILED}), N.WAITING, by=_LOGISTICS)

NEWS_MOVES = (TAKE_NEWS, WAIT_FOR_NUMBER, FAIL, DISMISS, TRY_AGAIN)
