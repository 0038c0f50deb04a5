"""A triager's replies against the portal as it runs, with real gpg on both machines."""

import base64
import html
import io
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from portal.core import clock
from portal.factory import create_app
from portal.reports.actions import certificates, replies
from portal.reports.actions.keys import make_token, publish_key_set
from portal.reports.models import Message, Report, ResearcherCertificate
from portal.reports.states import CertificateState, MessageState, ReportState
from portal.triage import main as triage
from tests.faults.stage import Stage, staged
from tests.reports.openpgp import Gpg, gpg_home
from tests.servers.site import ROOT
from tests.servers.waiting import until

TEAM = ("Tom <tom-triager@example.org>", "Recovery <recovery@example.org>")
RAE = "Rae <researcher@example.org>"
SECRET = "the second check forgets the first block"
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    """The triager's machine."""
    with gpg_home() as home:
        for name in TEAM:
            home.make(name)
        yield home


@pytest.fixture(scope="module")
def rae() -> Iterator[Gpg]:
    """The researcher's machine."""
    with gpg_home() as home:
        home.make(RAE)
        yield home


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """The way there and back is gone on both databases, by-ways on one: there the program is what is tested."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def stage(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A served portal, reached without any proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with staged(database, tmp_path) as made:
        yield made


class Both:
    """Both sides' programs, with their tokens."""

    def __init__(self, stage: Stage, gpg: Gpg, rae: Gpg) -> None:
        self.stage, self.gpg, self.rae = stage, gpg, rae
        with stage.behind.session() as session:
            cast, at = stage.cast, clock.now()
            tom, recovery = (gpg.certificate(name) for name in TEAM)
            publish_key_set(session, [(cast.triager.id, tom)], recovery, by=cast.admin.id, at=at)
            people = (cast.researcher.id, cast.triager.id)
            self.researcher, self.token = (
                make_token(session, cast.challenge.id, "program", by=each, at=at) for each in people
            )
            replies.add_defaults(session, cast.challenge.id, cast.slug, by=None, at=at)
            session.commit()
        self.here = f"{stage.site.url}/challenges/{stage.cast.slug}/reports"

    def ask(self, method: str, url: str, **how: object) -> requests.Response:
        """A request of the researcher's."""
        headers = {"Authorization": f"Bearer {self.researcher}", "Accept": "application/json", **how.pop("headers", {})}  # type: ignore[dict-item]
        where = url if url.startswith("http") else self.stage.site.url + url
        answer = requests.request(method, where, headers=headers, timeout=60, **how)  # type: ignore[arg-type]
        assert answer.status_code < 300, answer.text
        return answer

    def put(self, uploads_url: str, data: bytes, told: str = "") -> None:
        """Upload one file."""
        headers = {**TUS, "Upload-Length": str(len(data)), "Upload-Metadata": told}
        place = self.ask("POST", uploads_url, headers=headers).headers["Location"]
        headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        self.ask("PATCH", place, headers=headers, data=data)

    def report(self) -> str:
        """A report that has arrived."""
        told = {"title": "Report", "kind": "full", "severity": "important", "build": "20.06"}
        begun = self.ask("POST", f"{self.here}/new", json=told).json()
        ref = str(begun["ref"])
        sealed = self.gpg.seal(b"What I found.", list(TEAM))
        self.put(begun["uploads_url"], sealed, f"report {base64.b64encode(ref.encode()).decode()},kind Ym9keQ==")
        self.ask("POST", begun["submit_url"], json={})
        return ref

    def certify(self) -> str:
        """The researcher gives a certificate and proves it; its fingerprint."""
        with self.stage.behind.session() as session:
            account, at = self.stage.cast.researcher, clock.now()
            account = session.merge(account, load=True)
            made = certificates.offer(session, account, self.rae.certificate(RAE), "01234567", at=at)
            assert made.challenge
            digits = self.rae.open(made.challenge.encode()).decode()
            assert certificates.prove(session, account, made, digits, at=at)
            session.commit()
            return made.fingerprint

    def write(self, ref: str, text: bytes, **values: object) -> None:
        """The researcher writes."""
        begun = self.ask("POST", f"{self.here}/{ref}/messages", json={}).json()
        self.put(begun["uploads_url"], self.gpg.seal(text, list(TEAM)))
        self.ask("POST", begun["submit_url"], json=values)


