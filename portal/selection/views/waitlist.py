"""Who of the waiting list comes next."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.applications.rules import COUNTRIES
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.selection import queries, supply
from portal.selection.actions.waitlist import invite_next
from portal.selection.queries import waitlist as lists
from portal.selection.rules.drafts import points
from portal.selection.views.blueprint import blueprint

# The waiting list beyond this many is counted, not shown: nobody of it is near a place.
SHOWN = 200


@blueprint.get("/staff/<slug>/waitlist")
@only(Role.LEAD)
def waitlist(slug: str) -> ResponseReturnValue:
    """Places that are free, who is proposed for them, and why."""
    challenge, me = challenge_or_404(slug), current_account().id
    found = lists.proposal(db.session, challenge)
    others = [line for line in lists.shown(db.session, found, SHOWN) if line.application.account_id != me]
    return render_template(
        "selection/waitlist.html", challenge=challenge, found=found, points=points, countries=COUNTRIES,
        rows=others, standing=queries.standing(db.session, challenge),
        shipping=supply.shipping(db.session, challenge.id),
    )  # fmt: skip


@blueprint.post("/staff/<slug>/waitlist")
@only(Role.LEAD)
def take_from_waitlist(slug: str) -> ResponseReturnValue:
    """Mean to invite the ticked ones of the proposed."""
    challenge, chosen = challenge_or_404(slug), request.form.getlist("application", type=int)
    number = invite_next(
        db.session, challenge, chosen, request.form.get("mark", ""), by=current_account().id, at=clock.now()
    )
    db.session.commit()
    flash(f"{number} meant to be invited. Make a wave of it to tell them.")
    return redirect(url_for("selection.waves", slug=slug))
