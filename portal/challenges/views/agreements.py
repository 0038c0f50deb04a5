"""The agreement: reading, signing, and what the signer keeps of it."""

import json

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account, network_hash
from portal.accounts.gate import signed_in
from portal.accounts.rules import local_path
from portal.challenges import actions, queries, rules
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.forms import SignForm
from portal.challenges.models import Agreement, Challenge
from portal.challenges.views import blueprint
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound


def _current(challenge: Challenge) -> Agreement:
    agreement = queries.current_agreement(db.session, challenge.id)
    if agreement is None:
        raise NotFound("agreement")
    return agreement


@blueprint.get("/challenges/<slug>/agreement")
@signed_in
def agreement(slug: str) -> ResponseReturnValue:
    """The text in force; for participants, what has changed since they signed, and the place to sign."""
    return _page(challenge_or_404(slug), SignForm(next=request.args.get("next")))


def _page(challenge: Challenge, form: SignForm) -> str:
    agreement, account = _current(challenge), current_account()
    form.seen.data = agreement.sha256
    last = queries.last_signed(db.session, challenge.id, account.id)
    older = last.agreement if last and last.agreement_id != agreement.id else None
    return render_template(
        "challenges/agreement.html", challenge=challenge, agreement=agreement, form=form, older=older,
        signature=last if last and not older else None,
        member=queries.membership(db.session, challenge.id, account.id),
        changes=rules.changes(older.body, agreement.body) if older else [],
    )  # fmt: skip


@blueprint.post("/challenges/<slug>/agreement")
@signed_in
def sign(slug: str) -> ResponseReturnValue:
    """Sign the text that was read."""
    member, form = member_or_404(slug, signed=False), SignForm()
    challenge = challenge_or_404(slug)
    if not form.validate():
        return _page(challenge, form), 422
    actions.sign_agreement(
        db.session, _current(challenge), member.account, typed_name=form.typed_name.data or "", at=clock.now(),
        address_hash=network_hash(), seen=form.seen.data or "",
    )  # fmt: skip
    db.session.commit()
    flash("Signed. The receipt stays on this page.")
    return redirect(local_path(form.next.data, url_for("challenges.agreement", slug=slug)))


@blueprint.get("/challenges/<slug>/agreement/<int:version>.txt")
@signed_in
def agreement_text(slug: str, version: int) -> ResponseReturnValue:
    """The exact bytes whose SHA-256 is signed."""
    found = queries.agreement_version(db.session, challenge_or_404(slug).id, version)
    return Response(found.body, content_type="text/plain; charset=utf-8")


@blueprint.get("/challenges/<slug>/agreement/receipt.json")
@signed_in
def receipt(slug: str) -> ResponseReturnValue:
    """What a person signed last, as a file that they can check against the text."""
    challenge, account = challenge_or_404(slug), current_account()
    signature = queries.last_signed(db.session, challenge.id, account.id)
    if signature is None:
        raise NotFound("signature")
    told = _receipt(challenge, signature.agreement) | {
        "typed_name": signature.typed_name, "account": account.email, "method": signature.method,
        "signed_at": signature.signed_at.isoformat(),
    }  # fmt: skip
    name = f"{challenge.slug}-agreement-{signature.agreement.version}-receipt.json"
    return Response(
        json.dumps(told, indent=2, ensure_ascii=False) + "\n", mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _receipt(challenge: Challenge, agreement: Agreement) -> dict[str, object]:
    url = url_for("challenges.agreement_text", slug=challenge.slug, version=agreement.version)
    return {
        "challenge": challenge.slug, "agreement": agreement.title, "version": agreement.version,
        "locale": agreement.locale, "published_at": agreement.published_at.isoformat(), "sha256": agreement.sha256,
        "verify": f"Save {url} and compare its sha256sum with sha256.",
    }  # fmt: skip
