"""What participants are given: builds, documents, downloads, links. The staff of the challenge may read along."""

from typing import NamedTuple

from flask import render_template
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, signed_in
from portal.accounts.states import Role
from portal.challenges import queries
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge, Member
from portal.challenges.queries import news
from portal.challenges.queries import resources as found
from portal.challenges.rules import host_of
from portal.challenges.states import ResourceKind
from portal.challenges.views import blueprint
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.web import files

LATEST = 5


class Reader(NamedTuple):
    """Who reads: a member who has signed, or somebody of the staff. `full`: also what is not published, to look at."""

    challenge: Challenge
    member: Member | None
    full: bool


def reader(slug: str) -> Reader:
    """The signed-in person as a reader. Raises NotFound for strangers, AgreementNeeded for members who must sign."""
    challenge, roles = challenge_or_404(slug), my_roles(slug)
    if roles:
        member = queries.membership(db.session, challenge.id, current_account().id)
        return Reader(challenge, member, Role.LEAD in roles)
    return Reader(challenge, member_or_404(slug), full=False)


@blueprint.get("/challenges/<slug>/resources")
@signed_in
def resources(slug: str) -> ResponseReturnValue:
    """Everything that is given out, and the latest announcements."""
    challenge, member, _ = reader(slug)
    latest = news.out(db.session, challenge.id, clock.now(), limit=LATEST).rows
    return render_template(
        "challenges/resources.html", challenge=challenge, member=member, latest=latest,
        read=news.read_by(db.session, member.account_id, latest) if member else set(),
        builds=found.builds(db.session, challenge.id), resources=found.resources(db.session, challenge.id),
        host_of=host_of,
    )  # fmt: skip


@blueprint.get("/challenges/<slug>/resources/documents/<int:resource_id>")
@signed_in
def document(slug: str, resource_id: int) -> ResponseReturnValue:
    """A document."""
    challenge, _, full = reader(slug)
    resource = found.resource_of(db.session, challenge, resource_id, full=full, kind=ResourceKind.DOCUMENT)
    return render_template("challenges/document.html", challenge=challenge, resource=resource)


@blueprint.get("/challenges/<slug>/resources/downloads/<int:resource_id>")
@signed_in
def download(slug: str, resource_id: int) -> ResponseReturnValue:
    """A file, whole or a range of it."""
    challenge, _, full = reader(slug)
    resource = found.resource_of(db.session, challenge, resource_id, full=full, kind=ResourceKind.DOWNLOAD)
    file = resource.file
    if file is None or file.size is None or file.sha256 is None:
        raise NotFound("file")
    pieces = found.pieces_of(db.session, file)
    return files.download(blobs(), pieces, size=file.size, sha256=file.sha256, name=file.name)


@blueprint.get("/challenges/<slug>/resources/builds/<int:build_id>")
@signed_in
def build(slug: str, build_id: int) -> ResponseReturnValue:
    """A build: what changed in it, what belongs to it, and what was announced about it."""
    challenge, _, _ = reader(slug)
    shown = found.build_of(db.session, challenge, build_id)
    return render_template(
        "challenges/build.html", challenge=challenge, build=shown, host_of=host_of,
        resources=found.resources(db.session, challenge.id, build=shown),
        announcements=news.about(db.session, shown, clock.now()),
    )  # fmt: skip
