"""The benchmarks can be taken; what they tell at this size means nothing."""

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.bench.measuring import Result, compared
from tests.servers.site import ROOT

# The rows of each measure; those of a line are taken one after the other, beside those of other lines.
ROWS = (
    {"start": ["start"], "demonstration": ["demonstration"]},
    {"queue": ["queue, sqlite", "first page, sqlite", "late page, sqlite",
               "queue, postgresql", "first page, postgres", "late page, postgresq"]},
    {"submit": ["submit, sqlite", "submit, postgresql", "to many, sqlite", "to many, postgresql"],
     "book": ["book, sqlite", "book, postgresql"]},
    {"upload": ["upload, folder", "upload, s3"], "download": ["download, folder", "download, s3"],
     "seal": ["seal and upload", "memory of a page"], "walker": ["walker", "walker, gpg", "walker, openpgp.js"]},
    {"mail": ["mail, sqlite", "mail, postgresql"],
     "wave": ["wave, sqlite", "wave, sqlite", "wave, postgresql", "wave, postgresql"],
     "selection": ["choose", "choose many", "draft, sqlite", "draft many, sqlite", "draft, postgresql",
                   "draft many, pg"]},
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("expected", ROWS, ids=["-".join(rows) for rows in ROWS])
def test_every_measure_is_taken_quickly(expected: dict[str, list[str]]) -> None:
    # In a process of its own: the measures set up what they need by themselves.
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick", *expected],
        cwd=ROOT,
        env={**os.environ, "BENCH_REPORT": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode in (0, 1), done.stderr
    rows = done.stdout.splitlines()[1:]
    assert [row[:20].strip() for row in rows] == [name for names in expected.values() for name in names]
    assert all("reached" in row or "MISSED" in row for row in rows)


def test_a_measure_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["tea"], tmp_path / "bench.json") == 2

    assert f"no such measure: tea; there are {', '.join(chain(*ROWS))}\n" == capsys.readouterr().err
    assert not (tmp_path / "bench.json").exists()


def test_what_is_slower_than_it_should_be_or_not_fine_is_missed() -> None:
    assert compared("a", "pages/s", 50, 100, 0.5) == Result("a", "pages/s", 50, "≥ 50% of bare", True, 100)
    assert not compared("a", "pages/s", 49, 100, 0.5).reached
    assert not compared("a", "pages/s", 99, 100, 0.5, fine=False).reached
    assert json.loads(json.dumps(compared("a", "pages/s", 50, 100, 0.5).as_json()))["ratio"] == 0.5
