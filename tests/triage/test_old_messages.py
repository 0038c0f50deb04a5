"""Messages from before a triager came: another triager has wrapped their session keys, and `thread` opens them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.triage import keyring, main, packets, wrapping
from portal.triage.rewrapping import Lacking
from tests.reports.openpgp import Gpg, gpg_home
from tests.triage.portal import Stub

REF = "SCR-0001"
OLD, NEW = "old@example.org", "triager@example.org"


@pytest.fixture(scope="module")
def old() -> Iterator[Gpg]:
    """The machine of a triager who was there from the beginning."""
    with gpg_home() as home:
        home.make(OLD)
        yield home


def wrapped(old: Gpg, machine: Gpg, sealed: bytes, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The session key of a sealed message, wrapped on the old triager's machine for the new one."""
    (target,) = keyring.targets(machine.certificate(NEW).encode(), [machine.fingerprint(NEW)])
    with monkeypatch.context() as there:
        there.setenv("GNUPGHOME", str(old.home))
        # gpg writes the packet for the only recipient first, shorter than 192 octets, with a header in the old format.
        head = sealed[: 2 + sealed[1]]
        assert len(packets.recipients(head)) == 1
        return wrapping.wrap(wrapping.SessionKey(*keyring.session_key(head)), target.key)


def test_a_new_triager_opens_old_messages_too(
    portal: Stub, gpg: Gpg, old: Gpg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    sealed = old.seal(b"It was block seven.", [OLD])
    portal.hold(REF, b"body")
    portal.messages[REF] = [sealed]
    assert main(["thread", REF, "--to", str(tmp_path / "before")]) == 5
    assert "sealed to keys that this machine does not have" in "".join(capsys.readouterr())

    portal.packets[f"{REF}-message-1"] = wrapped(old, gpg, sealed, monkeypatch)

    assert main(["thread", REF, "--to", str(tmp_path / "after")]) == 0
    assert (tmp_path / "after" / f"{REF}-thread" / "1" / "message.md").read_bytes() == b"It was block seven."


@pytest.mark.parametrize(
    ("kind", "n", "told"),
    [("body", 0, "SCR-0001 body"), ("attachment", 2, "SCR-0001 attachment 2"), ("message", 2, "SCR-0001 message 2")],
)
def test_what_is_wrapped_is_called_what_it_is(kind: str, n: int, told: str) -> None:
    assert Lacking("0" * 36, REF, n, kind, ()).told == told
