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
from portal.core.outbox import OutgoingMail

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
        """Hand one message over."""


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


class Smtp:
    """One connection to the operator's mail server, for as many messages as there are."""

    def __init__(self, connection: smtplib.SMTP) -> None:
        self.connection = connection

    def send(self, made: EmailMessage) -> None:
        """Hand one message to the server. Raises smtplib's errors."""
        self.connection.send_message(made)


def _connect(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, context = parts.hostname or "localhost", ssl.create_default_context()
    if parts.scheme == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
    else:
        connection = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT)
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls(context=context)
    if parts.username:
        connection.login(unquote(parts.username), unquote(parts.password or ""))
    return connection


@contextmanager
def transport(config: Config) -> Iterator[Transport]:
    """The transport that the settings name, open for the time within."""
    if config.mail_url.startswith("folder:"):
        yield Folder(Path(config.mail_url.removeprefix("folder:")))
        return
    connection = _connect(config.mail_url)
    try:
        yield Smtp(connection)
    finally:
        connection.close()


def config_of(app: Flask) -> Config:
    """The settings of an application."""
    found: Config = app.extensions["portal.config"]
    return found
