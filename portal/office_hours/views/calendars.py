"""Calendars and reminders: the feeds themselves, making and withdrawing their addresses, and when to be reminded."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import everyone, only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.mail import absolute
from portal.core.web import conditional
from portal.core.web.limits import limiter
from portal.office_hours import actions, ics, queries
from portal.office_hours.actions.mails import meeting_of
from portal.office_hours.forms import RemindersForm
from portal.office_hours.models import Feed
from portal.office_hours.models.reminders import OFFSETS
from portal.office_hours.states import FeedScope
from portal.office_hours.views import blueprint
from portal.office_hours.views.participant import BASE
from portal.office_hours.views.shapes import sender
from portal.office_hours.views.staff import BASE as STAFF

TITLES = {FeedScope.MINE: "My office hours", FeedScope.HOST: "Office hours I hold"}


@blueprint.get("/calendars/<token>.ics")
@everyone
@limiter.limit("120 per minute")
def feed(token: str) -> ResponseReturnValue:
    """A calendar for whoever has its address. Programs ask every hour, so what has not changed is not sent again."""
    answer = Response(_content(queries.feed_by_token(db.session, token)), mimetype="text/calendar")
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Content-Disposition"] = 'inline; filename="office-hours.ics"'
    return conditional(answer)


def _content(found: Feed) -> bytes:
    if found.challenge is not None:
        busy = queries.busy_times(db.session, found.challenge, clock.now())
        title, whose = f"{found.challenge.title}: busy times", f"challenges/{found.challenge.slug}"
        return ics.busy_feed(busy, sender(), title=title, whose=whose)
    bookings = queries.feed_bookings(db.session, found, clock.now())
    meetings = [meeting_of(booking, found.account, for_host=found.scope is FeedScope.HOST) for booking in bookings]
    return ics.feed(meetings, sender(), title=TITLES[found.scope])


@blueprint.get(f"{BASE}/calendar")
@signed_in
def my_calendars(slug: str) -> ResponseReturnValue:
    """One's own calendar address, and when one is reminded."""
    member_or_404(slug)
    return _page(slug, _chosen())


@blueprint.get(f"{STAFF}/calendar")
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def staff_calendars(slug: str) -> ResponseReturnValue:
    """Hosts' calendar addresses and reminders, and for the lead the busy times of all."""
    return _page(slug, _chosen())


@blueprint.post(f"{BASE}/calendar")
@signed_in
def my_calendar(slug: str) -> ResponseReturnValue:
    """Make, replace or withdraw the address of one's own bookings."""
    member_or_404(slug)
    return _change(challenge_or_404(slug), FeedScope.MINE)


@blueprint.post(f"{STAFF}/calendar")
@only(Role.HOST)
def host_calendar(slug: str) -> ResponseReturnValue:
    """Make, replace or withdraw the address of the sessions that one holds."""
    return _change(challenge_or_404(slug), FeedScope.HOST)


@blueprint.post(f"{STAFF}/busy-calendar")
@only(Role.LEAD)
def busy_calendar(slug: str) -> ResponseReturnValue:
    """Make, replace or withdraw the address of all hosts' busy times."""
    return _change(challenge_or_404(slug), FeedScope.BUSY)


@blueprint.post(f"{BASE}/reminders")
@signed_in
def my_reminders(slug: str) -> ResponseReturnValue:
    """Choose when one is reminded of what one has booked."""
    member_or_404(slug)
    return _remember(slug)


@blueprint.post(f"{STAFF}/reminders")
@only(Role.HOST)
def host_reminders(slug: str) -> ResponseReturnValue:
    """Choose when one is reminded of what one holds."""
    return _remember(slug)


def _back(slug: str) -> str:
    """The page of calendars and reminders on the side on which the person is."""
    staff = request.path.startswith("/staff/")
    return url_for("office_hours.staff_calendars" if staff else "office_hours.my_calendars", slug=slug)


def _chosen() -> RemindersForm:
    account_id = current_account().id
    offsets = queries.chosen_offsets(db.session, [account_id])[account_id]
    return RemindersForm(data={"before": [name for name, offset in OFFSETS.items() if offset in offsets]})


def _page(slug: str, form: RemindersForm, status: int = 200) -> ResponseReturnValue:
    challenge = challenge_or_404(slug)
    page = render_template(
        "office_hours/calendars.html",
        challenge=challenge,
        staff=request.path.startswith("/staff/"),
        feeds=queries.live_feeds(db.session, current_account().id),
        busy=queries.busy_address(db.session, challenge.id),
        form=form,
    )
    return page, status


def _remember(slug: str) -> ResponseReturnValue:
    form = RemindersForm()
    if not form.validate_on_submit():
        return _page(slug, form, 422)
    names = form.before.data or []
    actions.choose_reminders(db.session, current_account().id, names, at=clock.now())
    db.session.commit()
    flash("You will be reminded as you chose." if names else "You will not be reminded any more.", "success")
    return redirect(_back(slug))


def _change(challenge: Challenge, scope: FeedScope) -> ResponseReturnValue:
    back = _back(challenge.slug)
    if request.form.get("verb") == "revoke":
        _revoke(challenge, scope)
        db.session.commit()
        flash("The calendar address no longer works.")
        return redirect(back)
    token = _open(challenge, scope)
    db.session.commit()
    # Told on this page alone: only its hash is kept, so it can be replaced but never shown again.
    address = absolute("office_hours.feed", token=token)
    return render_template("office_hours/calendar.html", challenge=challenge, address=address, back=back, scope=scope)


def _open(challenge: Challenge, scope: FeedScope) -> str:
    by, at = current_account().id, clock.now()
    if scope is FeedScope.BUSY:
        return actions.publish_busy_times(db.session, challenge, by=by, at=at)
    return actions.open_feed(db.session, by, scope, at=at)


def _revoke(challenge: Challenge, scope: FeedScope) -> None:
    by, at = current_account().id, clock.now()
    if scope is FeedScope.BUSY:
        actions.withdraw_busy_times(db.session, challenge, by=by, at=at)
    else:
        actions.revoke_feed(db.session, by, scope, at=at)
