"""The subcommands beside `open`: signing in, listing, fetching, acknowledging, and what they say when refused."""

import json
import os
import stat
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from portal.triage import chains, main
from portal.triage.failures import Failure
from portal.triage.settings import checked
from tests.triage.portal import STAFF, TOKEN, Stub

REF = "SCR-0001"


@pytest.fixture
def signed_out(portal: Stub, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """The portal, with nothing in the environment."""
    monkeypatch.delenv("PORTAL_TRIAGE_URL")
    monkeypatch.delenv("PORTAL_TRIAGE_TOKEN")
    return portal


def test_sign_in_keeps_the_token_for_its_owner_alone(
    signed_out: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(f"{TOKEN}\n"))

    assert main(["login", f"{signed_out.url}{STAFF}/reports/"]) == 0

    kept = tmp_path / ".config" / "portal-triage"
    assert capsys.readouterr().out == f"Signed in to {signed_out.url}{STAFF}; kept in {kept}.\n"
    assert json.loads(kept.read_text()) == {"url": f"{signed_out.url}{STAFF}", "token": TOKEN}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert os.listdir(kept.parent) == ["portal-triage"]
    signed_out.hold(REF, b"sealed")
    assert main(["acknowledge", REF]) == 0
    assert signed_out.acknowledged == [REF]


@pytest.mark.parametrize("token", ["wrong", "", "two words", "a\r\nInjected: header"])
def test_a_token_that_is_not_accepted_is_not_kept(
    signed_out: Stub,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    token: str,
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(token))

    assert main(["login", f"{signed_out.url}{STAFF}"]) != 0

    assert not (tmp_path / ".config").exists()


def test_a_file_that_others_can_read_is_refused(
    signed_out: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".config").mkdir()
    kept = tmp_path / ".config" / "portal-triage"
    kept.write_text(json.dumps({"url": f"{signed_out.url}{STAFF}", "token": TOKEN}))
    kept.chmod(0o640)

    assert main(["list"]) == 1

    assert "can be read by others" in capsys.readouterr().err
    assert signed_out.asked == []


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"url":'])
def test_a_damaged_file_is_one_line(
    signed_out: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (tmp_path / ".config").mkdir()
    kept = tmp_path / ".config" / "portal-triage"
    kept.write_text(content)
    kept.chmod(0o600)

    assert main(["list"]) == 1

    assert capsys.readouterr().err == f"portal-triage: {kept} is damaged. Run `portal-triage login ADDRESS` again.\n"


def test_without_signing_in_it_says_how(signed_out: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 1

    assert capsys.readouterr().err == (
        "portal-triage: Not signed in: run `portal-triage login ADDRESS`, "
        "or set PORTAL_TRIAGE_URL and PORTAL_TRIAGE_TOKEN.\n"
    )


@pytest.mark.parametrize(
    "address",
    [
        "http://portal.example/staff/x",
        "ftp://127.0.0.1/staff/x",
        "https:///staff/x",
        "https://portal.example/",
        "https://user:word@portal.example/staff/x",
        "https://portal.example:port/staff/x",
        "http://127.0.0.1.example.org/staff/x",
        "http://localhost.example.org/staff/x",
        "file:///staff/x",
    ],
)
def test_a_token_goes_nowhere_in_clear(address: str) -> None:
    with pytest.raises(Failure):
        checked(address)


@pytest.mark.parametrize(
    "address", ["https://portal.example/staff/x", "http://127.0.0.1:8000/staff/x", "http://[::1]/staff/x"]
)
def test_addresses_that_are_taken(address: str) -> None:
    assert checked(f" {address}/reports/ ") == address


def test_the_list_goes_on_to_its_end_and_shows_no_control_characters(
    portal: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    for ref in ("SCR-1", "SCR-2", "SCR-3\x1b]0;title\x07"):
        portal.hold(ref, b"sealed")

    assert main(["list", "--state", "received"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "SCR-1         received          2020-06-15T12:00:00Z  –          Title of SCR-1",
        "SCR-2         received          2020-06-15T12:00:00Z  –          Title of SCR-2",
        "SCR-3 ]0;title  received          2020-06-15T12:00:00Z  –          Title of SCR-3 ]0;title",
    ]
    assert portal.asked == [
        f"GET {STAFF}/reports.json?state=received",
        f"GET {STAFF}/reports.json?state=received&after=2",
    ]


LINKS = [
    {"number": 1, "state": "confirmed", "title": "Into the application\x1b[2J", "duplicate_of": None},
    {"number": 2, "state": "duplicate", "title": "Out of it", "duplicate_of": "SCR-0001/2"},
    {"number": 3, "state": "by_design", "title": "To stay", "mitigating_layer": "The manifest"},
    {"number": 4, "state": "open", "title": "The kernel's part"},
]


def test_the_list_says_how_many_links_wait(portal: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    for ref, links in (("SCR-1", []), ("SCR-2", LINKS), ("SCR-3", LINKS[:1])):
        portal.hold(ref, b"sealed")
        portal.links[ref] = links

    assert main(["list"]) == 0

    assert [line.partition("Title of ")[2] for line in capsys.readouterr().out.splitlines()] == [
        "SCR-1", "SCR-2  [4 links, 1 undecided]", "SCR-3  [1 link, all decided]",
    ]  # fmt: skip


def test_each_link_is_told_with_what_was_decided() -> None:
    assert chains.told({"links": LINKS}) == [
        "link 1: confirmed Into the application [2J",
        "link 2: duplicate (SCR-0001/2) Out of it",
        "link 3: by design (The manifest) To stay",
        "link 4: undecided The kernel's part",
    ]
    # A portal of before tells none.
    assert (chains.told({}), chains.counted({})) == ([], "")


def test_the_list_as_json(portal: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    portal.hold(REF, b"sealed")

    assert main(["list", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["ref"] == REF


def test_fetch_brings_the_sealed_files_and_acknowledges_nothing(
    portal: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portal.hold(REF, b"sealed body", b"sealed attachment")

    assert main(["fetch", REF, "--to", str(tmp_path)]) == 0

    folder = tmp_path / f"{REF}-sealed"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "body.pgp": b"sealed body",
        "attachment-1.pgp": b"sealed attachment",
    }
    assert os.listdir(tmp_path) == [folder.name]
    assert portal.acknowledged == []


@pytest.mark.parametrize("ref", ["../x", "", "a/b", "-", "x" * 65, ".hidden"])
def test_what_is_no_reference_is_asked_of_nobody(
    portal: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str], ref: str
) -> None:
    assert main(["fetch", "--to", str(tmp_path), "--", ref]) == 1
    assert portal.asked == []


def test_an_unknown_report_is_the_portals_own_words(portal: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["acknowledge", "SCR-9"]) == 3

    assert capsys.readouterr().err == "portal-triage: There is no such report here.\n"


def test_the_token_does_not_follow_a_redirect(
    portal: Stub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_TRIAGE_TOKEN", "outdated")

    assert main(["list"]) == 3

    assert "does not accept the token" in capsys.readouterr().err
    assert portal.asked == [f"GET {STAFF}/reports.json?"]


def test_an_unreachable_portal_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TRIAGE_URL", "http://127.0.0.1:1/staff/x")
    monkeypatch.setenv("PORTAL_TRIAGE_TOKEN", TOKEN)

    assert main(["list"]) == 3

    assert capsys.readouterr().err == ("portal-triage: The portal cannot be reached: [Errno 111] Connection refused.\n")


def test_it_runs_without_anything_but_the_standard_library(portal: Stub) -> None:
    portal.hold(REF, b"sealed")
    names = (
        "import sys; before = set(sys.modules); import portal.triage; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(*sorted(new - set(sys.stdlib_module_names)))"
    )

    loaded = subprocess.run([sys.executable, "-c", names], capture_output=True, text=True, check=True)
    listed = subprocess.run([sys.executable, "-m", "portal.triage", "list"], capture_output=True, text=True, check=True)

    assert loaded.stdout == "portal\n"
    assert listed.stdout.startswith(REF)
