"""The same face on a folder and on S3."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.core.blobs import Blobs
from portal.core.errors import NotFound
from tests.servers import s3


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Blobs]:
    if request.param == "folder":
        yield Blobs(f"file://{tmp_path}/store")
        return
    with s3() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        yield Blobs(server.url)


def test_what_was_put_comes_back_until_it_is_deleted(store: Blobs) -> None:
    store.put("reports/1/0", b"\x00sealed\xff")
    store.put("reports/1/1", b"")
    store.put("kits/9", b"k")

    assert store.get("reports/1/0") == b"\x00sealed\xff"
    assert store.get("reports/1/1") == b""
    assert store.list("reports") == ["reports/1/0", "reports/1/1"]
    assert store.exists("kits/9")

    store.delete("kits/9")
    store.delete("kits/9")

    assert not store.exists("kits/9")
    with pytest.raises(NotFound):
        store.get("kits/9")
