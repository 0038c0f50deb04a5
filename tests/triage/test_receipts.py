"""Receipts are checked without the portal, and as strictly as by OpenSSL."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.triage import ed25519, main

ORDER = 2**252 + 27742317777372353535851937790883648493


def public_of(key: Ed25519PrivateKey) -> bytes:
    """The raw public key."""
    return key.public_key().public_bytes_raw()


@pytest.mark.parametrize("size", [0, 1, 100, 5000])
def test_signatures_of_another_implementation_verify(size: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes([size % 256]) * 32)
    message = b"m" * size

    signature = key.sign(message)

    assert ed25519.verify(public_of(key), message, signature)
    assert not ed25519.verify(public_of(key), message + b"x", signature)


def test_rfc_8032_test_vector_3() -> None:
    public = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    signature = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )

    assert ed25519.verify(public, bytes.fromhex("af82"), signature)


@pytest.mark.parametrize("octet", [0, 10, 31, 32, 50, 63])
def test_any_changed_octet_of_a_signature_is_refused(octet: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = bytearray(key.sign(b"message"))
    signature[octet] ^= 1

    assert not ed25519.verify(public_of(key), b"message", bytes(signature))


def test_a_second_form_of_the_same_signature_is_refused() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = key.sign(b"message")
    scalar = int.from_bytes(signature[32:], "little") + ORDER

    assert not ed25519.verify(public_of(key), b"message", signature[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize("public", [b"", bytes(31), b"\xff" * 32, (2).to_bytes(32, "little")])
def test_what_is_no_key_verifies_nothing(public: bytes) -> None:
    assert not ed25519.verify(public, b"message", bytes(64))


class Given:
    """A receipt on disk."""

    def __init__(self, folder: Path, **changed: object) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        der = self.key.public_key().public_bytes(serialization.Encoding.DER, form)
        self.pem = folder / "receipts.pem"
        self.pem.write_bytes(self.key.public_key().public_bytes(serialization.Encoding.PEM, form))
        content = {
            "format": "report-receipt/1",
            "challenge": "spring-challenge",
            "reference": "SCR-0001",
            "received_at": "2020-06-15T12:00:00.000000Z",
            "key_set": 1,
            "files": [{"number": 0, "size": 6, "sha256": hashlib.sha256(b"sealed").hexdigest()}],
            "signing_key": hashlib.sha256(der).hexdigest(),
        } | changed
        self.receipt = folder / "receipt.json"
        self.receipt.write_text(json.dumps(content, indent=2) + "\n")
        self.signature = folder / "receipt.sig"
        self.signature.write_bytes(self.key.sign(self.receipt.read_bytes()))

    def verify(self) -> int:
        """The exit code of the command."""
        return main(["verify", str(self.receipt), "--key", str(self.pem)])


def test_a_genuine_receipt_says_what_arrived(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Given(tmp_path).verify() == 0

    assert capsys.readouterr().out.splitlines() == [
        "Genuine: SCR-0001 of spring-challenge",
        "  received 2020-06-15T12:00:00.000000Z, key set 1",
        f"  file 0: 6 bytes, SHA-256 {hashlib.sha256(b'sealed').hexdigest()}",
    ]


def test_the_signature_may_be_in_base64(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = Given(tmp_path)
    given.signature.write_bytes(base64.b64encode(given.signature.read_bytes()) + b"\n")

    assert given.verify() == 0


def test_a_changed_receipt_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = Given(tmp_path)
    given.receipt.write_text(given.receipt.read_text().replace("2020-06-15", "2020-06-14"))

    assert given.verify() == 4

    assert capsys.readouterr() == (
        "",
        "portal-triage: The signature is not that of this receipt under this key.\n",
    )


@pytest.mark.parametrize("changed", [{"signing_key": "0" * 64}, {"files": None}, {"files": [1]}])
def test_what_is_signed_but_no_receipt_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, object]
) -> None:
    assert Given(tmp_path, **changed).verify() == 4


@pytest.mark.parametrize("name", ["pem", "signature"])
def test_a_file_of_another_kind_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    given = Given(tmp_path)
    getattr(given, name).write_bytes(b"\xffsomething else")

    assert given.verify() == 1

    assert capsys.readouterr().err.count("\n") == 1


def test_a_missing_signature_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = Given(tmp_path)
    given.signature.unlink()

    assert given.verify() == 1

    assert capsys.readouterr().err == f"portal-triage: No such file or directory: {given.signature}\n"
