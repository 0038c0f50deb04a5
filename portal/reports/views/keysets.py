"""The page where an admin publishes the next key set: paste, look, sign, publish. Nothing typed is lost in between."""

from datetime import datetime
from typing import NamedTuple

from flask import Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.models import Account
from portal.accounts.queries import by_email
from portal.accounts.states import Role
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, Refused
from portal.core.web import files
from portal.reports import certificates
from portal.reports.actions import keys as actions
from portal.reports.actions.keys import Proposal
from portal.reports.certificates import Certificate, Unfit
from portal.reports.forms import KeySetForm
from portal.reports.models import KeySet
from portal.reports.queries import keys as queries
from portal.reports.signatures import NotSigned
from portal.reports.states import KeyRole
from portal.reports.views import blueprint

FRESH_MINUTES = 30


class Looked(NamedTuple):
    """One certificate of those that were pasted, as the page shows it: read, or refused with a sentence."""

    role: KeyRole
    text: str
    certificate: Certificate | None
    account: Account | None
    refusal: str | None


@blueprint.route("/staff/keys", methods=["GET", "POST"])
@only(Role.ADMIN)
@auth_required("session", within=FRESH_MINUTES, grace=FRESH_MINUTES)
def publish_keys() -> ResponseReturnValue:
    """Look at the next key set, take its statement away to be signed, publish it."""
    form, current = KeySetForm(), queries.current_set(db.session)
    if not form.validate_on_submit():
        if current and not form.is_submitted():
            _fill(form, current)
        return _page(form, current, [])
    at = clock.now()
    looked = _look(form, at)
    proposal = _propose(form, looked, at)
    if proposal is None:
        return _page(form, current, looked)
    step = request.form.get("step", "look")
    if step == "statement":
        return _download(proposal)
    if step == "publish" and (made := _publish(form, looked, at)):
        return made
    return _page(form, current, looked, proposal)


def _look(form: KeySetForm, at: datetime) -> list[Looked]:
    """Every certificate that was pasted, with the account whose address its user id names."""
    texts = certificates.split(form.triagers.data or "") or [form.triagers.data or ""]
    given = [(KeyRole.TRIAGER, text) for text in texts] + [(KeyRole.RECOVERY, form.recovery.data or "")]
    return [_read(role, text, at) for role, text in given]


def _read(role: KeyRole, text: str, at: datetime) -> Looked:
    try:
        found = certificates.inspect(text, at=at)
    except Unfit as refusal:
        return Looked(role, text, None, None, refusal.reason)
    address = found.name.rpartition("<")[2].rstrip(">")
    account = by_email(db.session, address) if role is KeyRole.TRIAGER else None
    return Looked(role, text, found, account, None)


def _given(looked: list[Looked]) -> tuple[list[tuple[int | None, str]], str]:
    triagers = [(each.account.id if each.account else None, each.text) for each in looked[:-1]]
    return triagers, looked[-1].text


def _demonstration() -> bool:
    return bool(current_app.extensions["portal.config"].demonstration)


def _propose(form: KeySetForm, looked: list[Looked], at: datetime) -> Proposal | None:
    """The set as it would be; None where it cannot be, with the reasons at the fields."""
    refused = {each.role: each.refusal for each in looked if each.refusal}
    for role, field in ((KeyRole.TRIAGER, form.triagers), (KeyRole.RECOVERY, form.recovery)):
        if role in refused:
            field.errors = [refused[role]]
    if refused:
        return None
    try:
        return actions.propose(db.session, *_given(looked), at=at, demonstration=_demonstration())
    except Invalid as problem:
        form.recovery.errors = list(problem.messages.values())
    except Refused as problem:
        form.triagers.errors = [problem.reason]
    return None


def _publish(form: KeySetForm, looked: list[Looked], at: datetime) -> ResponseReturnValue | None:
    """Publish it; None where its signature does not count, with the reason at the field."""
    by, signature = current_account().id, form.signature.data or None
    try:
        made = actions.publish_key_set(
            db.session, *_given(looked), by=by, at=at, signature=signature, demonstration=_demonstration()
        )
    except NotSigned as refusal:
        form.signature.errors = [refusal.reason]
        return None
    db.session.commit()
    flash(f"Key set {made.number} is published. Reports are sealed to it from now on.")
    return redirect(url_for("reports.key_sets"))


def _download(proposal: Proposal) -> Response:
    answer = Response(proposal.statement, content_type="text/plain; charset=utf-8")
    answer.headers["Content-Disposition"] = files.attachment(f"key-set-{proposal.number}.txt")
    return answer


def _page(
    form: KeySetForm, current: KeySet | None, looked: list[Looked], proposal: Proposal | None = None
) -> ResponseReturnValue:
    with_key = {each.account.id for each in looked if each.account}
    triagers = queries.triagers(db.session) if looked else ()
    known = {account.id for account in triagers}
    page = render_template(
        "reports/publish_keys.html",
        form=form,
        current=current,
        looked=looked,
        proposal=proposal,
        without_key=[account for account in triagers if account.id not in with_key],
        known=known,
    )
    return page, 422 if form.errors else 200


def _fill(form: KeySetForm, current: KeySet) -> None:
    form.triagers.data = "\n".join(each.certificate for each in current.members if each.role is KeyRole.TRIAGER)
    form.recovery.data = current.recovery_certificate
