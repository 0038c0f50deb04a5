"""Checking a receipt without asking the portal: its signature, under a key that was got once and kept."""

import base64
import binascii
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from portal.triage import ed25519, listing
from portal.triage.failures import Damaged, Failure
from portal.triage.text import plain

# SubjectPublicKeyInfo of an Ed25519 key (RFC 8410): this, then 32 octets.
PREFIX = bytes.fromhex("302a300506032b6570032100")
LARGEST = 2**20
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----(.*?)-----END PUBLIC KEY-----", re.DOTALL)


def verify(receipt: Path, signature: Path, key: Path, known: Path | None = None) -> list[str]:
    """What a receipt says, as lines. Raises Damaged unless the key signed exactly these bytes.

    With `known`, a downloaded list of known issues, Damaged too unless the list has the line that the receipt names.
    """
    body = _read(receipt)
    der = _public(key)
    if not ed25519.verify(der[len(PREFIX) :], body, _signature(signature)):
        raise Damaged("The signature is not that of this receipt under this key.")
    try:
        said = json.loads(body)
        if said["signing_key"] != hashlib.sha256(der).hexdigest():
            raise Damaged("The receipt names another signing key.")
        about = [f"received {said['received_at']}, key set {said['key_set']}"]
        about += [f"file {file['number']}: {file['size']} bytes, SHA-256 {file['sha256']}" for file in said["files"]]
        title = f"Genuine: {said['reference']} of {said['challenge']}"
        about += _known(said, der[len(PREFIX) :], known)
    except (ValueError, KeyError, TypeError):
        raise Damaged("It is signed, but it is not a report's receipt.") from None
    return [plain(title), *(f"  {plain(line)}" for line in about)]


def _known(said: dict[str, Any], public: bytes, known: Path | None) -> list[str]:
    """What a receipt says of the list of known issues, which those of the first format do not."""
    if said.get("format") == "report-receipt/1":
        if known:
            raise Failure("This receipt is of the first format: it names no list of known issues.")
        return []
    number, head = int(said["known_issues"]["number"]), str(said["known_issues"]["head"])
    about = f"known issues: up to K-{number}, head {head}" if number else "known issues: none"
    if known is None:
        return [about]
    listed = listing.read(known)
    heads = listing.heads(listed, public)
    if listed["challenge"] != said["challenge"]:
        raise Failure(f"{known} is the list of another challenge.")
    if len(heads) <= number or heads[number] != head:
        raise Damaged(f"The list of known issues was changed: it is not the one whose K-{number} this receipt names.")
    return [f"{about}: the list has it, {len(heads) - 1 - number} came later"]


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Failure(f"{path} is too large to be what it should be.")
    return data


def _public(path: Path) -> bytes:
    """The key's DER form from PEM."""
    found = _PEM.search(_read(path).decode(errors="replace"))
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True) if found else b""
    except binascii.Error:
        der = b""
    if len(der) != len(PREFIX) + 32 or not der.startswith(PREFIX):
        raise Failure(f"{path} holds no Ed25519 public key in PEM form.")
    return der


def _signature(path: Path) -> bytes:
    """Sixty-four octets, stored as they are or in base64."""
    data = _read(path)
    if len(data) == 64:
        return data
    try:
        return base64.b64decode(data.strip(), validate=True)
    except binascii.Error:
        raise Failure(f"{path} is not a signature.") from None
