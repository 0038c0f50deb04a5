"""Chance that nobody can choose: a seed is bound to by its hash before it is used, and revealed afterwards.

Whoever then sees that the revealed seed has the hash knows that nobody has picked it in between. Every number that is
drawn is the HMAC-SHA256 (RFC 2104) of a name under the seed, so that anybody can draw it again.
"""

import hashlib
import hmac
import secrets


def draw() -> str:
    """A new seed: 256 bits by chance, as hexadecimal digits."""
    return secrets.token_hex(32)


def commitment(seed: str) -> str:
    """The SHA-256 of the seed's digits, which binds to the seed without telling it."""
    return hashlib.sha256(seed.encode()).hexdigest()


def drawn(seed: str, name: str) -> str:
    """What is drawn for a name: the HMAC-SHA256 of it, keyed by the seed's digits, as 64 hexadecimal digits."""
    return hmac.digest(seed.encode(), name.encode(), "sha256").hex()


def recipe(seed: str, name: str) -> list[str]:
    """Commands for a shell with which anybody can check the commitment and what was drawn for one name."""
    return [
        f"printf %s {seed} | openssl dgst -sha256",
        f"printf %s {name} | openssl dgst -sha256 -hmac {seed}",
    ]
