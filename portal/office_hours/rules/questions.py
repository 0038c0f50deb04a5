"""Answers about questions that need no database: whom one is sealed to, until when, and what the server takes.

The server takes exactly one thing: a binary OpenPGP message for the hosts of the slot and nobody else. The recovery
key of the reports is left out on purpose: a question is for one meeting, whoever loses a key asks for it to be sealed
again, and one reader less is the safer side.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from portal.core.errors import Refused
from portal.office_hours.models import Booking, HostKey, SealedQuestion, Series, Slot
from portal.office_hours.rules.booking import length
from portal.office_hours.states import BookingState
from portal.reports import refusals
from portal.reports.walker import Recipients, Walker

# The largest sealed question, attachments included.
LARGEST = 5 * 1024 * 1024
# Nobody can write a question in no time: what changes so shortly before it is due does not count against anybody.
FAIR = timedelta(hours=1)
# Until so long before the slot it can be sealed (again) where it is not due earlier: hosts still have to read it.
LATEST = timedelta(hours=1)
REMIND = timedelta(hours=24)
WARN_BEFORE = timedelta(days=30)
# How long after its session a sealed question is kept.
KEPT = timedelta(days=30)

RECIPE = "Seal it again with the command that this page shows."
# The sentences are those of reports; here it is hosts who read.
WORDS = (
    (refusals.RECIPE, RECIPE), ("the report itself", "the question itself"), ("no triager has", "no host has"),
    ("every triager", "every host"), ("the triagers", "the hosts"),
    ("the keys of the key set", "the hosts’ certificates"), ("report.", "question."),
)  # fmt: skip


class Package(StrEnum):
    """How a booking's question stands."""

    MISSING = "missing"
    SEALED = "sealed"
    # A host has changed, or a host's certificate has: whoever comes cannot read it.
    ELSEWHERE = "sealed for somebody else"


def is_usable(key: HostKey | None, at: datetime) -> bool:
    """Whether something can be sealed to a host's certificate."""
    return key is not None and (key.expires_at is None or key.expires_at > at)


def standing(question: SealedQuestion | None, host_ids: Collection[int], keys: Mapping[int, HostKey]) -> Package:
    """How a question stands, with the live certificates of its slot's hosts."""
    if question is None:
        return Package.MISSING
    for host_id in host_ids:
        key = keys.get(host_id)
        if key is None or set(key.key_ids).isdisjoint(question.recipients):
            return Package.ELSEWHERE
    return Package.SEALED


def demanded_at(slot: Booking | Slot, series: Series) -> datetime | None:
    """When questions for a slot are due; None where the series demands none."""
    minutes = series.question_due_minutes
    return None if minutes is None else slot.starts_at - timedelta(minutes=minutes)


def due_at(booking: Booking, series: Series, ready_since: datetime | None) -> datetime | None:
    """When the booking's question is due, so that without one the slot is let go; None where it never is.

    It never is for a booking that was made, or got its time or its hosts, later than an hour before; and never where
    its hosts were not ready (`ready_since`: all of them have had a certificate) an hour before.
    """
    due = demanded_at(booking, series)
    if due is None or ready_since is None or max(booking.changed_at, ready_since) > due - FAIR:
        return None
    return due


def closes_at(booking: Booking, due: datetime | None, stands: Package) -> datetime:
    """Until when the question can be sealed: until it is due, or an hour before the slot where that is no matter."""
    return booking.starts_at - LATEST if due is None or stands is Package.ELSEWHERE else due


def why_not_seal(booking: Booking, closes: datetime, at: datetime) -> str | None:
    """Why the participant cannot seal a question, or a new one, now."""
    if booking.state is not BookingState.CONFIRMED:
        return f"Only a confirmed booking has a question; this one is {booking.state.replace('_', ' ')}."
    if at >= closes:
        return f"Questions could be sealed until {length(booking.starts_at - closes)} before the slot."
    return None


def why_not_answer(booking: Booking, at: datetime) -> str | None:
    """Why a written answer has no use any more."""
    if booking.state is not BookingState.CONFIRMED:
        return f"Only a confirmed booking can be answered early; this one is {booking.state.replace('_', ' ')}."
    return "It has begun: answer in person." if at >= booking.starts_at else None


def check_package(data: bytes, wanted: Sequence[tuple[str, Collection[str]]]) -> list[str]:
    """The recipients of a message that is taken: sealed for everybody `wanted`, by name and key ids, and nobody else.

    Raises Refused with what is wrong and what would help.
    """
    recipients = Recipients(1, tuple((name, frozenset(keys)) for name, keys in wanted))
    walker = Walker([recipients], limit=LARGEST, length=len(data))
    try:
        walker.feed(data)
        walker.finish()
    except refusals.MissingRecipient as refusal:
        raise Refused(
            f"It is not sealed to every host of this slot. Missing: {', '.join(refusal.missing)}. {RECIPE}"
        ) from None
    except refusals.NotAcceptable as refusal:
        raise Refused(_in_our_words(refusal.reason)) from None
    known = {key_id for _, keys in wanted for key_id in keys}
    others = sorted(set(walker.recipients) - known)
    if others:
        raise Refused(
            f"It is also sealed to {', '.join(others)}, which is no key of this slot's hosts. "
            "Leave it out: --no-encrypt-to keeps your own gpg.conf from adding one."
        )
    return walker.recipients


def _in_our_words(reason: str) -> str:
    for theirs, ours in WORDS:
        reason = reason.replace(theirs, ours)
    return reason
