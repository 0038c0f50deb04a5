"""The mailbox in which answers arrive (IMAP). Mails are flagged and put aside, never deleted."""

import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from portal.config import LOOPBACK
from portal.line.letters import LARGEST

if TYPE_CHECKING:  # loaded where mail is fetched
    from imap_tools.mailbox import BaseMailBox

TIMEOUT = 30
# The flag by which a mail that was looked at is known, wherever it lies.
DONE = "PortalHandled"
PROCESSED, REFUSED = "Processed", "Refused"
_HEAD = 64 * 1024


class Unreached(Exception):
    """The mailbox cannot be read now; the next tick tries again."""


class Arrived(NamedTuple):
    """One mail as it lies there: its number, its whole size, and its octets, or only its head where it is too large."""

    uid: int
    size: int
    octets: bytes


class Inbox:
    """One folder of an account, opened."""

    def __init__(self, box: "BaseMailBox", name: str, folder: str) -> None:
        self.name = name
        self._box = box
        self._folder = folder
        self.validity = int(box.folder.status(folder, ["UIDVALIDITY"])["UIDVALIDITY"])
        # What a server can do it tells in full only after the sign-in. Without MOVE (RFC 6851) a mail would have to be
        # deleted to be put aside: then the flag alone must do.
        self._moves = b"MOVE" in box.client.capability()[1][0].upper().split()

    def waiting(self, most: int) -> list[int]:
        """The numbers of the mails that nobody has looked at, the oldest first, then of those left where they were.

        A kill between the flag and the move leaves one, and a server that has no room for folders all of them.
        """
        fresh = sorted(int(uid) for uid in self._box.uids(f"UNKEYWORD {DONE} UNDELETED"))
        left = sorted(int(uid) for uid in self._box.uids(f"KEYWORD {DONE} UNDELETED")) if self._moves else []
        return [*fresh, *left][:most]

    def fetch(self, uid: int) -> Arrived | None:
        """One mail, which stays unread; None where it has gone meanwhile."""
        size = self._size(uid)
        if size is None:
            return None
        part = "BODY.PEEK[]" if size <= LARGEST else f"BODY.PEEK[HEADER]<0.{_HEAD}>"
        answer = self._ask("FETCH", uid, f"({part})")
        octets = next((item[1] for item in answer if isinstance(item, tuple)), None)
        return Arrived(uid, size, octets) if octets is not None else None

    def _size(self, uid: int) -> int | None:
        for item in self._ask("FETCH", uid, "(RFC822.SIZE)"):
            words = (item[0] if isinstance(item, tuple) else item or b"").partition(b"RFC822.SIZE ")[2]
            digits = words.split(b")")[0].split()
            if digits:
                return int(digits[0])
        return None

    def put_aside(self, uid: int, folder: str) -> None:
        """Flag a mail as looked at, and move it where the server can. Doing so again changes nothing."""
        self._ask("STORE", uid, "+FLAGS.SILENT", f"({DONE})")
        if not self._moves:
            return
        from imap_tools.errors import ImapToolsError

        name = self._beside(folder)
        # A server that has no room for folders keeps the mail where it is: the flag tells that it is done.
        with suppress(ImapToolsError, Unreached):
            if not self._box.folder.exists(name):
                self._box.folder.create(name)
            self._ask("MOVE", uid, name)

    def _beside(self, folder: str) -> str:
        """The name of a folder where this server has those of its users: some keep all of them below the inbox."""
        known = self._box.folder.list()
        below = next((each for each in known if each.name.upper().startswith("INBOX" + (each.delim or "."))), None)
        return f"INBOX{below.delim}{folder}" if below else folder

    def _ask(self, command: str, uid: int, *arguments: str) -> list[Any]:
        kind, answer = self._box.client.uid(command, str(uid), *arguments)
        if kind != "OK":
            raise Unreached(f"{command} was answered by {kind}")
        return list(answer)


@contextmanager
def inbox(url: str) -> Iterator[Inbox]:
    """The folder that an address such as imaps://user:password@host/INBOX names. Raises Unreached."""
    from imaplib import IMAP4

    from imap_tools.errors import ImapToolsError

    parts = urlsplit(url)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    name = hashlib.sha256(f"{parts.username}@{parts.hostname}:{parts.port}/{folder}".encode()).hexdigest()
    try:
        box = _connect(url)
        try:
            box.login(unquote(parts.username or ""), unquote(parts.password or ""), folder)
            yield Inbox(box, name, folder)
        finally:
            with suppress(Exception):
                box.logout()
    except (OSError, ImapToolsError, IMAP4.error) as problem:
        raise Unreached(f"{type(problem).__name__}: {problem}") from problem


def _connect(url: str) -> "BaseMailBox":
    """Encrypted, except on this machine itself."""
    from imap_tools.mailbox import MailBox, MailBoxStartTls, MailBoxUnencrypted

    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    if parts.scheme == "imaps":
        return MailBox(host, parts.port or 993, timeout=TIMEOUT, ssl_context=ssl.create_default_context())
    if host in LOOPBACK:
        return MailBoxUnencrypted(host, parts.port or 143, timeout=TIMEOUT)
    return MailBoxStartTls(host, parts.port or 143, timeout=TIMEOUT, ssl_context=ssl.create_default_context())
