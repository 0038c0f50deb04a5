"""The database, gone, cut off or busy: readable answers, nothing lost, and the next request as if nothing had been."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from portal.accounts.models import Account
from portal.core import audit
from portal.core.db import db
from portal.core.outbox import OutgoingMail
from tests.cast import make_account
from tests.faults.conftest import Staging
from tests.faults.stage import Backstage, Browser, Reply, Stage
from tests.servers.waiting import until

pytestmark = pytest.mark.slow
SORRY = "The portal cannot reach its database."


def renamed(browser: Browser, token: str, name: str) -> Reply:
    """Send the form that changes the person's name."""
    return browser.post("/account/", csrf_token=token, name=name, zone="UTC")


def name_of(stage: Stage, account: Account) -> str:
    question = sa.select(Account.name).where(Account.id == account.id)
    return str(stage.behind.read(lambda session: session.scalars(question).one()))


@contextmanager
def headquarters(behind: Backstage) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A connection to another database of the same server, and the name of ours."""
    url = sa.make_url(behind.environ["PORTAL_DATABASE_URL"])
    assert url.database is not None
    host = url.query["host"]
    with psycopg.connect(host=str(host), user="postgres", dbname="postgres", autocommit=True) as connection:
        yield connection, url.database


def cut_off(connection: psycopg.Connection[Any], name: str) -> int:
    """End everybody's connection to a database; how many there were."""
    ended = connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    return len(ended.fetchall())


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_postgresql_cuts_everybody_off_and_then_is_away(stage: Staging) -> None:
    served = stage()
    person = served.cast.researcher
    browser = served.browser(person)
    token = browser.token("/account/")
    with headquarters(served.behind) as (connection, name):
        # Between two requests: nobody notices.
        assert cut_off(connection, name) > 0
        assert renamed(browser, token, "After the cut").status == 302
        assert name_of(served, person) == "After the cut"

        # Away: every page says so, whoever asks, and nothing is saved.
        refuse = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        connection.execute(refuse.format(sql.Identifier(name), sql.SQL("false")))
        cut_off(connection, name)
        try:
            for reply in (browser.get("/account/"), Browser(browser.port).get("/"), renamed(browser, token, "Lost")):
                assert reply.status == 503
                assert SORRY in reply.text
                assert reply.headers["retry-after"] == "15"
            monitor = Browser(browser.port)
            assert (monitor.get("/healthz").status, monitor.get("/readyz").status) == (200, 503)
        finally:
            connection.execute(refuse.format(sql.Identifier(name), sql.SQL("true")))

        # Back again: the first request is answered as ever.
        assert browser.get("/account/").status == 200
        assert name_of(served, person) == "After the cut"
        assert renamed(browser, token, "Back again").status == 302
        assert name_of(served, person) == "Back again"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_postgresql_cuts_a_request_off_in_the_middle(stage: Staging) -> None:
    served = stage()
    person = served.cast.researcher
    browser = served.browser(person)
    token = browser.token("/account/")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    with headquarters(served.behind) as (connection, name), ThreadPoolExecutor(1) as pool:
        with served.behind.session() as session:
            session.execute(sa.select(Account.id).where(Account.id == person.id).with_for_update())
            asked: Future[Reply] = pool.submit(renamed, browser, token, "Cut off")
            until(lambda: connection.execute(waiting, [name]).fetchone() == (1,), "the request to wait for the row")
            victims = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND wait_event = %s"
            connection.execute(victims, [name, "transactionid"])
            reply = asked.result()
        assert (reply.status, SORRY in reply.text) == (503, True)

    assert name_of(served, person) == "Rosa Researcher"
    assert renamed(browser, token, "Once more").status == 302
    assert name_of(served, person) == "Once more"


@contextmanager
def held(behind: Backstage) -> Iterator[sqlite3.Connection]:
    """SQLite's only write lock, held by somebody else."""
    path = sa.make_url(behind.environ["PORTAL_DATABASE_URL"]).database
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_is_held_for_longer_than_a_request_takes(stage: Staging) -> None:
    served = stage()
    person = served.cast.researcher
    browser = served.browser(person)
    token = browser.token("/account/")
    with held(served.behind) as other, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(renamed, browser, token, "Patience")
        # Whoever only reads does not wait, many times over.
        for _ in range(20):
            assert served.browser(person).get("/account/").status == 200
        assert not asked.done()
        other.execute("COMMIT")
        assert asked.result().status == 302

    assert name_of(served, person) == "Patience"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_is_held_for_longer_than_anybody_waits(stage: Staging) -> None:
    """In this process, where patience can be made short."""
    served = stage()
    app, person = served.behind.app, served.cast.researcher
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        db.engine.dispose()
        sa.event.listen(db.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=100"))
    client = app.test_client()
    for name, value in served.behind.cookies(person).items():
        client.set_cookie(name, value)
    form = {"name": "Impatience", "zone": "UTC"}

    with held(served.behind):
        reply = client.post("/account/", data=form)
        assert (reply.status_code, SORRY in reply.text) == (503, True)
        as_json = client.post("/account/", data=form, headers={"Accept": "application/json"})
        assert (as_json.status_code, as_json.json["error"]) == (503, "Not possible just now")  # type: ignore[index]

    assert name_of(served, person) == "Rosa Researcher"
    assert client.post("/account/", data=form).status_code == 302
    assert name_of(served, person) == "Impatience"


def test_thirty_write_and_read_at_once(stage: Staging) -> None:
    served = stage(workers=2)
    with served.behind.session() as session:
        people = [make_account(session, f"Writer {number}") for number in range(30)]
        session.commit()
        browsers = [served.browser(person) for person in people]
        ids = [person.id for person in people]
    start = threading.Barrier(30)
    answers: Counter[tuple[str, int]] = Counter()
    counting = threading.Lock()

    def work(number: int) -> None:
        browser = browsers[number]
        token = browser.token("/account/")
        start.wait()
        for turn in range(4):
            asked: list[tuple[str, Callable[[], Reply]]] = [
                ("name", lambda turn=turn: renamed(browser, token, f"Name {number} {turn}")),  # type: ignore[misc]
                ("profile", lambda: browser.get("/account/")),
                ("challenge", lambda: browser.get(f"/challenges/{served.cast.slug}/")),
            ]
            for what, ask in asked:
                reply = ask()
                with counting:
                    answers[what, reply.status] += 1

    with ThreadPoolExecutor(30) as pool:
        list(pool.map(work, range(30)))

    assert answers == {("name", 302): 120, ("profile", 200): 120, ("challenge", 200): 120}
    assert "database is locked" not in served.site.log.read_text()
    names = sa.select(Account.id, Account.name).where(Account.id.in_(ids))
    found = dict(served.behind.read(lambda session: session.execute(names).all()))
    assert found == {account_id: f"Name {number} 3" for number, account_id in enumerate(ids)}
    assert served.behind.read(audit.first_broken) is None
    assert served.behind.read(lambda session: session.scalars(sa.select(OutgoingMail.id)).all()) == []
