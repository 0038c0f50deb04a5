"""The servers that tests rely on do what real ones do, and leave nothing behind."""

import os
import signal
import smtplib
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

import obstore
import psycopg
import pytest
from obstore.store import S3Store

from tests.servers import chromium_path, postgresql, s3, smtp, web
from tests.servers.programs import begin
from tests.servers.waiting import answers, let_go, until

TINY = """
from flask import Flask
import os

app = Flask("tiny")
app.add_url_rule("/healthz", view_func=lambda: "well")
app.cli.command("greet")(lambda: print(os.environ["GREETING"]))
"""


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")


def test_each_gets_a_new_database_on_one_server() -> None:
    with postgresql() as first, postgresql() as second:
        with psycopg.connect(_plain(first)) as one, psycopg.connect(_plain(second)) as two:
            one.execute('CREATE TABLE things (name text COLLATE "default")')
            one.execute("INSERT INTO things VALUES ('Zebra'), ('élan'), ('apple')")
            assert one.execute("SELECT name FROM things ORDER BY name").fetchall() == [
                ("Zebra",),
                ("apple",),
                ("élan",),
            ]
            assert two.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'things'").fetchone() == (0,)
            assert one.info.server_version // 10000 == 18
            assert one.info.host == two.info.host
        with psycopg.connect(_plain(first)) as again:
            folder = Path(again.info.host)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(_plain(first))
    if "PYTEST_XDIST_TESTRUNUID" not in os.environ:
        until(lambda: not folder.exists(), "the server's folder to go")


def test_many_may_ask_for_a_database_at_once() -> None:
    def name() -> str:
        with postgresql() as url, psycopg.connect(_plain(url)) as connection:
            return connection.info.dbname

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: name(), range(8)))
    assert len(set(names)) == 8


def test_mail_is_kept_with_its_envelope() -> None:
    with smtp() as mailbox:
        message = EmailMessage()
        message["Subject"] = "Größe"
        message.set_content("one line")
        with smtplib.SMTP("127.0.0.1", mailbox.port) as client:
            client.send_message(message, "from@example.org", ["a@example.org", "b@example.org"])
        [received] = mailbox.wait_for(1)
        assert received.sender == "from@example.org"
        assert received.recipients == ("a@example.org", "b@example.org")
        assert received.message["Subject"] == "Größe"
        assert received.message.get_content() == "one line\n"
        with pytest.raises(TimeoutError, match="1 of 2 messages"):
            mailbox.wait_for(2, seconds=0.01)


def test_objects_are_stored_for_those_who_have_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3() as store:
        for name, value in store.environ.items():
            monkeypatch.setenv(name, value)
        objects = S3Store.from_url(store.url)
        obstore.put(objects, "chunks/1", b"sealed")
        assert obstore.get(objects, "chunks/1").bytes().to_bytes() == b"sealed"
        assert (store.folder / "chunks" / "1").read_bytes() == b"sealed"
        stranger = S3Store.from_url(store.url, secret_access_key="wrong")
        with pytest.raises(Exception, match=r"403|denied|SignatureDoesNotMatch"):
            obstore.get(stranger, "chunks/1")


SAYING = """
import os, sys

print(sys.argv[1:], os.getcwd(), os.environ["GREETING"], os.getsid(0) == os.getpid())
sys.exit("no more to say")
"""


@pytest.mark.parametrize("anew", [False, True])
def test_a_program_is_the_same_forked_and_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, anew: bool
) -> None:
    (tmp_path / "saying.py").write_text(SAYING)
    (output, errors), environ = (tmp_path / "output", tmp_path / "errors"), {"GREETING": "good day"}
    if anew:
        monkeypatch.setenv("TEST_LOAD_ANEW", "1")

    program = begin("saying", "a", "b", environ=environ, output=output, errors=errors, folder=tmp_path)

    assert program.wait(20) == program.poll() == 1
    assert output.read_text() == f"['a', 'b'] {tmp_path} good day True\n"
    assert errors.read_text() == "no more to say\n"
    assert let_go(output)
    program.send_signal(signal.SIGKILL)  # there is nobody any more


def test_a_site_starts_answers_dies_and_starts_again(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(TINY)
    with web(
        {"GREETING": "good day"}, app="tiny:app", folder=tmp_path, migrate=False, workers=2, interface="wsgi"
    ) as site:
        assert answers(site.port, "/healthz") == 200
        assert site.flask("greet") == "good day\n"
        with pytest.raises(RuntimeError, match="No such command 'curse'"):
            site.flask("curse")
        first, data = site.pid, site.data
        site.kill()
        assert answers(site.port, "/healthz") is None
        site.restart()
        assert answers(site.port, "/healthz") == 200
        assert site.pid != first
    assert answers(site.port, "/healthz") is None
    assert not data.exists()


def test_a_site_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('no key, no portal')")
    with (
        pytest.raises(RuntimeError, match="no key, no portal"),
        web(app="broken:app", folder=tmp_path, migrate=False, interface="wsgi"),
    ):
        pass


def test_the_browser_is_found_or_its_absence_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(chromium_path()).exists()
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(FileNotFoundError, match="apt-get install chromium"):
        chromium_path()
