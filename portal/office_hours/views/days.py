"""The day of a session: for its hosts on a page of its own, for participants on that of their booking."""

import hashlib
import json
from datetime import datetime
from typing import Any, NamedTuple

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.moves import Move, open_moves
from portal.core.web import conditional
from portal.core.web.filters import counted
from portal.office_hours import queries, rules, states
from portal.office_hours.actions import days as actions
from portal.office_hours.forms.days import CallForm, LateForm, RunLateForm
from portal.office_hours.models import Arrival, Booking, Sitting, Slot
from portal.office_hours.queries.days import Day, day_of
from portal.office_hours.queries.sittings import ids_of
from portal.office_hours.rules.days import OPENS, Turn, expected, missing_from, under_way, why_not_arrive
from portal.office_hours.states import BookingState
from portal.office_hours.views import blueprint
from portal.office_hours.views.shapes import sender, way_into

STAFF, MINE = "/staff/<slug>/office-hours", "/challenges/<slug>/office-hours"
TITLES = {
    Turn.NOW: "It is your turn", Turn.NEXT: "You are next", Turn.LATER: "Others are before you",
    Turn.PASSED: "Your hosts have gone on. Say that you are here, and they call you in later.",
}  # fmt: skip


class Guest(NamedTuple):
    """A booking as its hosts see it on the day. `since` is from when the participant is missing."""

    booking: Booking
    arrival: Arrival | None
    since: datetime
    moves: list[Move[BookingState]]


class Line(NamedTuple):
    """A slot on the day; who comes is told only to those who hold it."""

    slot: Slot
    turn: Turn
    mine: bool
    begins: datetime
    opens: datetime
    guests: list[Guest]
    here: int
    link: str


def _own(slug: str, sitting_id: int) -> Sitting:
    found = queries.sitting_of(db.session, challenge_or_404(slug).id, sitting_id)
    if not queries.hosts_in(db.session, found, current_account().id):
        raise NotFound("session")
    return found


def _line(day: Day, slot: Slot, at: datetime, links: dict[int, str]) -> Line:
    mine = _is_mine(slot)
    late, turn = day.course.late_minutes, day.turns[slot.id]
    seated = day.bookings.get(slot.id, [])
    begins = expected(slot.starts_at, late) if turn in (Turn.LATER, Turn.NEXT) else slot.starts_at
    guests = [_guest(booking, day.arrivals.get(booking.id), late, at) for booking in seated if mine]
    here = sum(1 for booking in seated if _here(day.arrivals.get(booking.id)))
    return Line(slot, turn, mine, begins, slot.starts_at - rules.DOORS_OPEN, guests, here, links.get(slot.id, ""))


def _is_mine(slot: Slot) -> bool:
    return current_account().id in ids_of(slot)


def _here(arrival: Arrival | None) -> datetime | None:
    return arrival.here_at if arrival else None


def _guest(booking: Booking, arrival: Arrival | None, late: int, at: datetime) -> Guest:
    own = arrival.late_minutes or 0 if arrival else 0
    since = missing_from(booking.starts_at, late, own)
    offered = open_moves(states.HOST_MOVES, booking.state) if at >= booking.starts_at else []
    return Guest(booking, arrival, since, [move for move in offered if move is not states.MISS or at >= since])


def _lines(day: Day, at: datetime) -> list[Line]:
    links = way_into([slot for slot in day.slots if _is_mine(slot)], at)
    return [_line(day, slot, at, links) for slot in day.slots]


def _stamp(day: Day, at: datetime) -> str:
    """What the page shows, put shortly: what people said, and which buttons time has brought."""
    timed = [
        [under_way(day.sitting.starts_at, day.sitting.ends_at, at)],
        *([at >= line.opens, line.link, *(len(guest.moves) for guest in line.guests)] for line in _lines(day, at)),
    ]
    return hashlib.sha256(json.dumps([day.stamp, timed]).encode()).hexdigest()[:16]


def day_page(slug: str, sitting: Sitting, form: RunLateForm | None, status: int) -> ResponseReturnValue:
    """The page, with the form that was filled in."""
    at, day = clock.now(), day_of(db.session, sitting)
    course, lines = day.course, _lines(day, at)
    page = render_template(
        "office_hours/day.html",
        challenge=challenge_or_404(slug), sitting=sitting, day=day, lines=lines, stamp=_stamp(day, at),
        form=form or RunLateForm(formdata=None, minutes=course.late_minutes, version=course.version),
        here={each.account_id for each in day.hosts}, open=under_way(sitting.starts_at, sitting.ends_at, at),
        opens=sitting.starts_at - OPENS, upcoming=next((line for line in lines if line.slot.id == day.next), None),
    )  # fmt: skip
    return page, status


@blueprint.get(f"{STAFF}/sessions/<int:sitting_id>/day")
@only(Role.HOST)
def day(slug: str, sitting_id: int) -> ResponseReturnValue:
    """Who is now, who is next, who has come, and how late it is."""
    return day_page(slug, _own(slug, sitting_id), None, 200)


