"""The key under which addresses are kept, which is not in the database."""

import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.config import Config
from portal.core.errors import Refused

# The first byte of what is sealed: AES-256-GCM, twelve bytes of nonce, then the ciphertext with its tag.
_VERSION = b"\x01"
_NONCE = 12


class Vault:
    """Seals and opens small mappings for one subject each: what is sealed for one cannot be opened as another's."""

    def __init__(self, secret: str) -> None:
        kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"research-challenge-portal delivery address 1")
        self._cipher = AESGCM(kdf.derive(secret.encode()))

    @classmethod
    def of(cls, config: Config) -> "Vault":
        """The vault that the settings name: its own key, or one derived from the secret key."""
        return cls(config.address_key or config.secret_key)

    def seal(self, content: dict[str, Any], subject: str) -> bytes:
        """The sealed bytes of `content`."""
        nonce = secrets.token_bytes(_NONCE)
        plain = json.dumps(content, ensure_ascii=False, sort_keys=True).encode()
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, subject.encode())

    def open(self, sealed: bytes, subject: str) -> dict[str, Any]:
        """What was sealed. Raises Refused where the key is another one, or the bytes are another subject's."""
        nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            plain = self._cipher.decrypt(nonce, text, subject.encode())
        except InvalidTag as error:
            raise Refused("This address was sealed under another key than PORTAL_ADDRESS_KEY.") from error
        content: dict[str, Any] = json.loads(plain)
        return content
