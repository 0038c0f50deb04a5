"""Opening old reports to a new triager: the command against the portal, with a gpg home for each person."""

import base64
import hashlib
import io
import json
import os
import pty
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
import requests
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from portal.accounts.states import Role
from portal.core.audit import AuditEntry
from portal.core.blobs import blobs
from portal.reports import receipts, rules
from portal.reports.actions import drafts, threads
from portal.reports.actions.keys import make_token, propose, publish_key_set
from portal.reports.models import Rewrap
from portal.reports.states import Side
from portal.triage import keyring, main, packets, wrapping
from portal.triage.failures import Damaged, Failure, Unreadable
from tests.cast import Cast, make_account
from tests.conftest import Clock
from tests.reports.openpgp import Gpg, gpg_home, recipient
from tests.reports.people import Desk

KINDS = {"Tom": "future-default", "Tia": "rsa2048", "New": "future-default", "Recovery": "nistp384"}
FIRST, SECOND = ("Tom", "Tia", "Recovery"), ("Tom", "Tia", "New", "Recovery")
BODY, ATTACHMENT, WORDS = b"The check stops early.", os.urandom(70_000), b"It was block seven."


def address(name: str) -> str:
    """A user id."""
    return f"{name} <{name.lower()}@example.org>"


@pytest.fixture(scope="module")
def homes() -> Iterator[dict[str, Gpg]]:
    """A gpg home for each person, with keys of different kinds; nobody has anybody else's secret."""
    with ExitStack() as stack:
        made = {name: stack.enter_context(gpg_home()) for name in KINDS}
        for name, kind in KINDS.items():
            made[name].make(address(name), algorithm=kind)
        yield made


@pytest.fixture(scope="module")
def certificates(homes: dict[str, Gpg]) -> dict[str, str]:
    """Everybody's certificate."""
    return {name: home.certificate(address(name)) for name, home in homes.items()}


@pytest.fixture(scope="module")
def sealed(certificates: dict[str, str]) -> list[bytes]:
    """A report's body, its attachment and a message, sealed to the first key set by a researcher's gpg."""
    with gpg_home() as mine:
        mine.run("--import", data="".join(certificates[name] for name in FIRST).encode())
        names = [address(name) for name in FIRST]
        attachment = mine.seal(ATTACHMENT, names)
        named = {"name": "log.bin", "size": len(ATTACHMENT), "sha256": hashlib.sha256(attachment).hexdigest()}
        manifest = {
            "format": "sealed-report/1", "title": "Report", "text": BODY.decode(), "build": "20.06", "cvss": None,
            "key_set": 1, "attachments": [named],
        }  # fmt: skip
        return [mine.seal(json.dumps(manifest).encode(), names), attachment, mine.seal(WORDS, names)]


@pytest.fixture(scope="module")
def signature(homes: dict[str, Gpg]) -> Callable[[str], str]:
    """The recovery key's signature over a statement; the same statement is signed once."""
    kept: dict[str, str] = {}

    def sign(statement: str) -> str:
        if statement not in kept:
            kept[statement] = homes["Recovery"].run("--armor", "--detach-sign", data=statement.encode()).decode()
        return kept[statement]

    return sign


class Silent(WSGIRequestHandler):
    """Says nothing of what it serves."""

    def log(self, *_: Any) -> None:
        """Nothing."""