@blueprint.get(f"{STAFF}/sessions/<int:sitting_id>/day/now")
@only(Role.HOST)
def day_now(slug: str, sitting_id: int) -> ResponseReturnValue:
    """Whether the page is still true: its stamp."""
    sitting = _own(slug, sitting_id)
    return conditional({"stamp": _stamp(day_of(db.session, sitting), clock.now())})


@blueprint.post(f"{STAFF}/sessions/<int:sitting_id>/day/here")
@only(Role.HOST)
def host_here(slug: str, sitting_id: int) -> ResponseReturnValue:
    """The host is there."""
    actions.host_here(db.session, _own(slug, sitting_id), by=current_account().id, at=clock.now())
    db.session.commit()
    return redirect(url_for("office_hours.day", slug=slug, sitting_id=sitting_id))


@blueprint.post(f"{STAFF}/sessions/<int:sitting_id>/day/late")
@only(Role.HOST)
def run_late(slug: str, sitting_id: int) -> ResponseReturnValue:
    """Say by how much the session runs late."""
    sitting, form = _own(slug, sitting_id), RunLateForm()
    if not form.validate_on_submit():
        return day_page(slug, sitting, form, 422)
    told = actions.run_late(
        db.session, day_of(db.session, sitting), form.minutes.data or 0, version=form.version.data or 0,
        by=current_account().id, at=clock.now(), sender=sender(),
    )  # fmt: skip
    db.session.commit()
    flash(f"Noted. {counted(told, 'booking')} told by mail." if told else "Noted, on the pages of those who wait.")
    return redirect(url_for("office_hours.day", slug=slug, sitting_id=sitting_id))


@blueprint.post(f"{STAFF}/sessions/<int:sitting_id>/day/call")
@only(Role.HOST)
def call_in(slug: str, sitting_id: int) -> ResponseReturnValue:
    """Call somebody in."""
    sitting, form = _own(slug, sitting_id), CallForm()
    if not form.validate_on_submit():
        raise NotFound("slot")
    actions.call_in(
        db.session, day_of(db.session, sitting), form.slot.data or 0, version=form.version.data or 0,
        by=current_account().id, at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    return redirect(url_for("office_hours.day", slug=slug, sitting_id=sitting_id))


def my_day(booking: Booking, at: datetime) -> dict[str, Any] | None:
    """What a participant sees of the day of their booking, without a word about others; None before and after it."""
    if why_not_arrive(booking.state, booking.starts_at, booking.ends_at, at):
        return None
    day = day_of(db.session, booking.slot.sitting)
    arrival, late = day.arrivals.get(booking.id), day.course.late_minutes
    turn = day.turns.get(booking.slot_id, Turn.LATER)
    shown = {
        "title": TITLES.get(turn, ""), "turn": turn, "late": late, "hosts_here": bool(day.hosts),
        "begins": expected(booking.starts_at, late), "here_at": _here(arrival),
        "late_minutes": arrival.late_minutes if arrival else None,
    }  # fmt: skip
    link = way_into([booking.slot], at).get(booking.slot_id, "") if rules.may_enter(booking) else ""
    told = json.dumps([*shown.values(), booking.sequence, link], default=str)
    return {**shown, "stamp": hashlib.sha256(told.encode()).hexdigest()[:16]}


@blueprint.get(f"{MINE}/bookings/<uid>/now")
@signed_in
def now(slug: str, uid: str) -> ResponseReturnValue:
    """Whether the page of the booking is still true; and, for programs, whose turn it is."""
    shown = my_day(queries.booking_of(db.session, member_or_404(slug), uid), clock.now())
    told = {name: shown[name] for name in ("stamp", "turn", "late", "hosts_here")} if shown else {"stamp": ""}
    return conditional(told)


@blueprint.post(f"{MINE}/bookings/<uid>/here")
@signed_in
def check_in(slug: str, uid: str) -> ResponseReturnValue:
    """The participant is there."""
    found = queries.booking_of(db.session, member_or_404(slug), uid)
    actions.check_in(db.session, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Your hosts see that you are here.", "success")
    return redirect(url_for("office_hours.booking", slug=slug, uid=uid))


@blueprint.post(f"{MINE}/bookings/<uid>/late")
@signed_in
def say_late(slug: str, uid: str) -> ResponseReturnValue:
    """The participant will be late."""
    found, form = queries.booking_of(db.session, member_or_404(slug), uid), LateForm()
    if not form.validate_on_submit():
        flash(" ".join(str(message) for message in form.minutes.errors), "error")
        return redirect(url_for("office_hours.booking", slug=slug, uid=uid))
    minutes = form.minutes.data or 0
    actions.say_late(db.session, found, minutes, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"Your hosts see that you will be {counted(minutes, 'minute')} late.", "success")
    return redirect(url_for("office_hours.booking", slug=slug, uid=uid))
