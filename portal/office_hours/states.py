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


class WaiterState(StrEnum):
    """Of a place on the waiting list: it ends with a seat, by leaving, with an offer missed, or with the session."""

    WAITING = "waiting"
    SERVED = "served"
    LEFT = "left"
    MISSED = "missed"
    OVER = "over"


class RoundState(StrEnum):
    GATHERING = "gathering"
    DRAWN = "drawn"
    CANCELLED = "cancelled"


class RequestState(StrEnum):
    """What became of a wish for a seat in a round. Whoever is unlucky came too late in the order; whoever is
    ineligible could not have been given any seat that was free."""

    OPEN = "open"
    SEATED = "seated"
    UNLUCKY = "unlucky"
    WITHDRAWN = "withdrawn"
    INELIGIBLE = "ineligible"


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


class NoteKind(StrEnum):
    """Whom a note is for: participant and hosts, or the hosts and the lead alone."""

    SHARED = "shared"
    INTERNAL = "internal"


class PromiseState(StrEnum):
    """What has become of something that was promised in a session."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


class AnswerState(StrEnum):
    """The way of a question and its answer to all participants."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Consent(StrEnum):
    """Whether those whose question it was agree that all participants read it; nobody's question needs no consent."""

    NOT_NEEDED = "not needed"
    NOT_ASKED = "not asked"
    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"


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

KEEP = Move("done", "Mark as done", frozenset({PromiseState.OPEN}), PromiseState.DONE)
DROP = Move("drop", "Drop it", frozenset({PromiseState.OPEN}), PromiseState.DROPPED, needs=("reason",))
PROMISE_MOVES = (KEEP, DROP)

REVIEW = Move("review", "Pass it as reviewed", frozenset({AnswerState.DRAFT}), AnswerState.REVIEWED)
RETURN = Move(
    "return", "Back to the draft", frozenset({AnswerState.REVIEWED, AnswerState.WITHDRAWN}), AnswerState.DRAFT
)
PUBLISH = Move("publish", "Publish", frozenset({AnswerState.REVIEWED}), AnswerState.PUBLISHED)
# Nothing that participants have read goes without a word why.
UNPUBLISH = Move("withdraw", "Withdraw", frozenset({AnswerState.PUBLISHED}), AnswerState.WITHDRAWN, needs=("reason",))
ANSWER_MOVES = (REVIEW, RETURN, PUBLISH, UNPUBLISH)

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

_WAITING = frozenset({WaiterState.WAITING})
SERVE = Move("serve", "Take the seat", _WAITING, WaiterState.SERVED)
LEAVE = Move("leave", "Leave the list", _WAITING, WaiterState.LEFT)
MISS_OFFER = Move("miss-offer", "Miss an offer", _WAITING, WaiterState.MISSED)
END_WAITING = Move("end-waiting", "End with the session", _WAITING, WaiterState.OVER)
# What people take for themselves: only when a round is drawn, when nobody else is asked first, and as far as what they
# missed allows. Staff, the draw and the waiting list weigh these otherwise.
OWN_HAND = frozenset({Source.PAGE, Source.API})

DRAW = Move("draw", "Draw", frozenset({RoundState.GATHERING}), RoundState.DRAWN)
CANCEL_ROUND = Move("cancel", "Cancel the round", frozenset({RoundState.GATHERING}), RoundState.CANCELLED)

ASK_AGAIN = Move("ask-again", "Ask again", frozenset({RequestState.WITHDRAWN}), RequestState.OPEN)
TAKE_BACK = Move("take-back", "Withdraw", frozenset({RequestState.OPEN}), RequestState.WITHDRAWN)
SEAT = Move("seat", "Seat", frozenset({RequestState.OPEN}), RequestState.SEATED)
PASS_OVER = Move("pass-over", "Pass over", frozenset({RequestState.OPEN}), RequestState.UNLUCKY)
BAR = Move("bar", "Leave out", frozenset({RequestState.OPEN}), RequestState.INELIGIBLE)

ROUND_MOVES = (DRAW, CANCEL_ROUND)
REQUEST_MOVES = (ASK_AGAIN, TAKE_BACK, SEAT, PASS_OVER, BAR)
