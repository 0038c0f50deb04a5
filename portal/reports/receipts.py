"""Receipts: what the server signs about a report, so that its sender can prove what arrived and when.

The key is Ed25519 (RFC 8032). What is signed are the very bytes of the receipt's JSON, so OpenSSL alone can verify it:

    openssl pkeyutl -verify -pubin -inkey receipts.pem -rawin -in receipt.json -sigfile receipt.sig
"""

import base64
import binascii
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from portal.config import Config
from portal.core.errors import Refused
from portal.reports import commitments
from portal.reports.models import KeySet, Receipt, Report, Upload
from portal.reports.statements import instant, written

FORMAT = "report-receipt/2"
# Receipts of the first format name no list of known issues. They stay valid.
FORMER = "report-receipt/1"


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


class NotGenuine(Refused):
    """The receipt is not one that this portal signed; the sentence says what does not fit."""


def verify(body: bytes, signature: bytes, known: Mapping[str, str]) -> dict[str, Any]:
    """What a receipt says, if one of the known keys (key id → PEM) signed exactly these bytes. Raises NotGenuine.

    The signature is its sixty-four octets, or those in base64. Text from a form may have lost its last line break.
    """
    if not body or not signature:
        raise NotGenuine("Both are needed: the receipt and its signature.")
    said = _read(body)
    key = known.get(said["signing_key"])
    if key is None:
        raise NotGenuine("It names a signing key that was never this portal's.")
    public = serialization.load_pem_public_key(key.encode())
    assert isinstance(public, Ed25519PublicKey)
    octets = _octets(signature)
    for text in dict.fromkeys((body, body.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n")):
        with suppress(InvalidSignature):
            public.verify(octets, text)
            return said
    raise NotGenuine("The signature is not that of this receipt: one of the two was changed.")


def _read(body: bytes) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(body)
        if said["format"] not in (FORMAT, FORMER):
            raise ValueError(said["format"])
        texts = (said["reference"], said["challenge"], said["received_at"], said["signing_key"])
        files = [(int(file["number"]), int(file["size"]), str(file["sha256"])) for file in said["files"]]
        return {
            "reference": str(texts[0]), "challenge": str(texts[1]), "received_at": str(texts[2]),
            "signing_key": str(texts[3]), "key_set": int(said["key_set"]), "files": files,
            "fingerprints": [str(each) for each in said.get("fingerprints", [])], "known_issues": _listed(said),
        }  # fmt: skip
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotGenuine("This is not a report's receipt.") from None


def _listed(said: Mapping[str, Any]) -> commitments.Listed | None:
    if said["format"] == FORMER:
        return None
    found = commitments.Listed(int(said["known_issues"]["number"]), said["known_issues"]["head"])
    if not commitments.is_hash(found.head):
        raise ValueError(found.head)
    return found


def listed(receipt: Receipt) -> commitments.Listed | None:
    """How far the list of known issues went when the receipt was made; None where it is of the first format."""
    return _listed(json.loads(receipt.body))


def _octets(signature: bytes) -> bytes:
    if len(signature) == 64:
        return signature
    try:
        return base64.b64decode(b"".join(signature.split()), validate=True)
    except binascii.Error:
        raise NotGenuine("This is not a signature: 64 octets are needed, or those in base64.") from None


def make(
    signer: Signer, report: Report, uploads: Sequence[Upload], key_set: KeySet, known: commitments.Listed,
    *, at: datetime,
) -> Receipt:  # fmt: skip
    """The signed receipt for a report that has just arrived whole, while the list of known issues went to `known`."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "challenge": report.challenge.slug,
        "reference": report.ref,
        "received_at": instant(at),
        "key_set": key_set.number,
        "fingerprints": [member.fingerprint for member in key_set.members],
        "files": [{"number": each.number, "size": each.position, "sha256": each.sha256} for each in uploads],
        "known_issues": known._asdict(),
        "signing_key": signer.key_id,
    }
    body = written(content)
    signature = base64.b64encode(signer.sign(body.encode())).decode()
    return Receipt(report_id=report.id, made_at=at, body=body, signature=signature)
