"""From a row of the outbox to a message on its way: rendering, MIME, and the three transports."""

import base64
import re
import smtplib
import ssl
from binascii import b2a_qp
from collections.abc import Iterator
from contextlib import contextmanager
from email.header import Header
from email.utils import format_datetime, formataddr
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app

from portal.config import Config
from portal.core.outbox import OutgoingMail, Undeliverable, Unreachable

TIMEOUT = 30
FROM = "Research challenge"
# The placeholders of a letter that somebody wrote.
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def absolute(endpoint: str, **values: object) -> str:
    """The public address of an endpoint, for text that is read outside the portal and written outside a request."""
    public = urlsplit(config_of(current_app).public_url)
    adapter = current_app.url_map.bind(public.netloc, url_scheme=public.scheme)
    return adapter.build(endpoint, values, force_external=True)


def fill(letter: str, **values: str) -> str:
    """A letter with its placeholders filled in, once: what a value says in braces stays as it is."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1].strip(), found[0]), letter)


def render(mail: OutgoingMail) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail. The template's first line is "Subject: …", the HTML is made from the text."""
    subject, text = written(mail.template, url=absolute, fill=fill, **mail.context)
    paragraphs = [paragraph.split("\n") for paragraph in text.strip().split("\n\n")]
    html = current_app.jinja_env.get_template("mail/layout.html").render(subject=subject, paragraphs=paragraphs)
    return subject, text, html


def written(template: str, **context: object) -> tuple[str, str]:
    """Subject and text of a template. It sees nothing of pages: neither navigation nor who is signed in."""
    room, _, name = template.partition("/")
    source = current_app.jinja_env.get_template(f"{room}/mail/{name}.txt").render(context)
    head, _, body = source.strip().partition("\n")
    return " ".join(head.removeprefix("Subject:").split()), re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n"


class Message(NamedTuple):
    """A whole message as it goes over the wire (RFC 5322), and its envelope. `token` names it."""

    token: str
    sender: str
    to: str
    content: bytes


def message(mail: OutgoingMail, config: Config) -> Message:
    """The MIME message: text and HTML, and for calendars a text/calendar part and the same as a file (RFC 6047).

    Written out by hand: email.message takes longer over its headers than all the rest of a mail takes.
    """
    subject, text, html = render(mail)
    headers = {
        "From": formataddr((FROM, config.mail_from)),
        "To": _address(mail.to),
        "Subject": _words(subject),
        "Date": format_datetime(mail.created_at),
        "Message-ID": f"<{mail.token}@{config.host}>",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        **_answering(mail),
    }
    parts = [_quoted("text/plain", text), _quoted("text/html", html)]
    # Neither quoted-printable nor base64 can contain "=_" (RFC 2045, 6.7).
    boundary = f"=_{mail.token}"
    if mail.calendar_text and mail.calendar_method:
        method = _word(mail.calendar_method)
        calendar = base64.encodebytes(mail.calendar_text.encode()).replace(b"\n", b"\r\n")
        # As RFC 6047, 2.4, has it. Some programs compare the parameter's value as it stands, quotes and all.
        parts.append(_part(f"text/calendar; method={method}; charset=UTF-8; component=VEVENT", "base64", calendar))
        attached = 'application/ics; name="invite.ics"\r\nContent-Disposition: attachment; filename="invite.ics"'
        whole = [_several("alternative", f"{boundary}a", parts), _part(attached, "base64", calendar)]
        body = _several("mixed", boundary, whole)
    else:
        body = _several("alternative", boundary, parts)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return Message(mail.token, config.mail_from, mail.to, head.encode() + body)


def _answering(mail: OutgoingMail) -> dict[str, str]:
    """Where an answer goes, and what the mail itself follows, so that mail programs show them together."""
    found = {"Reply-To": _address(mail.reply_to)} if mail.reply_to else {}
    if mail.thread:
        before = mail.thread.split()
        found |= {"In-Reply-To": before[-1], "References": "\r\n ".join(before)}
    return found


def _words(text: str) -> str:
    """Text in a header, folded, in the encoding of RFC 2047 where it is not ASCII."""
    shown = "".join(sign for sign in text if sign.isprintable())
    if shown.isascii() and len(shown) < 68 and "=?" not in shown:
        return shown
    plain = shown.isascii() and "=?" not in shown
    return Header(shown, "us-ascii" if plain else "utf-8", header_name="Subject").encode(linesep="\r\n")


