"""Calendar addresses: the feeds themselves, and making and withdrawing them."""

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
from portal.office_hours import actions, ics, queries
from portal.office_hours.actions.mails import meeting_of
from portal.office_hours.states import FeedScope
from portal.office_hours.views import blueprint
from portal.office_hours.views.participant import BASE
from portal.office_hours.views.shapes import sender

TITLES = {FeedScope.MINE: "My office hours", FeedScope.HOST: "Office hours I hold"}


@blueprint.get("/calendars/<token>.ics")
@everyone
def feed(token: str) -> ResponseReturnValue:
    """A calendar for whoever has its address. Programs ask every hour, so what has not changed is not sent again."""
    found = queries.feed_by_token(db.session, token)
    bookings = queries.feed_bookings(db.session, found, clock.now())
    meetings = [meeting_of(booking, found.account) for booking in bookings]
    answer = Response(ics.feed(meetings, sender(), title=TITLES[found.scope]), mimetype="text/calendar")
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Content-Disposition"] = 'inline; filename="office-hours.ics"'
    return conditional(answer)


@blueprint.post(f"{BASE}/calendar")
@signed_in
def my_calendar(slug: str) -> ResponseReturnValue:
    """Make, replace or withdraw the address of one's own bookings."""
    member_or_404(slug)
    return _change(challenge_or_404(slug), FeedScope.MINE, url_for("office_hours.mine", slug=slug))


@blueprint.post("/staff/<slug>/office-hours/calendar")
@only(Role.HOST)
def host_calendar(slug: str) -> ResponseReturnValue:
    """Make, replace or withdraw the address of the sessions that one holds."""
    return _change(challenge_or_404(slug), FeedScope.HOST, url_for("office_hours.staff", slug=slug))


def _change(challenge: Challenge, scope: FeedScope, back: str) -> ResponseReturnValue:
    account, at = current_account(), clock.now()
    if request.form.get("verb") == "revoke":
        actions.revoke_feed(db.session, account.id, scope, at=at)
        db.session.commit()
        flash("The calendar address no longer works.")
        return redirect(back)
    token = actions.open_feed(db.session, account.id, scope, at=at)
    db.session.commit()
    # Told on this page alone: only its hash is kept, so it can be replaced but never shown again.
    address = absolute("office_hours.feed", token=token)
    return render_template("office_hours/calendar.html", challenge=challenge, address=address, back=back)
