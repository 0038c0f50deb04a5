"""From a row of the outbox to a message on its way: rendering, MIME, and the three transports."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, formataddr
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app, render_template

from portal.config import Config
from portal.core.outbox import OutgoingMail, Unreachable

TIMEOUT = 30


def absolute(endpoint: str, **values: object) -> str:
    """The public address of an endpoint, for text that is read outside the portal and written outside a request."""
    public = urlsplit(config_of(current_app).public_url)
    adapter = current_app.url_map.bind(public.netloc, url_scheme=public.scheme)
    return adapter.build(endpoint, values, force_external=True)


def render(mail: OutgoingMail) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail. The template's first line is "Subject: …", the HTML is made from the text."""
    room, _, name = mail.template.partition("/")
    source = render_template(f"{room}/mail/{name}.txt", url=absolute, **mail.context)
    head, _, body = source.strip().partition("\n")
    subject = head.removeprefix("Subject:").strip()
    text = re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n"
    paragraphs = [paragraph.split("\n") for paragraph in text.strip().split("\n\n")]
    return subject, text, render_template("mail/layout.html", subject=subject, paragraphs=paragraphs)


def message(mail: OutgoingMail, config: Config) -> EmailMessage:
    """The MIME message: text and HTML, and for calendars a text/calendar part and the same as a file (RFC 6047)."""
    subject, text, html = render(mail)
    made = EmailMessage(policy=SMTP_POLICY)
    made["From"] = formataddr(("Research challenge", config.mail_from))
    made["To"] = mail.to
    made["Subject"] = subject
    made["Date"] = format_datetime(mail.created_at)
    made["Message-ID"] = f"<{mail.token}@{config.host}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text, cte="quoted-printable")
    made.add_alternative(html, subtype="html", cte="quoted-printable")
    if mail.calendar_text and mail.calendar_method:
        method = mail.calendar_method
        made.add_alternative(mail.calendar_text, subtype="calendar", cte="base64", params={"method": method})
        made.add_attachment(
            mail.calendar_text.encode(), maintype="application", subtype="ics", filename="invite.ics",
            params={"method": method},
        )  # fmt: skip
    return made


class Transport(Protocol):
    """Something that takes a message off our hands, or raises."""

    def send(self, made: EmailMessage) -> None:
        """Hand one message over. Raises Unreachable where none could be."""

    def check(self) -> None:
        """Raise unless messages can be handed over now."""


class Folder:
    """Every mail a file, for demonstrations and development."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def send(self, made: EmailMessage) -> None:
        """Write the message under the name of its Message-ID, whole or not at all."""
        name = str(made["Message-ID"]).strip("<>").partition("@")[0]
        half = self.path / f"{name}.tmp"
        half.write_bytes(made.as_bytes())
        half.replace(self.path / f"{name}.eml")

    def check(self) -> None:
        """A folder is always there: it was made."""


class Smtp:
    """The operator's mail server, over one connection as long as that lasts, and over a new one afterwards."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: smtplib.SMTP | None = None

    def send(self, made: EmailMessage) -> None:
        """Hand one message to the server. Raises smtplib's errors where it does not take this one."""
        used = self._connection is not None
        connection = self._open()
        try:
            connection.send_message(made)
        except OSError:  # all of smtplib's errors are of this kind
            if connection.sock is not None:
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


def config_of(app: Flask) -> Config:
    """The settings of an application."""
    found: Config = app.extensions["portal.config"]
    return found
