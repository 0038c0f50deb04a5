"""What becomes of a wave and of each answer in it, and the words of the passes before."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class Pool(StrEnum):
    """What reviewers are offered in the second pass: everything, or what the lead has put into it."""

    ALL = "all"
    CHOSEN = "chosen"


class ConflictKind(StrEnum):
    """How it is known that somebody must not judge an application."""

    DECLARED = "declared"
    AFFILIATION = "affiliation"
    TEAM = "team"


class WaveState(StrEnum):
    """A draft is a frozen list that nobody has been told of; a stopped wave has told some."""

    DRAFT = "draft"
    RELEASING = "releasing"
    PAUSED = "paused"
    STOPPED = "stopped"
    RELEASED = "released"
    DISCARDED = "discarded"


class BulkVerb(StrEnum):
    """What the lead does to many applications at once."""

    INVITE = "invite"
    WAITLIST = "waitlist"
    DECLINE = "decline"
    CLEAR = "clear"
    INTO_REVIEW = "into-review"
    OUT_OF_REVIEW = "out-of-review"
    CALIBRATE = "calibrate"
    UNCALIBRATE = "uncalibrate"
    FLAG = "flag"
    UNFLAG = "unflag"
    TRIAGE = "triage"
    DISQUALIFY = "disqualify"


class BulkState(StrEnum):
    """How far a change of many applications has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class EntryState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    SKIPPED = "skipped"


class DraftState(StrEnum):
    """A what-if of the selection. Frozen: what it takes is meant."""

    DRAFT = "draft"
    SOLVING = "solving"
    SOLVED = "solved"
    INFEASIBLE = "infeasible"
    FROZEN = "frozen"
    DISCARDED = "discarded"


class LimitKind(StrEnum):
    """Whom a limit of a draft counts. `EACH_…` holds for every country or organisation by itself."""

    COUNTRY = "country"
    REGION = "region"
    SCENARIO = "scenario"
    ORGANISATION = "organisation"
    KIND = "kind"
    FIRST_TIMERS = "first-timers"
    EACH_COUNTRY = "each country"
    EACH_ORGANISATION = "each organisation"


class Because(StrEnum):
    """Why somebody gets a place in a draft, or does not."""

    RANK = "rank"
    PULLED = "pulled in"
    MOVED_UP = "moved up"
    PINNED_IN = "pinned in"
    SWAP = "below the cut"
    TIE = "lost the lottery"
    BLOCKED = "blocked"
    FULL = "no place"
    PINNED_OUT = "pinned out"
    UNSHIPPABLE = "cannot ship"
    UNSCORED = "no score"


_LEAD = frozenset({Role.LEAD.value})

RELEASE = Move(
    "release", "Release the wave", frozenset({WaveState.DRAFT}), WaveState.RELEASING, by=_LEAD, needs=("count",)
)
DISCARD = Move("discard", "Discard the wave", frozenset({WaveState.DRAFT}), WaveState.DISCARDED, by=_LEAD)
PAUSE = Move("pause", "Pause the wave", frozenset({WaveState.RELEASING}), WaveState.PAUSED, by=_LEAD)
RESUME = Move("resume", "Go on with the wave", frozenset({WaveState.PAUSED}), WaveState.RELEASING, by=_LEAD)
STOP = Move(
    "stop", "Stop the wave", frozenset({WaveState.RELEASING, WaveState.PAUSED}), WaveState.STOPPED, by=_LEAD,
    needs=("reason",),
)  # fmt: skip
FINISH = Move("finish", "Finish", frozenset({WaveState.RELEASING}), WaveState.RELEASED)

MOVES = (RELEASE, DISCARD, PAUSE, RESUME, STOP, FINISH)

_EDITABLE = frozenset({DraftState.DRAFT, DraftState.SOLVED, DraftState.INFEASIBLE})
CHANGE_DRAFT = Move("change", "Change", _EDITABLE, DraftState.DRAFT)
SOLVE_DRAFT = Move("solve", "Solve", _EDITABLE, DraftState.SOLVING, by=_LEAD)
FIND_CHOICE = Move("find", "Note the choice", frozenset({DraftState.SOLVING}), DraftState.SOLVED)
FIND_CLASH = Move("clash", "Note the clash", frozenset({DraftState.SOLVING}), DraftState.INFEASIBLE)
FREEZE_DRAFT = Move("freeze", "Freeze", frozenset({DraftState.SOLVED}), DraftState.FROZEN, by=_LEAD, needs=("count",))
DISCARD_DRAFT = Move(
    "discard", "Discard", _EDITABLE | {DraftState.SOLVING}, DraftState.DISCARDED, by=_LEAD
)  # fmt: skip

DRAFT_MOVES = (CHANGE_DRAFT, SOLVE_DRAFT, FIND_CHOICE, FIND_CLASH, FREEZE_DRAFT, DISCARD_DRAFT)

BULK_BEGIN = Move("begin", "Begin", frozenset({BulkState.QUEUED}), BulkState.RUNNING)
BULK_STOP = Move("stop", "Stop", frozenset({BulkState.QUEUED, BulkState.RUNNING}), BulkState.STOPPED, by=_LEAD)
BULK_FINISH = Move("finish", "Finish", frozenset({BulkState.RUNNING}), BulkState.DONE)

BULK_MOVES = (BULK_BEGIN, BULK_STOP, BULK_FINISH)
