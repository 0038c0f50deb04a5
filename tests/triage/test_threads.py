"""`portal-triage thread`: each message appears whole, or nothing of it does; and what killed processes leave behind."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.triage import main, private
from portal.triage.failures import Failure
from portal.triage.replying import edited
from tests.reports.openpgp import Gpg, gpg_home, message
from tests.servers.waiting import until
from tests.triage.portal import Stub

REF = "SCR-0001"
ME = ("triager@example.org",)
PASSPHRASE = "open the seventh door"


@pytest.fixture
def to(tmp_path: Path) -> Path:
    """Where the triager keeps opened messages."""
    return tmp_path / "opened"


def said(ref: str = REF, **changed: Any) -> bytes:
    """A message as the pages write it."""
    data = b"\x00\x01trace"
    encoded, digest = base64.b64encode(data).decode(), hashlib.sha256(data).hexdigest()
    file = {"name": "../../trace.bin", "sha256": digest, "data": encoded}
    value = {"format": "sealed-message/1", "report": ref, "text": "The **seventh** block.", "attachments": [file]}
    return json.dumps(value | changed).encode()


def left(to: Path) -> list[str]:
    """Every file under a folder."""
    return sorted(str(path.relative_to(to)) for path in to.rglob("*") if path.is_file())


@pytest.fixture
def thread(portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Hold these messages, and open them."""

    def run(*messages: bytes, options: tuple[str, ...] = ()) -> tuple[int, str, str]:
        portal.hold(REF, b"body")
        portal.messages[REF] = list(messages)
        code = main(["thread", REF, "--to", str(to), *options])
        return code, *capsys.readouterr()

    return run


def test_messages_open_once_with_harmless_names(
    thread: Callable[..., tuple[int, str, str]], portal: Stub, gpg: Gpg, to: Path
) -> None:
    first, second = gpg.seal(said(), ME), gpg.seal(b"by hand", ME)

    code, told, _ = thread(first, second)

    assert code == 0
    assert "message 1 2020-06-15T12:00:00Z from the researcher  opened: " in told
    assert left(to) == [f"{REF}-thread/1/message.md", f"{REF}-thread/1/trace.bin", f"{REF}-thread/2/message.md"]
    assert (to / f"{REF}-thread" / "1" / "message.md").read_text() == "The **seventh** block."
    assert portal.posted == [{"number": 2}]
    assert "here already" in thread(first, second)[1]
    assert {path.stat().st_mode & 0o077 for path in to.rglob("*")} == {0}


def test_listing_opens_nothing(thread: Callable[..., tuple[int, str, str]], to: Path) -> None:
    code, told, _ = thread(b"not even sealed", options=("--list",))

    assert (code, told) == (0, "message 1 2020-06-15T12:00:00Z from the researcher\n")
    assert not to.exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda gpg: gpg.seal(said(), ME)[:-40],
        lambda gpg: gpg.seal(said() * 50_000, ME)[:-3] + b"abc",
        lambda gpg: gpg.seal(said(ref="SCR-0002"), ME),
        lambda gpg: gpg.seal(said(format="sealed-message/9"), ME),
        lambda gpg: gpg.seal(said(attachments=[{"name": "a", "sha256": "0" * 64, "data": "QQ=="}]), ME),
        lambda gpg: gpg.seal(said(text=7), ME),
    ],
    ids=["cut", "changed", "of another report", "unknown format", "other bytes", "malformed"],
)
def test_of_a_message_that_is_not_whole_nothing_is_left(
    thread: Callable[..., tuple[int, str, str]], portal: Stub, gpg: Gpg, to: Path, spoil: Callable[[Gpg], bytes]
) -> None:
    code, _, error = thread(gpg.seal(b"good", ME), spoil(gpg))

    assert code == 4
    assert error.startswith("portal-triage: message 2 2020-06-15T12:00:00Z from the researcher  not opened: ")
    assert error.endswith("portal-triage: 1 of 2 messages is not open here.\n")
    assert left(to) == [f"{REF}-thread/1/message.md"]


