"""A calendar server (Radicale), and computers on which people keep calendars (vdirsyncer and khal)."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template

from tests.servers.waiting import free_port, until_answering

RADICALE = Template(
    """[server]
hosts = 127.0.0.1:$port
[auth]
type = none
[storage]
filesystem_folder = $folder/collections
[web]
type = none
"""
)
VDIRSYNCER = Template(
    """[general]
status_path = "$folder/status/"
[pair meetings]
a = "here"
b = "server"
collections = ["$collection"]
[storage here]
type = "filesystem"
path = "$folder/calendars/"
fileext = ".ics"
[storage server]
type = "caldav"
url = "$server/"
username = "rosa"
password = "unasked"
"""
)
SUBSCRIPTION = Template(
    """[general]
status_path = "$folder/status/"
[pair feed]
a = "subscribed"
b = "address"
collections = null
[storage subscribed]
type = "filesystem"
path = "$folder/calendars/$collection/"
fileext = ".ics"
[storage address]
type = "http"
url = "$server"
"""
)
KHAL = Template(
    """[calendars]
[[meetings]]
path = $folder/calendars/$collection
[sqlite]
path = $folder/khal.sqlite3
[locale]
local_timezone = $zone
default_timezone = $zone
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
[default]
default_calendar = meetings
"""
)


@contextmanager
def radicale() -> Iterator[str]:
    """An empty CalDAV server that believes whoever they say they are; its address."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="portal-radicale-") as name:
        folder, log = Path(name), Path(name) / "log"
        (folder / "config").write_text(RADICALE.substitute(port=port, folder=folder))
        with log.open("wb") as output:
            process = subprocess.Popen(
                [_program("radicale"), "--config", str(folder / "config")],
                env=_environ(folder), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        try:
            until_answering(port, "/", process, log, ok=False)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


class Computer:
    """Somebody's computer: one calendar, which it shares with a server or subscribes from an address."""

    def __init__(self, folder: Path, zone: str, server: str, collection: str, *, subscribed: bool = False) -> None:
        self.folder = folder
        (folder / "calendars").mkdir(parents=True)
        words = {"folder": folder, "zone": zone, "server": server, "collection": collection}
        pairs = SUBSCRIPTION if subscribed else VDIRSYNCER
        (folder / "vdirsyncer.conf").write_text(pairs.substitute(words))
        (folder / "khal.conf").write_text(KHAL.substitute(words))
        self._run("vdirsyncer", "discover", answers="y\n" * 4)

    def accept(self, invitation: bytes) -> None:
        """Open the attachment of a mail, as one does who wants it in the calendar."""
        attachment = self.folder / "invite.ics"
        attachment.write_bytes(invitation)
        self._run("khal", "import", "--batch", "-a", "meetings", str(attachment))

    def sync(self) -> None:
        """Exchange what has changed with the server, or fetch what is subscribed."""
        self._run("vdirsyncer", "sync")

    def shown(self, since: str, span: str = "90d") -> list[str]:
        """What the calendar shows from a day on: begin, end, title, and whether it is called off."""
        line = "{start} {end} {title} {cancelled}"
        told = self._run("khal", "list", "--day-format", "", "--format", line, since, span)
        return [each.strip() for each in told.splitlines() if each.strip()]

    def files(self) -> list[bytes]:
        """The events as they lie in the calendar."""
        return [path.read_bytes() for path in sorted((self.folder / "calendars").glob("*/*.ics"))]

    def _run(self, program: str, *arguments: str, answers: str = "") -> str:
        done = subprocess.run(
            [_program(program), "-c", str(self.folder / f"{program}.conf"), *arguments],
            env=_environ(self.folder), input=answers, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} {arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _environ(folder: Path) -> Mapping[str, str]:
    """Nothing of whoever runs the tests: neither their settings nor their calendars nor their proxies."""
    homes = {f"XDG_{kind}_HOME": str(folder / "home" / kind.lower()) for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
    return {"PATH": os.defpath, "HOME": str(folder / "home"), "LANG": "C.UTF-8", "TZ": "UTC", **homes}
