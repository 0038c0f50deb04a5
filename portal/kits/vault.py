"""The keys under which addresses and labels are kept, which are not in the database."""

import json
import secrets
from collections.abc import Iterable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.config import Config
from portal.core.errors import Refused

# What is sealed begins with one of these: AES-256-GCM, twelve bytes of nonce, then the ciphertext with its tag. The
# first kind names no key; the second names it in the eight bytes after the version, and what is named is authentic.
_NAMELESS, _NAMED = b"\x01", b"\x02"
_NONCE, _NAME = 12, 8
# So many bytes at the beginning of what is sealed say under which key it is.
HEAD = 1 + _NAME
_PURPOSE = b"research-challenge-portal delivery address "


def key_in(head: bytes) -> str | None:
    """The name of the key in the first `HEAD` bytes of what is sealed; None where none is named."""
    return head[1:HEAD].hex() if head[:1] == _NAMED else None


def _derived(secret: str, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=_PURPOSE + purpose).derive(secret.encode())


class _Key:
    """One key, and the name by which sealed bytes call it: derived from the secret, and telling nothing of it."""

    def __init__(self, secret: str) -> None:
        self.cipher = AESGCM(_derived(secret, b"1", 32))
        self.name = _derived(secret, b"key name 1", _NAME)


class Vault:
    """Seals and opens small mappings for one subject each: what is sealed for one cannot be opened as another's.

    It seals under `secret`, and opens what was sealed under it or one of the `old` ones.
    """

    def __init__(self, secret: str, old: Iterable[str] = ()) -> None:
        keys = [_Key(secret), *map(_Key, old)]
        self._current, self._keys = keys[0], {key.name: key for key in reversed(keys)}

    @classmethod
    def of(cls, config: Config) -> "Vault":
        """The vault that the settings name: its own key, or one derived from the secret key.

        Whoever sets a key later finds what was sealed under the secret key before.
        """
        first = [config.secret_key] if config.address_key else []
        return cls(config.address_key or config.secret_key, [*config.address_keys_old, *first])

    @property
    def key(self) -> str:
        """The name of the key under which is sealed, in hexadecimal digits."""
        return self._current.name.hex()

    @property
    def head(self) -> bytes:
        """How everything begins that is sealed under this key."""
        return _NAMED + self._current.name

    @property
    def keys(self) -> frozenset[str]:
        """The names of all keys under which can be opened."""
        return frozenset(name.hex() for name in self._keys)

    def told(self, key: str | None) -> str:
        """What a key's name means to the operator."""
        if key is None:
            return "a key that is not named"
        kind = "the current key" if key == self.key else "an old key" if key in self.keys else "an unknown key"
        return f"{kind} ({key})"

    def seal(self, content: dict[str, Any], subject: str) -> bytes:
        """The sealed bytes of `content`."""
        nonce = secrets.token_bytes(_NONCE)
        head = self.head
        plain = json.dumps(content, ensure_ascii=False, sort_keys=True).encode()
        return head + nonce + self._current.cipher.encrypt(nonce, plain, head + subject.encode())

    def open(self, sealed: bytes, subject: str) -> dict[str, Any]:
        """What was sealed. Raises Refused where its key is none of ours, or the bytes are another subject's."""
        if sealed[:1] == _NAMELESS:
            return self._open(list(self._keys.values()), b"", sealed[1:], subject)
        head, rest = sealed[:HEAD], sealed[HEAD:]
        key = self._keys.get(head[1:])
        return self._open([key] if key and head[:1] == _NAMED else [], head, rest, subject)

    def _open(self, keys: Iterable[_Key], head: bytes, rest: bytes, subject: str) -> dict[str, Any]:
        for key in keys:
            try:
                plain = key.cipher.decrypt(rest[:_NONCE], rest[_NONCE:], head + subject.encode())
            except (InvalidTag, ValueError):  # a nonce that was cut off is a ValueError
                continue
            content: dict[str, Any] = json.loads(plain)
            return content
        # What was tried is part of no message: it holds the ciphertext.
        raise Refused(
            "This was sealed under another key than PORTAL_ADDRESS_KEY and PORTAL_ADDRESS_KEYS_OLD. "
            "It is kept as it is; with its key it can be opened again."
        ) from None
