"""What the lead gives to participants: builds, documents, downloads, links."""

from contextlib import closing
from io import SEEK_END
from typing import IO

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import may_open, only
from portal.accounts.states import Role
from portal.challenges import states
from portal.challenges.access import challenge_or_404
from portal.challenges.actions import files as sending
from portal.challenges.actions import resources as actions
from portal.challenges.files import keep
from portal.challenges.forms.resources import BuildForm, FileForm, ResourceForm
from portal.challenges.models import Challenge, Resource
from portal.challenges.queries import news
from portal.challenges.queries import resources as found
from portal.challenges.rules import host_of
from portal.challenges.states import ResourceKind
from portal.challenges.views import blueprint
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.db import db, set_reading
from portal.core.errors import NotFound
from portal.core.mail import config_of
from portal.core.moves import move_named, open_moves


def largest() -> int:
    """The largest file that may be given out, in bytes."""
    return config_of(current_app).download_mib << 20


@blueprint.url_value_preprocessor
def allow_files(endpoint: str | None, values: dict[str, str] | None) -> None:
    """Let those who may send files send larger requests than others. This comes before anything reads the request."""
    if endpoint == "challenges.send_file" and request.method == "POST":
        set_reading(True)
        if may_open(endpoint, (values or {}).get("slug")):
            request.max_content_length = largest() + 1024 * 1024
        # The file may take its time to arrive: meanwhile no transaction is open.
        db.session.rollback()


@blueprint.get("/staff/<slug>/resources")
@only(Role.LEAD, Role.HOST)
def staff_resources(slug: str) -> ResponseReturnValue:
    """Announcements and how many have read them, builds, and everything else that is given out."""
    challenge = challenge_or_404(slug)
    page, told = news.told(db.session, challenge.id, request.args.get("after"))
    return render_template(
        "challenges/staff_resources.html", challenge=challenge, page=page, told=told,
        members=news.member_count(db.session, challenge.id), builds=found.builds(db.session, challenge.id),
        resources=found.resources(db.session, challenge.id, full=True), kinds=list(ResourceKind), host_of=host_of,
    )  # fmt: skip


@blueprint.route("/staff/<slug>/resources/new/<kind>", methods=["GET", "POST"])
@only(Role.LEAD)
def new_resource(slug: str, kind: str) -> ResponseReturnValue:
    """A document, a download or a link, as a draft."""
    challenge = challenge_or_404(slug)
    if kind not in set(ResourceKind):
        raise NotFound("kind")
    chosen = ResourceKind(kind)
    form = ResourceForm.for_kind(chosen, found.builds(db.session, challenge.id))
    if not (form.validate_on_submit() and _fits(form)):
        return _page(challenge, form, chosen, None, FileForm()), 422 if form.is_submitted() else 200
    made = actions.add_resource(
        db.session, challenge, chosen, form.offer(), by=current_account().id, at=clock.now()
    )  # fmt: skip
    db.session.commit()
    flash("Send the file next." if chosen is ResourceKind.DOWNLOAD else "It is a draft. Look at it, then publish it.")
    return redirect(url_for("challenges.staff_resource", slug=slug, resource_id=made.id))


def _fits(form: ResourceForm) -> bool:
    """Whether a link's address may stand on a page."""
    url = form._fields.get("url")
    if url is None or host_of(url.data or ""):
        return True
    url.errors = ["This is no web address: https://example.org/page."]
    return False


def _page(
    challenge: Challenge, form: ResourceForm, kind: ResourceKind, resource: Resource | None, file: FileForm
) -> str:
    moves = open_moves(states.RESOURCE_MOVES, resource.state, {Role.LEAD}) if resource else []
    return render_template(
        "challenges/staff_resource.html", challenge=challenge, form=form, kind=kind, resource=resource, file=file,
        moves=moves, largest=largest(),
    )  # fmt: skip


