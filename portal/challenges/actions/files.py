"""Files of downloads. A file is begun, its bytes go into the store, and only then does its resource name it."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge, FilePiece, Resource, ResourceFile
from portal.challenges.rules import plain_name
from portal.core import audit
from portal.core.errors import Conflict, Invalid
from portal.core.pieces import Piece


class Kept(NamedTuple):
    """What the store has taken of a file: its pieces, its size in bytes, and its SHA-256."""

    pieces: Sequence[Piece]
    size: int
    sha256: str


def begin_file(session: Session, challenge: Challenge, name: str, *, by: int | None, at: datetime) -> ResourceFile:
    """A file on its way, under a folder of the store that is its own. Nobody sees it yet."""
    file = ResourceFile(
        challenge_id=challenge.id, folder=f"resources/{secrets.token_hex(16)}", name=plain_name(name), begun_at=at,
        begun_by_id=by, unnamed_since=at,
    )  # fmt: skip
    session.add(file)
    session.flush()
    return file


def complete_file(
    session: Session, challenge: Challenge, resource: Resource, file: ResourceFile, kept: Kept, *, by: int | None,
    at: datetime,
) -> None:  # fmt: skip
    """Let a download give out a file that is whole in the store; the file it had is collected later.

    Raises Invalid where the file is empty, Conflict where somebody has given it another file since it was read.
    """
    if not kept.size:
        raise Invalid({"file": "The file is empty. Choose it again."})
    before = resource.file
    for number, piece in enumerate(kept.pieces):
        session.add(FilePiece(file_id=file.id, number=number, **piece._asdict()))
    file.size, file.sha256, file.completed_at, file.unnamed_since = kept.size, kept.sha256, at, None
    if before:
        before.unnamed_since = at
    session.flush()
    changed = session.execute(
        sa.update(Resource)
        .where(Resource.id == resource.id, Resource.file_id.is_not_distinct_from(before.id if before else None))
        .values(file_id=file.id, changed_at=at)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, sa.CursorResult)
    if changed.rowcount != 1:
        raise Conflict("Somebody has just sent another file. Look at it again.")
    session.expire(resource)
    audit.record(
        session, "challenges:send-file", f"resource:{resource.id}", by=by, at=at, scope=challenge.slug,
        before={"sha256": before.sha256} if before else None, after={"sha256": kept.sha256, "size": kept.size},
    )  # fmt: skip
