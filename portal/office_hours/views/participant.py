"""Participants: what is offered, booking, moving, cancelling."""

from datetime import datetime, timedelta
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import signed_in
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge, Member
from portal.core import clock
from portal.core.db import db
from portal.office_hours import actions, queries, rules
from portal.office_hours.forms import BookForm, MoveForm
from portal.office_hours.models import Slot
from portal.office_hours.queries.questions import preparation
from portal.office_hours.rules.questions import FAIR, demanded_at
from portal.office_hours.time import face, iso_week
from portal.office_hours.views import blueprint
from portal.office_hours.views.shapes import Day, days, quota_of, sender, timeline_of, way_into

AHEAD, BACK = timedelta(weeks=8), timedelta(weeks=8)
BASE = "/challenges/<slug>/office-hours"


@blueprint.get(BASE)
@signed_in
def mine(slug: str) -> ResponseReturnValue:
    """The next sessions by day, and one's own bookings."""
    challenge, member, at = challenge_or_404(slug), member_or_404(slug), clock.now()
    bookings = queries.bookings_of(db.session, member.participant_id, at - BACK)
    week = iso_week(at, challenge.zone)
    offers = queries.offers(db.session, challenge.id, at, at + AHEAD)
    weeks = {week, *(iso_week(offer.slot.starts_at, challenge.zone) for offer in offers)}
    used = queries.quota_used(db.session, member.participant_id, weeks)
    return render_template(
        "office_hours/mine.html",
        challenge=challenge,
        days=days(offers, bookings, used, member.account, at),
        coming=[booking for booking in bookings if booking.ends_at > at],
        past=[booking for booking in reversed(bookings) if booking.ends_at <= at],
        quota=quota_of([offer.slot.sitting.series for offer in offers], used, week),
    )


@blueprint.route(f"{BASE}/slots/<int:slot_id>", methods=["GET", "POST"])
@signed_in
def book(slug: str, slot_id: int) -> ResponseReturnValue:
    """Say what it is about, and book."""
    challenge, member = challenge_or_404(slug), member_or_404(slug)
    slot = queries.slot_of(db.session, challenge.id, slot_id)
    form = BookForm()
    form.scenario.choices = _scenarios(challenge)
    if not form.validate_on_submit():
        status = 422 if form.is_submitted() else 200
        return render_template("office_hours/book.html", **_slot_context(challenge, member, slot), form=form), status
    booking = actions.book_slot(db.session, slot, member, form.wish(), at=clock.now(), sender=sender())
    db.session.commit()
    flash("Booked. The invitation is on its way to your mail.", "success")
    return redirect(url_for("office_hours.booking", slug=slug, uid=booking.uid))


def _scenarios(challenge: Challenge) -> dict[str, Any]:
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
        "why_not": rules.why_not_slot(slot, series, at),
        "cutoff": rules.length(series.cutoff),
        "demanded": due if due and due - FAIR >= at else None,
    }


@blueprint.get(f"{BASE}/bookings/<uid>")
@signed_in
def booking(slug: str, uid: str) -> ResponseReturnValue:
    """One booking of one's participant."""
    challenge, member, at = challenge_or_404(slug), member_or_404(slug), clock.now()
    found = queries.booking_of(db.session, member, uid)
    series = found.slot.sitting.series
    return render_template(
        "office_hours/booking.html",
        **_slot_context(challenge, member, found.slot),
        booking=found,
        link=way_into([found.slot], at).get(found.slot_id, "") if rules.doors_open(found, at) else "",
        prepared=preparation(db.session, found, at),
        cannot_cancel=rules.why_not_cancel(found, at),
        cannot_move=rules.why_not_reschedule(found, series, at),
        late=rules.is_late(found, series, at),
        entries=timeline_of(found),
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
    target = queries.slot_of(db.session, challenge.id, form.slot.data)
    actions.reschedule_booking(db.session, found, target, by=current_account().id, at=at, sender=sender())
    db.session.commit()
    flash("Moved. An update for your calendar is on its way.", "success")
    return redirect(url_for("office_hours.booking", slug=slug, uid=uid))


def _elsewhere(member: Member, challenge: Challenge, booking_id: int, at: datetime) -> list[Day]:
    """The slots that a booking could move to, its own seat, time and credit being given up."""
    offers = queries.offers(db.session, challenge.id, at, at + AHEAD)
    held = queries.bookings_of(db.session, member.participant_id, at)
    given_up = next((each for each in held if each.id == booking_id), None)
    weeks = {iso_week(offer.slot.starts_at, challenge.zone) for offer in offers}
    used = queries.quota_used(db.session, member.participant_id, weeks)
    if given_up is not None:
        used[given_up.quota_period] -= 1
        offers = [offer for offer in offers if offer.slot.id != given_up.slot_id]
    others = [each for each in held if each.id != booking_id]
    shown = days(offers, others, used, member.account, at)
    bookable = [Day(day.date, [card for card in day.cards if not card.why_not]) for day in shown]
    return [day for day in bookable if day.cards]


@blueprint.post(f"{BASE}/bookings/<uid>/cancel")
@signed_in
def cancel(slug: str, uid: str) -> ResponseReturnValue:
    """Give the booking back."""
    found = queries.booking_of(db.session, member_or_404(slug), uid)
    ended = actions.cancel_booking(db.session, found, by=current_account().id, at=clock.now(), sender=sender())
    db.session.commit()
    late = ended.state.value == "late_cancelled"
    flash("Cancelled late: it still counts for its week." if late else "Cancelled. The week's credit is yours again.")
    return redirect(url_for("office_hours.mine", slug=slug))
