"""`portal-triage open`: what gpg vouches for appears whole; of everything else nothing is left."""

import json
import os
import stat
from pathlib import Path

import pytest

from portal.triage import main
from tests.reports.openpgp import Gpg, new_packet
from tests.triage.portal import Stub, bodies, manifest

REF = "SCR-0001"
PACKET_OF_THE_HASH = 22
BOTH = ("triager@example.org", "stranger@example.org")
ME = BOTH[:1]


@pytest.fixture
def to(tmp_path: Path) -> Path:
    """Where the triager keeps opened reports."""
    return tmp_path / "opened"


def left(to: Path) -> list[str]:
    """Everything under a folder."""
    return sorted(str(path.relative_to(to)) for path in to.rglob("*"))


def run(capsys: pytest.CaptureFixture[str], to: Path, *options: str) -> tuple[int, str]:
    """Open the report; gives the exit code and what was said where it belongs."""
    code = main(["open", REF, "--to", str(to), *options])
    out, err = capsys.readouterr()
    assert (out == "") == (code != 0) or "Opened" in out
    return code, err if code else out


def refused(portal: Stub, to: Path) -> None:
    """Nothing plain is left, and the portal was told nothing."""
    assert left(to) == []
    assert portal.acknowledged == []


def test_a_report_with_attachments_opens_whole_and_is_acknowledged(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace, notes = gpg.seal(b"\x00\x01" * 5000, ME), gpg.seal(b"notes", BOTH)
    body = gpg.seal(manifest(("trace.bin", trace, 10000), ("notes.txt", notes, 5), cvss="CVSS:3.1/AV:N"), ME)
    portal.hold(REF, body, trace, notes)

    code, said = run(capsys, to)

    assert (code, said) == (
        0,
        f"Opened: {to / REF} (2 attachments, the ones that its manifest names)\nAcknowledged.\n",
    )
    assert left(to) == [
        REF,
        f"{REF}/attachments",
        f"{REF}/attachments/notes.txt",
        f"{REF}/attachments/trace.bin",
        f"{REF}/manifest.json",
        f"{REF}/report.md",
    ]
    assert (to / REF / "attachments" / "trace.bin").read_bytes() == b"\x00\x01" * 5000
    assert (to / REF / "report.md").read_text() == (
        "# Weak check of a signature\n\nBuild: 20.06\nCVSS: CVSS:3.1/AV:N\nKey set: 1\n\nThe check **stops** early.\n"
    )
    assert json.loads((to / REF / "manifest.json").read_bytes())["build"] == "20.06"
    assert {stat.S_IMODE(os.stat(path).st_mode) & 0o077 for path in to.rglob("*")} == {0}
    assert portal.acknowledged == [REF]


def test_opening_tells_of_the_links(portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    portal.hold(REF, gpg.seal(manifest(), ME))
    portal.links[REF] = [
        {"number": 1, "state": "open", "title": "One"},
        {"number": 2, "state": "known", "known_issue": "K-3"},
    ]

    assert "  link 1: undecided One\n  link 2: known (K-3)\n" in run(capsys, to)[1]


def test_opening_can_be_kept_quiet(portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    portal.hold(REF, gpg.seal(manifest(), ME))

    assert run(capsys, to, "--no-acknowledge")[0] == 0

    assert left(to) == [REF, f"{REF}/manifest.json", f"{REF}/report.md"]
    assert portal.acknowledged == []


@pytest.mark.parametrize(
    ("plain", "name"),
    [
        (b"just text", "body.txt"),
        (b"\xff\xfe", "body.bin"),
        (b"a" * 257 + b"ustar" + bytes(250), "body.tar"),
        (b'{"format": 1}', "body.txt"),
        (b"[1]", "body.txt"),
    ],
)
def test_what_was_sealed_by_hand_is_written_as_it_is(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str], plain: bytes, name: str
) -> None:
    portal.hold(REF, gpg.seal(plain, ME), gpg.seal(b"more", ME))

    code, said = run(capsys, to)

    assert code == 0
    assert "sealed by hand: no manifest says whether all are there" in said
    assert (to / REF / name).read_bytes() == plain
    assert (to / REF / "attachments" / "attachment-1").read_bytes() == b"more"


@pytest.mark.parametrize("place", [0.5, 0.9, 0.999])
def test_changed_ciphertext_is_refused(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str], place: float
) -> None:
    sealed = bytearray(gpg.seal(b"plain text that must not stay " * 100_000, ME))
    sealed[int(len(sealed) * place)] ^= 1
    portal.hold(REF, bytes(sealed))

    code, said = run(capsys, to)

    assert (code, said) == (
        4,
        "portal-triage: gpg does not vouch for it: it is damaged, or was changed on its way. Nothing was kept.\n",
    )
    refused(portal, to)


def test_a_message_cut_short_by_its_sender_is_refused(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portal.hold(REF, gpg.seal(b"plain" * 100_000, ME)[:-100])

    assert run(capsys, to)[0] == 4
    refused(portal, to)


def test_a_message_without_its_hash_is_refused(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    *keys, (_, body) = bodies(gpg.seal(b"plain" * 1000, ME))
    portal.hold(REF, b"".join(new_packet(*key) for key in keys) + new_packet(18, body[:-PACKET_OF_THE_HASH]))

    assert run(capsys, to)[0] == 4
    refused(portal, to)


def test_a_message_turned_into_the_unprotected_kind_is_refused(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    *keys, (tag, body) = bodies(gpg.seal(b"plain" * 1000, ME))
    assert tag == 18
    portal.hold(REF, b"".join(new_packet(*key) for key in keys) + new_packet(9, body[1:]))

    assert run(capsys, to)[0] == 4
    refused(portal, to)


def test_what_is_not_encrypted_at_all_is_refused(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portal.hold(REF, gpg.run("--store", "--output", "-", data=manifest()))

    assert run(capsys, to)[0] == 4
    refused(portal, to)


def test_two_messages_in_one_file_are_refused(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portal.hold(REF, gpg.seal(manifest(), ME) + gpg.seal(manifest(), ME))

    assert run(capsys, to)[0] == 4
    refused(portal, to)


def test_a_bomb_is_stopped_while_it_unpacks(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bomb = gpg.seal(bytes(64 * 2**20), ME, "-z", "9")
    assert len(bomb) < 2**20
    portal.hold(REF, bomb)

    code, said = run(capsys, to, "--max-bytes", "1M")

    assert (code, said) == (
        6,
        "portal-triage: It unpacks to more than 1048576 bytes. Nothing was kept; --max-bytes allows more.\n",
    )
    refused(portal, to)


def test_the_bound_holds_for_all_files_together(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [gpg.seal(bytes(600), ME), gpg.seal(bytes(600) + b"1", ME)]
    body = manifest(("a", files[0], 600), ("b", files[1], 601))
    portal.hold(REF, gpg.seal(body, ME), *files)

    assert run(capsys, to, "--max-bytes", str(len(body) + 1200))[0] == 6
    refused(portal, to)
    assert run(capsys, to, "--max-bytes", str(len(body) + 1201))[0] == 0


def test_without_the_key_it_says_so(portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    portal.hold(REF, gpg.seal(manifest(), BOTH[1:]))

    code, said = run(capsys, to)

    assert (code, said) == (5, "portal-triage: It is sealed to keys that this machine does not have.\n")
    refused(portal, to)


def test_one_of_several_keys_is_enough(portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    portal.hold(REF, gpg.seal(manifest(), BOTH))

    assert run(capsys, to)[0] == 0


def test_an_exchanged_attachment_is_refused(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    genuine, other = gpg.seal(b"genuine", ME), gpg.seal(b"genuine", ME)
    portal.hold(REF, gpg.seal(manifest(("trace\x1b.bin", genuine, 7)), ME), other)

    code, said = run(capsys, to)

    assert (code, said) == (
        4,
        "portal-triage: The attachment “trace .bin” is missing or is not the one that was sealed.\n",
    )
    refused(portal, to)


@pytest.mark.parametrize("kept", [0, 1])
def test_an_omitted_or_added_attachment_is_refused(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str], kept: int
) -> None:
    first, second = gpg.seal(b"first", ME), gpg.seal(b"second", ME)
    if kept:
        portal.hold(REF, gpg.seal(manifest(("a", first, 5), ("b", second, 6)), ME), first)
    else:
        portal.hold(REF, gpg.seal(manifest(("a", first, 5)), ME), first, second)

    assert run(capsys, to)[0] == 4
    refused(portal, to)


def test_an_attachment_of_another_size_than_named_is_refused(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = gpg.seal(b"12345", ME)
    portal.hold(REF, gpg.seal(manifest(("a", sealed, 4)), ME), sealed)

    assert run(capsys, to)[0] == 4
    refused(portal, to)


def test_a_damaged_attachment_takes_the_whole_report_with_it(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = bytearray(gpg.seal(b"12345" * 1000, ME))
    damaged[-5] ^= 1
    good = gpg.seal(b"good", ME)
    body = manifest(("a", good, 4), ("b", bytes(damaged), 5000))
    portal.hold(REF, gpg.seal(body, ME), good, bytes(damaged))

    assert run(capsys, to)[0] == 4
    refused(portal, to)


@pytest.mark.parametrize(
    "changed",
    [
        {"attachments": [{"name": "a", "size": -1, "sha256": "0" * 64}]},
        {"attachments": [{"name": 1, "size": 1, "sha256": "0" * 64}]},
        {"attachments": [{"name": "a", "size": 1, "sha256": "../x"}]},
        {"attachments": 1},
        {"text": None},
        {"title": "half a sign: \ud800"},
        {"key_set": True},
        {"format": "sealed-report/2"},
    ],
)
def test_a_malformed_manifest_is_refused(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, object]
) -> None:
    portal.hold(REF, gpg.seal(manifest(**changed), ME))

    assert run(capsys, to)[0] == 4
    refused(portal, to)


def test_names_of_attachments_stay_in_their_folder(
    portal: Stub, gpg: Gpg, to: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["../../etc/passwd", "/etc/passwd", "..", "C:\\x\\passwd", ".bashrc", "a\x00b\u202egnp.exe", ""]
    files = [gpg.seal(str(number).encode(), ME) for number in range(len(wanted))]
    portal.hold(REF, gpg.seal(manifest(*[(n, f, 1) for n, f in zip(wanted, files, strict=True)]), ME), *files)

    assert run(capsys, to)[0] == 0

    folder = to / REF / "attachments"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "passwd": b"0",
        "passwd-2": b"1",
        "attachment-3": b"2",
        "passwd-3": b"3",
        "bashrc": b"4",
        "a b gnp.exe": b"5",
        "attachment-7": b"6",
    }
    assert sorted(os.listdir(tmp_path)) == ["opened"]


def test_a_download_that_breaks_off_is_noticed(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = gpg.seal(manifest(), ME)
    portal.hold(REF, sealed)
    portal.sends[f"reports/{REF}/files/0"] = sealed[:100]

    code, said = run(capsys, to)

    assert (code, said) == (
        4,
        f"portal-triage: The download broke off after 100 of {len(sealed)} bytes. Try again.\n",
    )
    refused(portal, to)


def test_a_download_of_other_bytes_than_stated_is_noticed(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = gpg.seal(manifest(), ME)
    portal.hold(REF, sealed)
    portal.sends[f"reports/{REF}/files/0"] = sealed[:-1] + bytes([sealed[-1] ^ 1])

    assert run(capsys, to) == (
        4,
        "portal-triage: What arrived is not what the portal states: the SHA-256 differs.\n",
    )
    refused(portal, to)


def test_a_download_longer_than_stated_stops(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = gpg.seal(manifest(), ME)
    portal.hold(REF, sealed)
    portal.sends[f"reports/{REF}/files/0"] = sealed + bytes(10_000_000)

    assert run(capsys, to) == (4, "portal-triage: What arrived is longer than the portal states.\n")
    refused(portal, to)


@pytest.mark.parametrize(
    ("stated", "code"),
    [({"n": 1}, 4), ({"url": "https://elsewhere.example/x"}, 1), ({"size": "many"}, 3), ({"n": 9, "kind": "body"}, 4)],
)
def test_a_strange_list_of_files_is_refused(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str], stated: dict[str, object], code: int
) -> None:
    portal.hold(REF, gpg.seal(manifest(), ME))
    portal.stated = stated

    assert run(capsys, to)[0] == code
    refused(portal, to)


def test_an_opened_report_is_never_written_over(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portal.hold(REF, gpg.seal(manifest(), ME))
    (to / REF).mkdir(parents=True)

    assert run(capsys, to)[0] == 1
    assert left(to) == [REF]
    assert portal.asked == []


def test_when_the_acknowledgement_fails_the_report_is_open_and_it_says_how_to_go_on(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portal.hold(REF, gpg.seal(manifest(), ME))
    portal.fails[f"reports/{REF}/acknowledge"] = 409

    assert main(["open", REF, "--to", str(to)]) == 3

    assert capsys.readouterr().err == (
        f"portal-triage: It is open but not acknowledged. It was [2Jwithdrawn. Then: portal-triage acknowledge {REF}\n"
    )
    assert (to / REF / "report.md").exists()


def test_without_gpg_it_says_so(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.hold(REF, gpg.seal(manifest(), ME))
    monkeypatch.setenv("PORTAL_TRIAGE_GPG", "/nowhere/gpg")

    assert run(capsys, to)[0] == 1
    refused(portal, to)


def test_an_interrupt_leaves_nothing(
    portal: Stub, gpg: Gpg, to: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        assert (next(to.iterdir()) / "plain" / "body").exists()
        raise KeyboardInterrupt

    portal.hold(REF, gpg.seal(manifest(), ME))
    monkeypatch.setattr("portal.triage.manifest.read", interrupted)

    assert run(capsys, to)[0] == 130
    refused(portal, to)
