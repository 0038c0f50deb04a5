"""`thread`: the messages about a report, opened on this machine, each in a folder that appears whole or not at all."""

from pathlib import Path
from typing import NamedTuple

from portal.triage import messages, private, rewrapped
from portal.triage.client import Json, Portal
from portal.triage.failures import Unanswered
from portal.triage.opening import checked
from portal.triage.text import file_name, plain


class Line(NamedTuple):
    """One message: what the portal says of it, and where it lies opened."""

    number: int
    said: str
    folder: Path
    fresh: bool


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


def open_thread(portal: Portal, ref: str, to: Path, limit: int) -> list[Line]:
    """Open every message that is not open here already. On any failure nothing of that message is left."""
    about = listed(fetch(portal, ref))
    folder = to / f"{ref}-thread"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [_opened(portal, ref, each, folder, limit) for each in about]


def _opened(portal: Portal, ref: str, message: Json, folder: Path, limit: int) -> Line:
    try:
        number = int(message["number"])
    except (KeyError, TypeError, ValueError):
        raise Unanswered("The portal's list of messages is malformed.") from None
    target = folder / str(number)
    if target.exists():
        return Line(number, said(message), target, fresh=False)
    with private.folder(folder) as work:
        sealed, body, made = work / "sealed.pgp", work / "body", work / "made"
        try:
            portal.download(message, sealed)
        except (KeyError, TypeError, ValueError):
            raise Unanswered("The portal's list of messages is malformed.") from None
        rewrapped.decrypt(portal, str(message.get("upload", "")), sealed, body, limit)
        made.mkdir(mode=0o700)
        _lay_out(messages.read(body.read_bytes(), ref), made)
        made.rename(target)
    return Line(number, said(message), target, fresh=True)


def _lay_out(found: messages.Opened, folder: Path) -> None:
    if found.text is None:
        (folder / "message.bin").write_bytes(found.raw)
    else:
        (folder / "message.md").write_text(found.text, encoding="utf-8")
    taken: set[str] = {"message.md"}
    for index, each in enumerate(found.attachments, start=1):
        (folder / file_name(each.name, taken, f"attachment-{index}")).write_bytes(each.content)