@dataclass
class Room:
    """The portal, reached over HTTP, and the people's machines."""

    session: Session
    slug: str
    accounts: dict[str, int]
    url: str
    homes: dict[str, Gpg]
    tokens: dict[str, str]
    folder: Path
    ref: str = ""
    # What the portal answers instead of the truth, by path.
    lies: dict[str, bytes | None] = field(default_factory=dict)

    def fingerprint(self, name: str) -> str:
        """Of a person's key."""
        return self.homes[name].fingerprint(address(name))

    def machine(self, who: str) -> dict[str, str]:
        """What is set on a person's machine."""
        (self.folder / who).mkdir(exist_ok=True)
        return {
            "GNUPGHOME": str(self.homes[who].home), "XDG_CONFIG_HOME": str(self.folder / who), "NO_PROXY": "127.0.0.1",
            "PORTAL_TRIAGE_URL": f"{self.url}/staff/{self.slug}", "PORTAL_TRIAGE_TOKEN": self.tokens[who],
        }  # fmt: skip

    def run(self, who: str, *words: str) -> tuple[int, str]:
        """The command on a person's machine: its exit code, and all that it said."""
        said = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
            for name, value in self.machine(who).items():
                patch.setenv(name, value)
            code = main(words)
        return code, said.getvalue()

    def trust(self, *names: str) -> None:
        """Let these remember the portal's keys."""
        for name in names:
            assert self.run(name, "keys", "--yes")[0] == 0

    def ask(self, method: str, path: str, who: str, told: object = None) -> requests.Response:
        """One request with a person's token."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Accept": "application/json"}
        return requests.request(method, self.url + path, headers=headers, json=told, timeout=60)

    def staff(self, path: str) -> str:
        """An address of the staff's."""
        return f"/staff/{self.slug}/{path}"

    def listed(self) -> list[dict[str, object]]:
        """What the portal says of who lacks what, body, attachment, message."""
        return sorted(self.ask("GET", self.staff("rewrap.json"), "Tom").json()["objects"], key=lambda each: (
            ["body", "attachment", "message"].index(each["kind"])
        ))  # fmt: skip

    def rows(self) -> list[tuple[str, str, int, int | None]]:
        """What the portal keeps of wrapped keys: file, state, by whom, and who found that it opens nothing."""
        columns = (Rewrap.upload_id, Rewrap.state, Rewrap.by_id, Rewrap.refuted_by_id)
        found = [tuple(row) for row in self.session.execute(sa.select(*columns).order_by(Rewrap.id))]
        self.session.rollback()
        return found


@pytest.fixture
def room(
    app: Flask, session: Session, cast: Cast, clock: Clock, homes: dict[str, Gpg], certificates: dict[str, str],
    sealed: list[bytes], signature: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Room]:  # fmt: skip
    """A report and a message, sealed to set 1 (Tom, Tia); then set 2, in which there is New too."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # The keys were made just now.
    clock.at = datetime.now(UTC).replace(microsecond=0)
    cast.challenge.ends_on = clock.at.date() + timedelta(days=90)
    accounts = {"Tom": cast.triager.id, "Tia": cast.second_triager.id, "Ada": cast.researcher.id}
    accounts["New"] = make_account(session, "New", Role.TRIAGER, scope=cast.slug).id
    tokens = {
        name: make_token(session, cast.challenge.id, "t", by=each, at=clock.at) for name, each in accounts.items()
    }
    made = Room(session, cast.slug, accounts, "", homes, {**tokens, "Recovery": tokens["Tom"]}, tmp_path)
    given = [(accounts[name], certificates[name]) for name in FIRST[:-1]]
    publish_key_set(session, given, certificates["Recovery"], by=cast.admin.id, at=clock.at)
    made.ref = _send(session, cast, sealed, clock.at, tmp_path)
    given.append((accounts["New"], certificates["New"]))
    proposal = propose(session, given, certificates["Recovery"], at=clock.at)
    publish_key_set(
        session, given, certificates["Recovery"], by=cast.admin.id, at=clock.at,
        signature=signature(proposal.statement),
    )  # fmt: skip
    session.commit()
    session.rollback()  # or it keeps the portal from writing
    with Served(app, made):
        yield made


def _send(session: Session, cast: Cast, sealed: list[bytes], at: datetime, folder: Path) -> str:
    """A report with an attachment, and a message of the researcher's about it; its reference."""
    desk = Desk(session, cast, blobs(), receipts.Signer.load(folder / "receipts.pem"), lambda _: b"")
    report, by = desk.begin(at=at), cast.researcher.id
    for number, data in enumerate(sealed[:2]):
        desk.send(desk.upload(report, body=not number, length=len(data), at=at), data, at=at)
    drafts.submit(session, desk.again(report), desk.signer, by=by, at=at)
    session.commit()
    begun = threads.begin_message(session, desk.again(report), Side.RESEARCHER, rules.Limits(), by=by, at=at)
    upload = threads.begin_message_upload(session, report, begun, rules.Limits(), length=len(sealed[2]), at=at)
    session.commit()
    desk.send(upload, sealed[2], at=at)
    threads.send_message(session, desk.again(report), begun, by=by, at=at)
    session.commit()
    return str(desk.again(report).ref)


