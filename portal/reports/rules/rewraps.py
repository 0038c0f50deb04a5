"""Who of a key set cannot open a sealed file, and what a wrapped session key must look like."""

from collections.abc import Collection, Sequence

from portal.core.errors import Refused
from portal.reports.models import KeySetMember
from portal.reports.models.rewraps import LARGEST

_NEW_FORMAT, _TAG = 0xC1, 1
# Version 3, key id, algorithm: 9 octets and one; what is encrypted takes more.
_LEAST = 12


def lacking(members: Sequence[KeySetMember], key_ids: Collection[str]) -> list[KeySetMember]:
    """The members for none of whose keys a file is sealed or was wrapped."""
    return [member for member in members if not set(member.key_ids).intersection(key_ids)]


def check_refuter(owners: Collection[int], maker: int, by: int | None) -> None:
    """Whether somebody may say that a wrapped session key does not open its file; None is an operator. Raises Refused.

    Only the key can tell, so only its owner can say it, or who made the packet. Others could lock somebody out.
    """
    if by is None and owners:
        raise Refused("The key belongs to somebody: they say it themselves, and portal-triage does it for them.")
    if by is not None and by != maker and by not in owners:
        raise Refused("Only the one for whom it was wrapped can say that it does not open, or the one who wrapped it.")


def wrapped_for(packet: bytes) -> str:
    """The key id in one public-key encrypted session key packet (version 3) and nothing else. Raises Refused."""
    if not _LEAST <= len(packet) <= LARGEST or packet[0] != _NEW_FORMAT:
        raise Refused("This is not one packet with a session key for a recipient.")
    length, begin = _length(packet)
    if begin + length != len(packet) or length < _LEAST - 2:
        raise Refused("This is not one packet with a session key for a recipient: its length does not fit.")
    if packet[begin] != 3:
        raise Refused(f"This is a session key packet of version {packet[begin]}; version 3 is needed.")
    return packet[begin + 1 : begin + 9].hex().upper()


def _length(packet: bytes) -> tuple[int, int]:
    first = packet[1]
    if first < 192:
        return first, 2
    if first < 224:
        return ((first - 192) << 8) + packet[2] + 192, 3
    return -1, 0
