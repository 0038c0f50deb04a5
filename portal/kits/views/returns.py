"""Returns and replacements, as logistics see them."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.rules import ends_at
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.kits import queries
from portal.kits.actions import replacements
from portal.kits.actions import returns as actions
from portal.kits.forms.returns import AnnounceForm, AnswerForm, InspectForm, ReasonForm
from portal.kits.models import KitReturn
from portal.kits.queries import returns as lists
from portal.kits.rules import returns as rules
from portal.kits.states.returns import EXPECTED, ReturnState
from portal.kits.views.base import blueprint, typed, vault


@blueprint.get("/staff/<slug>/shipments/returns")
@only(Role.LOGISTICS)
def returns(slug: str) -> ResponseReturnValue:
    """What is to come back, what is late, and what waits to be looked at."""
    challenge = challenge_or_404(slug)
    today = rules.day_of(clock.now(), challenge.zone)
    page = lists.board(db.session, challenge.id, request.args.get("state", ""), today, request.args.get("after"))
    return render_template(
        "kits/returns.html", challenge=challenge, page=page, counts=lists.counts(db.session, challenge.id, today),
        brought=lists.brought(db.session, challenge.id),
        turned=lists.turned_back(db.session, challenge.id), unseen=lists.unseen(db.session, challenge.id),
        is_late=rules.is_late, today=today, over=clock.now() >= ends_at(challenge),
    )  # fmt: skip


def _load(slug: str, return_id: int) -> KitReturn:
    return lists.one(db.session, challenge_or_404(slug).id, return_id)


def _page(back: KitReturn, form: AnnounceForm | None = None, status: int = 200) -> ResponseReturnValue:
    known = {
        "expected_on": back.expected_on, "carrier": back.carrier, "tracking_number": back.tracking_number,
        "instructions": back.instructions,
    }  # fmt: skip
    challenge = back.shipment.challenge
    page = render_template(
        "kits/return.html", challenge=challenge, back=back, expected=back.state in EXPECTED,
        form=form or AnnounceForm(formdata=None, data=known), cancel=ReasonForm(formdata=None),
        has_label=back.id in lists.with_label(db.session, [back.shipment_id]),
        late=rules.is_late(back.state, back.expected_on, rules.day_of(clock.now(), challenge.zone)),
    )  # fmt: skip
    return page, status


def _back(back: KitReturn, words: str) -> ResponseReturnValue:
    db.session.commit()
    flash(words)
    return redirect(url_for("kits.kit_return", slug=back.shipment.challenge.slug, return_id=back.id))


@blueprint.post("/staff/<slug>/shipments/<int:shipment_id>/return")
@only(Role.LOGISTICS)
def ask_return(slug: str, shipment_id: int) -> ResponseReturnValue:
    """Ask for what a participant has of a parcel to come back."""
    parcel = queries.shipment(db.session, challenge_or_404(slug).id, shipment_id)
    made = actions.ask(db.session, parcel, typed(ReasonForm(), "reason"), by=current_account().id, at=clock.now())
    return _back(made, "Now say how and until when it is to come back.")


@blueprint.get("/staff/<slug>/shipments/returns/<int:return_id>")
@only(Role.LOGISTICS)
def kit_return(slug: str, return_id: int) -> ResponseReturnValue:
    """One return."""
    return _page(_load(slug, return_id))


@blueprint.post("/staff/<slug>/shipments/returns/<int:return_id>/announce")
@only(Role.LOGISTICS)
def announce_return(slug: str, return_id: int) -> ResponseReturnValue:
    """Say how it is to come back, or correct it."""
    back, form = _load(slug, return_id), AnnounceForm()
    if not form.validate():
        return _page(back, form, 422)
    again = back.state is ReturnState.ANNOUNCED
    try:
        actions.announce(
            db.session, back, form.announcement(), vault=vault(), by=current_account().id, at=clock.now()
        )  # fmt: skip
    except Invalid as wrong:
        form.complain(wrong.messages)
        db.session.rollback()
        return _page(_load(slug, return_id), form, 422)
    return _back(back, "The participant is told " + ("what has changed." if again else "how to send it back."))


@blueprint.post("/staff/<slug>/shipments/returns/<int:return_id>/arrive")
@only(Role.LOGISTICS)
def arrive_return(slug: str, return_id: int) -> ResponseReturnValue:
    """It is here."""
    back = _load(slug, return_id)
    actions.arrive(db.session, back, by=current_account().id, at=clock.now())
    return _back(back, "It is here. Look at what came with it.")


@blueprint.post("/staff/<slug>/shipments/returns/<int:return_id>/cancel")
@only(Role.LOGISTICS)
def cancel_return(slug: str, return_id: int) -> ResponseReturnValue:
    """It need not come back; with `keep`, what the participant has is theirs."""
    back, by, now = _load(slug, return_id), current_account().id, clock.now()
    actions.cancel(db.session, back, typed(ReasonForm(), "reason"), by=by, at=now)
    if "keep" in request.form:
        whole = queries.shipment(db.session, back.challenge_id, back.shipment_id)
        actions.let_keep(db.session, whole, by=by, at=now)
    return _back(back, "The participant is told that it need not come back.")


@blueprint.route("/staff/<slug>/shipments/returns/units/<int:unit_id>", methods=["GET", "POST"])
@only(Role.LOGISTICS)
def inspect_unit(slug: str, unit_id: int) -> ResponseReturnValue:
    """Look at a unit that came back, and say what becomes of it."""
    challenge = challenge_or_404(slug)
    unit, form = queries.unit(db.session, challenge.id, unit_id), InspectForm()
    seen = lists.last_time(db.session, unit.id)
    if not form.validate_on_submit():
        page = render_template("kits/inspect.html", challenge=challenge, unit=unit, form=form, seen=seen)
        return page, 422 if form.is_submitted() else 200
    actions.inspect(db.session, unit, form.finding(), scope=slug, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{unit.serial} is inspected. It is {unit.state.replace('_', ' ')}.")
    if seen is not None and seen.return_id is not None:
        return redirect(url_for("kits.kit_return", slug=slug, return_id=seen.return_id))
    return redirect(url_for("kits.returns", slug=slug))


@blueprint.post("/staff/<slug>/shipments/<int:shipment_id>/replacement/refuse")
@only(Role.LOGISTICS)
def refuse_replacement(slug: str, shipment_id: int) -> ResponseReturnValue:
    """Say no to another kit, with a reason that the participant reads."""
    parcel = queries.shipment(db.session, challenge_or_404(slug).id, shipment_id)
    replacements.refuse(
        db.session, parcel, typed(AnswerForm(), "answer"), by=current_account().id, at=clock.now()
    )  # fmt: skip
    db.session.commit()
    flash("The participant is told that there will be no other kit, and why.")
    return redirect(url_for("kits.shipment", slug=slug, shipment_id=shipment_id))


@blueprint.post("/staff/<slug>/shipments/<int:shipment_id>/another")
@only(Role.LOGISTICS)
def plan_another(slug: str, shipment_id: int) -> ResponseReturnValue:
    """Plan one more parcel for the participant of this one."""
    parcel = queries.shipment(db.session, challenge_or_404(slug).id, shipment_id)
    made = replacements.plan_another(
        db.session, parcel.challenge, parcel.participant, typed(ReasonForm(), "reason"), by=current_account().id,
        at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    flash(f"{made.reference} is planned for {parcel.participant.name}.")
    return redirect(url_for("kits.shipment", slug=slug, shipment_id=made.id))
