"""Programs beside the tests, each in a process of its own, without the two seconds that it takes to load the portal.

A process that has loaded it once is forked wherever one is to run; what runs then is what `python -m` would run, and
puts its application together itself. Benchmarks, which measure how long it takes to begin, set TEST_LOAD_ANEW.
"""

import fcntl
import multiprocessing
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import chdir
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]
OURS = Path(sys.executable)
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.servers.loaded"])


class Program(Protocol):
    """A process and its children, which are its group. subprocess.Popen is one."""

    @property
    def pid(self) -> int:
        """Its number, and its group's."""

    def poll(self) -> int | None:
        """How it ended: its status, or the number of a signal below zero. None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, when it has. Raises subprocess.TimeoutExpired."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal to it alone, unless it has ended."""


def begin(
    module: str, *arguments: str, environ: Mapping[str, str], output: Path, errors: Path | None = None,
    folder: Path = ROOT, python: Path = OURS,
) -> Program:  # fmt: skip
    """Run a module in a process, from a folder. What it says goes to the end of `output`, what it complains of to the
    end of `errors`, or to `output` as well.

    It and whatever it begins hold a lock (LOCK_SH) on `output`, whose end tells theirs.
    """
    files = (output, errors or output)
    for file in files:
        file.touch()
    if python != OURS or "TEST_LOAD_ANEW" in os.environ:
        return _interpreter([str(python), "-m", module, *arguments], environ, folder, *files)
    _prepare()
    process = _FORKS.Process(target=_run, args=(module, arguments, dict(environ), folder, *files))
    process.start()
    return _Fork(process)


@cache
def _prepare() -> None:
    """Begin the process that forks where it finds what it is to load."""
    with chdir(ROOT):
        forkserver.ensure_running()


def _interpreter(command: list[str], environ: Mapping[str, str], folder: Path, output: Path, errors: Path) -> Program:
    with output.open("ab") as told, errors.open("ab") as complained:
        fcntl.flock(told, fcntl.LOCK_SH)
        return subprocess.Popen(
            command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, stdout=told, stderr=complained,
            start_new_session=True,
        )  # fmt: skip


class _Fork:
    """A process of the one that forks."""

    def __init__(self, process: multiprocessing.process.BaseProcess) -> None:
        self._process = process
        assert process.pid
        self.pid = process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        ended = self._process.exitcode
        if ended is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return ended

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _run(
    module: str, arguments: tuple[str, ...], environ: dict[str, str], folder: Path, output: Path, errors: Path
) -> None:
    """The life of a fork."""
    os.setsid()
    multiprocessing.set_start_method(None, force=True)  # servers begin their processes as they do by themselves
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(folder)
    sys.path[:0] = [str(folder), *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    for number, file in enumerate((output, errors), 1):
        with file.open("ab") as opened:
            os.dup2(opened.fileno(), number)
    fcntl.flock(1, fcntl.LOCK_SH)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
