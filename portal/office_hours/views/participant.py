"""Participants: what is offered, booking, moving, cancelling."""

from datetime import datetime, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import signed_in
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge, Member
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Conflict, Refused
from portal.core.web.limits import limiter
from portal.office_hours import actions, queries, rules
from portal.office_hours.actions.holds import TooManyHolds
from portal.office_hours.forms import BookForm, MoveForm
from portal.office_hours.forms.days import LateForm
from portal.office_hours.jobs import offer_seats
from portal.office_hours.models import Slot
from portal.office_hours.queries.components import components_of
from portal.office_hours.queries.questions import preparation
from portal.office_hours.queries.rounds import why_not_yet
from portal.office_hours.queries.waiting import kept_slots, waits_of
from portal.office_hours.rules.questions import FAIR, demanded_at
from portal.office_hours.states import BookingState, Source
from portal.office_hours.time import face, iso_week
from portal.office_hours.views import blueprint
from portal.office_hours.views.days import my_day
from portal.office_hours.views.records import my_record
from portal.office_hours.views.rounds import on_show
from portal.office_hours.views.shapes import Day, days, quota_of, sender, timeline_of, way_into
from portal.office_hours.views.standing import component_choices, standing

AHEAD, BACK = timedelta(weeks=8), timedelta(weeks=8)
BASE = "/challenges/<slug>/office-hours"


@blueprint.get(BASE)
@signed_in
def mine(slug: str) -> ResponseReturnValue:
    """The next sessions by day, and one's own bookings."""
    challenge, member, at = challenge_or_404(slug), member_or_404(slug), clock.now()
    bookings = [
        booking
        for booking in queries.bookings_of(db.session, member.participant_id, at - BACK)
        if booking.state is not BookingState.HELD or booking.source is not Source.PAGE
    ]
    offers = queries.offers(db.session, challenge.id, at, at + AHEAD)
    series = {offer.slot.sitting.series_id: offer.slot.sitting.series for offer in offers}
    known = components_of(db.session, series)
    record = queries.record_of(db.session, challenge.id, member.participant_id, at)
    return render_template(
        "office_hours/mine.html",
        challenge=challenge,
        days=days(offers, record, member.account, at, known),
        kept=kept_slots(db.session, challenge.id, at, member.participant_id),
        waits={waiter.sitting_id for waiter in waits_of(db.session, member.participant_id)},
        coming=[booking for booking in bookings if booking.ends_at > at],
        past=[booking for booking in reversed(bookings) if booking.ends_at <= at],
        quota=quota_of(list(series.values()), record, iso_week(at, challenge.zone)),
        components=[("", "Any component"), *((name, name) for name in known.all())],
        **on_show(challenge, member, at),
        **standing(challenge.id, member.participant_id, list(series.values()), at),
    )


@blueprint.post(f"{BASE}/slots/<int:slot_id>/hold")
@limiter.limit("60 per minute")
@signed_in
def hold(slug: str, slot_id: int) -> ResponseReturnValue:
    """Keep a seat while the form is filled in."""
    challenge, member = challenge_or_404(slug), member_or_404(slug)
    slot = queries.slot_of(db.session, challenge.id, slot_id)
    try:
        actions.hold_slot(db.session, slot, member, at=clock.now())
        db.session.commit()
    except TooManyHolds as refused:
        db.session.rollback()
        flash(refused.reason, "info")
    return redirect(
        url_for("office_hours.book", slug=slug, slot_id=slot_id, component=request.form.get("component") or None)
    )


@blueprint.post(f"{BASE}/slots/<int:slot_id>/give-back")
@signed_in
def give_back(slug: str, slot_id: int) -> ResponseReturnValue:
    """Let others have the seat that was kept."""
    challenge, member = challenge_or_404(slug), member_or_404(slug)
    slot = queries.slot_of(db.session, challenge.id, slot_id)
    held = actions.give_hold_back(db.session, slot, member, at=clock.now())
    db.session.commit()
    flash("The seat is free for others again." if held else "No seat was held for you any more.")
    return redirect(url_for("office_hours.mine", slug=slug))


@blueprint.route(f"{BASE}/slots/<int:slot_id>", methods=["GET", "POST"])
@signed_in
def book(slug: str, slot_id: int) -> ResponseReturnValue:
    """Say what it is about, and book."""
    challenge, member = challenge_or_404(slug), member_or_404(slug)
    slot = queries.slot_of(db.session, challenge.id, slot_id)
    form = BookForm(component=request.args.get("component", ""))
    form.scenario.choices = scenarios_of(challenge)
    form.component.choices = component_choices(slot)
    if not form.validate_on_submit():
        return _form(slug, slot_id, form, 422 if form.is_submitted() else 200)
    try:
        booking = actions.book_slot(db.session, slot, member, form.wish(), at=clock.now(), sender=sender())
        db.session.commit()
    except (Refused, Conflict) as problem:
        db.session.rollback()
        form.form_errors.append(problem.reason)
        return _form(slug, slot_id, form, problem.status)
    flash("Booked. The invitation is on its way to your mail.", "success")
    return redirect(url_for("office_hours.booking", slug=slug, uid=booking.uid))


