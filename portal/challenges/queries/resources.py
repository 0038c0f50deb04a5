"""Finding builds, documents, downloads and links, each for the person who asks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, undefer

from portal.challenges.models import Build, Challenge, FilePiece, Resource, ResourceFile
from portal.challenges.states import BuildState, Publication, ResourceKind
from portal.core.errors import NotFound
from portal.core.pieces import Piece


def builds(session: Session, challenge_id: int) -> Sequence[Build]:
    """Every build, pinned ones first, then the newest, without their notes."""
    return session.scalars(
        sa.select(Build)
        .where(Build.challenge_id == challenge_id)
        .order_by((Build.state != BuildState.PINNED), Build.released_on.desc(), Build.id.desc())
    ).all()


def offered_builds(session: Session, challenge_id: int) -> list[Build]:
    """The builds that are given out, in the same order: what a report may be about."""
    return [build for build in builds(session, challenge_id) if build.state is not BuildState.WITHDRAWN]


def build_of(session: Session, challenge: Challenge, build_id: int) -> Build:
    """One build with its notes. Raises NotFound."""
    found = session.scalars(
        sa.select(Build).options(undefer(Build.notes)).where(Build.id == build_id, Build.challenge_id == challenge.id)
    ).one_or_none()
    if found is None:
        raise NotFound("build")
    return found


def _resources(challenge_id: int, *, full: bool) -> sa.Select[Resource]:
    """Resources in their order; unless `full`, what participants see: published, and of no build that was withdrawn."""
    rows: sa.Select[Any] = (
        sa.select(Resource)
        .outerjoin(Resource.build)
        .options(contains_eager(Resource.build), joinedload(Resource.file))
        .where(Resource.challenge_id == challenge_id)
        .order_by(Resource.position, Resource.id)
    )
    if full:
        return rows
    given_out = sa.or_(Resource.build_id.is_(None), Build.state != BuildState.WITHDRAWN)
    return rows.where(Resource.state == Publication.PUBLISHED, given_out)


def resources(
    session: Session, challenge_id: int, *, full: bool = False, build: Build | None = None
) -> Sequence[Resource]:
    """The resources of a challenge, or of one build of it, without their texts; `full` is for those who edit them."""
    rows = _resources(challenge_id, full=full)
    if build is not None:
        rows = rows.where(Resource.build_id == build.id)
    return session.scalars(rows).all()


def resource_of(
    session: Session, challenge: Challenge, resource_id: int, *, full: bool, kind: ResourceKind | None = None
) -> Resource:
    """One resource with its text, build and file. Raises NotFound."""
    rows = _resources(challenge.id, full=full).options(undefer(Resource.body)).where(Resource.id == resource_id)
    found = session.scalars(rows if kind is None else rows.where(Resource.kind == kind)).one_or_none()
    if found is None:
        raise NotFound("resource")
    return found


def pieces_of(session: Session, file: ResourceFile) -> list[Piece]:
    """The pieces of a file in their order."""
    rows = session.scalars(sa.select(FilePiece).where(FilePiece.file_id == file.id).order_by(FilePiece.number))
    return [Piece(each.key, each.tag, each.offset, each.size) for each in rows]


def file_of(session: Session, file_id: int) -> ResourceFile:
    """A file by its number."""
    return session.get_one(ResourceFile, file_id)


def orphans(session: Session, before: datetime) -> Sequence[int]:
    """Files that no resource has named since before an instant: uploads that were cut, and what was replaced."""
    return session.scalars(
        sa.select(ResourceFile.id).where(ResourceFile.unnamed_since < before).order_by(ResourceFile.id)
    ).all()
