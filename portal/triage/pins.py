"""Certificates seen before: trusted when first met, and never exchanged without a word.

The portal gives the certificates to which one seals. A portal in wrong hands could give others; that shows here.
"""

import json
import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from portal.triage import settings
from portal.triage.failures import Failure
from portal.triage.text import plain

# How those of the key set are called; the rest of the name is the fingerprint itself.
MEMBER = "key set "


class Holder(NamedTuple):
    """Somebody to whom is sealed: `person` is what the portal calls them, the same as long as they are the same."""

    person: str
    name: str
    fingerprint: str
    armored: str


def _changed(holder: Holder, before: str | None) -> str:
    name = plain(holder.name)
    if before is None:
        return (
            f"The key set has a member to whom you have not sealed before: {name}, {holder.fingerprint}. Compare it "
            f"with what you know from elsewhere; then add --accept {holder.fingerprint}"
        )
    return (
        f"The certificate of {name} has changed since you last sealed to it: it was {before}, and is "
        f"{holder.fingerprint}. Ask them in another way whether that is theirs; then add --accept {holder.fingerprint}"
    )


class Pins:
    """What one portal has given, by person: fingerprints in a file that only its owner can read."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self._url = url
        self.path = settings.place(environment).with_name("portal-triage-pins.json")
        self._all = self._read()

    def check(self, holders: Iterable[Holder], accepted: frozenset[str]) -> list[str]:
        """What is new, a line each.

        Raises Failure for a certificate that is not the one known for that person, or that has joined the key set since
        the last time, unless its fingerprint is among the accepted ones.
        """
        known = self._all.get(self._url, {})
        met = any(person.startswith(MEMBER) for person in known)
        lines = []
        for each in holders:
            before = known.get(each.person)
            if before == each.fingerprint:
                continue
            joined = met and each.person.startswith(MEMBER)
            if (before is not None or joined) and each.fingerprint not in accepted:
                raise Failure(_changed(each, before))
            lines.append(f"{'Changed' if before else 'New'}: {each.fingerprint} {plain(each.name)}")
        return lines

    def keep(self, holders: Iterable[Holder]) -> None:
        """Remember these, whole or not at all."""
        kept = self._all.setdefault(self._url, {})
        kept.update({each.person: each.fingerprint for each in holders})
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
            raise Failure(f"{self.path} is damaged. Look at it, and remove it to begin anew.")
        return found
