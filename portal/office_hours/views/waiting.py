"""Waiting for a seat: joining and leaving the list, answering an offer; for staff, who waits where."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.office_hours import queries
from portal.office_hours.actions import waiting as actions
from portal.office_hours.forms.waiting import OfferForm, WaitForm
from portal.office_hours.jobs import offer_seats
from portal.office_hours.models import Slot
from portal.office_hours.queries import waiting as lists
from portal.office_hours.queries.access import access_of, share_of
from portal.office_hours.rules.waiting import standing, why_not_join
from portal.office_hours.states import BookingState
from portal.office_hours.time import Face, face, spoken_moment
from portal.office_hours.views import blueprint
from portal.office_hours.views.participant import scenarios_of
from portal.office_hours.views.shapes import sender

MINE, STAFF = "/challenges/<slug>/office-hours", "/staff/<slug>/office-hours"


def _spans(slots: list[Slot], zone: str) -> dict[int, tuple[Face, Face]]:
    """When slots are, on the clock of `zone`."""
    return {
        slot.id: (
            face(slot.starts_at, zone, slot.sitting.series.zone),
            face(slot.ends_at, zone, slot.sitting.series.zone),
        )
        for slot in slots
    }


@blueprint.get(f"{MINE}/waiting")
@signed_in
def waiting(slug: str) -> ResponseReturnValue:
    """What one waits for and where one stands, seats that are kept, and one's share so far."""
    challenge, member, at = challenge_or_404(slug), member_or_404(slug), clock.now()
    waits = lists.waits_of(db.session, member.participant_id)
    places = lists.places(db.session, challenge.id, waits, at)
    return render_template(
        "office_hours/waiting.html",
        challenge=challenge,
        waits=waits,
        standings={waiter_id: standing(before) for waiter_id, before in places.items()},
        offers=lists.open_offers(db.session, [waiter.id for waiter in waits]),
        share=share_of(access_of(db.session, challenge.id, at), member.participant_id),
    )


@blueprint.route(f"{MINE}/sessions/<int:sitting_id>/wait", methods=["GET", "POST"])
@signed_in
def wait(slug: str, sitting_id: int) -> ResponseReturnValue:
    """Join the list of a session, for any of its slots or for some."""
    challenge, member, at = challenge_or_404(slug), member_or_404(slug), clock.now()
    sitting = queries.sitting_of(db.session, challenge.id, sitting_id)
    slots = list(lists.slots_in(db.session, sitting.id))
    spans, form = _spans(slots, member.account.zone), WaitForm()
    form.scenario.choices = scenarios_of(challenge)
    form.slots.choices = [
        (slot.id, f"{spans[slot.id][0].clock}–{spans[slot.id][1].clock}, {slot.names}") for slot in slots
    ]
    if not form.validate_on_submit():
        page = render_template(
            "office_hours/wait.html", challenge=challenge, sitting=sitting, form=form,
            begin=face(sitting.starts_at, member.account.zone, sitting.series.zone),
            end=face(sitting.ends_at, member.account.zone, sitting.series.zone),
            why_not=why_not_join(sitting, slots, at),
        )  # fmt: skip
        return page, 422 if form.is_submitted() else 200
    chosen = [slot for slot in slots if slot.id in (form.slots.data or [])]
    actions.join_list(db.session, sitting, chosen, member, form.wish(), at=at)
    db.session.commit()
    flash("You are on the list. A seat that becomes free is kept for you for some hours of your day; a mail tells you.")
    return redirect(url_for("office_hours.waiting", slug=slug))


@blueprint.post(f"{MINE}/waiting/<int:waiter_id>/leave")
@signed_in
def leave(slug: str, waiter_id: int) -> ResponseReturnValue:
    """Give up a place on a list."""
    waiter, at = lists.waiter_of(db.session, member_or_404(slug), waiter_id), clock.now()
    actions.leave_list(db.session, waiter, by=current_account().id, at=at)
    db.session.commit()
    offer_seats(db.session, at)
    flash("You do not wait for this session any more.")
    return redirect(url_for("office_hours.waiting", slug=slug))


