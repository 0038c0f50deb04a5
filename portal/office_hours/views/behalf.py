"""Staff act for participants: book, move and cancel. The participant gets the ordinary mail, which says who did it."""

from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.office_hours import actions, queries, rules
from portal.office_hours.forms.behalf import BookForForm, CancelForForm, MoveForForm
from portal.office_hours.jobs import WEEKS_AHEAD, offer_seats
from portal.office_hours.models import Booking, Slot
from portal.office_hours.queries import behalf
from portal.office_hours.queries.components import components_of
from portal.office_hours.queries.sittings import Offer, ids_of
from portal.office_hours.states import Source
from portal.office_hours.time import spoken
from portal.office_hours.views import blueprint
from portal.office_hours.views.participant import scenarios_of
from portal.office_hours.views.shapes import sender, timeline_of

BASE = "/staff/<slug>/office-hours"
SPAN = timedelta(weeks=WEEKS_AHEAD)


def own_only(slug: str) -> int | None:
    """The person at hand, where they see the bookings of their own slots alone; None for the lead, who sees all."""
    return None if Role.LEAD in my_roles(slug) else current_account().id


@blueprint.get(f"{BASE}/bookings")
@only(Role.HOST, Role.LEAD)
def staff_bookings(slug: str) -> ResponseReturnValue:
    """Who has booked what is to come: a host's own, or for the lead all, without what they are about."""
    challenge = challenge_or_404(slug)
    found = behalf.coming_bookings(db.session, challenge.id, own_only(slug), clock.now())
    return render_template("office_hours/staff_bookings.html", challenge=challenge, bookings=found)


@blueprint.route(f"{BASE}/bookings/new", methods=["GET", "POST"])
@only(Role.HOST, Role.LEAD)
def book_for(slug: str) -> ResponseReturnValue:
    """Book a participant into a slot."""
    challenge, at = challenge_or_404(slug), clock.now()
    form = _book_form(slug, challenge)
    if not form.validate_on_submit():
        status = 422 if form.is_submitted() else 200
        return render_template("office_hours/book_for.html", challenge=challenge, form=form), status
    try:
        member = behalf.bookable_member(db.session, challenge.id, form.person.data)
        booking = actions.book_slot(
            db.session, _slot(slug, challenge, form.slot.data), member, form.wish(), at=at, sender=sender(),
            source=Source.STAFF, by=current_account().id, overrule=form.reason.data or "",
        )  # fmt: skip
        db.session.commit()
    except (Refused, Conflict, Invalid) as problem:
        db.session.rollback()
        form.form_errors.append(problem.reason)
        page = render_template("office_hours/book_for.html", challenge=challenge_or_404(slug), form=form)
        return page, problem.status
    flash("Booked. They and the hosts are told.", "success")
    return redirect(url_for("office_hours.staff_booking", slug=slug, uid=booking.uid))


def _book_form(slug: str, challenge: Challenge) -> BookForForm:
    form = BookForForm(slot=request.args.get("slot", 0, int))
    free = _free(slug, challenge)
    known = components_of(db.session, [offer.slot.sitting.series_id for offer in free])
    form.offer(_labels(free))
    form.person.choices = {
        str(each.id): each.account.name
        if each.account.name == each.participant.name
        else f"{each.participant.name}: {each.account.name}"
        for each in behalf.bookable_members(db.session, challenge.id)
    }
    form.scenario.choices = scenarios_of(challenge)
    form.component.choices = {"": "None in particular"} | {name: name for name in known.all()}
    return form


def _free(slug: str, challenge: Challenge) -> list[Offer]:
    at = clock.now()
    return behalf.free_slots(db.session, challenge.id, own_only(slug), at, at + SPAN)


def _labels(offers: list[Offer]) -> dict[str, str]:
    zone = current_account().zone
    return {
        str(offer.slot.id): f"{spoken(offer.slot.starts_at, offer.slot.ends_at, zone)}, {offer.slot.names}"
        for offer in offers
    }


