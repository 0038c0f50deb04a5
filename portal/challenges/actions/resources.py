"""Builds, documents, downloads and links: added, said better, moved, published and withdrawn."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Build, Challenge, Resource
from portal.challenges.queries import resources as found
from portal.challenges.rules import host_of
from portal.challenges.states import BuildState, Publication, ResourceKind
from portal.core import audit
from portal.core.constraints import conflicts, explain
from portal.core.errors import Invalid, Refused
from portal.core.moves import Move, take

explain(
    "uq_build_challenge_id_name", "There is a build of this name already.", columns="build.challenge_id, build.name"
)
# Long texts: the audit says that they changed, not what they said.
LONG = {"notes", "body"}


@dataclass(frozen=True, slots=True)
class Release:
    """What a build says of itself; `notes` are Markdown."""

    name: str
    released_on: date
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a resource says of itself. A document has a `body` (Markdown), a link a `url`, a download neither."""

    title: str
    summary: str = ""
    build_id: int | None = None
    body: str | None = None
    url: str | None = None


def add_build(session: Session, challenge: Challenge, release: Release, *, by: int | None, at: datetime) -> Build:
    """One more build. Raises Invalid without a name, Conflict where the name is taken."""
    _check_release(release)
    build = Build(challenge_id=challenge.id, state=BuildState.AVAILABLE, state_since=at, **asdict(release))
    session.add(build)
    with conflicts():
        session.flush()
    after = {"name": release.name, "released_on": release.released_on}
    audit.record(session, "challenges:add-build", f"build:{build.id}", by=by, at=at, scope=challenge.slug, after=after)
    return build


def change_build(
    session: Session, challenge: Challenge, build: Build, release: Release, *, by: int, at: datetime
) -> None:
    """Say a build better. Its name stays: reports and announcements name it. Raises Invalid."""
    _check_release(release)
    if release.name != build.name:
        raise Invalid({"name": "A build keeps its name: reports refer to it."})
    before, after = _changed(build, asdict(release))
    if after:
        audit.record(
            session, "challenges:change-build", f"build:{build.id}", by=by, at=at, scope=challenge.slug,
            before=before, after=after,
        )  # fmt: skip


def move_build(
    session: Session, challenge: Challenge, build: Build, move: Move[BuildState], *, by: int, at: datetime
) -> None:
    """Pin, unpin, withdraw or restore a build. Raises Refused (a pinned one is not withdrawn) or Conflict."""
    before = build.state
    take(session, build, move, at=at)
    _note_move(session, challenge, f"build:{build.id}", f"{move.name}-build", before, move.target, by, at)


def _check_release(release: Release) -> None:
    if not release.name or len(release.name) > 60:
        raise Invalid({"name": "A build needs a name of at most 60 signs."})


def add_resource(
    session: Session, challenge: Challenge, kind: ResourceKind, offer: Offer, *, by: int | None, at: datetime
) -> Resource:
    """A draft of a resource, after the others. A download gets its file later. Raises Invalid or NotFound."""
    _check_offer(session, challenge, kind, offer)
    last = session.scalars(
        sa.select(sa.func.max(Resource.position)).where(Resource.challenge_id == challenge.id)
    ).one_or_none()
    resource = Resource(
        challenge_id=challenge.id, kind=kind, position=0 if last is None else last + 1, state=Publication.DRAFT,
        state_since=at, changed_at=at, **asdict(offer),
    )  # fmt: skip
    session.add(resource)
    session.flush()
    after = {"kind": kind, "title": offer.title}
    audit.record(
        session, "challenges:add-resource", f"resource:{resource.id}", by=by, at=at, scope=challenge.slug, after=after
    )
    return resource


def change_resource(
    session: Session, challenge: Challenge, resource: Resource, offer: Offer, *, by: int, at: datetime
) -> None:
    """Say a resource better. Raises Invalid or NotFound."""
    _check_offer(session, challenge, resource.kind, offer)
    before, after = _changed(resource, asdict(offer))
    if after:
        resource.changed_at = at
        audit.record(
            session, "challenges:change-resource", f"resource:{resource.id}", by=by, at=at, scope=challenge.slug,
            before=before, after=after,
        )  # fmt: skip


def _check_offer(session: Session, challenge: Challenge, kind: ResourceKind, offer: Offer) -> None:
    wrong = {}
    if not offer.title or len(offer.title) > 120:
        wrong["title"] = "A title of at most 120 signs."
    if (kind is ResourceKind.DOCUMENT) != (offer.body is not None) or offer.body == "":
        wrong["body"] = "A document needs a text, and nothing else has one."
    if (kind is ResourceKind.LINK) != (offer.url is not None) or (offer.url is not None and not host_of(offer.url)):
        wrong["url"] = "A link needs a web address: https://example.org/page."
    if wrong:
        raise Invalid(wrong)
    if offer.build_id is not None:
        found.build_of(session, challenge, offer.build_id)


def move_resource(
    session: Session, challenge: Challenge, resource: Resource, move: Move[Publication], *, by: int, at: datetime
) -> None:
    """Publish, withdraw or restore a resource. Raises Refused (a download without a file) or Conflict."""
    if move.target is Publication.PUBLISHED and resource.kind is ResourceKind.DOWNLOAD and resource.file_id is None:
        raise Refused("There is no file yet. Send it first, then publish the download.")
    before = resource.state
    take(session, resource, move, at=at)
    _note_move(session, challenge, f"resource:{resource.id}", f"{move.name}-resource", before, move.target, by, at)


def place_resource(session: Session, challenge: Challenge, resource: Resource, *, up: bool) -> None:
    """Show a resource before the one before it, or after the one after it; at the end of the list nothing happens."""
    order = [each for each in found.resources(session, challenge.id, full=True) if each.kind is resource.kind]
    place = order.index(resource)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(order):
        return
    places = sorted(each.position for each in order)
    order[place], order[other] = order[other], order[place]
    for position, each in zip(places, order, strict=True):
        each.position = position


def _changed(row: Build | Resource, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write what differs; what it was and what it is, for the audit."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, value in values.items():
        old = getattr(row, name)
        if old != value:
            before[name], after[name] = ("", "changed") if name in LONG else (old, value)
            setattr(row, name, value)
    return before, after


def _note_move(
    session: Session, challenge: Challenge, subject: str, verb: str, before: str, after: str, by: int, at: datetime
) -> None:
    audit.record(
        session, f"challenges:{verb}", subject, by=by, at=at, scope=challenge.slug, before={"state": before},
        after={"state": after},
    )  # fmt: skip
