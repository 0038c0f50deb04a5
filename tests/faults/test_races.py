"""Two requests that send the same file at the same time, to two web processes."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from portal.reports.models import Chunk, Upload
from tests.faults.conftest import Staging
from tests.faults.stage import Reply
from tests.faults.tus import MIB, Client

pytestmark = pytest.mark.slow
SENDERS = 4


def test_of_several_who_send_the_same_bytes_one_counts(stage: Staging, tmp_path: Path) -> None:
    """Whoever loses is told so or is one too many; no byte is lost or counted twice, and no piece lies about."""
    served = stage(workers=2)
    client = Client(served)
    data = client.sealed(24 * MIB)
    ref = client.begin()
    path = client.announce(ref, len(data))

    for offset in rounds(client, path, len(data)):
        barrier = Barrier(SENDERS)

        def send(begin: int = offset, together: Barrier = barrier) -> Reply:
            together.wait()
            return client.patch(path, begin, data[begin:])

        with ThreadPoolExecutor(SENDERS) as pool:
            replies = [each.result() for each in [pool.submit(send) for _ in range(SENDERS)]]
        assert {reply.status for reply in replies} <= {204, 409, 429}
        assert sum(reply.status == 204 for reply in replies) <= 1

    rows = served.behind.read(
        lambda session: session.execute(sa.select(Chunk.offset, Chunk.size).order_by(Chunk.offset)).all()
    )
    ends = [offset + size for offset, size in rows]
    assert [offset for offset, _ in rows] == [0, *ends[:-1]]
    assert ends[-1] == len(data)
    assert served.behind.read(lambda session: session.scalars(sa.select(Upload.state)).one()) == "complete"
    kept = [each for each in (tmp_path / "store").rglob("*") if each.is_file()]
    assert len(kept) == len(rows)
    assert client.submit(ref).status == 200
    assert hashlib.sha256(client.fetch(ref)).digest() == hashlib.sha256(data).digest()


def rounds(client: Client, path: str, length: int) -> Iterator[int]:
    """Where the file stands, as long as it is not whole; each taking over lets one of them get on by a piece."""
    for _ in range(20):
        offset = client.offset(path)
        if offset == length:
            return
        yield offset
    raise AssertionError("nobody got on")
