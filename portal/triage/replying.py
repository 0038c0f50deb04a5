"""`reply`: a message written on this machine, sealed here by gpg, and only then given to the portal."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from portal.triage import messages, private, sending
from portal.triage.client import Json, Portal
from portal.triage.failures import Damaged, Failure, Unanswered
from portal.triage.history import Consent, trusted
from portal.triage.opening import checked
from portal.triage.pins import MEMBER, Holder, Pins
from portal.triage.sealing import Home, Sealer
from portal.triage.text import plain
from portal.triage.threads import fetch

MALFORMED = "The portal's list of certificates is malformed."


class Wish(NamedTuple):
    """What the triager asks for. `sealed` is a message that was sealed before and could not be sent."""

    ref: str
    file: Path | None = None
    attachments: tuple[Path, ...] = ()
    template: str = ""
    move: str = ""
    message: str = ""
    accepted: frozenset[str] = frozenset()
    sealed: Path | None = None
    to: Path = Path(".")
    consent: Consent = Consent()


def reply(portal: Portal, pins: Pins, wish: Wish, say: Callable[[str], None]) -> int:
    """Write, seal and send; gives the message's number.

    What was written is on no disk when this ends, but for one case: a message that was sealed and could not be sent
    is kept, sealed, and the failure says where. The key set opens it.
    """
    about = fetch(portal, checked(wish.ref))
    values = _along(about, wish)
    if wish.sealed is not None:
        return sending.send(portal, wish.ref, wish.sealed.read_bytes(), values)
    readers, members = _readers(about), _members(portal, pins, about, wish.consent, say)
    for line in pins.check(readers, wish.accepted):
        say(line)
    holders = readers + members
    with Home() as home:
        sealer = Sealer(home, holders)
        # Whatever stands against sealing shows before anything is written.
        sealer.seal(b"?")
        plain_text = messages.write(wish.ref, _text(about, wish), list(wish.attachments))
        sealed = sealer.seal(plain_text)
    messages.checked_size(sealed, int(about.get("limit", 0)))
    pins.keep(readers)
    try:
        return sending.send(portal, wish.ref, sealed, values)
    except (Failure, OSError, KeyboardInterrupt) as failure:
        kept = _keep(sealed, wish)
        code = type(failure) if isinstance(failure, Failure) else Unanswered
        raise code(
            f"{failure or 'Interrupted'} The message was not sent. It is kept, sealed: {kept}. "
            f"Send it again: portal-triage reply {wish.ref} --sealed {shlex.quote(str(kept))}"
        ) from None


def _keep(sealed: bytes, wish: Wish) -> Path:
    wish.to.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(1, 1000):
        kept = wish.to / f"{wish.ref}-reply-{number}.pgp"
        try:
            descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
        return kept
    raise Failure(f"{wish.to} is full of replies that were not sent.")


def _along(about: Json, wish: Wish) -> Json:
    """What goes along in clear."""
    values = {"template": wish.template, "move": wish.move, "message": wish.message}
    if wish.template:
        _template(about, wish.template)
    return {name: value for name, value in values.items() if value}


def _template(about: Json, code: str) -> Json:
    found = {str(each.get("code")): each for each in about.get("templates", []) if isinstance(each, dict)}
    if code not in found:
        known = plain(", ".join(sorted(found))) or "none"
        raise Failure(f"There is no template {plain(code)}. There are: {known}.")
    return found[code]


def _readers(about: Json) -> list[Holder]:
    """The researcher's readers. Raises Failure, Unanswered."""
    try:
        readers = [_holder(f"reader {each['person']}", each) for each in about["readers"]]
    except (KeyError, TypeError):
        raise Unanswered(MALFORMED) from None
    if not readers:
        raise Failure("The researcher has given no certificate, so nothing can be sealed to them. Ask on the page.")
    return readers


def _members(portal: Portal, pins: Pins, about: Json, consent: Consent, say: Callable[[str], None]) -> list[Holder]:
    """Everybody of the key set, if it is to be believed. Raises Damaged, Failure, Unanswered."""
    try:
        number = int(about["key_set"]["number"])
        members = [_holder(f"{MEMBER}{each['fingerprint']}", each) for each in about["key_set"]["members"]]
    except (KeyError, TypeError, ValueError):
        raise Unanswered(MALFORMED) from None
    found = trusted(portal, pins, number, consent, say)
    if sorted(each.fingerprint for each in members) != sorted(found.names):
        raise Damaged(f"The portal asks to seal to others than those of key set {number}. Nothing was sealed.")
    return members


def _holder(person: str, value: Json) -> Holder:
    return Holder(person, str(value["name"]), str(value["fingerprint"]).upper(), str(value["armored"]))


def _text(about: Json, wish: Wish) -> str:
    """The message's words: from a file, from standard input, or from the editor, which begins with the template."""
    begin = str(_template(about, wish.template).get("text", "")) if wish.template else ""
    if wish.file is not None:
        text = wish.file.read_text(encoding="utf-8")
    elif not _interactive():
        text = sys.stdin.read() or begin
    else:
        text = edited(begin)
    if not text.strip():
        raise Failure("Nothing was written, so nothing was sent.")
    return text


def _interactive() -> bool:
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):
        return False


def edited(begin: str, command: Sequence[str] = ()) -> str:
    """What somebody makes of a text in their editor. It lies in a private folder, in memory where that is possible."""
    words = list(command) or shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with private.folder(private.memory()) as work:
        path = work / "message.md"
        path.write_text(begin, encoding="utf-8")
        try:
            done = subprocess.run([*words, str(path)], check=False)  # noqa: S603 (the triager's own editor)
        except FileNotFoundError:
            raise Failure(f"There is no editor {words[0]}. Set EDITOR, or use --file.") from None
        if done.returncode:
            raise Failure("The editor ended with an error, so nothing was sent.")
        return path.read_text(encoding="utf-8")
