"""The hash of a whole file whose parts come one after another, to this process or to others."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any

from portal.core.blobs import Blobs
from portal.core.errors import NotFound, Unavailable
from portal.core.logs import log
from portal.core.pieces import Damaged, read


class Hashers:
    """Running hashes of files whose parts come to the same process one after another.

    Only a convenience: a hash that is not here, or that stopped elsewhere, is made anew from the chunks.
    """

    def __init__(self, room: int = 64) -> None:
        self._room = room
        self._kept: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._lock = Lock()

    def take(self, upload_id: str, position: int) -> Any:
        """The hash of the first `position` bytes, or None."""
        with self._lock:
            at, hasher = self._kept.pop(upload_id, (0, hashlib.sha256()))
        return hasher if at == position else None

    def keep(self, upload_id: str, position: int, hasher: Any) -> None:
        """Put the hash of the first `position` bytes aside."""
        with self._lock:
            self._kept[upload_id] = (position, hasher)
            while len(self._kept) > self._room:
                self._kept.popitem(last=False)


hashers = Hashers()


def hash_chunks(store: Blobs, keys: Sequence[tuple[str, str]]) -> Any:
    """The hash of a file made from its chunks, (key, tag) each. Raises Unavailable where the store has lost one."""
    whole = hashlib.sha256()
    try:
        for data in read(store, keys):
            whole.update(data)
    except (Damaged, NotFound) as damage:
        log.error("store damaged", error=str(damage))
        raise Unavailable("The store has lost a part of this file. Remove the file, and send it again.") from damage
    return whole
