"""Downloads, while what the store keeps is changed, cut short or gone, or the store itself is away."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.conftest import Staging
from tests.faults.proxy import proxied
from tests.faults.stage import TIMEOUT, Reply
from tests.faults.tus import MIB, PART, Client
from tests.servers import s3

pytestmark = pytest.mark.slow


def digest(data: bytes) -> str:
    """What stands for megabytes where they are compared: nobody reads them where a test fails."""
    return hashlib.sha256(data).hexdigest()


class Fetched:
    """A file that has arrived whole, and the way in which a triager's program gets at it."""

    def __init__(self, client: Client, size: int) -> None:
        self.client = client
        self.data = client.sealed(size)
        ref = client.begin()
        assert client.patch(client.announce(ref, len(self.data)), 0, self.data).status == 204
        assert client.submit(ref).status == 200
        self.path = f"/staff/{client.stage.cast.slug}/reports/{ref}/files/0"

    def ask(self, method: str = "GET", **headers: str) -> Reply:
        """A whole answer."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.ask(method, self.path, token=self.client.triager, **told)

    def so_far(self, **headers: str) -> bytes:
        """What has come when the answer breaks off. It must do so; what the server had not sent by then is gone."""
        connection = HTTPConnection("127.0.0.1", self.client.stage.site.port, timeout=TIMEOUT)
        try:
            connection.request("GET", self.path, headers={"Authorization": f"Bearer {self.client.triager}", **headers})
            got = b""
            try:
                response = connection.getresponse()
                while some := response.read(MIB):
                    got += some
            except IncompleteRead as broken:
                return got + broken.partial
            except OSError:
                return got
            expected = int(response.headers["Content-Length"])
            assert len(got) < expected, "it came to its end"
            return got
        finally:
            connection.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_ranges_end_where_they_should_whatever_pieces_they_cross(stage: Staging) -> None:
    file = Fetched(Client(stage()), 2 * PART + MIB)
    size = len(file.data)
    for begin, end in ((0, 1), (PART - 1, PART), (PART - 1, PART + 1), (PART, 2 * PART), (5, size), (size - 1, size)):
        reply = file.ask(Range=f"bytes={begin}-{end - 1}")
        assert (reply.status, reply.headers["content-range"]) == (206, f"bytes {begin}-{end - 1}/{size}")
        assert digest(reply.body) == digest(file.data[begin:end])
    tag = file.ask("HEAD").headers["etag"]
    for sent, status, expected in (
        ({"Range": "bytes=-9"}, 206, file.data[-9:]),
        ({"Range": f"bytes=-{size + 9}"}, 206, file.data),
        ({"Range": f"bytes={size - 3}-{size + 99}"}, 206, file.data[-3:]),
        ({"Range": "bytes=0-1,5-6"}, 200, file.data),
        ({"Range": "bytes=7-3"}, 200, file.data),
        ({"Range": "bytes=0-9", "If_Range": tag}, 206, file.data[:10]),
        ({"Range": "bytes=0-9", "If_Range": '"sha256-of-another"'}, 200, file.data),
        ({"Range": "bytes=0-9", "If_Range": "Sat, 28 Nov 2026 10:00:00 GMT"}, 200, file.data),
        ({"Range": f"bytes={size}-"}, 416, b""),
        ({"Range": "bytes=-0"}, 416, b""),
        ({"If_None_Match": tag}, 304, b""),
    ):
        reply = file.ask(**sent)
        assert (reply.status, digest(reply.body)) == (status, digest(expected)), sent
    head = file.ask("HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(size))


def changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("harm", [changed, shortened, Path.unlink])
def test_no_byte_of_a_damaged_piece_leaves_and_the_answer_breaks_off(
    stage: Staging, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    file = Fetched(Client(stage()), 2 * PART + MIB)
    second = next(path for path in (tmp_path / "store" / "reports").rglob("*") if path.name.startswith("000001-"))
    harm(second)

    for begin, end in ((0, len(file.data) - 1), (PART - 5, PART + 5)):
        got = file.so_far(Range=f"bytes={begin}-{end}")
        assert len(got) <= PART - begin
        assert digest(got) == digest(file.data[begin : begin + len(got)])
        # What does not touch the damage comes as before, so that a download can go on as far as it.
        rest = file.ask(Range=f"bytes={begin}-{PART - 1}")
        assert digest(rest.body) == digest(file.data[begin:PART])
    assert file.ask(Range=f"bytes={PART}-{PART}").status == 500
    assert digest(file.ask(Range=f"bytes={2 * PART}-").body) == digest(file.data[2 * PART :])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_download_that_the_store_left_goes_on_by_a_range(stage: Staging, stack: ExitStack) -> None:
    store = stack.enter_context(s3())
    port = urlsplit(store.environ["AWS_ENDPOINT_URL"]).port
    assert port is not None
    proxy = stack.enter_context(proxied(port))
    there = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
    file = Fetched(Client(stage({"PORTAL_STORAGE_URL": store.url, **store.environ, **there})), PART + MIB)

    proxy.fail()
    assert file.ask().status == 500

    proxy.mend()
    assert digest(file.ask(Range="bytes=0-").body) == digest(file.data)
