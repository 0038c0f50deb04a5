"""The mails of a demonstration, which nobody sends anywhere: files in a folder, to be read by the staff."""

from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import NamedTuple

from portal.config import Config
from portal.core.outbox import OutgoingMail


class Letter(NamedTuple):
    """What a mail program would show."""

    subject: str
    to: str
    date: str
    text: str


def letter(mail: OutgoingMail, config: Config) -> Letter | None:
    """The file of a delivered mail, if this is a demonstration and the file is there."""
    kind, _, folder = config.mail_url.partition(":")
    path = Path(folder) / f"{mail.token}.eml"
    if not config.demonstration or kind != "folder" or not path.is_file():
        return None
    message = message_from_bytes(path.read_bytes(), policy=default)
    body = message.get_body(("plain",))
    text = str(body.get_content()) if body else ""
    return Letter(str(message["Subject"]), str(message["To"]), str(message["Date"]), text)
