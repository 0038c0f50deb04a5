"""The same face on a folder and on S3."""

import errno
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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
    store.put("kits/9", memoryview(bytearray(b"kit"))[:1])

    assert store.get("kits/9") == b"k"
    assert store.get("reports/1/0") == b"\x00sealed\xff"
    assert store.get("reports/1/1") == b""
    assert store.list("reports") == ["reports/1/0", "reports/1/1"]
    assert store.exists("kits/9")

    store.delete("kits/9")
    store.delete("kits/9")

    assert not store.exists("kits/9")
    with pytest.raises(NotFound):
        store.get("kits/9")


@pytest.mark.parametrize("heeded", [True, False])
def test_what_is_put_is_on_the_disk_before_it_leaves_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, heeded: bool
) -> None:
    done, fsync = [], os.fsync

    def synced(number: int) -> None:
        done.append(("on the disk", Path(f"/proc/self/fd/{number}").readlink()))
        fsync(number)

    def let_go(number: int, *span: int) -> None:
        done.append(("let go", Path(f"/proc/self/fd/{number}").readlink()))
        assert span == (0, 0, os.POSIX_FADV_DONTNEED)
        if not heeded:
            raise OSError(errno.EINVAL, "not here")

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "posix_fadvise", let_go)
    store = Blobs(f"file://{tmp_path}/store")
    store.put("reports/1/0", b"sealed")

    assert store.get("reports/1/0") == b"sealed"
    places = [tmp_path / "store" / name for name in ("reports/1/0", "reports/1", "reports", "")]
    assert done == [(what, place) for place in places for what in ("on the disk", "let go")]


def test_old_keys_are_told_from_new_ones(store: Blobs) -> None:
    store.put("reports/1/0", b"a")
    store.put("reports/1/1", b"b")
    store.put("kits/9", b"k")
    now = datetime.now(UTC)

    assert [key for batch in store.list_old("reports", now - timedelta(days=1)) for key in batch] == []
    found = [key for batch in store.list_old("reports", now + timedelta(days=1)) for key in batch]
    assert sorted(found) == ["reports/1/0", "reports/1/1"]


def test_what_a_process_left_half_written_is_seen_by_nobody_and_tidied_away(tmp_path: Path) -> None:
    store = Blobs(f"file://{tmp_path}/store")
    store.put("reports/1/0", b"whole")
    half, other = tmp_path / "store/reports/1/1#1", tmp_path / "store/reports/1/1#note"
    for path in (half, other):
        path.write_bytes(b"half")
    now = datetime.now(UTC)
    assert "reports/1/1#1" not in store.list("reports")

    assert store.tidy("reports", now - timedelta(days=1)) == 0
    assert store.tidy("kits", now + timedelta(days=1)) == 0
    assert store.tidy("reports", now + timedelta(days=1)) == 1

    assert sorted(path.name for path in half.parent.iterdir()) == ["0", "1#note"]
