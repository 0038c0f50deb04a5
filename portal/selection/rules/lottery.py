"""The lottery that decides between equals: numbers that anybody can recompute once the seed is out.

A seed is drawn by chance and its SHA-256 is shown before anything is solved (the commitment). The number of an
application is the HMAC-SHA256 of its number under the seed. When a draft is frozen the seed is revealed; whoever then
sees that it has the committed hash knows that nobody has chosen it afterwards.
"""

import hashlib
import hmac
import secrets

# So many bits of the HMAC are the number: what a float keeps exactly.
BITS = 48


def draw() -> str:
    """A new seed: 256 bits by chance, as hexadecimal digits."""
    return secrets.token_hex(32)


def commitment(seed: str) -> str:
    """The SHA-256 of the seed's digits, which binds to the seed without telling it."""
    return hashlib.sha256(seed.encode()).hexdigest()


def number(seed: str, application_id: int) -> int:
    """The lottery number of an application: the first 48 bits of HMAC-SHA256 (RFC 2104), keyed by the seed's digits."""
    return int(hmac.digest(seed.encode(), str(application_id).encode(), "sha256").hex()[: BITS // 4], 16)


def share(drawn: int) -> float:
    """A lottery number as people read it: between 0 and 1."""
    return drawn / (1 << BITS)


def recipe(seed: str, application_id: int) -> list[str]:
    """Commands for a shell with which anybody can check the commitment and one number."""
    return [
        f"printf %s {seed} | openssl dgst -sha256",
        f"printf %s {application_id} | openssl dgst -sha256 -hmac {seed}",
    ]