def _address(to: str) -> str:
    if not to.isprintable():
        raise ValueError("an address on one line is needed")
    return to


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "", text)


def _quoted(kind: str, text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    coded = b2a_qp(lines.replace(b"\n", b"\r\n"), istext=True)
    return _part(f'{kind}; charset="utf-8"', "quoted-printable", coded)


def _part(kind: str, encoding: str, content: bytes) -> bytes:
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + content


def _several(kind: str, boundary: str, parts: list[bytes]) -> bytes:
    line = f"\r\n--{boundary}".encode()
    inner = b"".join(line + b"\r\n" + part for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode() + inner + line + b"--\r\n"


class Transport(Protocol):
    """Something that takes a message off our hands, or raises."""

    def send(self, made: Message) -> None:
        """Hand one message over. Raises Unreachable where none could be, Undeliverable where this one never can."""

    def check(self) -> None:
        """Raise unless messages can be handed over now."""


class Folder:
    """Every mail a file, for demonstrations and development."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def send(self, made: Message) -> None:
        """Write the message under the name of its Message-ID, whole or not at all."""
        half = self.path / f"{made.token}.tmp"
        half.write_bytes(made.content)
        half.replace(self.path / f"{made.token}.eml")

    def check(self) -> None:
        """A folder is always there: it was made."""


class Smtp:
    """The operator's mail server, over one connection as long as that lasts, and over a new one afterwards."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: smtplib.SMTP | None = None

    def send(self, made: Message) -> None:
        """Hand one message to the server. Raises Undeliverable, and smtplib's errors where it may take it later."""
        used = self._connection is not None
        connection = self._open()
        try:
            _hand_over(connection, made)
        except OSError as problem:  # all of smtplib's errors are of this kind
            if connection.sock is not None:
                _refuse_for_good(problem)
                raise  # it refuses this message and goes on listening
            self._connection = None
            if not used:
                raise
            # Servers end connections after so many messages or minutes, which says nothing about this message.
            self.send(made)

    def check(self) -> None:
        """Raise Unreachable where no connection can be had."""
        self._open()

    def close(self) -> None:
        """Take leave of the server."""
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> smtplib.SMTP:
        if self._connection is None:
            try:
                self._connection = _connect(self.url)
            except OSError as problem:
                raise Unreachable(f"{type(problem).__name__}: {problem}") from problem
        return self._connection


def _hand_over(connection: smtplib.SMTP, made: Message) -> None:
    options = [] if made.to.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
    if options and not connection.has_extn("smtputf8"):
        raise Undeliverable("The mail server takes no addresses with letters beyond ASCII.")
    connection.sendmail(made.sender, [made.to], made.content, options)


def _refuse_for_good(problem: OSError) -> None:
    """Raise Undeliverable where the answer says that it will always be the same.

    That is a code of 5xx for the recipient or the content. Where policy speaks (enhanced status x.7.x, RFC 3463) or the
    sender is refused, the fault is the portal's or its operator's, and may be gone at the next try.
    """
    answers: list[tuple[int, bytes | str]] = []
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        answers = list(problem.recipients.values())
    elif isinstance(problem, smtplib.SMTPDataError):
        answers = [(problem.smtp_code, problem.smtp_error)]
    for code, words in answers:
        said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
        if 500 <= code < 600 and not re.match(r"5\.7\.", said.strip()):
            raise Undeliverable(f"{code} {said}") from problem


def _connect(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        connection: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
    else:
        connection = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT)
    try:
        connection.ehlo()
        if parts.scheme == "smtp" and connection.has_extn("starttls"):
            connection.starttls(context=ssl.create_default_context())
        if parts.username:
            connection.login(unquote(parts.username), unquote(parts.password or ""))
    except OSError:
        connection.close()
        raise
    return connection


@contextmanager
def transport(config: Config) -> Iterator[Transport]:
    """The transport that the settings name, for the time within. It connects when there is something to send."""
    if config.mail_url.startswith("folder:"):
        yield Folder(Path(config.mail_url.removeprefix("folder:")))
        return
    way = Smtp(config.mail_url)
    try:
        yield way
    finally:
        way.close()


def sender() -> str:
    """From whom mails come, as mail programs show it."""
    return formataddr((FROM, config_of(current_app).mail_from))


def config_of(app: Flask) -> Config:
    """The settings of an application."""
    found: Config = app.extensions["portal.config"]
    return found
