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

    def verify(self, *more: str) -> int:
        """The exit code of the command."""
        return main(["verify", str(self.receipt), "--key", str(self.pem), *more])


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


class Listing:
    """A signed list of known issues on disk, beside a receipt that names its second of three lines."""

    def __init__(self, folder: Path, **changed: object) -> None:
        key, heads, self.issues = Ed25519PrivateKey.from_private_bytes(bytes(32)), ["0" * 64], list[dict[str, object]]()
        for number in (1, 2, 3):
            made, at = str(number) * 64, f"2020-05-0{number}T12:00:00.000000Z"
            line = f"known-issue-list/1\nspring-challenge\n{number}\n{heads[-1]}\n{made}\n{at}\n".encode()
            heads.append(hashlib.sha256(line).hexdigest())
            self.issues.append(
                {
                    "number": number, "commitment": made, "committed_at": at, "head": heads[-1],
                    "signature": base64.b64encode(key.sign(line)).decode(),
                }
            )  # fmt: skip
        self.head, self._path = heads[2], folder / "known-issues.json"
        named = {"number": 2, "head": self.head}
        self.given = Given(folder, **{"format": "report-receipt/2", "known_issues": named} | changed)

    def verify(self) -> int:
        """The exit code of the command with the list as it is now."""
        told = {"format": "known-issue-list/1", "challenge": "spring-challenge", "issues": self.issues}
        self._path.write_text(json.dumps(told))
        return self.given.verify("--known", str(self._path))


def test_a_receipt_names_the_list_of_its_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = Listing(tmp_path)

    assert (listing.given.verify(), listing.verify()) == (0, 0)

    told = [line for line in capsys.readouterr().out.splitlines() if "known" in line]
    about = f"  known issues: up to K-2, head {listing.head}"
    assert told == [about, f"{about}: the list has it, 1 came later"]


def test_a_receipt_of_an_empty_list_fits_every_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = Listing(tmp_path, known_issues={"number": 0, "head": "0" * 64})

    assert listing.verify() == 0

    assert "  known issues: none: the list has it, 3 came later" in capsys.readouterr().out.splitlines()


def test_a_line_that_was_put_in_or_dated_back_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = Listing(tmp_path)
    # The head that the receipt names is that of another second line, with whatever the list says now.
    other = Listing(tmp_path, known_issues={"number": 2, "head": listing.issues[2]["head"]})
    assert other.verify() == 4
    assert "it is not the one whose K-2 this receipt names" in capsys.readouterr().err
    short = Listing(tmp_path)
    del short.issues[1:]
    assert short.verify() == 4
    dated = Listing(tmp_path)
    dated.issues[2]["committed_at"] = "2020-04-01T12:00:00.000000Z"
    assert dated.verify() == 4
    assert "K-3 does not follow" in capsys.readouterr().err
    unsigned = Listing(tmp_path)
    unsigned.issues[0]["signature"] = unsigned.issues[1]["signature"]
    assert unsigned.verify() == 4
    assert "the signature of K-1 is not this key" in capsys.readouterr().err


@pytest.mark.parametrize("named", [None, {}, {"number": "x", "head": "0" * 64}, {"number": 2}])
def test_a_receipt_that_names_no_list_is_none_of_the_second_format(tmp_path: Path, named: object) -> None:
    assert Listing(tmp_path, known_issues=named).verify() == 4


def test_an_old_receipt_cannot_be_held_against_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = Listing(tmp_path, format="report-receipt/1")

    assert (listing.given.verify(), listing.verify()) == (0, 1)
    assert "it names no list of known issues" in capsys.readouterr().err
    (tmp_path / "no.json").write_text("[")
    assert listing.given.verify("--known", str(tmp_path / "no.json")) == 1
