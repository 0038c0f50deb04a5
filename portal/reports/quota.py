"""Bytes of a file whose length was not announced, up to what its participant's files may take together."""

import io
from typing import Any, NamedTuple

from sqlalchemy.orm import Session
from typing_extensions import override

from portal.reports import rules
from portal.reports.actions.drafts import held_by
from portal.reports.models import Upload
from portal.reports.queries import uploads as files


class Room(NamedTuple):
    """Whose files may take how much together, where one of them counts as it grows."""

    participant_id: int
    limits: rules.Limits

    def check(self, session: Session) -> None:
        """Raises Refused where the files take more than that with what this transaction has changed.

        Nothing else counts until it ends: of two that came to this at once, the second sees what the first one took.
        """
        rules.check_quota(self.limits, held_by(session, self.participant_id), 0)


def room(session: Session, upload: Upload, limits: rules.Limits) -> Room | None:
    """In what a file has to fit while it comes; None where its length was looked at when it was announced."""
    participant_id = files.counted_for(session, upload) if upload.length is None else None
    return None if participant_id is None else Room(participant_id, limits)


class Bounded(io.RawIOBase):
    """A stream that ends after `room` bytes; `overrun` says whether more would have come."""

    def __init__(self, stream: Any, room: int) -> None:
        super().__init__()
        self.overrun = False
        self._stream, self._left = stream, room

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int:
        """Fill what there is room for. One byte more than that is asked for, and lost."""
        if self.overrun:
            return 0
        came: int = self._stream.readinto(memoryview(buffer)[: self._left + 1])
        self.overrun = came > self._left
        kept = min(came, self._left)
        self._left -= kept
        return kept