def _slot(slug: str, challenge: Challenge, slot_id: int) -> Slot:
    """The slot, where the person may book into it. Raises NotFound."""
    slot, own = queries.slot_of(db.session, challenge.id, slot_id), own_only(slug)
    if own is not None and own not in ids_of(slot):
        raise NotFound("slot")
    return slot


@blueprint.get(f"{BASE}/bookings/<uid>")
@only(Role.HOST, Role.LEAD)
def staff_booking(slug: str, uid: str) -> ResponseReturnValue:
    """One booking, to move or cancel it for the participant."""
    return _page(slug, uid, None, None, 200)


def _page(
    slug: str, uid: str, moving: MoveForForm | None, cancelling: CancelForForm | None, status: int
) -> ResponseReturnValue:
    challenge, at = challenge_or_404(slug), clock.now()
    found = behalf.booking_for_staff(db.session, challenge.id, own_only(slug), uid)
    me, series = current_account().id, found.slot.sitting.series
    movable = not rules.why_not_reschedule(found, series, at, overruled=True)
    if movable and moving is None:
        moving = _move_form(slug, challenge, found)
    page = render_template(
        "office_hours/staff_booking.html", challenge=challenge, booking=found, slot=found.slot, series=series,
        told=me in ids_of(found.slot) or me == found.booked_by_id, entries=timeline_of(found),
        moving=moving if movable else None, late=rules.is_late(found, series, at),
        cannot_cancel=rules.why_not_cancel(found, at), cancelling=cancelling or CancelForForm(formdata=None),
        cutoff=rules.length(series.cutoff),
    )  # fmt: skip
    return page, status


def _move_form(slug: str, challenge: Challenge, booking: Booking) -> MoveForForm:
    form = MoveForForm()
    form.offer(_labels([offer for offer in _free(slug, challenge) if offer.slot.id != booking.slot_id]))
    return form


@blueprint.post(f"{BASE}/bookings/<uid>/move")
@only(Role.HOST, Role.LEAD)
def move_for(slug: str, uid: str) -> ResponseReturnValue:
    """Move somebody's booking. Where the new slot cannot be had, it stays where it is."""
    challenge, account = challenge_or_404(slug), current_account()
    found = behalf.booking_for_staff(db.session, challenge.id, own_only(slug), uid)
    form, freed = _move_form(slug, challenge, found), found.slot_id
    if not form.validate_on_submit():
        return _page(slug, uid, form, None, 422)
    try:
        actions.reschedule_booking(
            db.session, found, _slot(slug, challenge, form.slot.data), by=account.id, at=clock.now(), sender=sender(),
            source=Source.STAFF, overrule=form.reason.data or "", actor=account.name,
        )  # fmt: skip
        db.session.commit()
    except (Refused, Conflict) as problem:
        db.session.rollback()
        form.form_errors.append(problem.reason)
        return _page(slug, uid, form, None, problem.status)
    offer_seats(db.session, clock.now(), [freed])
    flash("Moved. They and the hosts are told.", "success")
    return redirect(url_for("office_hours.staff_booking", slug=slug, uid=uid))


@blueprint.post(f"{BASE}/bookings/<uid>/cancel")
@only(Role.HOST, Role.LEAD)
def cancel_for(slug: str, uid: str) -> ResponseReturnValue:
    """Cancel somebody's booking, on their account or on the hosts'."""
    challenge, account, at = challenge_or_404(slug), current_account(), clock.now()
    found = behalf.booking_for_staff(db.session, challenge.id, own_only(slug), uid)
    form = CancelForForm()
    if not form.validate_on_submit():
        return _page(slug, uid, None, form, 422)
    refusal, freed = rules.why_not_cancel(found, at), found.slot_id
    if refusal:
        raise Refused(refusal)
    reason = form.reason.data or ""
    if form.whose.data == "theirs":
        actions.cancel_booking(
            db.session, found, by=account.id, at=at, sender=sender(), actor=account.name, reason=reason
        )
    else:
        actions.withdraw_booking(db.session, found, reason, by=account.id, at=at, sender=sender(), actor=account.name)
    db.session.commit()
    offer_seats(db.session, at, [freed])
    flash("Cancelled. They and the hosts are told.")
    return redirect(url_for("office_hours.staff_bookings", slug=slug))
