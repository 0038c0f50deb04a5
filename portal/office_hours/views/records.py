"""What stays of a booking: notes, what was promised, a seat to come again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only, signed_in
from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Forbidden
from portal.office_hours import queries
from portal.office_hours.actions import follow_ups
from portal.office_hours.actions import notes as actions
from portal.office_hours.forms.days import FollowUpForm, MyNoteForm, NoteForm, PromiseForm
from portal.office_hours.models import Booking
from portal.office_hours.queries import Offer
from portal.office_hours.queries.answers import answers_from
from portal.office_hours.queries.follow_ups import free_for
from portal.office_hours.queries.notes import booking_on_record, notes_of, promises_in
from portal.office_hours.queries.sittings import hosts_of, ids_of
from portal.office_hours.rules.answers import asks_consent
from portal.office_hours.rules.promises import today
from portal.office_hours.states import PROMISE_MOVES, NoteKind
from portal.office_hours.time import face
from portal.office_hours.views import blueprint
from portal.office_hours.views.shapes import sender

STAFF, MINE = "/staff/<slug>/office-hours", "/challenges/<slug>/office-hours"
USUAL = timedelta(days=7)


def _booking(slug: str, uid: str) -> Booking:
    lead = Role.LEAD in my_roles(slug)
    return booking_on_record(db.session, challenge_or_404(slug).id, current_account().id, uid, lead=lead)


def _own(slug: str, uid: str) -> Booking:
    return queries.booking_for_host(db.session, challenge_or_404(slug).id, current_account().id, uid)


def _promise_form(booking: Booking, at: datetime, *, fresh: bool) -> PromiseForm:
    zone = booking.slot.sitting.series.challenge.zone
    form = PromiseForm(**({"formdata": None} if fresh else {}), due_on=today(at, zone) + USUAL)
    hosts = {str(host.id): host.name for host in hosts_of(booking.slot)}
    form.owner.choices = {**hosts, "0": booking.participant.name}
    return form


def record_page(
    slug: str, booking: Booking, status: int, note: NoteForm | None = None, promise: PromiseForm | None = None
) -> ResponseReturnValue:
    """The page, with whichever of its forms was filled in."""
    hosts = ids_of(booking.slot)
    page = render_template(
        "office_hours/record.html",
        challenge=challenge_or_404(slug), booking=booking, slot=booking.slot,
        mine=current_account().id in hosts,
        notes=notes_of(db.session, booking.id, internal=True), promises=promises_in(db.session, booking.id),
        answers=answers_from(db.session, booking.id, asked=False),
        note=note or NoteForm(formdata=None), promise=promise or _promise_form(booking, clock.now(), fresh=True),
        begun=booking.starts_at <= clock.now(), moves=PROMISE_MOVES,
        day=today(clock.now(), booking.slot.sitting.series.challenge.zone),
    )  # fmt: skip
    return page, status


@blueprint.get(f"{STAFF}/bookings/<uid>/record")
@only(Role.HOST, Role.LEAD)
def record(slug: str, uid: str) -> ResponseReturnValue:
    """What was noted and promised in a booking, for its hosts and the lead."""
    return record_page(slug, _booking(slug, uid), 200)


@blueprint.post(f"{STAFF}/bookings/<uid>/notes")
@only(Role.HOST, Role.LEAD)
def add_note(slug: str, uid: str) -> ResponseReturnValue:
    """Add a note; the lead adds internal ones."""
    booking, form, account = _booking(slug, uid), NoteForm(), current_account()
    if not form.validate_on_submit():
        return record_page(slug, booking, 422, note=form)
    if form.kind.data is NoteKind.SHARED and account.id not in ids_of(booking.slot):
        raise Forbidden("Shared notes are written by the hosts.")
    actions.add_note(
        db.session, booking, form.kind.data, form.text.data or "", by=account, as_host=True, at=clock.now()
    )
    db.session.commit()
    flash("Noted.", "success")
    return redirect(url_for("office_hours.record", slug=slug, uid=uid))


@blueprint.post(f"{STAFF}/bookings/<uid>/commitments")
@only(Role.HOST)
def add_promise(slug: str, uid: str) -> ResponseReturnValue:
    """Write down what was promised; hosts do."""
    booking, at = _own(slug, uid), clock.now()
    form = _promise_form(booking, at, fresh=False)
    if not form.validate_on_submit():
        return record_page(slug, booking, 422, promise=form)
    assert form.due_on.data is not None
    actions.promise(
        db.session, booking, form.text.data or "", form.due_on.data, owner_id=form.owner.data or None,
        by=current_account().id, at=at,
    )  # fmt: skip
    db.session.commit()
    flash("Written down.", "success")
    return redirect(url_for("office_hours.record", slug=slug, uid=uid))


@blueprint.route(f"{STAFF}/bookings/<uid>/follow-up", methods=["GET", "POST"])
@only(Role.HOST)
def follow_up(slug: str, uid: str) -> ResponseReturnValue:
    """Give a seat to come again; hosts do."""
    booking, at, account = _own(slug, uid), clock.now(), current_account()
    form = FollowUpForm(topic=booking.topic)
    free = free_for(db.session, booking, account.id, at)
    form.slot.choices = _choices(free, account)
    if not form.validate_on_submit():
        page = render_template(
            "office_hours/follow_up.html", challenge=challenge_or_404(slug), booking=booking, form=form,
            series=booking.slot.sitting.series,
        )  # fmt: skip
        return page, 422 if form.is_submitted() else 200
    slot = queries.slot_of(db.session, challenge_or_404(slug).id, form.slot.data)
    follow_ups.follow_up(
        db.session, booking, slot, form.topic.data or "", form.key.data or "", by=account.id, at=at, sender=sender()
    )
    db.session.commit()
    flash(f"{booking.participant.name} has a seat, and is invited by mail.", "success")
    return redirect(url_for("office_hours.record", slug=slug, uid=uid))


def _choices(free: Sequence[Offer], account: Account) -> dict[str, str]:
    """Slots to choose from, in words."""
    made = {}
    for offer in free:
        begin = face(offer.slot.starts_at, account.zone, offer.slot.sitting.series.zone)
        whose = "yours" if account.id in ids_of(offer.slot) else offer.slot.names
        made[str(offer.slot.id)] = f"{begin.day:%a} {begin.day.day} {begin.day:%b}, {begin.clock} {begin.zone}, {whose}"
    return made


def my_record(booking: Booking, note: MyNoteForm | None = None) -> dict[str, Any]:
    """What a participant sees of the record of their booking."""
    return {
        "notes": notes_of(db.session, booking.id, internal=False),
        "promises": promises_in(db.session, booking.id),
        "asked": [each for each in answers_from(db.session, booking.id, asked=True) if asks_consent(each)],
        "note": note or MyNoteForm(formdata=None),
    }


@blueprint.post(f"{MINE}/bookings/<uid>/notes")
@signed_in
def add_my_note(slug: str, uid: str) -> ResponseReturnValue:
    """Add a note that the hosts read."""
    booking, form = queries.booking_of(db.session, member_or_404(slug), uid), MyNoteForm()
    if not form.validate_on_submit():
        flash(" ".join(str(message) for message in form.text.errors), "error")
        return redirect(url_for("office_hours.booking", slug=slug, uid=uid))
    actions.add_note(
        db.session, booking, NoteKind.SHARED, form.text.data or "", by=current_account(), as_host=False, at=clock.now()
    )
    db.session.commit()
    flash("Noted. Your hosts are told.", "success")
    return redirect(url_for("office_hours.booking", slug=slug, uid=uid))
