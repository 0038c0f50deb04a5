"""What participants are given to work with: builds, documents, downloads, links."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.challenges.models.course import Challenge
from portal.challenges.states import BuildState, Publication, ResourceKind
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.core.pieces import LARGEST, TAG, TAG_KNOWN


class Build(Moving[BuildState], Model):
    """One release of what is looked at. `notes` (Markdown) say what changed in it; reports name it by its `name`."""

    __tablename__ = "build"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "name"),
        # What refers to a build names its challenge as well, so that nothing of one challenge leads into another.
        sa.UniqueConstraint("challenge_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    name: Mapped[str] = mapped_column(sa.String(60))
    released_on: Mapped[date]
    notes: Mapped[str] = mapped_column(sa.Text, deferred=True)
    state: Mapped[BuildState] = mapped_column(default=BuildState.AVAILABLE)
    state_since: Mapped[datetime]
    challenge: Mapped[Challenge] = refers()


class ResourceFile(Model):
    """A file on its way into the store or whole in it. What no resource names is collected, pieces and all."""

    __tablename__ = "resource_file"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "id"),
        sa.CheckConstraint("(completed_at IS NULL) = (sha256 IS NULL)", name="complete_has_hash"),
        sa.CheckConstraint("(completed_at IS NULL) = (size IS NULL)", name="complete_has_size"),
        sa.CheckConstraint("size > 0", name="size_positive"),
        sa.CheckConstraint("length(sha256) = 64", name="sha256_whole"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    # Under which its pieces lie in the store: no two files share one, so that one can be collected without the other.
    folder: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    size: Mapped[int | None] = mapped_column(sa.BigInteger)
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
    begun_at: Mapped[datetime]
    begun_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    completed_at: Mapped[datetime | None]
    # Since when no resource names it; None while one does.
    unnamed_since: Mapped[datetime | None] = mapped_column(index=True)


class FilePiece(Model):
    """A part of a file, under a key that ends with its SHA-256."""

    __tablename__ = "resource_file_piece"
    __table_args__ = (
        sa.CheckConstraint(f"size > 0 AND size <= {LARGEST}", name="size_fits"),
        sa.CheckConstraint(TAG_KNOWN, name="tag_known"),
    )

    file_id: Mapped[int] = mapped_column(sa.ForeignKey("resource_file.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[int] = mapped_column(sa.BigInteger)
    size: Mapped[int]
    tag: Mapped[str] = mapped_column(sa.String(TAG))
    key: Mapped[str] = mapped_column(sa.String(160))


class Resource(Moving[Publication], Model):
    """A document (`body`, Markdown), a download (`file`) or a link (`url`), perhaps of one build."""

    __tablename__ = "resource"
    __table_args__ = (
        sa.ForeignKeyConstraint(["challenge_id", "build_id"], ["build.challenge_id", "build.id"]),
        sa.ForeignKeyConstraint(["challenge_id", "file_id"], ["resource_file.challenge_id", "resource_file.id"]),
        sa.CheckConstraint("(kind = 'document') = (body IS NOT NULL)", name="document_has_body"),
        sa.CheckConstraint("(kind = 'link') = (url IS NOT NULL)", name="link_has_url"),
        sa.CheckConstraint("kind = 'download' OR file_id IS NULL", name="download_has_file"),
        sa.CheckConstraint("kind <> 'download' OR state = 'draft' OR file_id IS NOT NULL", name="given_out_with_file"),
        sa.Index("ix_resource_place", "challenge_id", "position", "id"),
        sa.Index("ix_resource_build", "build_id"),
        sa.Index("ix_resource_file", "file_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    kind: Mapped[ResourceKind]
    title: Mapped[str] = mapped_column(sa.String(120))
    summary: Mapped[str] = mapped_column(sa.String(300), default="")
    body: Mapped[str | None] = mapped_column(sa.Text, deferred=True)
    url: Mapped[str | None] = mapped_column(sa.String(2000))
    build_id: Mapped[int | None]
    file_id: Mapped[int | None]
    position: Mapped[int]
    state: Mapped[Publication] = mapped_column(default=Publication.DRAFT)
    state_since: Mapped[datetime]
    changed_at: Mapped[datetime]
    challenge: Mapped[Challenge] = refers()
    build: Mapped[Build | None] = refers()
    file: Mapped[ResourceFile | None] = refers()
