"""Real servers for tests, each a context manager that leaves nothing behind.

>>> with postgresql() as url, smtp() as mailbox, s3() as store, web({"PORTAL_DATABASE_URL": url}) as site: ...
"""

from tests.servers.browser import Renderers, chromium, chromium_path
from tests.servers.calendars import Computer, radicale
from tests.servers.mailbox import Mailbox, Received, smtp
from tests.servers.mailstore import MailStore, mail_store
from tests.servers.postgres import postgresql
from tests.servers.site import Site, web
from tests.servers.store import Store, s3

__all__ = [
    "Computer",
    "MailStore",
    "Mailbox",
    "Received",
    "Renderers",
    "Site",
    "Store",
    "chromium",
    "chromium_path",
    "mail_store",
    "postgresql",
    "radicale",
    "s3",
    "smtp",
    "web",
]