@blueprint.route("/staff/<slug>/resources/<int:resource_id>", methods=["GET", "POST"])
@only(Role.LEAD)
def staff_resource(slug: str, resource_id: int) -> ResponseReturnValue:
    """Say a resource better; its file and its state."""
    challenge = challenge_or_404(slug)
    resource = found.resource_of(db.session, challenge, resource_id, full=True)
    form = ResourceForm.for_kind(resource.kind, found.builds(db.session, challenge.id), resource)
    if not (form.validate_on_submit() and _fits(form)):
        return _page(challenge, form, resource.kind, resource, FileForm()), 422 if form.is_submitted() else 200
    actions.change_resource(db.session, challenge, resource, form.offer(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Saved.")
    return redirect(url_for("challenges.staff_resource", slug=slug, resource_id=resource_id))


def _size(stream: IO[bytes]) -> int:
    """The length of a file that has come, in bytes."""
    size = stream.seek(0, SEEK_END)
    stream.seek(0)
    return size


@blueprint.post("/staff/<slug>/resources/<int:resource_id>/file")
@only(Role.LEAD)
def send_file(slug: str, resource_id: int) -> ResponseReturnValue:
    """Take the file of a download, or another one in its place. No transaction is open while it goes to the store."""
    challenge, form = challenge_or_404(slug), FileForm()
    resource = found.resource_of(db.session, challenge, resource_id, full=True, kind=ResourceKind.DOWNLOAD)
    sent = form.file.data if form.validate() else None
    if not sent or _size(sent.stream) > largest():
        form.file.errors = ["This file is too large." if sent else "Choose a file."]
        if sent:
            sent.close()
        shown = ResourceForm.for_kind(resource.kind, found.builds(db.session, challenge.id), resource)
        return _page(challenge, shown, resource.kind, resource, form), 422
    me, at = current_account().id, clock.now()
    file = sending.begin_file(db.session, challenge, sent.filename or "", by=me, at=at)
    folder = file.folder
    db.session.commit()
    with closing(sent):
        kept = keep(blobs(), folder, sent.stream)
    sending.complete_file(db.session, challenge, resource, file, kept, by=me, at=clock.now())
    db.session.commit()
    flash(f"{file.name} is here, whole. Compare its SHA-256.")
    return redirect(url_for("challenges.staff_resource", slug=slug, resource_id=resource_id))


@blueprint.post("/staff/<slug>/resources/<int:resource_id>/move/<name>")
@only(Role.LEAD)
def move_resource(slug: str, resource_id: int, name: str) -> ResponseReturnValue:
    """Publish, withdraw or restore a resource."""
    challenge, move = challenge_or_404(slug), move_named(states.RESOURCE_MOVES, name)
    resource = found.resource_of(db.session, challenge, resource_id, full=True)
    actions.move_resource(db.session, challenge, resource, move, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{resource.title}: {resource.state}.")
    return redirect(url_for("challenges.staff_resource", slug=slug, resource_id=resource_id))


@blueprint.post("/staff/<slug>/resources/<int:resource_id>/place/<do>")
@only(Role.LEAD)
def place_resource(slug: str, resource_id: int, do: str) -> ResponseReturnValue:
    """Up or down in the list of its kind."""
    challenge = challenge_or_404(slug)
    if do not in ("up", "down"):
        raise NotFound("step")
    resource = found.resource_of(db.session, challenge, resource_id, full=True)
    actions.place_resource(db.session, challenge, resource, up=do == "up")
    db.session.commit()
    return redirect(url_for("challenges.staff_resources", slug=slug, _anchor=f"resource-{resource_id}"))


@blueprint.route("/staff/<slug>/resources/builds/new", methods=["GET", "POST"])
@only(Role.LEAD)
def new_build(slug: str) -> ResponseReturnValue:
    """One more build."""
    challenge, form = challenge_or_404(slug), BuildForm()
    if not form.validate_on_submit():
        page = render_template("challenges/staff_build.html", challenge=challenge, form=form, build=None, moves=[])
        return page, 422 if form.is_submitted() else 200
    made = actions.add_build(db.session, challenge, form.release(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"Build {made.name} is added.")
    return redirect(url_for("challenges.staff_resources", slug=slug))


@blueprint.route("/staff/<slug>/resources/builds/<int:build_id>", methods=["GET", "POST"])
@only(Role.LEAD)
def staff_build(slug: str, build_id: int) -> ResponseReturnValue:
    """Say a build better; its state."""
    challenge = challenge_or_404(slug)
    build = found.build_of(db.session, challenge, build_id)
    form = BuildForm(obj=build)
    form.name.data = build.name
    if not form.validate_on_submit():
        moves = open_moves(states.BUILD_MOVES, build.state, {Role.LEAD})
        page = render_template("challenges/staff_build.html", challenge=challenge, form=form, build=build, moves=moves)
        return page, 422 if form.is_submitted() else 200
    actions.change_build(db.session, challenge, build, form.release(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Saved.")
    return redirect(url_for("challenges.staff_build", slug=slug, build_id=build_id))


@blueprint.post("/staff/<slug>/resources/builds/<int:build_id>/move/<name>")
@only(Role.LEAD)
def move_build(slug: str, build_id: int, name: str) -> ResponseReturnValue:
    """Pin, unpin, withdraw or restore a build."""
    challenge, move = challenge_or_404(slug), move_named(states.BUILD_MOVES, name)
    build = found.build_of(db.session, challenge, build_id)
    actions.move_build(db.session, challenge, build, move, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"Build {build.name}: {build.state}.")
    return redirect(url_for("challenges.staff_build", slug=slug, build_id=build_id))
