"""`make run`: one command from a checkout to a portal that serves, and one key to end it."""

import fcntl
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.waiting import free_port, let_go, until, until_answering

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".venv" / ".test").exists(), reason="the environment is not the Makefile's"),
]


def _environ(data: Path) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "MAKE", "MFLAGS"))
    }
    return {**inherited, "PORTAL_DATA": str(data)}


@contextmanager
def _running(data: Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    with log.open("wb") as output:
        fcntl.flock(output, fcntl.LOCK_SH)
        make = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=ROOT,
            env=_environ(data),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # Whoever starts the tests may have had this signal ignored (as nohup does), which children inherit.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
    try:
        until_answering(port, "/readyz", make, log, tries=6000)
        yield make, port
    finally:
        if not let_go(log):
            os.killpg(make.pid, signal.SIGKILL)
        make.wait()


def _end(make: subprocess.Popen[bytes], log: Path, how: signal.Signals) -> None:
    os.killpg(make.pid, how)
    make.wait(timeout=20)
    until(lambda: let_go(log), "every process to end", tries=500)


def test_make_run_serves_the_demonstration_and_ends_with_all_its_processes(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    with _running(data, log) as (make, port):
        said = log.read_text()
        assert f"http://127.0.0.1:{port}/" in said
        assert "demo-only-password" in said
        assert "demo.example" in said
        _end(make, log, signal.SIGINT)
    key = data / "secret-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    first, database = key.read_text(), (data / "portal.sqlite3").stat().st_ino
    assert len(first.strip()) >= 43
    with _running(data, log) as (make, _):
        # The end of a terminal, which the server alone would take for a request to load itself anew.
        _end(make, log, signal.SIGHUP)
    assert key.read_text() == first
    assert (data / "portal.sqlite3").stat().st_ino == database


def _make(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],
        cwd=ROOT,
        env=_environ(ROOT / "nowhere") | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_run_tells_a_faulty_setting_and_does_not_serve(tmp_path: Path) -> None:
    done = _make("run", f"PORT={free_port()}", PORTAL_DATA=str(tmp_path / "data"), PORTAL_MAIL_URL="pigeon://coop")
    assert done.returncode == 2
    assert "PORTAL_MAIL_URL" in done.stdout + done.stderr
    assert "Ctrl-C" not in done.stdout


def test_make_run_tells_that_its_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _make("run", f"PORT={port}")
    assert done.returncode == 2
    assert f"Port {port} is taken" in done.stderr
    assert not (ROOT / "nowhere").exists()


def test_make_alone_says_what_there_is() -> None:
    shown = _make().stdout
    targets = ("run", "test", "bench", "assets", "lock", "clean")
    assert [target for target in targets if f"make {target} " not in shown] == []
