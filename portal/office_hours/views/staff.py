"""Staff: series, sessions, and for hosts the bookings in their slots."""

from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Forbidden
from portal.core.moves import move_named, open_moves
from portal.office_hours import actions, queries, states
from portal.office_hours.forms import ReasonForm
from portal.office_hours.jobs import WEEKS_AHEAD
from portal.office_hours.queries.days import todays
from portal.office_hours.queries.substitutes import gaps
from portal.office_hours.rules.days import CLOSES
from portal.office_hours.views import blueprint
from portal.office_hours.views.shapes import sender
from portal.office_hours.views.sitting import may_change, sitting_page

BASE = "/staff/<slug>/office-hours"
SPAN = timedelta(weeks=WEEKS_AHEAD)
# Sessions that begin within it are today's, whatever the zone.
TODAY = timedelta(hours=12)


@blueprint.get(BASE)
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def staff(slug: str) -> ResponseReturnValue:
    """Series, sessions of the coming (or past) weeks, the own bookings, and the load."""
    challenge, at = challenge_or_404(slug), clock.now()
    past = request.args.get("show") == "past"
    since, before = (at - SPAN, at) if past else (at - timedelta(hours=12), at + SPAN)
    table = queries.timetable(db.session, challenge.id, since, before, viewer_id=current_account().id)
    own = [booking for row in table for bookings in row.bookings.values() for booking in bookings]
    return render_template(
        "office_hours/staff.html",
        challenge=challenge,
        series=queries.series_of(db.session, challenge.id),
        table=list(reversed(table)) if past else table,
        own=list(reversed(own)) if past else own,
        load=queries.load_by_week(db.session, challenge),
        moves={booking.id: open_moves(states.HOST_MOVES, booking.state) for booking in own if booking.starts_at <= at},
        gaps=gaps(db.session, challenge, at),
        today=todays(db.session, challenge.id, current_account().id, at - CLOSES, at + TODAY),
    )


@blueprint.post(f"{BASE}/series/<int:series_id>/close")
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def close_series(slug: str, series_id: int) -> ResponseReturnValue:
    """Make no more sessions of a series."""
    series = queries.one_series(db.session, challenge_or_404(slug).id, series_id)
    actions.close_series(db.session, series, by=current_account().id, at=clock.now(), scope=slug)
    db.session.commit()
    flash(f"“{series.title}” makes no more sessions. Those that exist stay.")
    return redirect(url_for("office_hours.staff", slug=slug))


@blueprint.get(f"{BASE}/sessions/<int:sitting_id>")
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def sitting(slug: str, sitting_id: int) -> ResponseReturnValue:
    """One session with its slots; hosts see who comes to theirs, and why."""
    return sitting_page(slug, sitting_id, ReasonForm(), 200)


@blueprint.post(f"{BASE}/sessions/<int:sitting_id>/cancel")
@only(Role.HOST, Role.LEAD)
def cancel_sitting(slug: str, sitting_id: int) -> ResponseReturnValue:
    """Call a session off."""
    found = queries.sitting_of(db.session, challenge_or_404(slug).id, sitting_id)
    if not may_change(slug, found):
        raise Forbidden("A session is cancelled by one of its hosts or by the lead.")
    form = ReasonForm()
    if not form.validate_on_submit():
        return sitting_page(slug, sitting_id, form, 422)
    reason = form.reason.data or ""
    told = actions.cancel_sitting(db.session, found, reason, by=current_account().id, at=clock.now(), sender=sender())
    db.session.commit()
    flash(f"Cancelled. {told} booked and are told." if told else "Cancelled. Nobody had booked.")
    return redirect(url_for("office_hours.staff", slug=slug))


@blueprint.post(f"{BASE}/bookings/<uid>/<verb>")
@only(Role.HOST)
def mark(slug: str, uid: str, verb: str) -> ResponseReturnValue:
    """Note whether the person was there; hosts do it for their own slots."""
    challenge, account = challenge_or_404(slug), current_account()
    booking = queries.booking_for_host(db.session, challenge.id, account.id, uid)
    step = move_named(states.HOST_MOVES, verb)
    who, sitting_id = booking.participant.name, booking.slot.sitting_id
    sure = request.form.get("sure") == "yes"
    actions.mark_booking(db.session, booking, step, by=account.id, at=clock.now(), sure=sure)
    db.session.commit()
    flash(f"{who}: {step.label.lower()}.")
    page = "office_hours.day" if request.form.get("back") == "day" else "office_hours.sitting"
    return redirect(url_for(page, slug=slug, sitting_id=sitting_id))
