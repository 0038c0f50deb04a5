"""Opening old reports to a new triager: the session keys are wrapped anew here, and nothing is uploaded again.

The portal says who lacks what, but it is not believed about keys: the triager confirms each fingerprint, and gpg looks
whether the keys under it are its owner's. Otherwise a portal that lies would be given every session key.
"""

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import NamedTuple

from portal.triage import keyring
from portal.triage.client import Json, Portal
from portal.triage.failures import Already, Failure, Locked, Unanswered, Unreadable
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
    """What there is to do: the number of the key set, names by fingerprint, and the files."""

    key_set: int
    names: dict[str, str]
    files: tuple[Lacking, ...]

    def count(self, fingerprint: str) -> int:
        """How many files a certificate cannot open."""
        return sum(fingerprint in file.fingerprints for file in self.files)


def look(portal: Portal, ref: str | None) -> Work:
    """Ask the portal who lacks what. Raises Unanswered."""
    number, names, files = 0, {}, []
    try:
        for page in portal.lacking(ref):
            number = int(page["key_set"])
            names = {_checked(each["fingerprint"]): plain(str(each["name"])) for each in page["members"]}
            files += [_lacking(each) for each in page["objects"] if each["lacking"]]
    except (KeyError, TypeError, ValueError):
        raise Unanswered("The portal's list is malformed.") from None
    return Work(number, names, tuple(files))


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


def chosen(work: Work, to: list[str], confirm: Callable[[str], bool] | None) -> list[str]:
    """For whom to wrap: whom the triager names by fingerprint, or confirms one by one. Raises Failure."""
    wanted = [re.sub(r"\s", "", each).upper() for each in to]
    for each in wanted:
        if each not in work.names:
            raise Failure(f"{plain(each)} is not in key set {work.key_set}.")
    waiting = [fingerprint for fingerprint in work.names if work.count(fingerprint)]
    if wanted:
        return [fingerprint for fingerprint in waiting if fingerprint in wanted]
    if waiting and confirm is None:
        raise Failure("Name each fingerprint that you have compared: --to FINGERPRINT")
    return [each for each in waiting if confirm and confirm(f"{grouped(each)}  {work.names[each]}")]


def grouped(fingerprint: str) -> str:
    """A fingerprint in groups of four."""
    return " ".join(fingerprint[begin : begin + 4] for begin in range(0, 40, 4))


def wrap_all(portal: Portal, work: Work, fingerprints: list[str]) -> Iterator[str]:
    """Wrap every file's session key for those who lack it; a line for each. Raises Unreadable where some stay shut.

    What was done stays done wherever it is interrupted: the portal lists only the rest the next time.
    """
    targets = keyring.targets(portal.certificates(work.key_set), fingerprints)
    shut: list[Unreadable] = []
    for file in work.files:
        mine = [target for target in targets if target.fingerprint in file.fingerprints]
        if not mine:
            continue
        try:
            done = _wrap(portal, file, mine)
        except Unreadable as failure:
            shut.append(failure)
            yield f"{file.told}: {failure}"
            continue
        yield f"{file.told}: wrapped for {done}" if done else f"{file.told}: somebody was first"
    if shut:
        raise still_shut(shut, len(work.files))


def still_shut(failures: Sequence[Unreadable], files: int) -> Unreadable:
    """The failure with which wrapping ends: of how many files, and what is to be done."""
    locked = sum(isinstance(each, Locked) for each in failures)
    told = f"{len(failures)} of {files} files stay shut"
    if not locked:
        return Unreadable(f"{told}: another triager must wrap them.")
    return Locked(
        f"{told}. The key could not be used for {locked} of them: give gpg its passphrase or card, and go on."
    )


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