class Served:
    """The application behind a port of this machine, in a thread; it answers with lies where it is told to."""

    def __init__(self, app: Flask, room: Room) -> None:
        def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
            if environ["PATH_INFO"] in room.lies:
                data = room.lies[environ["PATH_INFO"]]
                start("404 Not Found" if data is None else "200 OK", [("Content-Length", str(len(data or b"")))])
                return [data or b""]
            return app(environ, start)

        self._server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        room.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def test_a_new_triager_opens_old_reports_after_another_one_has_wrapped_them(
    room: Room, sealed: list[bytes], tmp_path: Path
) -> None:
    new, into = room.fingerprint("New"), ["--no-acknowledge", "--to"]
    assert [each["lacking"] for each in room.listed()] == [[new], [new], [new]]
    assert room.run("New", "open", room.ref, *into, str(tmp_path / "before"))[0] == 5
    assert room.run("New", "thread", room.ref, "--to", str(tmp_path / "before"))[0] == 5

    code, said = room.run("Tom", "rewrap")
    assert (code, "Compare the fingerprints" in said, room.rows()) == (1, True, [])
    code, said = room.run("Tom", "rewrap", "--dry-run", "--yes")
    assert (code, "3 session keys would be wrapped" in said, room.rows()) == (0, True, [])
    code, said = room.run("Tom", "rewrap", "--to", "0" * 40)
    assert (code, "is not in key set 2" in said) == (1, True)
    code, said = room.run("Tom", "rewrap", "--to", new)
    lines = [f"{room.ref} {file}: wrapped for 1" for file in ("attachment 1", "body", "message 1")]
    assert (code, sorted(said.splitlines()[1:])) == (0, lines)
    assert room.run("Tom", "rewrap") == (0, "Every key of key set 2 opens every file.\n")

    for who in ("New", "Tom", "Tia", "Recovery"):
        code, said = room.run(who, "open", room.ref, *into, str(tmp_path / f"{who}-opened"))
        assert code == 0, (who, said)
        folder = tmp_path / f"{who}-opened" / room.ref
        assert BODY.decode() in (folder / "report.md").read_text()
        assert (folder / "attachments" / "log.bin").read_bytes() == ATTACHMENT
    assert room.run("New", "thread", room.ref, "--to", str(tmp_path / "New-opened"))[0] == 0
    assert (tmp_path / "New-opened" / f"{room.ref}-thread" / "1" / "message.md").read_bytes() == WORDS
    files = room.ask("GET", room.staff(f"reports/{room.ref}.json"), "Tom").json()["files"]
    assert [file["sha256"] for file in files] == [hashlib.sha256(data).hexdigest() for data in sealed[:2]]
    assert room.ask("GET", files[1]["url"], "Tom").content == sealed[1]
    whole = room.ask("GET", f"{files[1]['url']}/rewrapped", "New").content
    assert whole.endswith(sealed[1])
    assert room.homes["New"].open(whole) == ATTACHMENT


def answered(room: Room, who: str, *lines: str) -> tuple[int, str]:
    """The command at a terminal, where somebody answers its questions: its exit code, and all that the screen shows."""
    mine, theirs = pty.openpty()
    words = [sys.executable, "-m", "portal.triage", "rewrap"]
    environ = os.environ | room.machine(who)
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, close_fds=True)
    os.close(theirs)
    os.write(mine, "".join(f"{line}\n" for line in lines).encode())
    shown = b""
    # Not until the terminal is gone: whatever gpg has started may keep it for a minute after the command has ended.
    while not (ended := process.poll() is not None) or select.select([mine], [], [], 0)[0]:
        if select.select([mine], [], [], 0 if ended else 0.05)[0]:
            try:
                shown += os.read(mine, 4096)
            except OSError:
                break
    os.close(mine)
    return process.wait(), shown.decode()


@pytest.mark.parametrize("database", ["sqlite"])
def test_at_a_terminal_it_shows_the_fingerprints_and_asks_once(room: Room, database: str) -> None:
    new = room.fingerprint("New")
    grouped = " ".join(new[begin : begin + 4] for begin in range(0, 40, 4))

    code, shown = answered(room, "Tom", "n")
    assert (code, f"triager   {grouped}  {address('New')}" in shown) == (1, True)
    assert "Are these the fingerprints that you have from elsewhere? [y/N]" in shown
    assert room.rows() == []

    code, shown = answered(room, "Tom", "y")
    assert (code, "body: wrapped for 1" in shown) == (0, True)
    assert [each["lacking"] for each in room.listed()] == [[], [], []]


