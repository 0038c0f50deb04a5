"""A walk over the packets of a sealed file, without keys and without holding it.

It takes bytes as they come, keeps a few numbers, and can be put aside as JSON between two requests and be taken up by
another process. What it lets pass is, from the first byte to the last: up to sixteen public-key encrypted session key
packets (version 3) that name every member of the key set, then one symmetrically encrypted and integrity protected
packet (version 1), then the end of the file. Framing: RFC 9580, section 4.2.

It catches mistakes, not malice: key ids are not authenticated, so only a triager's decryption proves that a report
can be read.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, NoReturn, Self

from portal.reports import refusals

Bytes = bytes | bytearray | memoryview

MAX_RECIPIENTS = 16
MAX_SESSION_KEY = 4096
# RFC 9580 asks for 512 octets in the first part only, but every known program keeps to it. A thousand smaller ones are
# let pass; a gigabyte in parts of one octet would be an hour of work.
SMALL_PART = 512
MAX_SMALL_PARTS = 1024
# Version, prefix of block size + 2, packet of the integrity check: less cannot be a version 1 packet.
MIN_SEALED = 1 + 18 + 22

_SESSION_KEY, _SEALED = 1, 18
_ARMOR = b"-----BEGIN PGP"
_TEXT_SEEN = 64
_VERSION_AND_KEY_ID = 9
# The octet that announces a part of SMALL_PART; greater ones announce greater parts.
_FULL_PART = 0xE0 | (SMALL_PART.bit_length() - 1)


class Recipients(NamedTuple):
    """Whom a key set wants: for each member, by name, the key ids of which one must be among the recipients."""

    number: int
    members: tuple[tuple[str, frozenset[str]], ...]

    def missing(self, key_ids: Sequence[str]) -> tuple[str, ...]:
        """The names of the members to whom a message for `key_ids` is not sealed."""
        return tuple(name for name, keys in self.members if keys.isdisjoint(key_ids))


class Phase(StrEnum):
    """What the next byte belongs to."""

    START = "start"
    TEXT = "text"
    HEADER = "header"
    SESSION_KEY = "session key"
    VERSION = "version"
    SEALED = "sealed"
    LENGTH = "length"
    END = "end"


class Walker:
    """Where in a sealed file we are. `feed` raises a NotAcceptable as soon as the bytes show it; so does `finish`.

    `sets` are the key sets that count at this time, the current one first; `limit` is the most bytes that the file may
    have, `length` how many it has, where that is known.
    """

    def __init__(self, sets: Sequence[Recipients], *, limit: int, length: int | None = None) -> None:
        self.sets = tuple(sets)
        self.limit = limit
        self.length = length
        self.offset = 0
        self.recipients: list[str] = []
        self.key_set: int | None = None
        self._phase = Phase.START
        self._kept = b""
        self._remaining = 0
        self._partial = False
        self._sealed = 0
        self._small_parts = 0

    @classmethod
    def resume(
        cls, state: dict[str, Any] | None, sets: Sequence[Recipients], *, limit: int, length: int | None = None
    ) -> Self:
        """Take up a walk where `state()` left it; None begins a new one."""
        walker = cls(sets, limit=limit, length=length)
        if state is not None:
            walker.offset = state["offset"]
            walker.recipients = list(state["recipients"])
            walker.key_set = state["key_set"]
            walker._phase = Phase(state["phase"])
            walker._kept = bytes.fromhex(state["kept"])
            walker._remaining = state["remaining"]
            walker._partial = state["partial"]
            walker._sealed = state["sealed"]
            walker._small_parts = state["small_parts"]
        return walker

    def state(self) -> dict[str, Any]:
        """All that has to be remembered, fit for JSON: under 1 kB."""
        return {
            "offset": self.offset,
            "recipients": list(self.recipients),
            "key_set": self.key_set,
            "phase": self._phase.value,
            "kept": self._kept.hex(),
            "remaining": self._remaining,
            "partial": self._partial,
            "sealed": self._sealed,
            "small_parts": self._small_parts,
        }

    def feed(self, data: Bytes) -> None:
        """Walk over the next bytes of the file."""
        position, end = 0, min(len(data), self.limit - self.offset)
        taken = data if end == len(data) else memoryview(data)[:end]
        while position < end:
            position = self._steps[self._phase](self, taken, position)
        self.offset += end
        if end < len(data):
            raise refusals.TooLarge(self.limit)
        self._compare_with_length()

    def _compare_with_length(self) -> None:
        """Where the file's length is known, a cut or a surplus shows as soon as the sealed packet tells its own."""
        if self.length is None or self._phase is not Phase.SEALED:
            return
        reach = self.offset + self._remaining
        if reach > self.length or (self._partial and reach == self.length):
            raise refusals.Truncated
        if reach < self.length and not self._partial:
            raise refusals.TrailingData

    def finish(self) -> None:
        """Say that the file ends here."""
        if self._phase is Phase.START:
            raise refusals.Empty
        if self._phase is Phase.TEXT:
            raise refusals.NotOpenPGP
        if self._phase is not Phase.END:
            raise refusals.Truncated

    def _start(self, data: Bytes, position: int) -> int:
        self._phase = Phase.HEADER if data[position] & 0x80 else Phase.TEXT
        return position

    def _text(self, data: Bytes, position: int) -> int:
        """No packet begins like this. If it is armor, its first line says so; blank lines may come before it."""
        taken = bytes(data[position : position + _TEXT_SEEN])
        for octet in taken:
            self._kept += bytes((octet,))
            begun = self._kept.lstrip()
            if begun == _ARMOR:
                raise refusals.Armored
            if not _ARMOR.startswith(begun) or len(self._kept) == _TEXT_SEEN:
                raise refusals.NotOpenPGP
        return position + len(taken)

    def _header(self, data: Bytes, position: int) -> int:
        """Gather the octets of a packet's header, one to six, and act on it as soon as it is whole."""
        self._kept += bytes(data[position : position + 1])
        tag = self._tag(self._kept[0])
        if len(self._kept) == 1:
            self._admit(tag)
        length, partial = self._length(self._kept)
        if length is not None:
            self._kept = b""
            self._enter(tag, length, partial)
        return position + 1

    @staticmethod
    def _tag(octet: int) -> int:
        if not octet & 0x80:
            raise refusals.Malformed("a packet was expected where none begins")
        return octet & 0x3F if octet & 0x40 else (octet & 0x3C) >> 2

    def _admit(self, tag: int) -> None:
        if tag not in (_SESSION_KEY, _SEALED):
            _refuse(tag)
        if tag == _SESSION_KEY and len(self.recipients) == MAX_RECIPIENTS:
            raise refusals.TooManyRecipients(MAX_RECIPIENTS)
        if tag == _SEALED:
            self._check_recipients()

    def _check_recipients(self) -> None:
        missing: tuple[str, ...] = ()
        for wanted in self.sets:
            lacking = wanted.missing(self.recipients)
            if not lacking:
                self.key_set = wanted.number
                return
            missing = missing or lacking
        raise refusals.MissingRecipient(self.sets[0].number if self.sets else None, missing)

    @staticmethod
    def _length(header: bytes) -> tuple[int | None, bool]:
        """The length that a header tells, None while octets are missing, and whether it is the length of a part."""
        if header[0] & 0x40:
            return _new_length(header[1:])
        octets = (1, 2, 4, 0)[header[0] & 3]
        if not octets:
            raise refusals.Malformed("a packet of indeterminate length")
        return (int.from_bytes(header[1:], "big"), False) if len(header) == 1 + octets else (None, False)

    def _enter(self, tag: int, length: int, partial: bool) -> None:
        if tag == _SEALED:
            self._phase = Phase.VERSION
            self._part(length, partial)
            return
        if partial or not _VERSION_AND_KEY_ID < length <= MAX_SESSION_KEY:
            raise refusals.Malformed(f"a recipient's packet of {length:,} bytes")
        self._remaining = length
        self._phase = Phase.SESSION_KEY

    def _session_key(self, data: Bytes, position: int) -> int:
        """Read version and key id of a recipient's packet, and step over the rest."""
        if len(self._kept) < _VERSION_AND_KEY_ID:
            self._kept += bytes(data[position : position + 1])
            if len(self._kept) == 1 and self._kept[0] != 3:
                raise (
                    refusals.SeipdV2
                    if self._kept[0] == 6
                    else refusals.Malformed(f"a recipient's packet of version {self._kept[0]}")
                )
            if len(self._kept) == _VERSION_AND_KEY_ID:
                self._recipient(self._kept[1:].hex().upper())
            taken = 1
        else:
            taken = min(self._remaining, len(data) - position)
        self._remaining -= taken
        if not self._remaining:
            self._kept = b""
            self._phase = Phase.HEADER
        return position + taken

    def _recipient(self, key_id: str) -> None:
        if not int(key_id, 16):
            raise refusals.HiddenRecipient
        self.recipients.append(key_id)

    def _part(self, length: int, partial: bool) -> None:
        """The sealed packet goes on for `length` bytes, and further if that is the length of a part."""
        self._remaining, self._partial = length, partial
        self._sealed += length
        if self._sealed >= self.limit:
            raise refusals.TooLarge(self.limit)
        if partial and length < SMALL_PART:
            self._small_parts += 1
            if self._small_parts > MAX_SMALL_PARTS:
                raise refusals.TooManyParts
        if not partial and self._sealed < MIN_SEALED:
            raise refusals.Malformed("a sealed packet that is too short to hold anything")

    def _version(self, data: Bytes, position: int) -> int:
        if data[position] == 2:
            raise refusals.SeipdV2
        if data[position] != 1:
            raise refusals.Malformed(f"a sealed packet of version {data[position]}")
        self._remaining -= 1
        self._phase = Phase.SEALED if self._remaining else Phase.LENGTH
        return position + 1

    def _body(self, data: Bytes, position: int) -> int:
        """Step over ciphertext. Whole parts are stepped over in this one loop: it is where a gigabyte goes by."""
        end, sealed, limit = len(data), self._sealed, self.limit
        position += self._remaining
        if self._partial:
            while position < end and _FULL_PART <= (octet := data[position]) < 0xFF:
                size = 1 << (octet & 0x1F)
                sealed += size
                if sealed >= limit:
                    raise refusals.TooLarge(limit)
                position += 1 + size
        self._sealed = sealed
        self._remaining = max(position - end, 0)
        if not self._remaining:
            self._phase = Phase.LENGTH if self._partial else Phase.END
        return min(position, end)

    def _next_length(self, data: Bytes, position: int) -> int:
        self._kept += bytes(data[position : position + 1])
        length, partial = _new_length(self._kept)
        if length is not None:
            self._kept = b""
            self._part(length, partial)
            self._phase = Phase.SEALED if length else Phase.END
        return position + 1

    def _end(self, data: Bytes, position: int) -> NoReturn:
        raise refusals.TrailingData

    _steps: ClassVar[dict[Phase, Callable[["Walker", Bytes, int], int]]] = {
        Phase.START: _start,
        Phase.TEXT: _text,
        Phase.HEADER: _header,
        Phase.SESSION_KEY: _session_key,
        Phase.VERSION: _version,
        Phase.SEALED: _body,
        Phase.LENGTH: _next_length,
        Phase.END: _end,
    }


