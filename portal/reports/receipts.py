"""Receipts: what the server signs about a report, so that its sender can prove what arrived and when.

The key is Ed25519 (RFC 8032). What is signed are the very bytes of the receipt's JSON, so OpenSSL alone can verify it:

    openssl pkeyutl -verify -pubin -inkey receipts.pem -rawin -in receipt.json -sigfile receipt.sig
"""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.config import Config
from portal.reports.models import Receipt, Report, Upload

FORMAT = "report-receipt/1"


class Signer:
    """The server's signing key, made once in the data folder."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        public = key.public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.public_pem = public.public_bytes(serialization.Encoding.PEM, form).decode()
        # The SHA-256 of the public key's DER form: which key it was, should it ever be replaced.
        self.key_id = hashlib.sha256(public.public_bytes(serialization.Encoding.DER, form)).hexdigest()

    def sign(self, data: bytes) -> bytes:
        """Sixty-four octets."""
        return self._key.sign(data)

    @classmethod
    def of(cls, config: Config) -> "Signer":
        """The key of this installation."""
        if config.receipt_key:
            return cls.read(config.receipt_key.encode())
        return cls.load(config.data / "receipts-key.pem")

    @classmethod
    def read(cls, pem: bytes) -> "Signer":
        """The key in a PEM. Raises TypeError where it is of another kind."""
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("receipts are signed with an Ed25519 key, and this is none")
        return cls(key)

    @classmethod
    def load(cls, path: Path) -> "Signer":
        """The key under `path`; whoever comes first makes it, and everybody uses that one."""
        if not path.exists():
            _make(path)
        return cls.read(path.read_bytes())


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    half = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    number = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    # A link never replaces: of two processes that start at once, the second finds the first one's key.
    with suppress(FileExistsError):
        os.link(half, path)
    half.unlink()


def make(signer: Signer, report: Report, uploads: Sequence[Upload], key_set: int, *, at: datetime) -> Receipt:
    """The signed receipt for a report that has just arrived whole."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "challenge": report.challenge.slug,
        "reference": report.ref,
        "received_at": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "key_set": key_set,
        "files": [{"number": each.number, "size": each.position, "sha256": each.sha256} for each in uploads],
        "signing_key": signer.key_id,
    }
    body = json.dumps(content, indent=2) + "\n"
    signature = base64.b64encode(signer.sign(body.encode())).decode()
    return Receipt(report_id=report.id, made_at=at, body=body, signature=signature)