@pytest.mark.parametrize(
    ("spoil", "code", "why"),
    [
        (lambda gpg: message(200, sorted(gpg.encryption_key_ids(ME[0]))), 5, "what it holds for it is not sound"),
        (lambda gpg: gpg.seal(said(), ME)[:-40], 4, "gpg does not vouch for it"),
        (lambda gpg: gpg.seal(said(), ["stranger@example.org"]), 5, "keys that this machine does not have"),
        (lambda gpg: gpg.seal(said(text="\ud800"), ME), 4, "The message is malformed."),
        (lambda gpg: gpg.seal(bytes(2_000_000), ME, "-z", "9"), 6, "unpacks to more than"),
    ],
    ids=["garbage for the right key", "cut", "for others", "no text", "bomb"],
)
def test_a_message_that_cannot_be_opened_hides_no_other(
    thread: Callable[..., tuple[int, str, str]], gpg: Gpg, to: Path, spoil: Callable[[Gpg], bytes], code: int, why: str
) -> None:
    messages = (gpg.seal(b"one", ME), spoil(gpg), gpg.seal(b"three", ME), spoil(gpg), gpg.seal(b"five", ME))

    got, told, error = thread(*messages, options=("--max-bytes", "1M"))

    assert (got, left(to)) == (code, [f"{REF}-thread/{number}/message.md" for number in (1, 3, 5)])
    assert [line.split()[1] for line in told.splitlines()] == ["1", "3", "5"]
    first, second, last = error.splitlines()
    assert [line.split()[2] for line in (first, second)] == ["2", "4"]
    assert why in first
    assert last == "portal-triage: 2 of 5 messages are not open here."
    assert thread(*messages, options=("--max-bytes", "1M"))[0] == code


def test_as_read_counts_what_was_opened_and_nothing_after_it(
    thread: Callable[..., tuple[int, str, str]], portal: Stub, gpg: Gpg
) -> None:
    thread(gpg.seal(b"one", ME), b"broken", gpg.seal(b"three", ME), b"broken")
    assert portal.posted == [{"number": 3}]


def test_nothing_opened_is_nothing_read(thread: Callable[..., tuple[int, str, str]], portal: Stub, gpg: Gpg) -> None:
    assert thread()[0] == 0
    assert thread(b"broken")[0] == 4
    assert portal.posted == []


def test_a_message_that_the_portal_does_not_give_hides_no_other(
    thread: Callable[..., tuple[int, str, str]], portal: Stub, gpg: Gpg, to: Path
) -> None:
    portal.fails[f"reports/{REF}/messages/1"] = 503

    code, _, error = thread(gpg.seal(b"one", ME), gpg.seal(b"two", ME))

    assert (code, left(to)) == (3, [f"{REF}-thread/2/message.md"])
    assert "not opened: It was" in error


