"""`thread`: the messages about a report, opened on this machine, each in a folder that appears whole or not at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from portal.triage import messages, private, rewrapped
from portal.triage.client import Json, Portal
from portal.triage.failures import Damaged, Failure, TooLarge, Unanswered, Unreadable
from portal.triage.opening import checked
from portal.triage.text import file_name, plain

# What may be wrong with one message. Whatever else fails stands against all of them.
OF_ONE = (Damaged, TooLarge, Unanswered, Unreadable)


class Line(NamedTuple):
    """One message: what the portal says of it, and where it lies opened, or why it does not."""

    number: int
    said: str
    folder: Path
    fresh: bool = False
    failure: Failure | None = None


def fetch(portal: Portal, ref: str) -> Json:
    """Everything about a report's messages: themselves, the readers, the key set, the templates."""
    return portal.get(f"reports/{checked(ref)}/messages.json")


def listed(about: Json) -> list[Json]:
    """The messages. Raises Unanswered for a malformed answer."""
    found = about.get("messages")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Unanswered("The portal's list of messages is malformed.")
    return found


def said(message: Json) -> str:
    """A line about a message."""
    words = [f"message {message.get('number')}", str(message.get("sent_at")), f"from the {message.get('side')}"]
    words += [str(message.get("by", ""))] if message.get("side") == "team" else []
    words += [f"[{message['reason_words']}]"] if message.get("reason_words") else []
    return plain(" ".join(words))


def open_thread(portal: Portal, ref: str, to: Path, limit: int) -> Iterator[Line]:
    """Open every message that is not open here already, one after the other.

    One that cannot be opened is told with its failure and hides no other; nothing of it is left.
    """
    about = listed(fetch(portal, ref))
    folder = to / f"{ref}-thread"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for message in about:
        number = _number(message)
        line = Line(number, said(message), folder / str(number))
        if line.folder.exists():
            yield line
            continue
        try:
            _open(portal, ref, message, line.folder, limit)
        except OF_ONE as failure:
            yield line._replace(failure=failure)
        else:
            yield line._replace(fresh=True)


def check(lines: list[Line]) -> None:
    """Whether all messages are open here. Raises a failure of the first one's kind."""
    failures = [line.failure for line in lines if line.failure]
    if failures:
        some, all_ = len(failures), f"{len(lines)} message{'s' if len(lines) != 1 else ''}"
        raise type(failures[0])(f"{some} of {all_} {'is' if some == 1 else 'are'} not open here.")


def _number(message: Json) -> int:
    try:
        return int(message["number"])
    except (KeyError, TypeError, ValueError):
        raise Unanswered("The portal's list of messages is malformed.") from None


def _open(portal: Portal, ref: str, message: Json, target: Path, limit: int) -> None:
    with private.folder(target.parent) as work:
        sealed, body, made = work / "sealed.pgp", work / "body", work / "made"
        try:
            portal.download(message, sealed)
        except (KeyError, TypeError, ValueError):
            raise Unanswered("The portal's list of messages is malformed.") from None
        rewrapped.decrypt(portal, str(message.get("upload", "")), sealed, body, limit)
        made.mkdir(mode=0o700)
        _lay_out(messages.read(body.read_bytes(), ref), made)
        made.rename(target)


def _lay_out(found: messages.Opened, folder: Path) -> None:
    if found.text is None:
        (folder / "message.bin").write_bytes(found.raw)
    else:
        (folder / "message.md").write_text(found.text, encoding="utf-8")
    taken: set[str] = {"message.md"}
    for index, each in enumerate(found.attachments, start=1):
        (folder / file_name(each.name, taken, f"attachment-{index}")).write_bytes(each.content)
