"""The public page that says whether a receipt is genuine. What is sent to it is looked at and forgotten."""

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from portal.accounts.gate import everyone
from portal.core.db import db
from portal.reports import receipts
from portal.reports.forms import VerifyForm
from portal.reports.queries import known, signed
from portal.reports.views import blueprint
from portal.reports.views.who import signer

LARGEST = 64_000


@blueprint.route("/verify", methods=["GET", "POST"])
@everyone
def verify() -> ResponseReturnValue:
    """Whether this portal signed a receipt, what the receipt says, and whether the list that it names still stands."""
    form, said, refusal, stands = VerifyForm(), None, None, None
    if form.validate_on_submit():
        try:
            said = _verified(form)
            told = said["known_issues"]
            stands = known.stands(db.session, said["challenge"], told) if told else None
        except receipts.NotGenuine as problem:
            refusal = problem.reason
    page = render_template("reports/verify.html", form=form, said=said, refusal=refusal, stands=stands)
    return page, 422 if form.errors or refusal else 200


def _verified(form: VerifyForm) -> dict[str, Any]:
    body = _sent("receipt_file") or (form.receipt.data or "").encode()
    signature = _sent("signature_file") or (form.signature.data or "").encode()
    keys = {each.key_id: each.public_pem for each in signed.receipt_keys(db.session)}
    return receipts.verify(body, signature, keys | {signer().key_id: signer().public_pem})


def _sent(name: str) -> bytes:
    file: FileStorage | None = request.files.get(name)
    return file.read(LARGEST + 1) if file else b""
