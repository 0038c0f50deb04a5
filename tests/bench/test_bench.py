"""The benchmarks can be taken; what they tell at this size means nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.bench.measuring import Result, compared
from tests.servers.site import ROOT


@pytest.mark.slow
def test_every_measure_is_taken_quickly() -> None:
    # In a process of its own: the measures set up what they need by themselves.
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick"],
        cwd=ROOT,
        env={**os.environ, "BENCH_REPORT": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode in (0, 1), done.stderr
    rows = done.stdout.splitlines()[1:]
    assert [row[:20].strip() for row in rows] == [
        "start", "demonstration", "queue, sqlite", "queue, postgresql", "first page, sqlite",
        "late page, sqlite", "first page, postgres", "late page, postgresq", "submit, sqlite", "submit, postgresql",
        "to many, sqlite", "to many, postgresql",
        "book, sqlite", "book, postgresql", "upload, folder", "upload, s3", "download, folder", "download, s3",
        "seal and upload", "memory of a page", "walker", "walker, gpg", "walker, openpgp.js", "mail, sqlite",
        "mail, postgresql",
        "wave, sqlite", "wave, sqlite", "wave, postgresql", "wave, postgresql",
        "choose", "choose many", "draft, sqlite", "draft many, sqlite", "draft, postgresql",
        "draft many, pg",
    ]  # fmt: skip
    assert all("reached" in row or "MISSED" in row for row in rows)


def test_a_measure_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["tea"], tmp_path / "bench.json") == 2

    assert "no such measure: tea; there are start, demonstration," in capsys.readouterr().err
    assert not (tmp_path / "bench.json").exists()


def test_what_is_slower_than_it_should_be_or_not_fine_is_missed() -> None:
    assert compared("a", "pages/s", 50, 100, 0.5) == Result("a", "pages/s", 50, "≥ 50% of bare", True, 100)
    assert not compared("a", "pages/s", 49, 100, 0.5).reached
    assert not compared("a", "pages/s", 99, 100, 0.5, fine=False).reached
    assert json.loads(json.dumps(compared("a", "pages/s", 50, 100, 0.5).as_json()))["ratio"] == 0.5
