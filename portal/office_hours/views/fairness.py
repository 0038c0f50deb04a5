"""How office hours are shared out: who had how many seats, and whose day the sessions meet."""

from zoneinfo import ZoneInfo

from flask import render_template
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.web import csv_response
from portal.office_hours.queries.access import fair_list
from portal.office_hours.queries.zones import equity
from portal.office_hours.rules.access import gini, in_words
from portal.office_hours.time import face
from portal.office_hours.views import blueprint

BASE = "/staff/<slug>/office-hours"


@blueprint.get(f"{BASE}/fairness")
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def fairness(slug: str) -> ResponseReturnValue:
    """Seats by participant, in the order in which they would be asked, and how even that is."""
    challenge = challenge_or_404(slug)
    people = fair_list(db.session, challenge.id, clock.now())
    evenness = gini(each.access.total for each in people)
    return render_template(
        "office_hours/fairness.html",
        challenge=challenge,
        people=people,
        gini=evenness,
        words=in_words(evenness),
    )


@blueprint.get(f"{BASE}/fairness.csv")
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def fairness_csv(slug: str) -> ResponseReturnValue:
    """The same as a table for elsewhere."""
    challenge = challenge_or_404(slug)
    people = fair_list(db.session, challenge.id, clock.now())
    header = ("participant", "seats", "recent_seats", "owed", "strikes", "first_timer")
    rows = (
        (one.participant.name, one.access.total, one.access.recent, one.access.owed, one.access.strikes,
         "yes" if one.access.is_first_timer else "no")
        for one in people
    )  # fmt: skip
    return csv_response(f"{slug}-office-hours-fairness.csv", header, rows)


@blueprint.get(f"{BASE}/zones")
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def zones(slug: str) -> ResponseReturnValue:
    """A map of whose day the coming sessions meet, and whom none meets."""
    challenge, account = challenge_or_404(slug), current_account()
    found = equity(db.session, challenge.id, clock.now())
    return render_template(
        "office_hours/zones.html",
        challenge=challenge,
        equity=found,
        heat=found.heat,
        begins=[meeting.starts_at.astimezone(ZoneInfo(account.zone)) for meeting in found.heat.meetings],
        better=found.better and face(found.better.hour, account.zone, challenge.zone),
    )
