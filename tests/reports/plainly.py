"""What the walker should say, worked out plainly: the whole file at once, one octet after another, no state to keep.

It shares nothing with the walker but the limits and the classes of refusals, so that a mistake in one is not in both.
"""

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from portal.reports.walker import MAX_RECIPIENTS, MAX_SESSION_KEY, MAX_SMALL_PARTS, MIN_SEALED, SMALL_PART, Recipients

SPACE = b" \t\n\r\x0b\x0c"
ARMOR = b"-----BEGIN PGP"
LOOKED_AT = 64
# What a packet in the wrong place is called, by its kind.
CALLED = {
    2: "signed-only", 4: "signed-only", 8: "not-encrypted", 11: "not-encrypted", 5: "is-key", 6: "is-key",
    7: "is-key", 14: "is-key", 3: "symmetric", 9: "without-integrity", 20: "aead-20",
}  # fmt: skip


class Verdict(NamedTuple):
    """The code of the refusal or None, after how many octets it is certain, and what was seen of recipients."""

    code: str | None
    told: int
    key_ids: tuple[str, ...] = ()
    key_set: int | None = None


class _Told(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def judge(data: bytes, sets: Sequence[Recipients], limit: int) -> Verdict:
    """What should come of a file. Only its end shows that it is too short."""
    reading = _Reading(data, limit)
    message = _Message(reading, sets)
    try:
        message.read()
    except _Told as told:
        return Verdict(told.code, reading.place)
    return Verdict(None, len(data), tuple(message.key_ids), message.key_set)


class _Reading:
    def __init__(self, data: bytes, limit: int) -> None:
        self.data, self.limit, self.place = data, limit, 0

    def octet(self, at_end: str = "truncated") -> int:
        if self.place == len(self.data):
            raise _Told(at_end)
        if self.place == self.limit:
            raise _Told("too-large")
        self.place += 1
        return self.data[self.place - 1]

    def number(self, octets: int) -> int:
        return int.from_bytes(bytes(self.octet() for _ in range(octets)), "big")

    def over(self, octets: int) -> None:
        for _ in range(octets):
            self.octet()

    def at_end(self) -> bool:
        return self.place == len(self.data)


class _Message:
    def __init__(self, reading: _Reading, sets: Sequence[Recipients]) -> None:
        self.reading, self.sets = reading, sets
        self.key_ids: list[str] = []
        self.key_set: int | None = None
        self.small = 0

    def read(self) -> None:
        if self.reading.at_end():
            raise _Told("empty")
        if self.reading.data[0] < 0x80:
            self._text()
        while self._packet():
            pass
        if not self.reading.at_end():
            self.reading.octet()
            raise _Told("trailing-data")

    def _text(self) -> NoReturn:
        seen = b""
        while True:
            seen += bytes([self.reading.octet(at_end="not-openpgp")])
            text = seen.lstrip(SPACE)
            if text == ARMOR:
                raise _Told("armored")
            if len(seen) == LOOKED_AT or text != ARMOR[: len(text)]:
                raise _Told("not-openpgp")

    def _packet(self) -> bool:
        """Read one packet; whether another must follow."""
        head = self.reading.octet()
        if head < 0x80:
            raise _Told("malformed")
        new = head >= 0xC0
        tag = head - 0xC0 if new else (head - 0x80) // 4
        self._may_stand_here(tag)
        length, partial = self._new() if new else (self._old(head % 4), False)
        if tag == 1:
            self._session_key(length, partial)
            return True
        self._sealed(length, partial)
        return False

    def _may_stand_here(self, tag: int) -> None:
        if tag == 1 and len(self.key_ids) == MAX_RECIPIENTS:
            raise _Told("too-many-recipients")
        if tag == 18:
            fits = [each.number for each in self.sets if all(keys & set(self.key_ids) for _, keys in each.members)]
            if not fits:
                raise _Told("missing-recipient")
            self.key_set = fits[0]
        elif tag != 1:
            raise _Told(CALLED.get(tag, "unknown-packet"))

    def _new(self) -> tuple[int, bool]:
        first = self.reading.octet()
        if first == 255:
            return self.reading.number(4), False
        if first >= 224:
            return 2 ** (first - 224), True
        if first >= 192:
            return (first - 192) * 256 + self.reading.octet() + 192, False
        return first, False

    def _old(self, kind: int) -> int:
        if kind == 3:
            raise _Told("malformed")
        return self.reading.number([1, 2, 4][kind])

    def _session_key(self, length: int, partial: bool) -> None:
        if partial or length < 10 or length > MAX_SESSION_KEY:
            raise _Told("malformed")
        version = self.reading.octet()
        if version != 3:
            raise _Told("seipd-v2" if version == 6 else "malformed")
        key_id = self.reading.number(8)
        if key_id == 0:
            raise _Told("hidden-recipient")
        self.key_ids.append(f"{key_id:016X}")
        self.reading.over(length - 9)

    def _sealed(self, length: int, partial: bool) -> None:
        total = self._part(0, length, partial)
        version = self.reading.octet()
        if version != 1:
            raise _Told("seipd-v2" if version == 2 else "malformed")
        self.reading.over(length - 1)
        while partial:
            length, partial = self._new()
            total = self._part(total, length, partial)
            self.reading.over(length)

    def _part(self, total: int, length: int, partial: bool) -> int:
        """Look at the length of a part; how long the packet is with it."""
        if total + length >= self.reading.limit:
            raise _Told("too-large")
        self.small += partial and length < SMALL_PART
        if self.small > MAX_SMALL_PARTS:
            raise _Told("too-many-parts")
        if not partial and total + length < MIN_SEALED:
            raise _Told("malformed")
        return total + length
