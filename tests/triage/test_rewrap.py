"""Opening old reports to a new triager: the command against a served portal, with a gpg home for each person."""

import base64
import hashlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from portal.accounts.states import Role
from portal.core import clock
from portal.reports.actions.keys import make_token, propose, publish_key_set
from portal.reports.models import Rewrap
from portal.triage import keyring, packets, wrapping
from portal.triage.failures import Damaged, Failure, Unreadable
from tests.cast import make_account
from tests.faults.stage import Stage, staged
from tests.reports.openpgp import Gpg, gpg_home

KINDS = {"Tom": "future-default", "Tia": "rsa2048", "New": "future-default", "Recovery": "nistp384"}
PARTICULARS = {"title": "Report", "kind": "full", "severity": "important", "build": "20.06"}
BODY, ATTACHMENT = b"The check stops early.", os.urandom(70_000)


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


@dataclass
class Room:
    """A served portal, and the people's machines."""

    stage: Stage
    homes: dict[str, Gpg]
    tokens: dict[str, str]
    folder: Path
    sealed: list[bytes]
    ref: str = ""

    def fingerprint(self, name: str) -> str:
        """Of a person's key."""
        return self.homes[name].fingerprint(address(name))

    def run(self, who: str, *words: str, token: str | None = None) -> tuple[int, str]:
        """The command on a person's machine: its exit code, and all that it said."""
        environ = os.environ | {
            "GNUPGHOME": str(self.homes[who].home), "HOME": str(self.folder), "NO_PROXY": "127.0.0.1",
            "PORTAL_TRIAGE_URL": f"{self.stage.site.url}/staff/{self.stage.cast.slug}",
            "PORTAL_TRIAGE_TOKEN": token or self.tokens[who],
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "portal.triage", *words], capture_output=True, text=True, check=False, env=environ,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def ask(self, method: str, path: str, who: str, told: object = None) -> requests.Response:
        """One request with a person's token."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Accept": "application/json"}
        return requests.request(method, self.stage.site.url + path, headers=headers, json=told, timeout=60)

    def staff(self, path: str) -> str:
        """An address of the staff's."""
        return f"/staff/{self.stage.cast.slug}/{path}"

    def listed(self) -> list[dict[str, object]]:
        """What the portal says of who lacks what."""
        return list(self.ask("GET", self.staff("rewrap.json"), "Tom").json()["objects"])


@contextmanager
def opened(kind: str, folder: Path, homes: dict[str, Gpg]) -> Iterator[Room]:
    """A report sealed to set 1 (Tom, Tia); then set 2, in which there is New too."""
    with staged(kind, folder) as stage:
        made = Room(stage, homes, {}, folder, [])
        _first_set(made)
        _send(made)
        _second_set(made)
        yield made


