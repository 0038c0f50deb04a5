"""For everybody, and for whoever is signed in."""

from flask import render_template
from flask.typing import ResponseReturnValue

import portal.challenges.queries as challenges
from portal.accounts import personal
from portal.accounts.current import current_account
from portal.accounts.gate import everyone, my_grants, signed_in
from portal.accounts.states import EVERYWHERE
from portal.challenges.rules import accepts_applications, phase
from portal.core import clock
from portal.core.db import db
from portal.home.places import places as places_of
from portal.home.views import blueprint


@blueprint.get("/")
@everyone
def landing() -> ResponseReturnValue:
    """What this is, and the challenges."""
    now = clock.now()
    rows = [
        (challenge, phase(challenge, now), accepts_applications(challenge, now))
        for challenge in challenges.challenges(db.session)
    ]
    return render_template("home/landing.html", rows=rows)


@blueprint.get("/home")
@signed_in
def dashboard() -> ResponseReturnValue:
    """What to do next, challenge by challenge."""
    places, grants = places_of(db.session, current_account(), clock.now()), my_grants()
    return render_template(
        "home/dashboard.html", places=places, grants=grants,
        staffed=[place.challenge for place in places if EVERYWHERE in grants or place.challenge.slug in grants],
    )  # fmt: skip


@blueprint.get("/privacy")
@everyone
def privacy() -> ResponseReturnValue:
    """What is kept, why, and for how long: the lines that the rooms themselves go by."""
    return render_template("home/privacy.html", kept=personal.kept)
