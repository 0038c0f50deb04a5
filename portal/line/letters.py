"""A mail as it came, made out: from whom, to which address, written by a person or a machine, and what it says.

Everything here comes from strangers. Nothing is trusted, everything is bounded, and whatever cannot be made out at all
is Unreadable.
"""

import hashlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from typing import NamedTuple

from portal.line.plain import decoded, from_html, one_line, tidy

LARGEST = 1024 * 1024
_MOST_PARTS, _MOST_RECIPIENTS = 200, 50
_RECIPIENTS = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]{1,120}@[!-;=?A-~]{1,120}>")
_OUT_OF_OFFICE = re.compile(
    r"\s*(auto(matic)?[ :-]*(repl|respon|antwort)|out of (the )?office(?! hour)|abwesenheit|automatische antwort"
    r"|réponse automatique|respuesta automática|risposta automatica|автоответ)",
    re.IGNORECASE,
)
_ENCRYPTED_KINDS = (
    "multipart/encrypted",
    "application/pgp-encrypted",
    "application/pkcs7-mime",
    "application/x-pkcs7-mime",
)
_SIGNATURE_KINDS = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_ARMOUR = re.compile(r"^-----BEGIN PGP (MESSAGE|ARMORED FILE)\b", re.MULTILINE)
_SIGNED = re.compile(
    r"-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z-]+: .*\n)*\n?(.*?)\n-----BEGIN PGP SIGNATURE-----"
    r".*?(?:-----END PGP SIGNATURE-----|\Z)",
    re.DOTALL,
)
# What the standard library's parser trips over, one way or another.
_FAULTS = (MessageError, RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError)


class Unreadable(Exception):
    """This is no mail that could be made out."""


class Body(NamedTuple):
    """What a mail says in its sender's own and their program's words, and what hangs on it."""

    text: str
    attachments: int
    encrypted: bool


class Letter:
    """One mail. `size` is that of the whole mail, of which `octets` may be the head alone.

    `sender` is the one address in From, in small letters, or empty where there is none or several; `envelope` the
    envelope's sender where the mail server noted it, "" for the null path of bounces; `recipients` every address to
    which it may have been sent; `subject` is in words, on one line.
    """

    def __init__(self, octets: bytes, size: int | None = None) -> None:
        """Raises Unreadable."""
        self.octets = octets
        self.size = size or len(octets)
        try:
            self.message: Message = message_from_bytes(octets)
            senders = self._addresses("From")
            self.sender = senders[0] if len(senders) == 1 else ""
            self.envelope = self._envelope()
            self.recipients = self._addresses(*_RECIPIENTS)
            self.subject_whole = _words(self._header("Subject") or "")
        except _FAULTS as problem:
            raise Unreadable(type(problem).__name__) from problem
        self.subject = one_line(self.subject_whole, 120)

    def _envelope(self) -> str | None:
        noted = self._header("Return-Path")
        return None if noted is None else noted.strip().removeprefix("<").removesuffix(">").strip().lower()

    @property
    def message_id(self) -> str | None:
        """The Message-ID, where it is a sound one."""
        found = _MESSAGE_ID.fullmatch((self._header("Message-ID") or "").strip())
        return found[0] if found else None

    @property
    def digest(self) -> str:
        """What it is known by when it comes a second time."""
        known = self.message_id or self.octets.decode("latin-1")
        return hashlib.sha256(f"{self.sender}\n{known}".encode()).hexdigest()

    def automatic(self, host: str) -> bool:
        """Whether a machine wrote it, or it came over a list, or it is one of ours that came round (RFC 3834)."""
        return (
            (self._header("Auto-Submitted") or "no").split(";")[0].strip().lower() != "no"
            or (self._header("Precedence") or "").strip().lower() in ("bulk", "list", "junk", "auto_reply")
            or any(self._header(name) is not None for name in ("List-Id", "X-Loop", "X-Autoreply", "X-Autorespond"))
            or self._header("X-Auto-Response-Suppress") is not None
            or self.envelope == ""
            or self.sender.partition("@")[0] in ("mailer-daemon", "postmaster")
            or bool(re.fullmatch(rf"<([0-9a-f]{{32}}|line\.[0-9a-f]+)@{re.escape(host)}>", self.message_id or ""))
            or bool(_OUT_OF_OFFICE.match(self.subject_whole))
        )

    def body(self) -> Body:
        """What it says. Raises Unreadable."""
        try:
            return self._body()
        except _FAULTS as problem:
            raise Unreadable(type(problem).__name__) from problem

    def _body(self) -> Body:
        plain: list[str] = []
        html: list[str] = []
        attachments, encrypted = 0, self._is(self.message, _ENCRYPTED_KINDS)
        for part in _leaves(self.message):
            kind = part.get_content_type()
            if self._is(part, _ENCRYPTED_KINDS):
                encrypted = True
            elif kind in _SIGNATURE_KINDS:
                continue
            elif _hangs_on(part):
                attachments += 1
            elif kind == "text/html":
                html.append(_text(part))
            elif kind.startswith("text/"):
                plain.append(_text(part))
        text = "\n\n".join(filter(str.strip, plain)) or from_html("\n".join(html))
        tidied = _SIGNED.sub(r"\1", tidy(text))
        return Body(tidied, attachments, encrypted or bool(_ARMOUR.search(tidied)))

    @staticmethod
    def _is(part: Message, kinds: tuple[str, ...]) -> bool:
        """Signed S/MIME comes as pkcs7-mime as well: the text in it is no more to be read than an encrypted one."""
        return part.get_content_type() in kinds

    def _header(self, name: str) -> str | None:
        found = self.message.get(name)
        return None if found is None else str(found)

    def _addresses(self, *names: str) -> list[str]:
        fields = [str(field)[:4000] for name in names for field in self.message.get_all(name, [])[:_MOST_RECIPIENTS]]
        found = [address.strip().lower() for _, address in getaddresses(fields)]
        return [address for address in found if "@" in address and address.isprintable()][:_MOST_RECIPIENTS]


def _words(field: str) -> str:
    """A header in words (RFC 2047); as it stands where its encoding is none."""
    try:
        parts = decode_header(field[:2000])
    except (ValueError, LookupError, MessageError):
        return field[:2000]
    return "".join(decoded(part, charset) if isinstance(part, bytes) else part for part, charset in parts)


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, in order; a mail within a mail is one of them. Raises Unreadable for too many."""
    waiting, seen = [message], 0
    while waiting:
        part = waiting.pop()
        seen += 1
        if seen > _MOST_PARTS:
            raise Unreadable("too many parts")
        inner = part.get_payload() if part.get_content_maintype() == "multipart" else None
        if isinstance(inner, list):
            waiting += [each for each in reversed(inner) if isinstance(each, Message)]
        else:
            yield part


def _hangs_on(part: Message) -> bool:
    """Whether a part is an attachment, rather than the text or a picture that belongs to it."""
    disposition = part.get_content_disposition()
    kind = part.get_content_maintype()
    if kind == "image" and part.get("Content-ID") and disposition != "attachment":
        return False
    return kind != "text" or disposition == "attachment" or bool(part.get_filename())


def _text(part: Message) -> str:
    octets = part.get_payload(decode=True)
    if not isinstance(octets, bytes):
        return ""
    charset = part.get_param("charset")
    return decoded(octets, charset if isinstance(charset, str) else None)
