"""What everybody may read of a challenge."""

from flask import render_template
from flask.typing import ResponseReturnValue

from portal.accounts.current import maybe_account
from portal.accounts.gate import everyone
from portal.challenges import queries, rules
from portal.challenges.access import challenge_or_404
from portal.challenges.views import blueprint
from portal.core import clock
from portal.core.db import db


@blueprint.get("/challenges/<slug>/")
@everyone
def show(slug: str) -> ResponseReturnValue:
    """What the challenge is, where it stands, and what can be won."""
    challenge, account, now = challenge_or_404(slug), maybe_account(), clock.now()
    return render_template(
        "challenges/show.html", challenge=challenge, phase=rules.phase(challenge, now),
        course=rules.course(challenge, now), accepting=rules.accepts_applications(challenge, now),
        member=queries.membership(db.session, challenge.id, account.id) if account else None,
    )  # fmt: skip


@blueprint.get("/challenges/<slug>/rules", endpoint="rules")
@everyone
def rules_page(slug: str) -> ResponseReturnValue:
    """What is in scope, and what is not."""
    return render_template("challenges/rules.html", challenge=challenge_or_404(slug))
