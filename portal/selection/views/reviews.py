"""One application after another, each read and scored."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.applications import queries as applications
from portal.applications.models import Application
from portal.applications.rules import COUNTRIES
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.selection import queries
from portal.selection.actions.reviews import write_review
from portal.selection.forms import ReviewForm
from portal.selection.views.blueprint import blueprint


@blueprint.get("/staff/<slug>/review")
@only(Role.REVIEWER, Role.LEAD)
def review(slug: str) -> ResponseReturnValue:
    """The next application that I have not reviewed."""
    challenge, skip = challenge_or_404(slug), request.args.get("skip", type=int)
    number = queries.next_to_review(db.session, challenge.id, current_account().id, skip)
    if number is None:
        done, left = queries.progress(db.session, challenge.id, current_account().id)
        return render_template("selection/reviewed.html", challenge=challenge, done=done, left=left)
    return _card(challenge, applications.application(db.session, challenge.id, number), ReviewForm())


@blueprint.post("/staff/<slug>/review/<int:application_id>")
@only(Role.REVIEWER, Role.LEAD)
def save_review(slug: str, application_id: int) -> ResponseReturnValue:
    """Keep my review, then go on to the next application or back to this one's page."""
    challenge, form = challenge_or_404(slug), ReviewForm()
    application = applications.application(db.session, challenge.id, application_id)
    if not form.validate_on_submit():
        return _card(challenge, application, form), 422
    write_review(
        db.session, application, current_account().id, score=int(form.score.data), comment=form.comment.data or "",
        at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    if request.form.get("then") == "stay":
        flash("Your review is saved.")
        return redirect(url_for("selection.application", slug=slug, application_id=application_id))
    return redirect(url_for("selection.review", slug=slug))


def _card(challenge: Challenge, application: Application, form: ReviewForm) -> str:
    done, left = queries.progress(db.session, challenge.id, current_account().id)
    return render_template(
        "selection/review.html", challenge=challenge, application=application, form=form, done=done, left=left,
        countries=COUNTRIES,
    )  # fmt: skip
