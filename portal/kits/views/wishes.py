"""What a participant asks for after a parcel: another kit, the way back, and which mails."""

from flask import Response, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import signed_in
from portal.challenges.access import member_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, Refused
from portal.kits import queries
from portal.kits.actions import mailing, replacements, returns
from portal.kits.forms.returns import BackForm, MailsForm, WishForm
from portal.kits.queries import returns as lists
from portal.kits.rules.mails import TOPICS
from portal.kits.states.returns import ReturnState
from portal.kits.views.base import blueprint, typed, vault


def _done(slug: str, words: str) -> ResponseReturnValue:
    db.session.commit()
    flash(words)
    return redirect(url_for("kits.mine", slug=slug))


@blueprint.post("/challenges/<slug>/kit/<int:shipment_id>/replacement")
@signed_in
def ask_replacement(slug: str, shipment_id: int) -> ResponseReturnValue:
    """Ask for another kit."""
    member = member_or_404(slug)
    parcel = queries.own_parcel(db.session, member.participant_id, shipment_id)
    replacements.ask(db.session, parcel, typed(WishForm(), "reason"), by=member.account_id, at=clock.now())
    return _done(slug, "Logistics have been asked. The answer comes here and by mail.")


@blueprint.post("/challenges/<slug>/kit/<int:shipment_id>/replacement/withdraw")
@signed_in
def withdraw_replacement(slug: str, shipment_id: int) -> ResponseReturnValue:
    """No other kit is needed after all."""
    member = member_or_404(slug)
    parcel = queries.own_parcel(db.session, member.participant_id, shipment_id)
    replacements.withdraw(db.session, parcel, by=member.account_id, at=clock.now())
    return _done(slug, "Logistics will not send another kit.")


@blueprint.post("/challenges/<slug>/kit/<int:shipment_id>/return")
@signed_in
def give_back(slug: str, shipment_id: int) -> ResponseReturnValue:
    """Ask how to send a kit back."""
    member = member_or_404(slug)
    parcel = queries.own_parcel(db.session, member.participant_id, shipment_id)
    returns.ask(db.session, parcel, typed(BackForm(), "reason"), by=member.account_id, at=clock.now())
    return _done(slug, "Logistics will tell you here how to send it back.")


@blueprint.post("/challenges/<slug>/kit/returns/<int:return_id>/withdraw")
@signed_in
def withdraw_return(slug: str, return_id: int) -> ResponseReturnValue:
    """Keep it after all, as long as nobody has prepared anything."""
    member = member_or_404(slug)
    back = lists.own(db.session, member.participant_id, return_id)
    if back.state is not ReturnState.ASKED or back.asked_by_id not in lists.accounts_of(db.session, back.shipment):
        raise Refused("Only what you have asked for yourself, and nobody has answered, can be taken back.")
    returns.cancel(db.session, back, "The participant keeps it.", by=member.account_id, at=clock.now())
    return _done(slug, "You keep it.")


@blueprint.post("/challenges/<slug>/kit/returns/<int:return_id>/sent")
@signed_in
def send_return(slug: str, return_id: int) -> ResponseReturnValue:
    """Say that it is on its way."""
    member = member_or_404(slug)
    back = lists.own(db.session, member.participant_id, return_id)
    returns.say_sent(db.session, back, by=member.account_id, at=clock.now())
    return _done(slug, "Thank you. You will see here when it has arrived.")


@blueprint.get("/challenges/<slug>/kit/returns/<int:return_id>/label.pdf")
@signed_in
def return_label(slug: str, return_id: int) -> ResponseReturnValue:
    """The label for the way back, for the participant's members alone."""
    member = member_or_404(slug)
    answer = Response(returns.own_label(db.session, member, return_id, vault()), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="return-label-R-{return_id}.pdf"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/challenges/<slug>/kit/mails")
@signed_in
def choose_mails(slug: str) -> ResponseReturnValue:
    """Choose which mails about kits one gets."""
    member, form = member_or_404(slug), MailsForm()
    if not form.validate():
        raise Invalid({"topics": f"Choose among these: {', '.join(TOPICS.values())}."})
    mailing.choose(db.session, member, form.wanted(), at=clock.now())
    return _done(slug, "Your choice of mails is kept.")
