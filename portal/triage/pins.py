"""What was seen before: researchers' certificates and the newest key set, trusted when first met, never exchanged
without a word.

The portal gives the certificates to which one seals. A portal in wrong hands could give others; that shows here.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from portal.triage import settings
from portal.triage.failures import Failure
from portal.triage.text import plain

# How those of the key set are called. They are not pinned one by one: signatures lead from one key set to the next.
MEMBER = "key set "
_NUMBER, _STATEMENT = "number", "statement"


class Holder(NamedTuple):
    """Somebody to whom is sealed: `person` is what the portal calls them, the same as long as they are the same."""

    person: str
    name: str
    fingerprint: str
    armored: str


class Pins:
    """What one portal has given, in a file that only its owner can read: fingerprints by person, for each challenge's
    address, and the newest verified key set, for the portal's.
    """

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self._url, self._portal = url, url.rpartition("/staff/")[0]
        self.path = settings.place(environment).with_name("portal-triage-pins.json")
        self._all = self._read()

    def check(self, holders: Iterable[Holder], accepted: frozenset[str]) -> list[str]:
        """What is new, a line each.

        Raises Failure for a certificate that is not the one known for that person, unless its fingerprint is among the
        accepted ones.
        """
        known = self._all.get(self._url, {})
        lines = []
        for each in holders:
            before = known.get(each.person)
            if before == each.fingerprint:
                continue
            if before is not None and each.fingerprint not in accepted:
                raise Failure(
                    f"The certificate of {plain(each.name)} has changed since you last sealed to it: it was {before}, "
                    f"and is {each.fingerprint}. Ask them in another way whether that is theirs; then add "
                    f"--accept {each.fingerprint}"
                )
            lines.append(f"{'Changed' if before else 'New'}: {each.fingerprint} {plain(each.name)}")
        return lines

    def keep(self, holders: Iterable[Holder]) -> None:
        """Remember these, whole or not at all."""
        self._keep(self._url, {each.person: each.fingerprint for each in holders})

    def key_set(self) -> tuple[int, str] | None:
        """Number and statement of the newest key set that was verified here."""
        known = self._all.get(self._portal, {})
        try:
            return int(known[_NUMBER]), known[_STATEMENT]
        except KeyError:
            return None
        except ValueError:
            raise self._damaged() from None

    def keep_key_set(self, number: int, statement: str) -> None:
        """Remember a key set that was verified, unless a newer one is known by now."""
        self._keep(self._portal, {_NUMBER: str(number), _STATEMENT: statement})

    def _keep(self, place: str, values: Mapping[str, str]) -> None:
        """Add to what is in the file by now: another run may have written to it meanwhile."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.with_name(f".{self.path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._all = self._read()
            kept = self._all.setdefault(place, {})
            if int(kept.get(_NUMBER, 0)) <= int(values.get(_NUMBER, 0)):
                kept.update(values)
            self._write()

    def _write(self) -> None:
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(self._all, file, indent=1)
            partial.replace(self.path)
        finally:
            partial.unlink(missing_ok=True)

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            found = json.loads(self.path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(
            isinstance(each, dict) and all(isinstance(value, str) for value in each.values()) for each in found.values()
        ):
            raise self._damaged()
        return found

    def _damaged(self) -> Failure:
        return Failure(f"{self.path} is damaged. Look at it, and remove it to begin anew.")