def test_what_stands_against_all_of_them_is_said_once(
    thread: Callable[..., tuple[int, str, str]], gpg: Gpg, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = gpg.seal(b"one", ME)
    monkeypatch.setenv("PORTAL_TRIAGE_GPG", "no-such-gpg")

    code, told, error = thread(sealed, sealed)

    assert (code, told) == (1, "")
    assert error == "portal-triage: gpg is not installed here (or PORTAL_TRIAGE_GPG names none).\n"


def test_a_bomb_is_stopped_while_it_unpacks(thread: Callable[..., tuple[int, str, str]], gpg: Gpg, to: Path) -> None:
    bomb = gpg.seal(bytes(50_000_000), ME, "-z", "9")

    assert thread(bomb, options=("--max-bytes", "1M"))[0] == 6
    assert left(to) == []


def test_without_the_key_it_says_so(thread: Callable[..., tuple[int, str, str]], gpg: Gpg, to: Path) -> None:
    code, _, error = thread(gpg.seal(said(), ["stranger@example.org"]))

    assert (code, left(to)) == (5, [])
    assert "sealed to keys that this machine does not have" in error


@pytest.fixture(scope="module")
def guarded() -> Iterator[Gpg]:
    """A machine whose key has a passphrase and whose agent can ask nobody."""
    with gpg_home() as home:
        (home.home / "gpg-agent.conf").write_text("pinentry-program /bin/false\nallow-preset-passphrase\n")
        words = ("--pinentry-mode", "loopback", "--passphrase", PASSPHRASE)
        home.run(*words, "--quick-gen-key", ME[0], "future-default", "default", "1y")
        yield home


@pytest.fixture
def locked(guarded: Gpg, monkeypatch: pytest.MonkeyPatch) -> Gpg:
    """The same machine, whose agent has forgotten every passphrase."""
    monkeypatch.setenv("GNUPGHOME", str(guarded.home))
    subprocess.run(["gpgconf", "--homedir", str(guarded.home), "--kill", "gpg-agent"], check=True)
    return guarded


def test_a_locked_key_is_said_clearly(portal: Stub, locked: Gpg, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    portal.hold(REF, locked.seal(b"text", ME))

    assert main(["open", REF, "--to", str(to)]) == 5

    assert "the passphrase or the card is missing, or the question was cancelled" in capsys.readouterr().err
    assert left(to) == []


def test_the_agent_that_knows_the_passphrase_is_enough(
    portal: Stub, locked: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = locked.seal(b"text", ME)
    portal.hold(REF, sealed)
    locked.run("--pinentry-mode", "loopback", "--passphrase", PASSPHRASE, "--decrypt", data=sealed)

    assert main(["open", REF, "--to", str(to)]) == 0
    assert left(to) == [f"{REF}/body.txt"]


@pytest.mark.parametrize(("words", "code"), [(PASSPHRASE, 0), ("wrong", 5)])
def test_the_passphrase_may_come_from_a_file(
    portal: Stub, locked: Gpg, to: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "passphrase").write_text(f"{words}\n")
    monkeypatch.setenv("PORTAL_TRIAGE_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    portal.hold(REF, locked.seal(b"text", ME))

    assert main(["open", REF, "--to", str(to)]) == code
    assert words not in "".join(capsys.readouterr())


# gpg that writes what it decrypts and then hangs, as a machine that is switched off in the middle.
HANGING = """#!/bin/sh
yes 'plain text that must not stay' | head -c 3000000
exec sleep 60
"""


def test_what_a_killed_process_leaves_lies_in_a_private_folder_and_the_next_one_clears_it(
    portal: Stub, gpg: Gpg, to: Path, tmp_path: Path
) -> None:
    portal.hold(REF, gpg.seal(b"text", ME))
    (tmp_path / "gpg-hanging").write_text(HANGING)
    (tmp_path / "gpg-hanging").chmod(0o700)
    command = [sys.executable, "-m", "portal.triage", "open", REF, "--to", str(to)]
    slow = {**os.environ, "PORTAL_TRIAGE_GPG": str(tmp_path / "gpg-hanging")}
    with subprocess.Popen(command, env=slow, start_new_session=True) as process:
        until(lambda: any(path.stat().st_size for path in to.rglob("plain/body")), "something decrypted")
        os.killpg(process.pid, signal.SIGKILL)

    (work,) = [path for path in to.iterdir() if path.name.startswith(private.PREFIX)]
    assert work.stat().st_mode & 0o777 == 0o700
    assert [path for path in to.iterdir() if path != work] == []
    assert main(["open", REF, "--to", str(to)]) == 0
    assert left(to) == [f"{REF}/body.txt"]


def test_a_folder_in_which_somebody_works_is_left_alone(tmp_path: Path) -> None:
    with private.folder(tmp_path) as work:
        assert private.clear(tmp_path) == 0
        assert work.exists()
    assert list(tmp_path.iterdir()) == []


def test_the_editor_finds_the_template_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    append = ["sh", "-c", 'test "$(stat -c %a "$(dirname "$0")")" = 700 && echo more >> "$0"']

    assert edited("Begin.\n", append) == "Begin.\nmore\n"
    with pytest.raises(Failure, match="ended with an error"):
        edited("Begin.\n", ["false"])
    with pytest.raises(Failure, match="no editor"):
        edited("Begin.\n", ["no-such-editor"])

    assert list(tmp_path.iterdir()) == []
