"""Answers that could not be delivered."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.selection.actions import delivery as actions
from portal.selection.forms.waves import ReturnedForm, SettleForm
from portal.selection.queries import delivery
from portal.selection.views.blueprint import blueprint


@blueprint.get("/staff/<slug>/undelivered")
@only(Role.LEAD)
def undelivered(slug: str) -> ResponseReturnValue:
    """Whom no mail reached, with which answer, and why."""
    return _page(challenge_or_404(slug), ReturnedForm(formdata=None))


def _page(challenge: Challenge, form: ReturnedForm | SettleForm) -> str:
    return render_template(
        "selection/undelivered.html", challenge=challenge, form=form, settle=SettleForm(formdata=None),
        returned=form if isinstance(form, ReturnedForm) else ReturnedForm(formdata=None),
        page=delivery.undelivered(db.session, challenge, request.args.get("after")), at=clock.now(),
    )  # fmt: skip


@blueprint.post("/staff/<slug>/undelivered")
@only(Role.LEAD)
def note_returned(slug: str) -> ResponseReturnValue:
    """Note a mail that came back later."""
    challenge, form = challenge_or_404(slug), ReturnedForm()
    if not form.validate_on_submit():
        return _page(challenge, form), 422
    address, reason = form.address.data or "", form.reason.data or ""
    try:
        actions.note_returned(db.session, challenge, address, reason, by=current_account().id, at=clock.now())
    except Invalid as wrong:
        form.address.errors = [*form.address.errors, *wrong.messages.values()]
        return _page(challenge, form), 422
    db.session.commit()
    flash("It is on the list now.")
    return redirect(url_for("selection.undelivered", slug=slug))


@blueprint.post("/staff/<slug>/undelivered/<int:mail_id>/again")
@only(Role.LEAD)
def send_mail_again(slug: str, mail_id: int) -> ResponseReturnValue:
    """Send it to the address that the applicant has now."""
    found = delivery.undelivered_mail(db.session, challenge_or_404(slug), mail_id)
    actions.send_again(db.session, found.mail, found.application, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"It goes to {found.mail.to} again.")
    return redirect(url_for("selection.undelivered", slug=slug))


@blueprint.post("/staff/<slug>/undelivered/<int:mail_id>/settle")
@only(Role.LEAD)
def settle_mail(slug: str, mail_id: int) -> ResponseReturnValue:
    """Note how they were told instead."""
    challenge, form = challenge_or_404(slug), SettleForm()
    found = delivery.undelivered_mail(db.session, challenge, mail_id)
    if not form.validate_on_submit():
        return _page(challenge, form), 422
    note = form.note.data or ""
    actions.settle(db.session, found.mail, found.application, note, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"Noted for {found.application.name}.")
    return redirect(url_for("selection.undelivered", slug=slug))
