"""Whose recipients count, and what a recovery key signs."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from portal.core.errors import Refused
from portal.reports import demonstration_keys, refusals
from portal.reports.models import KeySet, KeySetMember
from portal.reports.states import KeyRole
from portal.reports.walker import Recipients

GRACE = timedelta(days=14)
WARN_BEFORE = timedelta(days=30)


def recipients(key_set: KeySet, at: datetime | None = None) -> Recipients:
    """What the walker looks for; whose key has expired by `at` is told, for a file that was begun before."""
    late = expired(key_set, at) if at else []
    named = [f"{each.name} (whose key has expired since)" if each in late else each.name for each in key_set.members]
    wanted = zip(named, (frozenset(each.key_ids) for each in key_set.members), strict=True)
    return Recipients(key_set.number, tuple(wanted))


def accepted(newest: Sequence[KeySet], at: datetime, begun: datetime | None = None) -> list[KeySet]:
    """Of the newest key sets, newest first, those that count: the current one, and for a fortnight the one before.

    A set with an expired key takes no new files. One that was `begun` before goes on: its owner's key still opens what
    is sealed to it, and whoever sends it could not know better.
    """
    in_time = newest[:2] if newest and newest[0].published_at + GRACE > at else newest[:1]
    return [each for each in in_time if not expired(each, begun or at)]


def grace_until(current: KeySet, before: KeySet) -> datetime:
    """Until when the set before the current one still counts."""
    return min(each for each in (current.published_at + GRACE, before.expires_at) if each)


def expired(key_set: KeySet, at: datetime) -> list[KeySetMember]:
    """The members to whom nothing can be sealed any more."""
    return [member for member in key_set.members if member.expires_at and member.expires_at <= at]


def check_open(current: KeySet | None, at: datetime) -> None:
    """Whether something new may be sealed to the current set, if there is one. Raises KeyExpired."""
    if current and (late := expired(current, at)):
        raise refusals.KeyExpired(
            current.number, [(each.name, each.expires_at) for each in late if each.expires_at is not None]
        )


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
