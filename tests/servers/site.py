"""The portal as people run it: in processes of its own, behind the real server."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers.programs import OURS, ROOT, Program, begin
from tests.servers.waiting import free_port, let_go, until, until_answering


class Site:
    """A server on a port of its own with its own data folder; `url` stays the same when it is started again."""

    def __init__(
        self,
        data: Path,
        environ: Mapping[str, str],
        *,
        app: str,
        workers: int,
        folder: Path,
        python: Path,
        interface: str = "asginl",
    ) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data / "server.log"
        self.app = app
        self.interface = interface
        self.workers = workers
        self.folder = folder
        self.python = python
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        self.environ = {
            **inherited,
            "PORTAL_DATA": str(data),
            "PORTAL_SECRET_KEY": "for-tests-only-" + "0123456789abcdef" * 2,
            "PORTAL_PUBLIC_URL": self.url,
            **environ,
        }
        self._process: Program | None = None

    @property
    def pid(self) -> int:
        """The server's first process; its workers are in the same process group."""
        assert self._process
        return self._process.pid

    def flask(self, *arguments: str) -> str:
        """Run one of the portal's commands beside the server and give its output; where it fails, raise with that."""
        with tempfile.TemporaryDirectory(prefix="portal-command-") as name:
            output, errors = Path(name) / "output", Path(name) / "errors"
            done = self._begin("flask", "--app", self.app, *arguments, output=output, errors=errors).wait()
            told, complained = output.read_text(), errors.read_text()
        if done:
            raise RuntimeError(f"flask {' '.join(arguments)} ended with {done}:\n{told}{complained}")
        return told

    def _begin(self, module: str, *arguments: str, output: Path, errors: Path | None = None) -> Program:
        return begin(
            module, *arguments, environ=self.environ, output=output, errors=errors, folder=self.folder,
            python=self.python,
        )  # fmt: skip

    def start(self) -> None:
        """Start serving and wait until it answers."""
        command = ["--interface", self.interface, "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", str(self.workers), "--http1-buffer-size", str(3 << 20)]
        command += ["--blocking-threads", "4"] if self.interface == "wsgi" else []
        command += ["--workers-kill-timeout", "5", "--factory" if self.app.endswith(":create_app") else "--no-factory"]
        self.log.unlink(missing_ok=True)
        served = self.app if self.interface == "wsgi" else self._asgi
        self._process = self._begin("granian", *command, served, output=self.log)
        until_answering(self.port, "/healthz", self._process, self.log)
        # The first one answers; a signal that reaches another before it has taken its place would be lost.
        until(lambda: self._workers_begun() == self.workers, "all workers")

    @property
    def _asgi(self) -> str:
        return self.app.replace(":create_app", ":create_asgi") if ":create_app" in self.app else f"{self.app}.asgi"

    def _workers_begun(self) -> int:
        return len(re.findall(r"Started worker-\d+$", self.log.read_text(), re.MULTILINE))

    def kill(self) -> None:
        """End every process at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it finish what it is doing, as an operator would."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Stop it if it runs, and start it on the same port with the same data."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, how)
            process.wait(timeout=20)
        except ProcessLookupError:
            process.wait()
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        until(lambda: let_go(self.log), "the workers to end", tries=500)


@contextmanager
def web(
    environ: Mapping[str, str] | None = None,
    *,
    app: str = "app:app",
    folder: Path = ROOT,
    python: Path = OURS,
    workers: int = 1,
    migrate: bool = True,
    data: Path | None = None,
    interface: str = "asginl",
) -> Iterator[Site]:
    """Serve `app`, found from `folder` by `python`, with settings from `environ`: on an empty database of its own in
    SQLite unless they name another, or on a copy of all `data` of another portal. What is not the portal needs the
    `interface` "wsgi".
    """
    with tempfile.TemporaryDirectory(prefix="portal-site-") as name:
        site = Site(
            Path(name), environ or {}, app=app, workers=workers, folder=folder, python=python, interface=interface
        )
        if data:
            shutil.copytree(data, site.data, dirs_exist_ok=True)
        elif migrate:
            site.flask("db", "upgrade")
        try:
            site.start()
            yield site
        finally:
            site.stop()