def _new_length(octets: bytes) -> tuple[int | None, bool]:
    """A length in the new format: one, two or five octets, or one octet for a part (a power of two)."""
    if not octets:
        return None, False
    first = octets[0]
    if first < 192:
        return first, False
    if first < 224:
        return (((first - 192) << 8) + octets[1] + 192, False) if len(octets) == 2 else (None, False)
    if first < 255:
        return 1 << (first & 0x1F), True
    return (int.from_bytes(octets[1:], "big"), False) if len(octets) == 5 else (None, False)


def _refuse(tag: int) -> NoReturn:
    """Say why a packet other than the two wanted ones is there."""
    if tag in (2, 4):
        raise refusals.SignedOnly
    if tag in (8, 11):
        raise refusals.NotEncrypted
    if tag in (5, 6, 7, 14):
        raise refusals.IsKey(secret=tag in (5, 7))
    if tag == 3:
        raise refusals.Symmetric
    if tag == 9:
        raise refusals.WithoutIntegrity
    if tag == 20:
        raise refusals.Aead20
    raise refusals.UnknownPacket(tag)


def head_length(data: Bytes) -> int | None:
    """How many octets the packets for recipients take at the beginning of a sealed file; None if more are needed.

    Raises Malformed where these are no such packets. `data` is a file that a Walker has let pass.
    """
    position = 0
    while position < len(data):
        header = bytes(data[position : position + 1])
        if Walker._tag(header[0]) != _SESSION_KEY:
            return position
        while (found := Walker._length(header)[0]) is None:
            if position + len(header) >= len(data):
                return None
            header = bytes(data[position : position + len(header) + 1])
        position += len(header) + found
    return None