def test_interrupted_it_goes_on_with_the_rest(room: Room) -> None:
    new, (first, second, _) = room.fingerprint("New"), room.listed()
    head = room.ask("GET", room.staff(f"rewrap/{first['upload']}"), "Tia").content
    assert room.rows() == []
    packet = wrapped(room, "Tia", head)
    answer = post(room, str(first["upload"]), new, packet)
    assert answer.status_code == 201
    assert post(room, str(first["upload"]), new, packet).status_code == 201  # the same again changes nothing

    code, said = room.run("Tia", "rewrap", "--yes", "--to", new)

    lines = [f"{room.ref} {file}: wrapped for 1" for file in ("attachment 1", "message 1")]
    assert (code, sorted(said.splitlines()[-2:])) == (0, lines)
    assert post(room, str(first["upload"]), new, wrapped(room, "Tia", head)).status_code == 409
    assert second["n"] == 1


def test_two_at_once_wrap_each_file_once(room: Room) -> None:
    running = []
    for who in ("Tom", "Tia"):
        words = [sys.executable, "-m", "portal.triage", "rewrap", "--yes"]
        environ = os.environ | room.machine(who)
        running.append(subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))

    ended = [(process.communicate()[0].decode(), process.returncode) for process in running]

    assert [code for _, code in ended] == [0, 0], ended
    assert len(room.rows()) == 3
    assert room.run("New", "rewrap") == (0, "Every key of key set 2 opens every file.\n")


@pytest.mark.parametrize("database", ["sqlite"])
def test_who_cannot_open_them_wraps_nothing(room: Room, database: str) -> None:
    code, said = room.run("New", "rewrap", "--yes")

    assert code == 5
    assert said.endswith("portal-triage: 3 of 3 files stay shut: another triager must wrap them.\n")