@pytest.fixture
def room(tmp_path: Path, homes: dict[str, Gpg], monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """Such a portal, for what no database is in question."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with opened("sqlite", tmp_path, homes) as made:
        yield made


@pytest.fixture
def either(database: str, tmp_path: Path, homes: dict[str, Gpg], monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """Such a portal on each of the databases."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with opened(database, tmp_path, homes) as made:
        yield made


def _certificates(room: Room, *names: str) -> list[str]:
    return [room.homes[name].certificate(address(name)) for name in names]


def _first_set(room: Room) -> None:
    cast, at = room.stage.cast, clock.now()
    tom, tia, recovery = _certificates(room, "Tom", "Tia", "Recovery")
    with room.stage.behind.session() as session:
        publish_key_set(
            session, [(cast.triager.id, tom), (cast.second_triager.id, tia)], recovery, by=cast.admin.id, at=at
        )
        people = {"Ada": cast.researcher.id, "Tom": cast.triager.id, "Tia": cast.second_triager.id}
        people["New"] = make_account(session, "New", Role.TRIAGER, scope=cast.slug).id
        room.tokens = {
            name: make_token(session, cast.challenge.id, "t", by=each, at=at) for name, each in people.items()
        }
        session.commit()


def _send(room: Room) -> None:
    """A report with an attachment, sealed by a researcher's gpg."""
    with gpg_home() as mine:
        for text in _certificates(room, "Tom", "Tia", "Recovery"):
            mine.run("--import", data=text.encode())
        names = [address(name) for name in ("Tom", "Tia", "Recovery")]
        attachment = mine.seal(ATTACHMENT, names)
        manifest = {
            "format": "sealed-report/1", "title": "Report", "text": BODY.decode(), "build": "20.06", "cvss": None,
            "key_set": 1,
            "attachments": [
                {"name": "log.bin", "size": len(ATTACHMENT), "sha256": hashlib.sha256(attachment).hexdigest()}
            ],
        }  # fmt: skip
        room.sealed = [mine.seal(json.dumps(manifest).encode(), names), attachment]
    begun = room.ask("POST", f"/challenges/{room.stage.cast.slug}/reports/new", "Ada", PARTICULARS).json()
    room.ref = begun["ref"]
    for number, data in enumerate(room.sealed):
        _upload(room, begun, data, "attachment" if number else "body")
    assert room.ask("POST", begun["submit_url"], "Ada").status_code == 200


def _upload(room: Room, begun: dict[str, str], data: bytes, kind: str) -> None:
    told = {"report": begun["ref"], "kind": kind}
    encoded = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
    headers = {"Authorization": f"Bearer {room.tokens['Ada']}", "Tus-Resumable": "1.0.0"}
    made = requests.post(
        room.stage.site.url + begun["uploads_url"], timeout=60,
        headers=headers | {"Upload-Length": str(len(data)), "Upload-Metadata": encoded},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    how = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    where = requests.compat.urljoin(room.stage.site.url, made.headers["Location"])
    assert requests.patch(where, data=data, headers=headers | how, timeout=60).status_code == 204


def _second_set(room: Room) -> None:
    cast, at = room.stage.cast, clock.now()
    tom, tia, new, recovery = _certificates(room, "Tom", "Tia", "New", "Recovery")
    with room.stage.behind.session() as session:
        triagers = [(cast.triager.id, tom), (cast.second_triager.id, tia), (None, new)]
        statement = propose(session, triagers, recovery, at=at).statement
        who = room.fingerprint("Recovery")
        signed = room.homes["Recovery"].run("--armor", "--detach-sign", "--local-user", who, data=statement.encode())
        publish_key_set(session, triagers, recovery, by=cast.admin.id, at=at, signature=signed.decode())
        session.commit()


def test_a_new_triager_opens_old_reports_after_another_one_has_wrapped_them(either: Room, tmp_path: Path) -> None:
    room = either
    new, into = room.fingerprint("New"), ["--no-acknowledge", "--to"]
    assert [each["lacking"] for each in room.listed()] == [[new], [new]]
    assert room.run("New", "open", room.ref, *into, str(tmp_path / "before"))[0] == 5

    code, said = room.run("Tom", "rewrap", "--dry-run")
    assert (code, "lacks 2" in said, room.listed()[0]["lacking"]) == (0, True, [new])
    code, said = room.run("Tom", "rewrap")
    assert (code, said) == (1, "portal-triage: Name each fingerprint that you have compared: --to FINGERPRINT\n")
    code, said = room.run("Tom", "rewrap", "--to", "0" * 40)
    assert (code, "is not in key set 2" in said) == (1, True)
    code, said = room.run("Tom", "rewrap", "--to", new)
    assert (code, said) == (0, f"{room.ref} body: wrapped for 1\n{room.ref} attachment 1: wrapped for 1\n")
    assert room.run("Tom", "rewrap") == (0, "Every key of key set 2 opens every file.\n")

    for who in ("New", "Tom", "Tia", "Recovery"):
        room.tokens.setdefault("Recovery", room.tokens["Tom"])
        code, said = room.run(who, "open", room.ref, *into, str(tmp_path / who))
        assert code == 0, (who, said)
        folder = tmp_path / who / room.ref
        assert BODY.decode() in (folder / "report.md").read_text()
        assert (folder / "attachments" / "log.bin").read_bytes() == ATTACHMENT
    files = room.ask("GET", room.staff(f"reports/{room.ref}.json"), "Tom").json()["files"]
    assert [file["sha256"] for file in files] == [hashlib.sha256(data).hexdigest() for data in room.sealed]
    assert room.ask("GET", files[1]["url"], "Tom").content == room.sealed[1]
    whole = room.ask("GET", f"{files[1]['url']}/rewrapped", "New").content
    assert whole.endswith(room.sealed[1])
    assert room.homes["New"].open(whole) == ATTACHMENT


def answered(room: Room, who: str, *lines: str) -> tuple[int, str]:
    """The command at a terminal, where somebody answers its questions: its exit code, and all that the screen shows."""
    environ = os.environ | {
        "GNUPGHOME": str(room.homes[who].home), "HOME": str(room.folder), "NO_PROXY": "127.0.0.1",
        "PORTAL_TRIAGE_URL": f"{room.stage.site.url}/staff/{room.stage.cast.slug}",
        "PORTAL_TRIAGE_TOKEN": room.tokens[who],
    }  # fmt: skip
    mine, theirs = pty.openpty()
    words = [sys.executable, "-m", "portal.triage", "rewrap"]
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, close_fds=True)
    os.close(theirs)
    os.write(mine, "".join(f"{line}\n" for line in lines).encode())
    shown = b""
    with suppress(OSError):  # the terminal is gone once the command has ended
        while data := os.read(mine, 4096):
            shown += data
    os.close(mine)
    return process.wait(), shown.decode()


def test_at_a_terminal_it_asks_for_each_fingerprint(room: Room) -> None:
    new = room.fingerprint("New")
    grouped = " ".join(new[begin : begin + 4] for begin in range(0, 40, 4))

    code, shown = answered(room, "Tom", "n")
    assert (code, f"{grouped}  {address('New')}" in shown) == (0, True)
    assert "Nobody was chosen; nothing was wrapped." in shown
    assert room.listed()[0]["lacking"] == [new]

    code, shown = answered(room, "Tom", "y")
    assert (code, "body: wrapped for 1" in shown) == (0, True)
    assert [each["lacking"] for each in room.listed()] == [[], []]


def test_interrupted_it_goes_on_with_the_rest(room: Room) -> None:
    new, (first, second) = room.fingerprint("New"), room.listed()
    head = room.ask("GET", room.staff(f"rewrap/{first['upload']}"), "Tia").content
    with room.stage.behind.session() as session:
        assert session.scalars(sa.select(Rewrap)).all() == []
    packet = wrapped(room, "Tia", head)
    answer = post(room, str(first["upload"]), new, packet)
    assert answer.status_code == 201
    assert post(room, str(first["upload"]), new, packet).status_code == 201  # the same again changes nothing

    code, said = room.run("Tia", "rewrap", "--to", new)

    assert (code, said) == (0, f"{room.ref} attachment 1: wrapped for 1\n")
    assert post(room, str(first["upload"]), new, wrapped(room, "Tia", head)).status_code == 409
    assert second["n"] == 1


def test_two_at_once_wrap_each_file_once(either: Room) -> None:
    room = either
    new = room.fingerprint("New")
    environ = os.environ | {"NO_PROXY": "127.0.0.1", "HOME": str(room.folder)}
    running = []
    for who in ("Tom", "Tia"):
        told = {
            "GNUPGHOME": str(room.homes[who].home), "PORTAL_TRIAGE_TOKEN": room.tokens[who],
            "PORTAL_TRIAGE_URL": f"{room.stage.site.url}/staff/{room.stage.cast.slug}",
        }  # fmt: skip
        words = [sys.executable, "-m", "portal.triage", "rewrap", "--to", new]
        running.append(subprocess.Popen(words, env=environ | told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))

    ended = [(process.communicate()[0].decode(), process.returncode) for process in running]

    assert [code for _, code in ended] == [0, 0], ended
    with room.stage.behind.session() as session:
        assert len(session.scalars(sa.select(Rewrap)).all()) == 2
    assert room.run("New", "rewrap") == (0, "Every key of key set 2 opens every file.\n")


def test_who_cannot_open_them_wraps_nothing(room: Room) -> None:
    code, said = room.run("New", "rewrap", "--to", room.fingerprint("New"))

    assert code == 5
    assert said.endswith("portal-triage: 2 of 2 files stay shut: another triager must wrap them.\n")


def wrapped(room: Room, who: str, head: bytes, whom: str = "New") -> bytes:
    """The session key behind a head, wrapped on a person's machine for another's certificate."""
    os.environ["GNUPGHOME"], before = str(room.homes[who].home), os.environ.get("GNUPGHOME")
    try:
        session_key = wrapping.SessionKey(*keyring.session_key(head))
        certificate = room.homes[whom].certificate(address(whom)).encode()
        (target,) = keyring.targets(certificate, [room.fingerprint(whom)])
    finally:
        del os.environ["GNUPGHOME"]
        if before is not None:
            os.environ["GNUPGHOME"] = before
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
    with pytest.raises(Failure, match="cannot read"):
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
