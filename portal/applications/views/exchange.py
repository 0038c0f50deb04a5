"""Applications from files and into files."""

import json
from collections.abc import Iterator

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import may_open, only
from portal.accounts.states import Role
from portal.applications import queries
from portal.applications.actions import imports as actions
from portal.applications.forms.questions import ImportForm
from portal.applications.queries import exchange
from portal.applications.rules.exchange import LARGEST, Checked, as_cells, check, columns, read
from portal.applications.views.blueprint import blueprint
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db, set_reading
from portal.core.errors import Invalid
from portal.core.tables import Sheet, table_line


@blueprint.url_value_preprocessor
def allow_files(endpoint: str | None, values: dict[str, str] | None) -> None:
    """Let those who may import send larger requests than others. This comes before anything reads the request."""
    if endpoint == "applications.upload" and request.method == "POST":
        set_reading(True)
        if may_open(endpoint, (values or {}).get("slug")):
            request.max_content_length = LARGEST + 1024 * 1024
        # The file may take its time to arrive: meanwhile no transaction is open.
        db.session.rollback()


def _page(challenge: Challenge, form: ImportForm) -> str:
    return render_template(
        "applications/imports.html", challenge=challenge, form=form,
        imports=exchange.imports(db.session, challenge.id), questions=queries.questions(db.session, challenge.id),
    )  # fmt: skip


@blueprint.get("/staff/<slug>/applications/imports")
@only(Role.LEAD)
def imports(slug: str) -> ResponseReturnValue:
    """What was brought in, and a form for one more file."""
    return _page(challenge_or_404(slug), ImportForm())


@blueprint.post("/staff/<slug>/applications/imports")
@only(Role.LEAD)
def upload(slug: str) -> ResponseReturnValue:
    """Check a file and keep it until somebody says what shall become of it. Nothing is changed yet."""
    challenge, form, at = challenge_or_404(slug), ImportForm(), clock.now()
    sent, me, number = request.files.get("file"), current_account().id, challenge.id
    name, data = (sent.filename or "", sent.read()) if sent else ("", b"")
    if sent:
        sent.close()
    try:
        sheet, checked = _checked(number, name, data)
    except Invalid as problem:
        form.file.errors = [problem.messages.get("file", problem.reason)]
        return _page(challenge_or_404(slug), form), 422
    kept = actions.keep_import(
        db.session, challenge_or_404(slug), name, data, sheet, checked, by=me, at=at
    )  # fmt: skip
    db.session.commit()
    return redirect(url_for("applications.import_report", slug=slug, import_id=kept.id))


def _checked(challenge_id: int, name: str, data: bytes) -> tuple[Sheet, Checked]:
    """Read and check a file while no transaction is open: that takes seconds for thousands of rows."""
    if not data:
        raise Invalid({"file": "Choose a file."})
    known = exchange.known(db.session, challenge_id)
    db.session.rollback()
    sheet = read(data, name)
    return sheet, check(sheet, known, clock.now())


@blueprint.get("/staff/<slug>/applications/imports/<int:import_id>")
@only(Role.LEAD)
def import_report(slug: str, import_id: int) -> ResponseReturnValue:
    """What would become of a file, or what has."""
    challenge = challenge_or_404(slug)
    kept = exchange.import_of(db.session, challenge.id, import_id)
    return render_template("applications/import.html", challenge=challenge, kept=kept)


@blueprint.post("/staff/<slug>/applications/imports/<int:import_id>/confirm")
@only(Role.LEAD)
def confirm_import(slug: str, import_id: int) -> ResponseReturnValue:
    """Have the good rows become applications."""
    challenge = challenge_or_404(slug)
    kept = exchange.import_of(db.session, challenge.id, import_id)
    actions.confirm_import(
        db.session, kept, skip_faulty=request.form.get("skip") == "y", by=current_account().id, at=clock.now()
    )  # fmt: skip
    db.session.commit()
    flash("The applications are being imported. This page tells how far it is.")
    return redirect(url_for("applications.import_report", slug=slug, import_id=import_id))


@blueprint.post("/staff/<slug>/applications/imports/<int:import_id>/discard")
@only(Role.LEAD)
def discard_import(slug: str, import_id: int) -> ResponseReturnValue:
    """Put a file away unused."""
    kept = exchange.import_of(db.session, challenge_or_404(slug).id, import_id)
    actions.discard_import(db.session, kept, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The file is discarded. Nothing was changed.")
    return redirect(url_for("applications.imports", slug=slug))


def _download(parts: Iterator[str], name: str, kind: str) -> Response:
    response = Response(parts, mimetype=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@blueprint.get("/staff/<slug>/applications/export.csv")
@only(Role.LEAD)
def export_table(slug: str) -> ResponseReturnValue:
    """Every application with all that it tells, as CSV that can be imported again."""
    challenge = challenge_or_404(slug)
    names = columns(queries.questions(db.session, challenge.id))
    rows = exchange.exported(db.engine, challenge.id)

    def lines() -> Iterator[str]:
        yield table_line(names)
        for told in rows:
            yield table_line(as_cells(told, names))

    return _download(lines(), f"{slug}-applications-whole.csv", "text/csv")


@blueprint.get("/staff/<slug>/applications/export.json")
@only(Role.LEAD)
def export_json(slug: str) -> ResponseReturnValue:
    """The same as JSON."""
    rows = exchange.exported(db.engine, challenge_or_404(slug).id)

    def parts() -> Iterator[str]:
        between = '{"applications": [\n'
        for told in rows:
            yield between + json.dumps(told, ensure_ascii=False)
            between = ",\n"
        yield "\n]}\n" if between == ",\n" else between + "]}\n"

    return _download(parts(), f"{slug}-applications-whole.json", "application/json")
