"""Pure answers: business days and clocks, how much may be written, why a mail is not taken."""

from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal.challenges.models import Participant
from portal.challenges.states import ParticipantState
from portal.core.errors import Refused
from portal.line.models import Conversation
from portal.line.states import WAITING, ConversationState

# Characters of a message, and messages of one person within an hour, on the page and by mail together.
LONGEST, MOST_AN_HOUR = 10_000, 20
# How long the record of a mail that came in is kept, and how long the address of somebody else.
KEEP_INCOMING, KEEP_SENDER = timedelta(days=90), timedelta(days=30)
SATURDAY = 5


class Days(NamedTuple):
    """Within how many business days the team answers: the first time, and later on."""

    first: int = 1
    later: int = 2


class Clock(NamedTuple):
    """The clock that runs over a conversation."""

    label: str
    due_at: datetime
    late: bool


def business_days_after(at: datetime, days: int, zone: str) -> datetime:
    """The same time of day so many business days later, on the clocks of `zone`; a weekend counts as Monday 00:00."""
    place = ZoneInfo(zone)
    local = at.astimezone(place).replace(tzinfo=None)
    if local.weekday() >= SATURDAY:
        local = datetime.combine(local.date() + timedelta(days=7 - local.weekday()), time())
    for _ in range(days):
        local += timedelta(days=3 if local.weekday() == SATURDAY - 1 else 1)
    return local.replace(tzinfo=place).astimezone(UTC)


def due(state: ConversationState, at: datetime, days: Days, zone: str) -> datetime | None:
    """When the clock of a state that begins now runs out."""
    if state not in WAITING:
        return None
    return business_days_after(at, days.first if state is ConversationState.OPEN else days.later, zone)


def clock_of(conversation: Conversation, at: datetime) -> Clock | None:
    """Which clock runs, when it runs out, and whether it has."""
    if conversation.due_at is None:
        return None
    label = "first answer" if conversation.state is ConversationState.OPEN else "answer"
    return Clock(label, conversation.due_at, conversation.due_at < at)


def check_text(text: str) -> None:
    """Raise Refused unless this can be a message."""
    if not text.strip():
        raise Refused("A message says something.")
    if len(text) > LONGEST:
        raise Refused(f"A message has at most {LONGEST:,} characters.")


def check_takes_part(participant: Participant) -> None:
    """Raise Refused where nobody would read it any more."""
    if participant.state is not ParticipantState.ACTIVE:
        raise Refused("This participant does not take part any more, and would not see it.")


def check_often(written: int) -> None:
    """Raise Refused where somebody, or something in their name, writes too much."""
    if written >= MOST_AN_HOUR:
        raise Refused(f"You have written {MOST_AN_HOUR} messages within an hour. Wait a little, or gather them in one.")
