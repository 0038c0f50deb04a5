"""A bounded run of the fuzzers: the same inputs in every run, so neither time nor chance decides."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.servers.site import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has no wheel for this kind of machine"),
]


def fuzzed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own, which atheris ends; what it finds is written to `folder`."""
    # Where it runs, findings are put; the project is found all the same.
    command = [sys.executable, "-m", "tests.reports.fuzz_walker", *arguments]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": _path()}, capture_output=True, text=True, check=False
    )


def _path() -> str:
    return f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


@pytest.mark.parametrize(("target", "runs"), [("walker", "6000"), ("certificate", "3000")])
def test_nothing_but_a_refusal_comes_out(tmp_path: Path, target: str, runs: str) -> None:
    done = fuzzed(tmp_path, "--target", target, "--runs", runs, "--seed", "6")

    assert done.returncode == 0, done.stderr[-4000:]
    assert f"stat::number_of_executed_units: {runs}" in done.stderr
    assert list(tmp_path.iterdir()) == []
