"""A portal in processes of its own with people in it, the way that their programs and browsers speak to it, and a door
to its database.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core.db import Model, db, set_reading
from portal.factory import create_app
from tests.cast import Cast, make_cast, sign_in
from tests.databases import tables
from tests.servers import Site, postgresql, web

SECRET = "for-tests-only-" + "0123456789abcdef" * 2
TIMEOUT = 60


@dataclass(frozen=True)
class Reply:
    """An answer that has wholly arrived."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def whole(response: HTTPResponse) -> Reply:
    """The answer with its body."""
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


class Backstage:
    """The same database and settings as the served portal's, without serving."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)
        self.app: Flask = create_app({**self.environ, "PORTAL_SCHEDULER": "off"})

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that may write; whatever it holds is let go of at the end."""
        with self.app.app_context():
            set_reading(False)
            try:
                yield db.session
            finally:
                db.session.rollback()

    def read(self, question: Callable[[Session], Any]) -> Any:
        """The answer of the database to one question, in plain values."""
        with self.session() as session:
            return question(session)

    def cookies(self, account: Account) -> dict[str, str]:
        """What a browser holds in which this account is signed in."""
        client = self.app.test_client()
        sign_in(client, account)
        cookie = client.get_cookie("session") or client.get_cookie("__Host-session")
        assert cookie is not None
        return {cookie.key: cookie.value}


@cache
def _empty() -> bytes:
    """A file of SQLite's in which there are all tables and nothing else."""
    with tempfile.TemporaryDirectory(prefix="portal-empty-") as name:
        tables(f"sqlite:///{name}/empty")
        return Path(name, "empty").read_bytes()


@contextmanager
def backstage(kind: str, folder: Path, environ: Mapping[str, str] | None = None) -> Iterator[Backstage]:
    """An empty database of a kind, with settings that name it and everything else in `folder`."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'portal.sqlite3'}"
        if kind == "postgresql":
            url = stack.enter_context(postgresql(tables))
        else:
            (folder / "portal.sqlite3").write_bytes(_empty())
        made = Backstage(
            {"PORTAL_DATA": str(folder), "PORTAL_DATABASE_URL": url, "PORTAL_SECRET_KEY": SECRET, **(environ or {})}
        )
        try:
            yield made
        finally:
            with made.app.app_context():
                db.session.remove()
                db.engine.dispose()


class Browser:
    """A browser without JavaScript: it keeps cookies and sends back the tokens of forms."""

    def __init__(self, port: int, cookies: Mapping[str, str] | None = None) -> None:
        self.port = port
        self.cookies = dict(cookies or {})

    def get(self, path: str) -> Reply:
        """Ask for a page."""
        return self._ask("GET", path)

    def post(self, path: str, **fields: str) -> Reply:
        """Send a form with the token of the last page."""
        return self._ask("POST", path, urlencode(fields))

    def token(self, path: str) -> str:
        """The token of a form on a page."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(path).text)
        assert found is not None, path
        return found.group(1)

    def _ask(self, method: str, path: str, body: str | None = None) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie", []):
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
            return whole(response)
        finally:
            connection.close()


@dataclass
class Stage:
    """The served portal, its cast, and the way behind it."""

    site: Site
    behind: Backstage
    cast: Cast

    def browser(self, account: Account | None = None) -> Browser:
        """A browser in which somebody is signed in, or nobody."""
        return Browser(self.site.port, self.behind.cookies(account) if account else None)


@contextmanager
def staged(
    kind: str, folder: Path, environ: Mapping[str, str] | None = None, *, workers: int = 1, app: str = "app:app"
) -> Iterator[Stage]:
    """Everybody, on a served portal with an empty database of a kind."""
    with backstage(kind, folder, environ) as behind:
        with behind.session() as session:
            cast = make_cast(session, running=True)
            everybody = [each for each in vars(cast).values() if isinstance(each, Model)]
            for each in everybody:
                session.refresh(each)
            session.expunge_all()
        with web(behind.environ, migrate=False, workers=workers, app=app) as site:
            yield Stage(site, behind, cast)