@pytest.fixture
def both(stage: Stage, gpg: Gpg, rae: Gpg, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    """Both sides; the triager's program is signed in."""
    made = Both(stage, gpg, rae)
    monkeypatch.setenv("PORTAL_TRIAGE_URL", f"{stage.site.url}/staff/{stage.cast.slug}")
    monkeypatch.setenv("PORTAL_TRIAGE_TOKEN", made.token)
    monkeypatch.setenv("GNUPGHOME", str(gpg.home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    mask = os.umask(0o022)
    assert triage(["keys", "--yes"]) == 0
    yield made
    os.umask(mask)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_reply_from_a_template_is_read_by_the_printed_commands_and_answered(
    both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ref, fingerprint = both.report(), both.certify()
    assert triage(["open", ref]) == 0
    (tmp_path / "reply.md").write_text(f"Please look again: {SECRET}.\n")
    (tmp_path / "trace-secret-name.bin").write_bytes(os.urandom(5_000_000))
    capsys.readouterr()

    said = ["reply", ref, "--file", "reply.md", "--attach", "trace-secret-name.bin"]
    assert triage([*said, "--template", "needs-better-proof", "--move", "ask"]) == 0

    told = capsys.readouterr().out
    assert f"New: {fingerprint} " in told
    assert "Sent, sealed: message 1" in told
    with both.stage.behind.session() as session:
        assert session.scalars(sa.select(Report.state)).one() is ReportState.NEEDS_INFO
    # As the researcher's page prints it.
    sealed = both.ask("GET", f"{both.here}/{ref}/messages/1").content
    machine = tmp_path / "rae"
    machine.mkdir()
    (machine / f"{ref}-message-1.pgp").write_bytes(sealed)
    assert printed(both, machine, ref) == f"Please look again: {SECRET}.\n\n"
    taken = machine / f"{ref}-message-1-trace-secret-name.bin"
    assert taken.read_bytes() == (tmp_path / "trace-secret-name.bin").read_bytes()
    # Changed on its way, the same command does not print it.
    (machine / f"{ref}-message-1.pgp").write_bytes(sealed[:-30] + bytes(30))
    (machine / f"{ref}-message-1.json").unlink()
    assert "Not genuine" in printed(both, machine, ref, attachments=False)

    both.write(ref, b"Here it is, by hand.", answers=True)
    capsys.readouterr()
    assert triage(["thread", ref]) == 0
    assert (tmp_path / f"{ref}-thread" / "2" / "message.md").read_text() == "Here it is, by hand."
    assert SECRET in (tmp_path / f"{ref}-thread" / "1" / "message.md").read_text()
    assert (tmp_path / f"{ref}-thread" / "1" / "trace-secret-name.bin").stat().st_size == 5_000_000
    assert "[A better proof is needed]" in capsys.readouterr().out
    with both.stage.behind.session() as session:
        assert session.scalars(sa.select(Report.state)).one() is ReportState.REPRODUCING
    kept = [path.read_bytes() for path in both.stage.site.data.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in data or b"trace-secret-name" in data for data in kept)
    # The triager's own keyring has learnt nothing.
    assert RAE not in both.gpg.run("--list-keys").decode()


def printed(both: Both, machine: Path, ref: str, *, attachments: bool = True) -> str:
    """What the researcher's shell says to the commands of the page."""
    recipe = recipe_of(ref, 1)
    done = ""
    for command in recipe[: 2 if attachments else 1]:
        run = subprocess.run(
            ["sh", "-c", command], cwd=machine, capture_output=True, text=True, check=False,
            env={**os.environ, "GNUPGHOME": str(both.rae.home)},
        )  # fmt: skip
        done += run.stdout
    return done


def recipe_of(ref: str, number: int) -> list[str]:
    """The commands that a page prints, as a shell gets them."""
    app = create_app({"PORTAL_DATA": "/nonexistent", "PORTAL_SECRET_KEY": "only-for-tests-" * 4, "PORTAL_TESTING": "1"})
    with app.test_request_context():
        made = app.jinja_env.get_template("reports/_thread.html").module.open_recipe(ref, number)  # type: ignore[attr-defined]
    return [html.unescape(each) for each in re.findall(r"<code>(.*?)</code>", str(made), re.DOTALL)]


def test_a_changed_certificate_stops_the_reply_until_it_is_accepted(
    both: Both, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ref, before = both.report(), both.certify()
    monkeypatch.setattr("sys.stdin", io.StringIO("First."))
    assert triage(["reply", ref]) == 0
    with gpg_home() as other:
        other.make(RAE)
        both.rae = other
        with both.stage.behind.session() as session:
            session.execute(sa.update(ResearcherCertificate).values(state=CertificateState.REPLACED))
            session.commit()
        after = both.certify()
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO("Second."))
        assert triage(["reply", ref]) == 1
        told = capsys.readouterr().err
        assert f"it was {before}, and is {after}" in told
        assert triage(["reply", ref, "--accept", after]) == 0


def test_without_a_certificate_or_words_or_template_nothing_is_sent(
    both: Both, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = both.report()
    assert triage(["reply", ref]) == 1
    assert "has given no certificate" in capsys.readouterr().err
    both.certify()
    monkeypatch.setattr("sys.stdin", io.StringIO("  \n"))
    assert triage(["reply", ref]) == 1
    assert "Nothing was written" in capsys.readouterr().err
    assert triage(["reply", ref, "--template", "no-such"]) == 1
    assert "There are: by-design, cannot-reproduce" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO("Words."))
    assert triage(["reply", ref, "--move", "close"]) == 3
    told = capsys.readouterr().err
    assert "“Close” is not possible" in told
    kept = shlex.split(told.rpartition("portal-triage ")[2])
    assert Path(kept[-1]).stat().st_mode & 0o777 == 0o600
    # What could not be sent was kept sealed: a triager's key opens it, and it can be sent as it is.
    sealed = Path(kept[-1]).read_bytes()
    assert json.loads(both.gpg.open(sealed))["text"] == "Words."
    assert triage(kept) == 0
    assert both.ask("GET", f"{both.here}/{ref}/messages/1").content == sealed
    assert not Path(kept[-1]).exists()


# The program, which kills itself once the portal has answered so many of its requests that change something.
KILLED = """
import os, signal, sys
from portal.triage import client, main

left, ask = [int(sys.argv.pop(1))], client.Portal._open

def asked(self, method, *given, **named):
    answer = ask(self, method, *given, **named)
    left[0] -= method != "GET"
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

client.Portal._open = asked
main(sys.argv[1:])
"""
# Writes what it is given to write, and hangs.
EDITOR = """#!/bin/sh
printf '%s' 'the second check forgets the first block' >> "$1"
exec sleep 60
"""
# gpg that takes the text and hangs.
HANGING = """#!/bin/sh
case "$*" in *--encrypt*) cat > /dev/null; touch "$GNUPGHOME/hangs"; exec sleep 60;; *) exec gpg "$@";; esac
"""
# The message is begun, its upload is; the bytes are there, it is sent.
SENT = 4


def messages(both: Both, ref: str) -> list[int]:
    """The numbers of what has been sent about a report."""
    with both.stage.behind.session() as session:
        found = sa.select(Message.number).where(Message.state == MessageState.SENT).order_by(Message.number)
        return list(session.scalars(found.join(Report).where(Report.ref == ref)))


def plain_in(*folders: Path) -> list[Path]:
    """Files in which the text stands as it was written."""
    found = []
    for path in (each for folder in folders for each in folder.rglob("*")):
        with suppress(OSError):  # a folder, a socket, or gone meanwhile: gpg makes locks and removes them
            found += [path] if SECRET.encode() in path.read_bytes() else []
    return found


@pytest.fixture
def private_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the program puts what nobody else may see. Its path is short, for gpg's sockets are."""
    with tempfile.TemporaryDirectory(prefix="run-") as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        yield Path(name)


def test_a_reply_that_is_killed_while_it_is_sent_goes_once_or_not_at_all(
    both: Both, private_place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ref, _ = both.report(), both.certify()
    sent = 0
    for answers in range(1, SENT + 1):
        command = [sys.executable, "-c", KILLED, str(answers), "reply", ref]
        done = subprocess.run(command, input=SECRET.encode(), cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert done.returncode == -signal.SIGKILL
        sent += answers == SENT
        assert messages(both, ref) == list(range(1, sent + 1))
        # What is left is sealed, and in nobody else's reach.
        assert plain_in(private_place, tmp_path) == []
        assert [path.stat().st_mode & 0o777 for path in tmp_path.glob("*.pgp")] == [0o600]

        monkeypatch.setattr("sys.stdin", io.StringIO(SECRET))
        capsys.readouterr()
        assert triage(["reply", ref]) == (1 if answers == SENT else 0)
        sent += answers != SENT
        assert messages(both, ref) == list(range(1, sent + 1))
        assert list(private_place.iterdir()) == []
        if answers < SENT:
            (kept,) = tmp_path.glob("*.pgp")
            assert f"Kept, sealed, and not sent so far: {kept.name}" in capsys.readouterr().out
            kept.unlink()

    assert f"it is message {sent}. So nothing was sent now" in capsys.readouterr().err
    assert list(tmp_path.glob("*.pgp")) == []


@pytest.mark.parametrize("moment", ["written", "sealed"])
def test_a_reply_that_is_killed_before_leaves_nothing_that_the_next_one_does_not_clear(
    both: Both, private_place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    ref, _ = both.report(), both.certify()
    for name, text in (("editor", EDITOR), ("hanging", HANGING)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o700)
    command = [sys.executable, "-m", "portal.triage", "reply", ref]
    given = {"EDITOR": str(tmp_path / "editor")} if moment == "written" else {}
    given |= {"PORTAL_TRIAGE_GPG": str(tmp_path / "hanging")} if moment == "sealed" else {}
    typed, screen = pty.openpty() if moment == "written" else os.pipe()[::-1]
    environ = {**os.environ, **given, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdin=screen, start_new_session=True) as process:
        os.close(screen)
        os.write(typed, SECRET.encode())
        if moment == "sealed":
            os.close(typed)
            until(lambda: (both.gpg.home / "hangs").exists(), "gpg to hang")
        else:
            until(lambda: bool(plain_in(private_place)), "something written")
        os.killpg(process.pid, signal.SIGKILL)

    left = list(private_place.iterdir())
    assert {path.stat().st_mode & 0o777 for path in left} == {0o700}
    assert bool(plain_in(private_place)) == (moment == "written")
    monkeypatch.setattr("sys.stdin", io.StringIO("Again."))
    assert triage(["reply", ref]) == 0
    assert messages(both, ref) == [1]
    assert list(private_place.iterdir()) == []


def test_an_unreadable_report_says_so_to_the_researcher(both: Both, capsys: pytest.CaptureFixture[str]) -> None:
    ref = both.report()

    assert triage(["unreadable", ref]) == 0

    assert "is unreadable now" in capsys.readouterr().out
    with both.stage.behind.session() as session:
        assert session.scalars(sa.select(Report.state)).one() is ReportState.UNREADABLE
