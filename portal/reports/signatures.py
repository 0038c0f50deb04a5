"""Who signed some words with OpenPGP, and when: detached signatures and cleartext ones, verified by Sequoia.

Sequoia says only yes or no, so what is wrong is found out here first, and each has a sentence of its own.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pysequoia

from portal.core.errors import Refused
from portal.reports import certificates

LARGEST = 32 * 1024
# Clocks of two machines differ by a little.
SKEW = timedelta(minutes=10)
OLD_HASHES = frozenset({"MD5", "SHA1", "RIPEMD"})
_DETACHED = re.compile(r"\s*-----BEGIN PGP SIGNATURE-----.*?-----END PGP SIGNATURE-----\s*", re.DOTALL)
_CLEARTEXT = re.compile(
    r"\s*(-----BEGIN PGP SIGNED MESSAGE-----\r?\n.*?-----BEGIN PGP SIGNATURE-----.*?-----END PGP SIGNATURE-----)\s*",
    re.DOTALL,
)


class NotSigned(Refused):
    """The signature does not count; the sentence says why and what would help."""


class Signed(NamedTuple):
    """The fingerprint of the certificate that signed, and when it says that it did; `text` is what was signed."""

    fingerprint: str
    at: datetime
    text: str


def detached(
    text: str, signature: str, signers: Sequence[str], *, after: datetime | None, at: datetime, what: str = "statement"
) -> Signed:
    """Whether one of the armored certificates `signers` signed exactly the text (UTF-8). Raises NotSigned.

    `after` is the moment before which the signature cannot have been made, `at` the present, `what` the text's name.
    """
    if not signature.strip():
        raise NotSigned(f"There is no signature yet. Sign the {what}, and paste what gpg wrote into the .asc file.")
    if "BEGIN PGP SIGNED MESSAGE" in signature:
        raise NotSigned("This is a signed copy of the text. A detached signature is needed: gpg --armor --detach-sign.")
    if not _DETACHED.fullmatch(signature) or len(signature) > LARGEST:
        raise NotSigned("This is not an armored signature. Paste the text from BEGIN to END PGP SIGNATURE, all of it.")
    found = _read(signature)
    _check(found, signers, after, at)
    data = text.encode()
    if fingerprint := _by(data, found, signers):
        return Signed(fingerprint, found.created, text)
    for words, other in _alike(data):
        if _by(other, found, signers):
            raise NotSigned(f"It signs the {what} {words}. Download the file, and sign it as it is.")
    raise NotSigned(f"It is a signature over other words. Download the {what} anew, and sign that.")


def cleartext(signed: str, signers: Sequence[str], *, after: datetime | None, at: datetime) -> Signed:
    """The text in a signed copy (gpg --clearsign), without spaces at line ends. Raises NotSigned."""
    whole = _CLEARTEXT.fullmatch(signed)
    if not whole or len(signed) > LARGEST:
        raise NotSigned("This is not a signed copy of the text. Paste what gpg --clearsign wrote, and nothing else.")
    copy = whole.group(1).replace("\r\n", "\n") + "\n"
    found = _read(copy[copy.rindex("-----BEGIN PGP SIGNATURE") :])
    _check(found, signers, after, at)
    certs = [pysequoia.Cert.from_bytes(each.encode()) for each in signers]
    try:
        result = pysequoia.verify(copy.encode(), store=lambda _: certs)
    except RuntimeError:
        raise NotSigned("The signature is not over these words: they were changed after signing.") from None
    assert result.bytes is not None
    return Signed(result.valid_sigs[0].certificate.upper(), found.created, result.bytes.decode() + "\n")


class _Found(NamedTuple):
    created: datetime
    issuer: str
    digest: str
    packet: pysequoia.Sig


def _read(armored: str) -> _Found:
    try:
        packet = pysequoia.Sig.from_bytes(armored.encode())
        created = packet.created
    except (RuntimeError, ValueError, TypeError):
        raise NotSigned("The signature is damaged. Paste all of it, unchanged.") from None
    if created is None:
        raise NotSigned("The signature does not say when it was made. Make it with gpg.")
    issuer = (packet.issuer_fingerprint or packet.issuer_key_id or "").upper()
    digest = str(packet.hash_algorithm).rpartition(".")[2].upper()
    return _Found(created.astimezone(UTC), issuer, digest, packet)


def _check(found: _Found, signers: Sequence[str], after: datetime | None, at: datetime) -> None:
    """What can be said against a signature without verifying it."""
    signer = next((each for each in map(_read_signer, signers) if found.issuer in each.issuers), None)
    if signer is None:
        wanted = " or ".join(_grouped(each.fingerprint) for each in map(_read_signer, signers))
        raise NotSigned(f"It was made by the key {_grouped(found.issuer) or 'of somebody unnamed'}, not by {wanted}.")
    if signer.until and signer.until <= at:
        raise NotSigned(
            f"The key {_grouped(signer.fingerprint)} expired on {signer.until:%d %B %Y}. Extend it "
            "(gpg --quick-set-expire), and paste its certificate anew."
        )
    if any(found.digest.startswith(old) for old in OLD_HASHES):
        raise NotSigned(f"It uses {found.digest}, which can be forged. Sign again: gpg --digest-algo SHA512 …")
    if after and found.created < after - SKEW:
        raise NotSigned(
            f"It was made on {found.created:%d %B %Y at %H:%M} UTC, before the key set that it follows "
            f"({after:%d %B %Y at %H:%M} UTC). Sign again."
        )
    if found.created > at + SKEW:
        raise NotSigned(
            f"It was made in the future, on {found.created:%d %B %Y at %H:%M} UTC. Set the clock of that machine, and "
            "sign again."
        )


class _Signer(NamedTuple):
    fingerprint: str
    issuers: frozenset[str]
    until: datetime | None


def _read_signer(armored: str) -> _Signer:
    """Fingerprints and key ids under which a certificate signs."""
    found = certificates.outline(armored)
    issuers = {each[begin:] for each in found.fingerprints for begin in (0, -16)}
    return _Signer(found.fingerprints[0], frozenset(issuers), found.expires_at)


def _by(data: bytes, found: _Found, signers: Iterable[str]) -> str | None:
    certs = [pysequoia.Cert.from_bytes(each.encode()) for each in signers]
    try:
        result = pysequoia.verify(data, store=lambda _: certs, signature=found.packet)
    except RuntimeError:
        return None
    return result.valid_sigs[0].certificate.upper() if result.valid_sigs else None


def _alike(data: bytes) -> list[tuple[str, bytes]]:
    """The ways in which programs change a text while it is copied."""
    crlf = data.replace(b"\n", b"\r\n")
    return [
        ("without its last line break", data.rstrip(b"\n")),
        ("with line ends of Windows", crlf),
        ("with line ends of Windows and without the last one", crlf.rstrip(b"\r\n")),
        ("with one more line break at its end", data + b"\n"),
    ]


def _grouped(fingerprint: str) -> str:
    return " ".join(fingerprint[begin : begin + 4] for begin in range(0, len(fingerprint), 4))
