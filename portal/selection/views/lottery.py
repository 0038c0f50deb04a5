"""What everybody may know of the lottery between equals."""

from flask import render_template
from flask.typing import ResponseReturnValue

from portal.accounts.gate import everyone
from portal.challenges.access import challenge_or_404
from portal.core.db import db
from portal.selection.queries import drafts as lists
from portal.selection.rules import lottery
from portal.selection.views.blueprint import blueprint


@blueprint.get("/challenges/<slug>/lottery")
@everyone
def lotteries(slug: str) -> ResponseReturnValue:
    """The hash to which a seed is bound, the seed once it was used, and how to check both."""
    challenge = challenge_or_404(slug)
    drawn = lists.lotteries(db.session, challenge.id)
    return render_template("selection/lotteries.html", challenge=challenge, lotteries=drawn, recipe=lottery.recipe)