def _form(slug: str, slot_id: int, form: BookForm, status: int) -> ResponseReturnValue:
    """The form with what was typed, and whether a seat is held meanwhile."""
    challenge, member, at = challenge_or_404(slug), member_or_404(slug), clock.now()
    slot = queries.slot_of(db.session, challenge.id, slot_id)
    held = queries.hold_of(db.session, member.participant_id, at)
    mine = held if held is not None and held.slot_id == slot.id else None
    full = mine is None and not queries.free_seats(db.session, slot, at)
    context = _slot_context(challenge, member, slot)
    page = render_template(
        "office_hours/book.html", **context, form=form, held=mine, full=full, shown=form.is_submitted(),
        knows=components_of(db.session, [slot.sitting.series_id]).here(slot),
    )  # fmt: skip
    return page, status


def scenarios_of(challenge: Challenge) -> dict[str, Any]:
    """The choices of a field for the scenario."""
    return {"0": "None in particular"} | {str(each.id): f"{each.code} {each.title}" for each in challenge.scenarios}


def _slot_context(challenge: Challenge, member: Member, slot: Slot) -> dict[str, object]:
    """What a page about one slot shows."""
    series, zone, at = slot.sitting.series, member.account.zone, clock.now()
    due = demanded_at(slot, series)
    return {
        "challenge": challenge,
        "slot": slot,
        "series": series,
        "begin": face(slot.starts_at, zone, series.zone),
        "end": face(slot.ends_at, zone, series.zone),
        "why_not": rules.why_not_slot(slot, series, at) or why_not_yet(db.session, slot, at),
        "cutoff": rules.length(series.cutoff),
        "demanded": due if due and due - FAIR >= at else None,
    }


@blueprint.get(f"{BASE}/bookings/<uid>")
@signed_in
def booking(slug: str, uid: str) -> ResponseReturnValue:
    """One booking of one's participant."""
    challenge, member, at = challenge_or_404(slug), member_or_404(slug), clock.now()
    found = queries.booking_of(db.session, member, uid)
    if found.state is BookingState.HELD and found.source is Source.WAITLIST:
        return redirect(url_for("office_hours.offer", slug=slug, uid=uid))
    if rules.is_held(found, at):
        return redirect(url_for("office_hours.book", slug=slug, slot_id=found.slot_id))
    series = found.slot.sitting.series
    return render_template(
        "office_hours/booking.html",
        **_slot_context(challenge, member, found.slot),
        booking=found,
        link=way_into([found.slot], at).get(found.slot_id, "") if rules.may_enter(found) else "",
        prepared=preparation(db.session, found, at),
        cannot_cancel=rules.why_not_cancel(found, at),
        cannot_move=rules.why_not_reschedule(found, series, at),
        late=rules.is_late(found, series, at),
        entries=timeline_of(found),
        day=my_day(found, at),
        late_form=LateForm(formdata=None),
        **my_record(found),
    )


@blueprint.route(f"{BASE}/bookings/<uid>/move", methods=["GET", "POST"])
@signed_in
def move(slug: str, uid: str) -> ResponseReturnValue:
    """Choose another slot. If it has just been taken, the booking stays where it is."""
    challenge, member, at = challenge_or_404(slug), member_or_404(slug), clock.now()
    found = queries.booking_of(db.session, member, uid)
    form = MoveForm()
    offered = _elsewhere(member, challenge, found.id, at)
    form.slot.choices = {
        str(card.slot.id): f"{card.begin.clock}–{card.end.clock}" for day in offered for card in day.cards
    }
    if not form.validate_on_submit():
        context = {**_slot_context(challenge, member, found.slot), "booking": found, "days": offered, "form": form}
        return render_template("office_hours/move.html", **context), 422 if form.is_submitted() else 200
    target, freed = queries.slot_of(db.session, challenge.id, form.slot.data), found.slot_id
    actions.reschedule_booking(db.session, found, target, by=current_account().id, at=at, sender=sender())
    db.session.commit()
    offer_seats(db.session, at, [freed])
    flash("Moved. An update for your calendar is on its way.", "success")
    return redirect(url_for("office_hours.booking", slug=slug, uid=uid))


def _elsewhere(member: Member, challenge: Challenge, booking_id: int, at: datetime) -> list[Day]:
    """The slots that a booking could move to, its own seat, time and credit being given up."""
    offers = queries.offers(db.session, challenge.id, at, at + AHEAD)
    record = queries.record_of(db.session, challenge.id, member.participant_id, at)
    given_up = next((seat.slot_id for seat in record.taken if seat.booking_id == booking_id), None)
    offers = [offer for offer in offers if offer.slot.id != given_up]
    shown = days(offers, record.without(booking_id), member.account, at)
    kept = kept_slots(db.session, challenge.id, at, member.participant_id)
    bookable = [
        Day(day.date, [card for card in day.cards if not card.why_not and card.slot.id not in kept]) for day in shown
    ]
    return [day for day in bookable if day.cards]


@blueprint.post(f"{BASE}/bookings/<uid>/cancel")
@signed_in
def cancel(slug: str, uid: str) -> ResponseReturnValue:
    """Give the booking back."""
    found = queries.booking_of(db.session, member_or_404(slug), uid)
    ended = actions.cancel_booking(db.session, found, by=current_account().id, at=clock.now(), sender=sender())
    db.session.commit()
    late, freed = ended.state.value == "late_cancelled", ended.slot_id
    offer_seats(db.session, clock.now(), [freed])
    flash("Cancelled late: it still counts for its week." if late else "Cancelled. The week's credit is yours again.")
    return redirect(url_for("office_hours.mine", slug=slug))
