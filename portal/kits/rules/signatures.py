"""Whether a message comes from the service that it says it comes from. All of it is about raw bytes.

EasyPost: HMAC-SHA256 under the secret in Unicode's form NFKD, as its libraries do (`validate_webhook` of
easypost-python); newer webhooks sign time and path as well (https://support.easypost.com/hc/en-us/articles/39826034964237).
Shippo: HMAC-SHA256 over time and body, or a token in the address
(https://docs.goshippo.com/docs/tracking/webhooksecurity). ShipStation: RSA (PKCS #1 v1.5) with SHA-256 over time and
body, the key named in a header (https://docs.shipstation.com/apis/docs/guides/webhooks-validation); its keys are
settings of ours, for nothing that a stranger sends may make us ask another server.
"""

import binascii
import hashlib
import hmac
import re
import unicodedata
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

# How far a signed time may be from ours: what is older may be a copy that somebody kept.
WINDOW = timedelta(minutes=5)
_SHIPPO = re.compile(r"t=([0-9]{1,12}),\s*v1=([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True)
class Message:
    """A POST as it came: its headers by their names in small letters (every value that was sent), path and token."""

    body: bytes = field(repr=False)
    headers: Mapping[str, Sequence[str]] = field(repr=False)
    path: str = ""
    token: str = field(default="", repr=False)

    def header(self, name: str) -> str:
        """The one value of a header; "" where there is none, or several, of which somebody might believe either."""
        values = self.headers.get(name, ())
        return values[0].strip() if len(values) == 1 else ""


Check = Callable[[Message, datetime], bool]


def easypost(secret: str) -> Check:
    """Whether EasyPost signed it. Where the newer signature is there, it is the one that counts."""
    key = unicodedata.normalize("NFKD", secret).encode()

    def check(message: Message, at: datetime) -> bool:
        if "x-hmac-signature-v2" not in message.headers:
            return _same(message.header("x-hmac-signature"), f"hmac-sha256-hex={_hmac(key, message.body)}")
        time, path = message.header("x-timestamp"), message.header("x-path")
        signed = f"{time}POST{path}".encode(errors="replace") + message.body
        right = _same(message.header("x-hmac-signature-v2"), f"hmac-sha256-hex={_hmac(key, signed)}")
        return right and path == message.path and _recent(_instant(time), at)

    return check


def shippo(secret: str) -> Check:
    """Whether Shippo signed it, or, where it signs nothing, posts it to the address that only it knows."""
    key = secret.encode()

    def check(message: Message, at: datetime) -> bool:
        if "shippo-auth-signature" not in message.headers:
            return _same(message.token, secret)
        found = _SHIPPO.fullmatch(message.header("shippo-auth-signature"))
        if found is None:
            return False
        right = _same(found[2].lower(), _hmac(key, f"{found[1]}.".encode() + message.body))
        return right and _recent(_instant(found[1]), at)

    return check


def shipstation(keys: Mapping[str, RSAPublicKey]) -> Check:
    """Whether ShipStation signed it with one of its keys: the named one, or any where ours have no names (PEM)."""

    def check(message: Message, at: datetime) -> bool:
        time = message.header("x-shipengine-timestamp")
        named = keys.get(message.header("x-shipengine-rsa-sha256-key-id"))
        candidates = [named] if named else [key for name, key in keys.items() if name.startswith("PEM ")]
        signed = f"{time}.".encode(errors="replace") + message.body
        signature = message.header("x-shipengine-rsa-sha256-signature")
        return any(_verifies(key, signature, signed) for key in candidates) and _recent(_instant(time), at)

    return check


def _hmac(key: bytes, signed: bytes) -> str:
    return hmac.new(key, signed, hashlib.sha256).hexdigest()


def _same(told: str, right: str) -> bool:
    """Whether two texts are one, in a time that does not tell where they differ."""
    return hmac.compare_digest(told.encode(errors="replace"), right.encode())


def _verifies(key: RSAPublicKey, signature: str, signed: bytes) -> bool:
    try:
        key.verify(b64decode(signature, validate=True), signed, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _instant(text: str) -> datetime | None:
    """Seconds since 1970, ISO 8601, or as in mails (RFC 2822); the services have one each."""
    try:
        if text.isascii() and text.isdecimal() and len(text) <= 12:
            return datetime.fromtimestamp(int(text), UTC)
        found = datetime.fromisoformat(text) if text[:1].isdecimal() else parsedate_to_datetime(text)
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _recent(told: datetime | None, at: datetime) -> bool:
    return told is not None and abs(at - told) <= WINDOW