@blueprint.get(f"{MINE}/offers/<uid>")
@signed_in
def offer(slug: str, uid: str) -> ResponseReturnValue:
    """A seat that is or was kept for one's participant. Looking at it changes nothing."""
    challenge, member, at = challenge_or_404(slug), member_or_404(slug), clock.now()
    found = lists.offer_of(db.session, member, uid)
    booking, zone = found.booking, member.account.zone
    series = booking.slot.sitting.series
    return render_template(
        "office_hours/offer.html",
        challenge=challenge,
        offer=found,
        booking=booking,
        begin=face(booking.starts_at, zone, series.zone),
        end=face(booking.ends_at, zone, series.zone),
        until=spoken_moment(found.expires_at, zone),
        kept=booking.state is BookingState.HELD and found.expires_at > at,
    )


@blueprint.post(f"{MINE}/offers/<uid>/<verb>")
@signed_in
def answer_offer(slug: str, uid: str, verb: str) -> ResponseReturnValue:
    """Take the seat, or let it go and wait on, or leave the list with it."""
    found, by, at = lists.offer_of(db.session, member_or_404(slug), uid), current_account().id, clock.now()
    if verb == "take":
        actions.accept_offer(db.session, found, by=by, at=at, sender=sender())
        db.session.commit()
        flash("Booked. The invitation is on its way to your mail.", "success")
        return redirect(url_for("office_hours.booking", slug=slug, uid=uid))
    if verb not in ("wait-on", "leave"):
        raise NotFound("answer")
    slot_id = found.slot_id
    actions.decline_offer(db.session, found, stay=verb == "wait-on", by=by, at=at)
    db.session.commit()
    offer_seats(db.session, at, [slot_id])
    flash("The seat goes to the next one. You wait for the other slots." if verb == "wait-on"
          else "The seat goes to the next one. You do not wait for this session any more.")  # fmt: skip
    return redirect(url_for("office_hours.waiting", slug=slug))


@blueprint.get(f"{STAFF}/waiting")
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def waiting_lists(slug: str) -> ResponseReturnValue:
    """Who waits for which session, how long, and the seats that are kept for them."""
    challenge, at = challenge_or_404(slug), clock.now()
    found = lists.lines(db.session, challenge.id, at)
    free: dict[int, list[Slot]] = {}
    for slot in lists.slots_waited_for(db.session, at, challenge.id):
        free.setdefault(slot.sitting_id, []).append(slot)
    return render_template(
        "office_hours/waiting_lists.html",
        challenge=challenge,
        lines=found,
        free=free,
        spans=_spans([slot for each in free.values() for slot in each], current_account().zone),
        access=access_of(db.session, challenge.id, at),
    )


@blueprint.post(f"{STAFF}/waiting/<int:waiter_id>/offer")
@only(Role.LEAD)
def offer_by_hand(slug: str, waiter_id: int) -> ResponseReturnValue:
    """Offer somebody a free seat out of turn."""
    challenge, account = challenge_or_404(slug), current_account()
    waiter, form = lists.waiter_in(db.session, challenge.id, waiter_id), OfferForm()
    slots = {slot.id: slot for slot in lists.slots_in(db.session, waiter.sitting_id)}
    form.slot.choices = [(number, str(number)) for number in slots]
    if not form.validate_on_submit():
        raise NotFound("slot")
    name, zone = waiter.participant.name, waiter.account.zone
    until = actions.offer_by_hand(
        db.session, waiter, slots[form.slot.data], by=account.id, at=clock.now(), sender=sender()
    )
    db.session.commit()
    flash(f"The seat is kept for {name} until {spoken_moment(until, zone)}.", "success")
    return redirect(url_for("office_hours.waiting_lists", slug=slug))
