"""The lists of names that addresses are held against."""

from typing import IO

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from portal.accounts.current import current_account
from portal.accounts.gate import may_open, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db, set_reading
from portal.core.errors import Invalid
from portal.kits.actions import lists as actions
from portal.kits.forms import told_apart
from portal.kits.forms.policy import ListForm, ThresholdForm
from portal.kits.queries import policy as queries
from portal.kits.rules.lists import LARGEST
from portal.kits.views.base import blueprint


@blueprint.url_value_preprocessor
def allow_lists(endpoint: str | None, values: dict[str, str] | None) -> None:
    """Let those who may bring lists in send larger requests than others. This comes before anything reads one."""
    if endpoint == "kits.upload_list" and request.method == "POST":
        set_reading(True)
        if may_open(endpoint, (values or {}).get("slug")):
            request.max_content_length = LARGEST + 1024 * 1024
        # The file may take its time to arrive: meanwhile no transaction is open.
        db.session.rollback()


def _page(challenge: Challenge, form: ListForm, checked: actions.Checked | None = None) -> str:
    at = clock.now()
    found = queries.lists(db.session, challenge.id)
    return render_template(
        "kits/screening.html", challenge=challenge, form=form, lists=found, checked=checked,
        thresholds={each.id: told_apart(ThresholdForm(formdata=None, obj=each), each.id) for each in found},
        waiting=queries.count_outdated(db.session, challenge.id, queries.mark(db.session, challenge.id, at.date())),
    )  # fmt: skip


@blueprint.get("/staff/<slug>/shipments/screening")
@only(Role.LOGISTICS)
def screening(slug: str) -> ResponseReturnValue:
    """The lists, and a form for another one."""
    return _page(challenge_or_404(slug), ListForm(formdata=None, data={"as_of": clock.now().date()}))


@blueprint.post("/staff/<slug>/shipments/screening")
@only(Role.LOGISTICS)
def upload_list(slug: str) -> ResponseReturnValue:
    """Read a list through, then bring it in, some thousand entries at a time."""
    sent = request.files.get("file")
    try:
        return _upload(slug, ListForm(), sent)
    finally:
        if sent is not None:
            sent.close()


def _upload(slug: str, form: ListForm, sent: FileStorage | None) -> ResponseReturnValue:
    valid, checked = form.validate(), None
    db.session.rollback()  # reading twenty megabytes takes seconds
    try:
        if sent is None or not sent.filename:
            raise Invalid({"file": "Choose a file."})
        checked = actions.check_list(sent.stream)
        if checked.faulty and not form.skip.data:
            raise Invalid({"file": f"Faulty entries: {checked.faulty}. Correct them, or skip them."})
    except Invalid as problem:
        form.file.errors = [problem.messages["file"]]
        valid = False
    if not valid or sent is None or checked is None:
        return _page(challenge_or_404(slug), form, checked), 422
    set_reading(False)
    return _bring_in(challenge_or_404(slug), sent.stream, checked, form.spec(sent.filename or ""))


def _bring_in(
    challenge: Challenge, file: IO[bytes], checked: actions.Checked, spec: actions.ListSpec
) -> ResponseReturnValue:
    slug = challenge.slug
    for _ in actions.bring_in(db.session, challenge, file, checked, spec, by=current_account().id, at=clock.now()):
        db.session.commit()
    flash(f"{checked.count:,} entries of “{spec.name}” count now. Addresses are held against them within seconds.")
    return redirect(url_for("kits.screening", slug=slug))


@blueprint.post("/staff/<slug>/shipments/screening/<int:list_id>/threshold")
@only(Role.LOGISTICS)
def set_threshold(slug: str, list_id: int) -> ResponseReturnValue:
    """Say from which score on a list holds parcels."""
    challenge, form = challenge_or_404(slug), ThresholdForm()
    found = queries.live_list(db.session, challenge.id, list_id)
    if not form.validate() or form.threshold.data is None:
        raise Invalid({"threshold": "A whole number from 60 to 100 is needed."})
    actions.set_threshold(db.session, challenge, found, form.threshold.data, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"“{found.name}” holds from a score of {found.threshold}.")
    return redirect(url_for("kits.screening", slug=slug))


@blueprint.post("/staff/<slug>/shipments/screening/<int:list_id>/retire")
@only(Role.LOGISTICS)
def retire_list(slug: str, list_id: int) -> ResponseReturnValue:
    """Hold addresses against a list no longer."""
    challenge = challenge_or_404(slug)
    found = queries.live_list(db.session, challenge.id, list_id)
    actions.retire_list(db.session, challenge, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"“{found.name}” counts no longer.")
    return redirect(url_for("kits.screening", slug=slug))
