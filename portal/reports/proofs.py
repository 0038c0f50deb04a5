"""Proof that somebody holds the secret half of a certificate: digits sealed to it, which its owner gives back.

Sealing by Sequoia also checks what `certificates.inspect` does not: that the key itself signed what it says.
"""

import hashlib
import hmac
import secrets

import pysequoia

from portal.core.errors import Refused

DIGITS = 8


def digits() -> str:
    """Eight digits that nobody can guess."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def seal(certificate: str, text: str) -> str:
    """`text` sealed to an armored certificate, armored. Raises Refused where nothing can be sealed to it."""
    try:
        found = pysequoia.Cert.from_bytes(certificate.encode())
        sealed = pysequoia.encrypt(text.encode(), recipients=[found], armor=True)
    except Exception as error:
        raise Refused(
            "Nothing can be sealed to this certificate: its signatures do not hold, or it uses what is no longer safe. "
            "Make a new key, on this page or with gpg."
        ) from error
    return sealed.decode() if isinstance(sealed, bytes) else str(sealed)


def hashed(fingerprint: str, answer: str) -> str:
    """How the answer is kept while it is waited for."""
    return hashlib.sha256(f"{fingerprint}:{answer}".encode()).hexdigest()


def fits(fingerprint: str, answer: str, kept: str) -> bool:
    """Whether these are the digits."""
    return hmac.compare_digest(hashed(fingerprint, answer), kept)