@pytest.mark.parametrize("database", ["sqlite"])
def test_whose_certificate_has_no_key_is_left_out_and_the_others_are_not(
    room: Room, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tia = keyring.targets, room.fingerprint("Tia")
    upload = str(room.listed()[0]["upload"])
    told = room.ask("GET", room.staff("rewrap.json?lacking=1"), "Tom").json()
    for each in told["objects"]:
        each["lacking"].append(tia)
    room.lies[room.staff("rewrap.json")] = json.dumps(told).encode()

    def targets(certificates: bytes, wanted: list[str]) -> list[keyring.Target]:
        if wanted == [tia]:
            raise Failure(f"The certificate {tia} has no key that gpg would seal to.")
        return real(certificates, wanted)

    monkeypatch.setattr(keyring, "targets", targets)
    code, said = room.run("Tom", "rewrap", "--yes")

    assert (code, f"Left out: The certificate {tia} has no key" in said) == (1, True)
    assert upload in {row[0] for row in room.rows()}
    assert len(room.rows()) == 3


def junk(room: Room, kind: str, head: bytes) -> bytes:
    """A packet for New's key that gpg cannot use, or that gives another session key."""
    with as_on(room, "New"):
        (target,) = keyring.targets(room.homes["New"].certificate(address("New")).encode(), [room.fingerprint("New")])
    if kind == "another session key":
        return wrapping.wrap(wrapping.SessionKey(9, os.urandom(32)), target.key)
    good = wrapped(room, "Tia", head)
    return good[:-8] + os.urandom(8) if kind == "spoilt" else good[:12] + bytes(len(good) - 12)


@pytest.mark.parametrize("kind", ["another session key", "spoilt", "zeros"])
def test_junk_for_a_key_is_found_told_and_replaced(room: Room, kind: str, tmp_path: Path) -> None:
    new, body = room.fingerprint("New"), str(room.listed()[0]["upload"])
    head = room.ask("GET", room.staff(f"rewrap/{body}"), "Tom").content
    assert post(room, body, new, junk(room, kind, head), who="Tia").status_code == 201
    assert room.run("Tom", "rewrap", "--yes")[0] == 0
    assert [each["lacking"] for each in room.listed()] == [[], [], []]

    opening = ["open", room.ref, "--no-acknowledge", "--to", str(tmp_path / "opened")]
    code, said = room.run("New", *opening)

    assert code == 5
    assert "What was wrapped for your key does not open it: wrapped by Tia" in said
    assert "and the portal was told" in said
    assert [each["lacking"] for each in room.listed()] == [[new], [], []]
    assert not list((tmp_path / "opened").iterdir())
    # Whoever made the junk may make it good, and anybody else may.
    code, said = room.run("Tia", "rewrap", "--yes")
    assert (code, said.splitlines()[-1]) == (0, f"{room.ref} body: wrapped for 1")
    assert room.run("New", *opening)[0] == 0
    tia = room.accounts["Tia"]
    mine = [row[1:] for row in room.rows() if row[0] == body]
    assert mine == [("refuted", tia, room.accounts["New"]), ("standing", tia, None)]


def test_of_many_who_refute_and_wrap_at_once_each_thing_happens_once(room: Room) -> None:
    new, body = room.fingerprint("New"), str(room.listed()[0]["upload"])
    (key_id,) = room.homes["New"].encryption_key_ids(address("New"))
    bad, *good = [recipient(key_id, size=60 + number) for number in range(5)]
    assert post(room, body, new, bad).status_code == 201
    told = {"packet": hashlib.sha256(bad).hexdigest()}

    with ThreadPoolExecutor(4) as pool:
        sayings = pool.map(
            lambda who: room.ask("POST", room.staff(f"rewrap/{body}/unopened"), who, told), ["New", "Tia"] * 2
        )
        refuted = [saying.status_code for saying in sayings]
        wrapped_anew = list(pool.map(lambda packet: post(room, body, new, packet).status_code, good))

    assert set(refuted) <= {200, 409}
    assert 200 in refuted
    assert sorted(wrapped_anew) == [201, 409, 409, 409]
    assert [row[1] for row in room.rows()] == ["refuted", "standing"]
    acts = sa.select(sa.func.count()).where(AuditEntry.tag == "reports:refute-rewrap")
    assert room.session.scalars(acts).one() == 1
    # Somebody whose word came late does not hit what has been wrapped since.
    room.session.rollback()
    assert room.ask("POST", room.staff(f"rewrap/{body}/unopened"), "New", told).status_code == 200
    assert [row[1] for row in room.rows()] == ["refuted", "standing"]


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_key_without_its_passphrase_refutes_nothing(
    room: Room, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert room.run("Tom", "rewrap", "--yes")[0] == 0
    # gpg-agent says that nobody typed a passphrase: the packet is good, and only the key is shut.
    monkeypatch.setattr(keyring, "session_key", shut)
    monkeypatch.setattr("portal.triage.rewrapped._behind", shut)

    code, said = room.run("New", "open", room.ref, "--to", str(tmp_path / "opened"))

    assert (code, "the passphrase is missing" in said) == (5, True)
    assert {row[1] for row in room.rows()} == {"standing"}


def shut(*_: object) -> NoReturn:
    """As gpg answers whose question for the passphrase was cancelled."""
    raise Unreadable("the passphrase is missing")


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_portal_that_names_a_stranger_gets_nothing(room: Room, database: str) -> None:
    room.trust("Tom")
    listed = room.ask("GET", room.staff("rewrap.json"), "Tom").json()
    stranger = "ABCD" * 10
    for each in listed["objects"]:
        each["lacking"].append(stranger)
    room.lies[room.staff("rewrap.json")] = json.dumps(listed).encode()

    code, said = room.run("Tom", "rewrap")

    assert code == 4
    assert said.endswith(
        f"portal-triage: The portal asks to wrap for {stranger}, which is not in key set 2. Nothing was wrapped.\n"
    )
    # A statement with the stranger in it is not what was verified.
    statement = requests.get(f"{room.url}/keys/2.txt", timeout=60).content
    room.lies["/keys/2.txt"] = statement.replace(room.fingerprint("New").encode(), stranger.encode())
    code, said = room.run("Tom", "rewrap")
    assert code == 1, said
    assert f"The portal gives no certificate {stranger}" in said
    assert room.rows() == []


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_reply_is_sealed_to_the_verified_key_set_and_to_nobody_else(
    room: Room, database: str, certificates: dict[str, str], tmp_path: Path
) -> None:
    """The researcher's certificate is Ada's word; of the key set nothing is believed that was not signed."""
    (tmp_path / "words.md").write_text("We have read it.")
    reply = ["reply", room.ref, "--file", str(tmp_path / "words.md")]
    about = room.ask("GET", room.staff(f"reports/{room.ref}/messages.json"), "Tom").json()
    tia = {"person": "7", "name": "Ada", "fingerprint": room.fingerprint("Tia"), "armored": certificates["Tia"]}
    about["readers"] = [tia]
    place = room.staff(f"reports/{room.ref}/messages.json")
    room.lies[place] = json.dumps(about).encode()
    code, said = room.run("Tom", *reply)
    assert (code, "Compare the fingerprints with what you have from elsewhere" in said) == (1, True)
    room.trust("Tom")

    honest = list(about["key_set"]["members"])
    stranger = {**honest[0], "name": "Mal", "fingerprint": "ABCD" * 10}
    for members in ([*honest, stranger], honest[1:], [stranger, *honest[1:]]):
        about["key_set"]["members"] = members
        room.lies[place] = json.dumps(about).encode()
        code, said = room.run("Tom", *reply)
        assert (code, said) == (
            4, "portal-triage: The portal asks to seal to others than those of key set 2. Nothing was sealed.\n"
        )  # fmt: skip
    about["key_set"] = {"number": 1, "members": honest}
    room.lies[place] = json.dumps(about).encode()
    code, said = room.run("Tom", *reply)
    assert (code, "somebody has put an older history in its place" in said) == (4, True)
    assert len(about["messages"]) == 1


@contextmanager
def as_on(room: Room, who: str) -> Iterator[None]:
    """As on a person's machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GNUPGHOME", str(room.homes[who].home))
        yield


def wrapped(room: Room, who: str, head: bytes, whom: str = "New") -> bytes:
    """The session key behind a head, wrapped on a person's machine for another's certificate."""
    with as_on(room, who):
        session_key = wrapping.SessionKey(*keyring.session_key(head))
        certificate = room.homes[whom].certificate(address(whom)).encode()
        (target,) = keyring.targets(certificate, [room.fingerprint(whom)])
    return wrapping.wrap(session_key, target.key)


def post(room: Room, upload: str, fingerprint: str, packet: bytes, who: str = "Tia") -> requests.Response:
    """Hand a packet over."""
    told = {"fingerprint": fingerprint, "packet": base64.b64encode(packet).decode()}
    return room.ask("POST", room.staff(f"rewrap/{upload}"), who, told)


def test_wrong_packets_keys_and_people_are_refused(room: Room) -> None:
    new, upload = room.fingerprint("New"), str(room.listed()[0]["upload"])
    head = room.ask("GET", room.staff(f"rewrap/{upload}"), "Tom").content
    good = wrapped(room, "Tom", head)
    refused = [
        (new, b""),
        (new, good[:-1]),
        (new, good + good),
        (new, good[:2] + b"\x06" + good[3:]),
        (new, packets.packet(18, good[2:])),
        (new, packets.packet(1, b"\x03" + bytes(8) + good[11:])),
        (room.fingerprint("Tom"), good),
        ("A" * 40, good),
    ]

    assert [post(room, upload, *each).status_code for each in refused] == [422] * len(refused)
    assert post(room, upload, new, good, who="Ada").status_code == 403
    room.tokens["Nobody"] = "rcp_none"
    assert post(room, upload, new, good, who="Nobody").status_code == 401
    assert post(room, "0" * 36, new, good).status_code == 404
    assert room.ask("POST", room.staff(f"rewrap/{upload}"), "Tom", ["x"]).status_code == 422
    assert post(room, upload, new, good).status_code == 201


def test_a_key_that_somebody_else_put_into_a_certificate_does_not_count(homes: dict[str, Gpg]) -> None:
    tom, new = (homes[name].run("--export", f"={address(name)}") for name in ("Tom", "New"))
    subkey = b"".join(packets.packet(tag, body) for tag, body in list(packets.split(tom))[3:])
    grafted = new + subkey
    only = b"".join(packets.packet(tag, body) for tag, body in list(packets.split(new))[:3]) + subkey
    fingerprint = homes["New"].fingerprint(address("New"))

    (target,) = keyring.targets(grafted, [fingerprint])
    assert target.key in new
    with pytest.raises(Failure, match="no key that gpg would seal to"):
        keyring.targets(only, [fingerprint])
    with pytest.raises(Failure, match="gives no certificate"):
        keyring.targets(tom, [fingerprint])


def test_only_packets_for_recipients_reach_gpg(homes: dict[str, Gpg], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", str(homes["New"].home))
    sealed = homes["Tom"].seal(b"x", [address("Tom")])
    head = sealed[: 2 + sealed[1]]

    with pytest.raises(Damaged):
        keyring.session_key(sealed)
    with pytest.raises(Unreadable):
        keyring.session_key(head)
    monkeypatch.setenv("GNUPGHOME", str(homes["Tom"].home))
    cipher, octets = keyring.session_key(head)
    assert (cipher, len(octets)) == (9, 32)
