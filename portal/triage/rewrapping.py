"""Opening old reports to a new triager: the session keys are wrapped anew here, and nothing is uploaded again.

The portal says who lacks what, but it is not believed about keys: the key set is one to which signatures lead from what
this machine knew, and gpg looks whether the keys in its certificates are their owners'. Otherwise a portal that lies
would be given every session key.
"""

import base64
import re
from collections.abc import Iterator
from types import ModuleType
from typing import NamedTuple

from portal.triage import keyring
from portal.triage.client import Json, Portal
from portal.triage.failures import Already, Damaged, Failure, Unanswered, Unreadable
from portal.triage.history import KeySet
from portal.triage.keyring import Target
from portal.triage.text import plain

FINGERPRINT = re.compile(r"[0-9A-F]{40}")
KINDS = ("body", "attachment", "message")


class Lacking(NamedTuple):
    """A sealed file, and the fingerprints of the current key set that cannot open it."""

    upload: str
    ref: str
    n: int
    kind: str
    fingerprints: tuple[str, ...]

    @property
    def told(self) -> str:
        """Which file of which report."""
        return f"{plain(self.ref)} {self.kind if self.kind == 'body' else f'{self.kind} {self.n}'}"


class Work(NamedTuple):
    """What there is to do, as the portal tells it: the number of the key set, and the files that somebody lacks."""

    key_set: int
    files: tuple[Lacking, ...]

    def count(self, fingerprint: str) -> int:
        """How many files a certificate cannot open."""
        return sum(fingerprint in file.fingerprints for file in self.files)


def look(portal: Portal, ref: str | None) -> Work:
    """Ask the portal who lacks what. Raises Unanswered."""
    number, files = 0, []
    try:
        for page in portal.lacking(ref):
            number = int(page["key_set"])
            files += [_lacking(each) for each in page["objects"] if each["lacking"]]
    except (KeyError, TypeError, ValueError):
        raise Unanswered("The portal's list is malformed.") from None
    return Work(number, tuple(files))


def _lacking(each: Json) -> Lacking:
    upload = str(each["upload"])
    if not re.fullmatch(r"[0-9a-f-]{36}", upload):
        raise ValueError(upload)
    kind = str(each.get("kind"))
    if kind not in KINDS:
        raise ValueError(kind)
    return Lacking(upload, str(each["ref"]), int(each["n"]), kind, tuple(_checked(found) for found in each["lacking"]))


def _checked(fingerprint: object) -> str:
    if not FINGERPRINT.fullmatch(str(fingerprint)):
        raise ValueError(fingerprint)
    return str(fingerprint)


def chosen(work: Work, key_set: KeySet, to: list[str]) -> list[str]:
    """For whom to wrap: whoever of the verified key set lacks something, or of them whom `to` names.

    Raises Failure, and Damaged where the portal tells of somebody who is not in the key set.
    """
    wanted = [re.sub(r"\s", "", each).upper() for each in to]
    for each in wanted:
        if each not in key_set.names:
            raise Failure(f"{plain(each)} is not in key set {key_set.number}.")
    stranger = next((each for file in work.files for each in file.fingerprints if each not in key_set.names), None)
    if stranger:
        raise Damaged(
            f"The portal asks to wrap for {stranger}, which is not in key set {key_set.number}. Nothing was wrapped."
        )
    return [each for each in key_set.names if work.count(each) and (each in wanted or not wanted)]


def wrap_all(portal: Portal, work: Work, key_set: KeySet, fingerprints: list[str]) -> Iterator[str]:
    """Wrap every file's session key for those who lack it; a line for each.

    Raises Unreadable where some stay shut, Failure where somebody has no key to which gpg would seal.

    What was done stays done wherever it is interrupted: the portal lists only the rest the next time.
    """
    targets, left, shut = [], [], 0
    for each in fingerprints:
        try:
            targets += keyring.targets(key_set.certificates, [each])
        except Failure as failure:
            left.append(str(failure))
    for file in work.files:
        mine = [target for target in targets if target.fingerprint in file.fingerprints]
        if not mine:
            continue
        try:
            done = _wrap(portal, file, mine)
        except Unreadable:
            shut += 1
            yield f"{file.told}: no key of this machine opens it"
            continue
        yield f"{file.told}: wrapped for {done}" if done else f"{file.told}: somebody was first"
    if shut:
        raise Unreadable(f"{shut} of {len(work.files)} files stay shut: another triager must wrap them.")
    if left:
        raise Failure(f"Left out: {' '.join(left)}")


def _wrapping() -> ModuleType:
    """The one part that needs more than the standard library."""
    try:
        from portal.triage import wrapping
    except ImportError:
        raise Failure("Wrapping needs one package more than the rest: pip install cryptography") from None
    return wrapping


def _wrap(portal: Portal, file: Lacking, targets: list[Target]) -> int:
    """Wrap one file's session key; for how many."""
    wrapping = _wrapping()
    session_key = wrapping.SessionKey(*keyring.session_key(portal.head(file.upload)))
    done = 0
    for target in targets:
        packet = base64.b64encode(wrapping.wrap(session_key, target.key)).decode()
        try:
            portal.rewrap(file.upload, {"fingerprint": target.fingerprint, "packet": packet})
        except Already:
            continue
        done += 1
    return done
