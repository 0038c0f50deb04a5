"""A large file through the portal, up and down, beside the store's own speed."""

import hashlib
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from portal.core.blobs import Blobs
from tests.bench.measuring import MIB, Result, Sizes, compared, measure, medians, seconds
from tests.faults.stage import TIMEOUT, staged
from tests.faults.tus import PART, Client
from tests.servers import Site, s3

RESIDENT = 64
KINDS = ("folder", "s3")
REACH = {"upload": 0.6, "download": 0.5}


def _memory(site: Site, line: str) -> int:
    """The greatest number, in bytes, that any process of the server tells of itself under a name (see proc(5))."""
    rows = [row for place in _processes(site) for row in (place / "status").read_text().splitlines()]
    return max((int(row.split()[1]) * 1024 for row in rows if row.startswith(f"{line}:")), default=0)


def _forget_peaks(site: Site) -> None:
    """Let VmHWM begin anew: what was done before was another thing (proc(5), clear_refs)."""
    for place in _processes(site):
        (place / "clear_refs").write_text("5")


def _processes(site: Site) -> list[Path]:
    listed = subprocess.run(["ps", "-e", "-o", "pid=,pgid="], capture_output=True, text=True, check=True).stdout
    return [Path("/proc", number) for number, group in map(str.split, listed.splitlines()) if int(group) == site.pid]


@dataclass
class Course:
    """A served portal with its client, its store spoken to directly, and a file."""

    client: Client
    blobs: Blobs
    data: memoryview
    kind: str

    def compared(self, name: str, ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> Result:
        """A rate beside the store's own, and how much memory it took."""
        site = self.client.stage.site
        _forget_peaks(site)
        before = _memory(site, "VmRSS")
        rate, bare = medians(ours, theirs, rounds=rounds)
        grown = (_memory(site, "VmHWM") - before) / MIB
        note = f"resident memory grew by {grown:.0f} MiB (reach: < {RESIDENT})"
        return compared(
            f"{name}, {self.kind}", "MB/s", rate, bare, REACH[name], note=note, fine=grown < RESIDENT
        )  # fmt: skip

    def rate(self, work: Callable[[], object]) -> float:
        """MB/s of doing something with the whole file."""
        return len(self.data) / seconds(work) / 1e6


@contextmanager
def _course(kind: str, sizes: Sizes) -> Iterator[Course]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        url, settings = f"file://{folder}/bare", {}
        if kind == "s3":
            store = stack.enter_context(s3())
            url, settings = store.url, {"PORTAL_STORAGE_URL": store.url, **store.environ}
            os.environ.update(store.environ)
        client = Client(stack.enter_context(staged("sqlite", folder, settings)))
        # A little less than the limit, headers of parts included.
        yield Course(client, Blobs(url), memoryview(client.sealed(sizes.upload - 4 * MIB)), kind)


@measure("upload")
def upload(sizes: Sizes) -> Iterator[Result]:
    """One file in one request, on a folder and on S3."""
    for kind in KINDS:
        with _course(kind, sizes) as course:
            client, data = course.client, course.data

            def ours(client: Client = client, data: memoryview = data, course: Course = course) -> float:
                path = client.announce(client.begin(), len(data))
                return course.rate(lambda: _send(client, path, data))

            def theirs(course: Course = course) -> float:
                # Under names of its own each time, as every upload has: a file that takes another's place gets its
                # pages of memory, at hand already, where a new one has to be given some.
                return course.rate(lambda: _keep(course.blobs, course.data, f"bare/{secrets.token_hex(8)}"))

            yield course.compared("upload", ours, theirs, min(sizes.rounds, 3))


@measure("download")
def download(sizes: Sizes) -> Iterator[Result]:
    """One file in one answer, beside reading its pieces from the store and checking them as the portal must."""
    for kind in KINDS:
        with _course(kind, sizes) as course:
            client, ref = course.client, course.client.begin()
            _send(client, client.announce(ref, len(course.data)), course.data)
            assert client.submit(ref).status == 200
            _keep(course.blobs, course.data, "bare")

            def ours(course: Course = course, ref: str = ref) -> float:
                return course.rate(lambda: _fetch(course.client, ref, len(course.data)))

            def theirs(course: Course = course) -> float:
                return course.rate(lambda: _read(course.blobs))

            yield course.compared("download", ours, theirs, min(sizes.rounds, 3))


def _send(client: Client, path: str, data: memoryview) -> None:
    reply = client.patch(path, 0, data)
    assert reply.status == 204, reply


def _keep(blobs: Blobs, data: memoryview, folder: str) -> None:
    for position in range(0, len(data), PART):
        blobs.put(f"{folder}/{position}", bytes(data[position : position + PART]))


def _fetch(client: Client, ref: str, size: int) -> None:
    """Read it as it comes, and keep nothing: a client that held it would be slower than any server."""
    connection = HTTPConnection("127.0.0.1", client.stage.site.port, timeout=TIMEOUT)
    path = f"/staff/{client.stage.cast.slug}/reports/{ref}/files/0"
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {client.triager}"})
        response, room, count = connection.getresponse(), bytearray(MIB), 0
        while some := response.readinto(room):
            count += some
        assert (response.status, count) == (200, size)
    finally:
        connection.close()


def _read(blobs: Blobs) -> None:
    for key in blobs.list("bare"):
        hashlib.sha256(blobs.get(key)).hexdigest()
