"""Known issues: the portal gets hashes, and a text only when it is revealed."""

import io
import json
import stat
import sys
from pathlib import Path

import pytest

from portal.reports import commitments
from portal.triage import known
from portal.triage.cli import main
from tests.triage.portal import Stub

SLUG, SENTENCE = "spring-challenge", "The log of the daemon can be filled."


def kept(home: Path) -> list[Path]:
    return sorted(home.rglob("known/**/*.json"))


def test_a_commitment_is_the_portals() -> None:
    assert known.commitment(SLUG, "ab" * 32, "„A“\n") == commitments.commitment(SLUG, "ab" * 32, "„A“\n")


def test_a_text_is_kept_here_and_only_its_hash_is_posted(
    portal: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "issue.txt").write_text(SENTENCE)

    assert main(["known", "commit", str(tmp_path / "issue.txt")]) == 0

    [path] = kept(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    value = json.loads(path.read_text())
    assert value["text"] == SENTENCE
    made = commitments.commitment(SLUG, value["salt"], SENTENCE)
    assert portal.posted == [{"commitments": [made]}]
    told = capsys.readouterr().out
    assert f"K-1  {made}" in told
    assert SENTENCE not in told


def test_two_of_the_same_text_elsewhere_look_different(portal: Stub, tmp_path: Path) -> None:
    (tmp_path / "issue.txt").write_text(SENTENCE)
    assert main(["known", "commit", str(tmp_path / "issue.txt")]) == 0
    for path in kept(tmp_path):
        path.unlink()
    assert main(["known", "commit", str(tmp_path / "issue.txt")]) == 0

    first, second = (posted["commitments"][0] for posted in portal.posted)
    assert first != second


def test_folders_and_tables_are_committed_at_once(portal: Stub, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for name, text in (("b.md", "Second"), ("a.md", "First"), (".hidden", "Not this")):
        (notes / name).write_text(text)
    (tmp_path / "table.csv").write_text('id,text\n1,"Third, with a comma"\n2,"Fourth\nin two lines"\n')

    assert main(["known", "commit", str(notes), str(tmp_path / "table.csv")]) == 0

    assert len(portal.posted[0]["commitments"]) == 4
    assert {json.loads(path.read_text())["text"] for path in kept(tmp_path)} == {
        "First", "Second", "Third, with a comma", "Fourth\nin two lines",
    }  # fmt: skip


def test_committing_again_posts_what_is_missing(portal: Stub, tmp_path: Path) -> None:
    (tmp_path / "issue.txt").write_text(SENTENCE)
    portal.fails["known-issues.json"] = 503
    assert main(["known", "commit", str(tmp_path / "issue.txt")]) == 3
    portal.fails.clear()
    (tmp_path / "other.txt").write_text("Another")
    assert main(["known", "commit", str(tmp_path / "issue.txt"), str(tmp_path / "other.txt")]) == 0
    assert main(["known", "commit", str(tmp_path / "issue.txt"), str(tmp_path / "other.txt")]) == 0

    assert [len(posted["commitments"]) for posted in portal.posted if "commitments" in posted] == [2]
    assert len(kept(tmp_path)) == 2


@pytest.mark.parametrize("data", [b"", b"  \n", b"\xff\xfe", b"a\0b", b"x" * 20_001])
def test_what_is_no_text_is_refused_before_anything_is_kept(portal: Stub, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "issue.txt").write_bytes(data)

    assert main(["known", "commit", str(tmp_path / "issue.txt")]) == 1
    assert (kept(tmp_path), portal.posted) == ([], [])


def test_a_text_comes_from_standard_input(portal: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SENTENCE.encode())))

    assert main(["known", "commit", "-"]) == 0
    assert [json.loads(path.read_text())["text"] for path in kept(tmp_path)] == [SENTENCE]


def test_the_list_says_which_texts_are_here(portal: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "issue.txt").write_text(f"{SENTENCE}\x1b[2J\nMore")
    main(["known", "commit", str(tmp_path / "issue.txt")])
    portal.commit("0" * 64)
    capsys.readouterr()

    assert main(["known", "list"]) == 0

    first, second, third = capsys.readouterr().out.splitlines()
    assert third == f"Each line follows from those before it; head {portal.known[-1]['head']}"
    assert first.startswith("K-1")
    assert SENTENCE in first
    assert "\x1b" not in first
    assert second.endswith("(its text is on another machine)")


def test_a_list_whose_lines_do_not_follow_is_said(portal: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    for each in "012":
        portal.commit(each * 64)
    portal.known[1]["committed_at"] = "2020-05-01T12:00:00.000000Z"

    assert main(["known", "list"]) == 4

    assert capsys.readouterr() == (
        "", "portal-triage: The list of known issues was changed: K-2 does not follow from what is before.\n",
    )  # fmt: skip
    del portal.known[1]["head"]
    assert main(["known", "list"]) == 4


def test_revealing_posts_text_and_salt(portal: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "issue.txt").write_text(SENTENCE)
    main(["known", "commit", str(tmp_path / "issue.txt")])
    salt = json.loads(kept(tmp_path)[0].read_text())["salt"]

    assert main(["known", "reveal", "1"]) == 1
    assert "--report REF, or --all" in capsys.readouterr().err
    assert main(["known", "reveal", "7", "--all"]) == 1
    assert main(["known", "reveal", "1", "--report", "SCR-0003", "--link", "2"]) == 0

    assert portal.posted[-1] == {"text": SENTENCE, "salt": salt, "report": "SCR-0003", "public": False, "link": 2}
    assert portal.asked[-1] == "POST /staff/spring-challenge/known-issues/1/reveal"


def test_a_text_of_another_machine_cannot_be_revealed(portal: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    portal.commit("0" * 64)

    assert main(["known", "reveal", "1", "--all"]) == 1
    assert "whoever committed it has it" in capsys.readouterr().err


def test_a_damaged_text_is_said_and_not_posted(portal: Stub, tmp_path: Path) -> None:
    (tmp_path / "issue.txt").write_text(SENTENCE)
    main(["known", "commit", str(tmp_path / "issue.txt")])
    [path] = kept(tmp_path)
    path.write_text(path.read_text().replace("daemon", "demon"))

    assert main(["known", "reveal", "1", "--all"]) == 4
    path.write_text("{")
    assert main(["known", "list"]) == 4
    assert [posted for posted in portal.posted if "text" in posted] == []


def test_a_folder_that_others_can_read_is_refused(portal: Stub, tmp_path: Path) -> None:
    (tmp_path / "issue.txt").write_text(SENTENCE)
    main(["known", "commit", str(tmp_path / "issue.txt")])
    kept(tmp_path)[0].parent.chmod(0o755)

    assert main(["known", "list"]) == 1
