"""The portal's key sets, believed only as far as signatures lead to them from what this machine has seen before.

A portal in wrong hands could name a stranger's certificate as a triager's. But each key set is signed by the recovery
key of the set before, over a statement of all its fingerprints. This machine remembers the newest statement that it has
verified, follows the signatures from there, and never goes back. Only the very first set is taken on somebody's word.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from portal.triage import keyring
from portal.triage.client import Portal
from portal.triage.failures import Absent, Damaged, Failure
from portal.triage.pins import Pins

# More sets than that between two looks are no history but an attempt to keep this machine busy.
MOST = 500
_LINE = re.compile(r"(triager|recovery) ([0-9A-F]{40})")
GET_BACK = "Nothing was sealed or wrapped. Ask the other triagers, in another way, which key set they see."


class Statement(NamedTuple):
    """What a key set says of itself, in the words that are signed: its number, and (role, fingerprint) in order."""

    number: int
    members: tuple[tuple[str, str], ...]
    text: str

    @property
    def recovery(self) -> str:
        """The fingerprint of the key that signs the next set."""
        return next(fingerprint for role, fingerprint in self.members if role == "recovery")

    @property
    def fingerprints(self) -> list[str]:
        """Of everybody."""
        return [fingerprint for _, fingerprint in self.members]


class Consent(NamedTuple):
    """How somebody vouches for a key set that no signature leads to: every fingerprint in it, a plain yes for the first
    one, or by being asked.
    """

    pins: frozenset[str] = frozenset()
    yes: bool = False
    ask: Callable[[str], bool] | None = None


class KeySet(NamedTuple):
    """A key set that this machine believes: names by fingerprint, and the certificates as the portal gives them."""

    number: int
    names: dict[str, str]
    certificates: bytes


def read(data: bytes, number: int) -> Statement:
    """A statement, word for word as the portal writes it. Raises Damaged for anything else."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        text = ""
    lines = text.split("\n")[1:]
    found = [_LINE.fullmatch(line) for line in lines[:-1]]
    members = tuple((each[1], each[2]) for each in found if each)
    roles = [role for role, _ in members]
    whole = "\n".join([f"key set {number}", *(f"{role} {each}" for role, each in members), ""])
    if text != whole or roles.count("recovery") != 1 or len({each for _, each in members}) < len(members):
        raise Damaged(f"What the portal gives as the statement of key set {number} is none. {GET_BACK}")
    return Statement(number, members, text)


def trusted(portal: Portal, pins: Pins, number: int, consent: Consent, say: Callable[[str], None]) -> KeySet:
    """The key set with this number, which the portal calls the current one, if it is to be believed; then remembered.

    Says what changed since the last time. Raises Failure, Damaged.
    """
    known = pins.key_set()
    before = read(known[1].encode(), known[0]) if known else None
    if before and number < before.number:
        raise Damaged(
            f"The portal calls key set {number} the current one, but this machine has verified key set "
            f"{before.number}: somebody has put an older history in its place. {GET_BACK}"
        )
    now = read(portal.statement(number), number)
    certificates = portal.certificates(number)
    names = keyring.names(certificates, now.fingerprints)
    if before is None:
        _first(now, names, consent, say)
    else:
        _follow(portal, before, now, consent, say)
        _tell(before, now, names, say)
    pins.keep_key_set(now.number, now.text)
    return KeySet(number, names, certificates)


def _first(now: Statement, names: dict[str, str], consent: Consent, say: Callable[[str], None]) -> None:
    """Nothing is known here yet: somebody has to vouch for it."""
    say(f"This machine has not seen the portal's keys before. Key set {now.number}:")
    for role, fingerprint in now.members:
        say(f"  {role:<8}  {grouped(fingerprint)}  {names[fingerprint]}")
    if consent.pins:
        if strange := [each for each in now.fingerprints if each not in consent.pins]:
            raise Failure(f"You have not named with --pin: {', '.join(strange)}. {GET_BACK}")
        return
    if consent.yes or (consent.ask and consent.ask("Are these the fingerprints that you have from elsewhere?")):
        return
    raise Failure(
        "Compare the fingerprints with what you have from elsewhere: another triager, a print. Then name each of them: "
        "--pin FINGERPRINT. Or believe the portal this once: --yes"
    )


def _follow(portal: Portal, before: Statement, now: Statement, consent: Consent, say: Callable[[str], None]) -> None:
    """Go from set to set by the signatures of the recovery keys. Raises Damaged where one is missing or wrong."""
    if now.number - before.number > MOST:
        raise Damaged(f"The portal tells of {now.number - before.number} new key sets at once. {GET_BACK}")
    if read(portal.statement(before.number), before.number) != before:
        raise Damaged(f"Key set {before.number} is not what it was when this machine verified it. {GET_BACK}")
    for number in range(before.number + 1, now.number + 1):
        after = now if number == now.number else read(portal.statement(number), number)
        fault = _fault(portal, before, after)
        if fault and consent.pins.issuperset(now.fingerprints):
            say(f"{fault} Key set {now.number} is believed because you named every fingerprint in it with --pin.")
            return
        if fault:
            raise Damaged(
                f"{fault} If the team has begun anew because that key is lost, compare all fingerprints of key set "
                f"{now.number} with them in another way, and name each of them: --pin FINGERPRINT. {GET_BACK}"
            )
        before = after


def _fault(portal: Portal, before: Statement, after: Statement) -> str:
    """What is wrong with the signature of a set; empty where its predecessor's recovery key vouches for it."""
    vouched = f"by the recovery key of key set {before.number}, {grouped(before.recovery)}"
    try:
        signature = portal.signature(after.number)
    except Absent:
        return f"Key set {after.number} is not signed {vouched}."
    # A recovery key may have been extended since: its newer certificate may be in the newer set.
    certificates = portal.certificates(before.number) + portal.certificates(after.number)
    if reason := keyring.unsigned(certificates, before.recovery, after.text.encode(), signature):
        return f"The signature of key set {after.number} is not good {vouched}: {reason}."
    return ""


def _tell(before: Statement, now: Statement, names: dict[str, str], say: Callable[[str], None]) -> None:
    if before.number == now.number:
        return
    say(f"Key set {now.number} follows key set {before.number}, which this machine knew. Changed since:")
    for role, fingerprint in now.members:
        if fingerprint not in before.fingerprints:
            say(f"  new   {role:<8}  {grouped(fingerprint)}  {names[fingerprint]}")
    for role, fingerprint in before.members:
        if fingerprint not in now.fingerprints:
            say(f"  gone  {role:<8}  {grouped(fingerprint)}")


def grouped(fingerprint: str) -> str:
    """A fingerprint in groups of four."""
    return " ".join(fingerprint[begin : begin + 4] for begin in range(0, len(fingerprint), 4))
