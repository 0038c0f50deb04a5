"""A served portal, people with browsers of their own, and the mail that reaches them."""

import base64
import hmac
import re
import struct
import time
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from tests.reports.openpgp import Gpg
from tests.servers import Site
from tests.servers.waiting import until

SLUG, TITLE = "pluton-2026", "Pluton Research Challenge"
PASSWORD = "quiet otters fold eleven maps"


@dataclass
class Stage:
    """Where the play takes place. `complaints` is what browsers found wrong: scripts, policy, answers."""

    site: Site
    browser: Browser
    gpg: Gpg
    folder: Path
    complaints: list[str] = field(default_factory=list)
    read: set[str] = field(default_factory=set)

    def page(self, *, scripts: bool = True) -> Page:
        """A page in a browser of its own, in which nobody is signed in."""
        context = self.browser.new_context(java_script_enabled=scripts, locale="en-GB", timezone_id="UTC")
        context.on("console", lambda told: self.complaints.append(told.text) if told.type == "error" else None)
        context.on("weberror", lambda told: self.complaints.append(str(told.error)))
        page = context.new_page()
        return page

    def at(self, path: str) -> str:
        """An address of the portal; what begins without a slash is in the challenge's area."""
        return f"{self.site.url}{path}" if path.startswith("/") else f"{self.site.url}/challenges/{SLUG}/{path}"

    def staff(self, path: str = "") -> str:
        """An address of the challenge's staff area."""
        return f"{self.site.url}/staff/{SLUG}/{path}"

    def sign_in(self, who: str, *, scripts: bool = True) -> Page:
        """A page in which somebody has signed in with the password."""
        page = self.page(scripts=scripts)
        page.goto(self.at("/account/sign-in"))
        page.get_by_label("E-mail address").fill(who)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        return page

    def letters(self, to: str) -> dict[str, EmailMessage]:
        """What has been delivered to somebody and nobody has read yet, by file."""
        found = {}
        for path in sorted((self.site.data / "mail").glob("*.eml")):
            message = message_from_bytes(path.read_bytes(), policy=default)
            if path.name not in self.read and message["To"] == to:
                found[path.name] = message
        return found

    def mail(self, to: str, subject: str) -> EmailMessage:
        """The next mail to somebody whose subject contains some words, once it is there."""
        found: list[tuple[str, EmailMessage]] = []

        def there() -> bool:
            found[:] = [pair for pair in self.letters(to).items() if subject in pair[1]["Subject"]]
            return bool(found)

        until(there, f"a mail to {to} about “{subject}”; there are {[m['Subject'] for m in self.letters(to).values()]}")
        assert len(found) == 1
        self.read.add(found[0][0])
        return found[0][1]

    def calendar(self, to: str, subject: str) -> tuple[str, str]:
        """The method and the text of the calendar part of the next such mail."""
        message = self.mail(to, subject)
        part = next(part for part in message.walk() if part.get_content_type() == "text/calendar")
        assert isinstance(part, EmailMessage)
        return str(part.get_param("method")), part.get_content()


def text_of(message: EmailMessage) -> str:
    """The text part of a mail."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(message: EmailMessage) -> str:
    """The one link of a mail's text part."""
    links = re.findall(r"https?://\S+", text_of(message))
    assert len(links) == 1
    assert urlsplit(links[0]).hostname == "127.0.0.1"
    return str(links[0])


def code_of(key: str, later: int = 0) -> str:
    """The six digits that an authenticator app shows now, or so many steps later (RFC 6238)."""
    secret = base64.b32decode(key.replace(" ", "").upper() + "=" * (-len(key.replace(" ", "")) % 8))
    digest = hmac.digest(secret, struct.pack(">Q", int(time.time()) // 30 + later), "sha1")
    start = digest[-1] & 0x0F
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 1_000_000:06d}"


def confirm(page: Page, opener: str, button: str) -> None:
    """Press a button that asks, and say yes."""
    page.locator("summary", has_text=opener).click()
    page.get_by_role("dialog").get_by_role("button", name=button).click()
