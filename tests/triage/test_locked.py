"""Wrapping session keys with a key that has a passphrase."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.triage import keyring, packets
from portal.triage.failures import Locked, Unreadable
from portal.triage.rewrapping import still_shut
from tests.reports.openpgp import Gpg, gpg_home, message

ME = "triager@example.org"
PASSPHRASE = "open the seventh door"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Gpg]:
    """A machine whose key has a passphrase and whose agent can ask nobody."""
    with gpg_home() as home:
        (home.home / "gpg-agent.conf").write_text("pinentry-program /bin/false\n")
        words = ("--pinentry-mode", "loopback", "--passphrase", PASSPHRASE)
        home.run(*words, "--quick-gen-key", ME, "future-default", "default", "1y")
        yield home


@pytest.fixture
def head(guarded: Gpg, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The packet for the recipient of a message, on the machine whose agent has forgotten every passphrase."""
    sealed = guarded.seal(b"text", [ME])
    found = sealed[: 2 + sealed[1]]
    assert len(packets.recipients(found)) == 1
    monkeypatch.setenv("GNUPGHOME", str(guarded.home))
    subprocess.run(["gpgconf", "--homedir", str(guarded.home), "--kill", "gpg-agent"], check=True)
    return found


def test_a_session_key_is_had_with_the_passphrase_from_the_file(
    head: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    monkeypatch.setenv("PORTAL_TRIAGE_PASSPHRASE_FILE", str(tmp_path / "passphrase"))

    cipher, octets = keyring.session_key(head)

    assert (cipher, len(octets)) == (9, 32)


@pytest.mark.parametrize("words", ["wrong", None])
def test_a_key_that_cannot_be_used_is_not_called_missing(
    head: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str | None
) -> None:
    if words:
        (tmp_path / "passphrase").write_text(f"{words}\n")
        monkeypatch.setenv("PORTAL_TRIAGE_PASSPHRASE_FILE", str(tmp_path / "passphrase"))

    with pytest.raises(Locked, match="the passphrase or the card is missing"):
        keyring.session_key(head)


def test_a_packet_that_is_not_sound_is_no_locked_key(head: bytes, guarded: Gpg) -> None:
    key_id = packets.recipients(head)[0]
    broken = message(60, [key_id])[:14]

    with pytest.raises(Unreadable, match="what it holds for it is not sound") as caught:
        keyring.session_key(broken)

    assert type(caught.value) is Unreadable


def test_what_is_to_be_done_about_files_that_stay_shut() -> None:
    missing, locked = Unreadable("No key of this machine opens it."), Locked("No passphrase.")

    assert str(still_shut([missing], 3)) == "1 of 3 files stay shut: another triager must wrap them."
    assert str(still_shut([missing, locked], 3)) == (
        "2 of 3 files stay shut. The key could not be used for 1 of them: give gpg its passphrase or card, and go on."
    )
    assert [type(still_shut(each, 3)) for each in ([missing], [missing, locked])] == [Unreadable, Locked]
