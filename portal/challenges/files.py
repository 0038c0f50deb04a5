"""The bytes of downloads on their way into the store, in pieces, while no transaction is open."""

import hashlib
from typing import IO

from portal.challenges.actions.files import Kept
from portal.core.blobs import Blobs
from portal.core.pieces import Piece, cut, sha256


def keep(store: Blobs, folder: str, stream: IO[bytes]) -> Kept:
    """Put a stream into the store. Each piece lies under its own SHA-256, so that a repeated piece is kept once."""
    whole, size = hashlib.sha256(), 0
    pieces: list[Piece] = []
    for data in cut(stream):
        digest = hashlib.sha256(data).hexdigest()
        key = f"{folder}/{digest}"
        store.put(key, data)
        pieces.append(Piece(key, sha256(digest), size, len(data)))
        whole.update(data)
        size += len(data)
    return Kept(pieces, size, whole.hexdigest())
