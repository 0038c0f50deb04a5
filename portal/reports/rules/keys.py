"""Whose recipients count, and what a recovery key signs."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from portal.core.errors import Refused
from portal.reports import demonstration_keys
from portal.reports.models import KeySet, KeySetMember
from portal.reports.states import KeyRole
from portal.reports.walker import Recipients

GRACE = timedelta(days=14)
WARN_BEFORE = timedelta(days=30)


def recipients(key_set: KeySet) -> Recipients:
    """What the walker looks for."""
    return Recipients(key_set.number, tuple((member.name, frozenset(member.key_ids)) for member in key_set.members))


def accepted(newest: Sequence[KeySet], at: datetime) -> list[KeySet]:
    """Of the newest key sets, newest first, those that count: the current one, and for a fortnight the one before."""
    return [each for index, each in enumerate(newest[:2]) if index == 0 or newest[0].published_at + GRACE > at]


def grace_until(key_set: KeySet) -> datetime:
    """Until when the set before this one still counts."""
    return key_set.published_at + GRACE


def expired(key_set: KeySet, at: datetime) -> list[KeySetMember]:
    """The members to whom nothing can be sealed any more."""
    return [member for member in key_set.members if member.expires_at and member.expires_at <= at]


def statement_of(key_set: KeySet) -> str:
    """The statement of a published set: the very bytes that were signed, as UTF-8."""
    return statement(key_set.number, [(member.role, member.fingerprint) for member in key_set.members])


def check_secret(fingerprints: Sequence[str]) -> None:
    """Whether anything sealed to these keys would be secret. Raises Refused."""
    if demonstration_keys.FINGERPRINTS.intersection(fingerprints):
        raise Refused("This key belongs to the demonstration: everybody has its secret half. Use keys of your own.")


def statement(number: int, members: Sequence[tuple[KeyRole, str]]) -> str:
    """What the recovery key of the set before signs: one line a certificate, in order of role and fingerprint."""
    lines = [f"{role.value} {fingerprint}" for role, fingerprint in sorted(members)]
    return "\n".join([f"key set {number}", *lines, ""])
