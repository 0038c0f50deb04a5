"""The addresses to which mails of the line are answered: each names a conversation and a member, and is signed.

line+TOKEN@portal.example.org, where TOKEN is base32 (RFC 4648, in small letters, since mail systems fold case) of the
conversation, the member, four octets each, and the first twelve octets of an HMAC over both.
"""

import base64
import binascii
import hmac
import struct
from typing import NamedTuple

from portal.config import Config

_NUMBERS = struct.Struct(">II")
_SIGNED, _TOKEN = 12, 32


class Named(NamedTuple):
    """What a token names."""

    conversation_id: int
    member_id: int


class ForgedToken(Exception):
    """An address of the line whose token was not made here."""


class Addresses(NamedTuple):
    """Makes and reads addresses of the line. Without a `mailbox` none is made: then people answer on the page."""

    mailbox: str | None
    host: str
    ours: str
    key: bytes

    @classmethod
    def of(cls, config: Config) -> "Addresses":
        """As the settings say."""
        key = hmac.digest(config.secret_key.encode(), b"addresses of the line", "sha256")
        return cls(config.line_address, config.host, config.mail_from.lower(), key)

    def reply_to(self, conversation_id: int, member_id: int) -> str | None:
        """Where this member answers in this conversation."""
        if self.mailbox is None:
            return None
        local, _, domain = self.mailbox.partition("@")
        numbers = _NUMBERS.pack(conversation_id, member_id)
        token = base64.b32encode(numbers + self._signature(numbers)).decode().lower()
        return f"{local}+{token}@{domain}"

    def read(self, address: str) -> Named | None:
        """What an address names; None where it is no address of the line, or bears no token.

        Raises ForgedToken.
        """
        local, _, domain = (self.mailbox or "").partition("@")
        given, _, host = address.strip().lower().rpartition("@")
        name, plus, token = given.partition("+")
        if not domain or (name, host) != (local, domain) or not plus:
            return None
        try:
            octets = base64.b32decode(token.upper()) if len(token) == _TOKEN else b""
        except (binascii.Error, ValueError):
            octets = b""
        numbers, signature = octets[: _NUMBERS.size], octets[_NUMBERS.size :]
        if len(numbers) != _NUMBERS.size or not hmac.compare_digest(signature, self._signature(numbers)):
            raise ForgedToken
        return Named(*_NUMBERS.unpack(numbers))

    def root(self, conversation_id: int) -> str:
        """The Message-ID that all mails of a conversation follow, so that they are shown together."""
        named = hmac.digest(self.key, b"root %d" % conversation_id, "sha256").hex()[:24]
        return f"<line.{named}@{self.host}>"

    def _signature(self, numbers: bytes) -> bytes:
        return hmac.digest(self.key, numbers, "sha256")[:_SIGNED]
