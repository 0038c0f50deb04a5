"""Whose turn it is in a conversation, who may write what, and what becomes of a mail that comes in."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move

# Whoever answers for the team, and therefore sees the conversations of the challenge.
TEAM = (Role.LEAD, Role.HOST, Role.TRIAGER)


class ConversationState(StrEnum):
    # A matter that nobody has answered yet: the clock of the first answer runs.
    OPEN = "open"
    WAITING_FOR_TEAM = "waiting_for_team"
    WAITING_FOR_PARTICIPANT = "waiting_for_participant"
    SETTLED = "settled"


class Author(StrEnum):
    """From which side a message is."""

    PARTICIPANT = "participant"
    TEAM = "team"
    # What the team writes among itself: never shown to participants.
    NOTE = "note"


class Via(StrEnum):
    PAGE = "page"
    MAIL = "mail"


class Outcome(StrEnum):
    """What became of a mail that came in."""

    TAKEN = "taken"
    # Written by a machine: loops begin so.
    AUTOMATIC = "automatic"
    # One of ours came back.
    RETURNED = "returned"
    REPEATED = "repeated"
    EMPTY = "empty"
    # Refused from here on.
    UNADDRESSED = "unaddressed"
    FORGED = "forged"
    OTHER_SENDER = "other_sender"
    NO_PLACE = "no_place"
    TOO_MANY = "too_many"
    TOO_LARGE = "too_large"
    ENCRYPTED = "encrypted"
    UNREADABLE = "unreadable"


# What is put aside among the processed; everything else among the refused.
PROCESSED = frozenset({Outcome.TAKEN, Outcome.AUTOMATIC, Outcome.RETURNED, Outcome.REPEATED, Outcome.EMPTY})

S = ConversationState
_TEAM = frozenset(role.value for role in TEAM)
WAITING = frozenset({S.OPEN, S.WAITING_FOR_TEAM})

# The participant's own: writing again, and writing after all was settled.
FOLLOW_UP = Move("follow-up", "Write again", frozenset({S.WAITING_FOR_PARTICIPANT}), S.WAITING_FOR_TEAM)
REOPEN = Move("reopen", "Begin anew", frozenset({S.SETTLED}), S.OPEN)
ANSWER = Move("answer", "Answer", frozenset(S), S.WAITING_FOR_PARTICIPANT, by=_TEAM, needs=("text",))
SETTLE = Move("settle", "Settle", frozenset(S) - {S.SETTLED}, S.SETTLED, by=_TEAM)

MOVES = (FOLLOW_UP, REOPEN, ANSWER, SETTLE)
