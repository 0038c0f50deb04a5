"""What can become of a series, a session, a slot and a booking."""

from enum import StrEnum

from portal.core.moves import Move


class Wall(StrEnum):
    """How often a wall-clock time exists on its day: once, never (clocks go forward) or twice (clocks go back)."""

    ONCE = "once"
    GAP = "gap"
    FOLD = "fold"


class SeriesState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class SittingState(StrEnum):
    PLANNED = "planned"
    CANCELLED = "cancelled"


class SlotState(StrEnum):
    OPEN = "open"
    CANCELLED = "cancelled"


class BookingState(StrEnum):
    HELD = "held"
    CONFIRMED = "confirmed"
    ATTENDED = "attended"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    LATE_CANCELLED = "late_cancelled"
    EXPIRED = "expired"


class Source(StrEnum):
    """How a booking came about: on the page, by the hosts' or a program's hand, from a file, by a draw, from the
    waiting list, or as the hosts' invitation to come again, which is outside the quota."""

    PAGE = "page"
    STAFF = "staff"
    API = "api"
    IMPORT = "import"
    ROUND = "round"
    WAITLIST = "waitlist"
    FOLLOW_UP = "follow_up"


class EarlyState(StrEnum):
    """A written answer ahead of the session: the participant decides whether it will do."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    TAKEN_BACK = "taken_back"


class FeedScope(StrEnum):
    """What a calendar feed tells: what one's participants booked, what one holds as host, when any host is busy."""

    MINE = "mine"
    HOST = "host"
    BUSY = "busy"


class CalendarKind(StrEnum):
    """Where a host's busy times come from."""

    FILE = "file"
    ADDRESS = "address"


# Takes a seat: nobody else may have it, and the participant cannot be elsewhere.
LIVE = frozenset({BookingState.HELD, BookingState.CONFIRMED})
# Fills a seat, now or as a matter of record.
SEATED = LIVE | {BookingState.ATTENDED, BookingState.NO_SHOW}
# Uses up quota. A timely or the host's cancellation gives it back; a late one does not.
COUNTED = SEATED | {BookingState.LATE_CANCELLED}

CLOSE_SERIES = Move("close", "Close the series", frozenset({SeriesState.OPEN}), SeriesState.CLOSED)
CANCEL_SITTING = Move("cancel", "Cancel the session", frozenset({SittingState.PLANNED}), SittingState.CANCELLED)
REOPEN_SITTING = Move("reopen", "Open the session again", frozenset({SittingState.CANCELLED}), SittingState.PLANNED)

CONFIRM = Move("confirm", "Confirm", frozenset({BookingState.HELD}), BookingState.CONFIRMED)
EXPIRE = Move("expire", "Let go", frozenset({BookingState.HELD}), BookingState.EXPIRED)
CANCEL = Move("cancel", "Cancel", LIVE, BookingState.CANCELLED)
CANCEL_LATE = Move("cancel-late", "Cancel late", frozenset({BookingState.CONFIRMED}), BookingState.LATE_CANCELLED)
WITHDRAW = Move("withdraw", "Withdraw the offer", LIVE, BookingState.CANCELLED)
# Of the portal, where no question came in time; of the participant, for whom a written answer will do.
RELEASE = Move("release", "Let go: no question came", frozenset({BookingState.CONFIRMED}), BookingState.CANCELLED)
SETTLE = Move("settle", "Answered in writing", frozenset({BookingState.CONFIRMED}), BookingState.CANCELLED)
# Hosts may correct themselves: a person who came late is not a no-show.
ATTEND = Move("attended", "Was there", frozenset({BookingState.CONFIRMED, BookingState.NO_SHOW}), BookingState.ATTENDED)
MISS = Move("no-show", "Did not come", frozenset({BookingState.CONFIRMED, BookingState.ATTENDED}), BookingState.NO_SHOW)

MOVES = (CONFIRM, EXPIRE, CANCEL, CANCEL_LATE, WITHDRAW, RELEASE, SETTLE, ATTEND, MISS)
HOST_MOVES = (ATTEND, MISS)

ACCEPT_ANSWER = Move("accept", "This answers it", frozenset({EarlyState.OFFERED}), EarlyState.ACCEPTED)
DECLINE_ANSWER = Move("decline", "I still want to talk", frozenset({EarlyState.OFFERED}), EarlyState.DECLINED)
TAKE_BACK_ANSWER = Move(
    "take-back", "Take it back",
    frozenset({EarlyState.OFFERED, EarlyState.ACCEPTED, EarlyState.DECLINED}), EarlyState.TAKEN_BACK,
)  # fmt: skip
# What the participant may do with an answer.
EARLY_MOVES = (ACCEPT_ANSWER, DECLINE_ANSWER)
