"""A large upload through the portal, beside the store's own speed."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from portal.core.blobs import Blobs
from tests.bench.measuring import MIB, Result, Sizes, compared, measure, medians, seconds
from tests.faults.stage import staged
from tests.faults.tus import PART, Client
from tests.servers import Site, s3

RESIDENT = 64


def _memory(site: Site, line: str) -> int:
    """The greatest number, in bytes, that any process of the server tells of itself under a name (see proc(5))."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,pgid="], capture_output=True, text=True, check=True).stdout
    found = [0]
    for number, group in (row.split() for row in listed.splitlines()):
        if int(group) == site.pid:
            status = Path(f"/proc/{number}/status").read_text()
            found += [int(row.split()[1]) * 1024 for row in status.splitlines() if row.startswith(f"{line}:")]
    return max(found)


@measure("upload")
def upload(sizes: Sizes) -> Iterator[Result]:
    """One file in one request, on a folder and on S3."""
    for kind in ("folder", "s3"):
        with ExitStack() as stack:
            yield _upload(kind, sizes, stack)


def _upload(kind: str, sizes: Sizes, stack: ExitStack) -> Result:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
    url, settings = f"file://{folder}/bare", {}
    if kind == "s3":
        store = stack.enter_context(s3())
        url, settings = store.url, {"PORTAL_STORAGE_URL": store.url, **store.environ}
        os.environ.update(store.environ)
    stage = stack.enter_context(staged("sqlite", folder, settings))
    client, blobs = Client(stage), Blobs(url)
    # A little less than the limit, headers of parts included.
    data = memoryview(client.sealed(sizes.upload - 4 * MIB))

    def ours() -> float:
        path = client.announce(client.begin(), len(data))
        return len(data) / seconds(lambda: _send(client, path, data)) / 1e6

    def theirs() -> float:
        return len(data) / seconds(lambda: _keep(blobs, data)) / 1e6

    before = _memory(stage.site, "VmRSS")
    rate, bare = medians(ours, theirs, rounds=min(sizes.rounds, 3))
    grown = (_memory(stage.site, "VmHWM") - before) / MIB
    note = f"resident memory grew by {grown:.0f} MiB (reach: < {RESIDENT})"
    return compared(f"upload, {kind}", "MB/s", rate, bare, 0.6, note=note, fine=grown < RESIDENT)


def _send(client: Client, path: str, data: memoryview) -> None:
    reply = client.patch(path, 0, data)
    assert reply.status == 204, reply


def _keep(blobs: Blobs, data: memoryview) -> None:
    for position in range(0, len(data), PART):
        blobs.put(f"bare/{position}", bytes(data[position : position + PART]))
