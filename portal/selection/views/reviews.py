"""One application after another, each read and scored."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.applications import queries as applications
from portal.applications.models import Application
from portal.applications.rules import COUNTRIES
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Conflict, Forbidden, Invalid, Refused
from portal.selection.actions import reviews as actions
from portal.selection.forms import ReviewForm, form_for
from portal.selection.queries import plan as plans
from portal.selection.queries import reviewing as queries
from portal.selection.queries import triage as firsts
from portal.selection.rules.blind import is_blind
from portal.selection.rules.triage import card_of
from portal.selection.views.blueprint import blueprint

# More than these are not kept in the address.
_SKIPPED = 50


def asked(challenge: Challenge) -> ReviewForm:
    """The form with the criteria of the challenge."""
    return form_for(plans.rubric(db.session, challenge.id))()


@blueprint.get("/staff/<slug>/review")
@only(Role.REVIEWER, Role.LEAD)
def review(slug: str) -> ResponseReturnValue:
    """The next application that I should review."""
    challenge, skip = challenge_or_404(slug), request.args.getlist("skip", type=int)[-_SKIPPED:]
    plan, me = plans.plan_of(db.session, challenge.id), current_account().id
    number = queries.next_to_review(db.session, plan, me, skip)
    if number is None:
        return render_template(
            "selection/reviewed.html", challenge=challenge, plan=plan, skipped=bool(skip),
            progress=queries.progress(db.session, plan, me),
        )  # fmt: skip
    return _card(challenge, applications.application(db.session, challenge.id, number), asked(challenge), skip)


@blueprint.post("/staff/<slug>/review/<int:application_id>")
@only(Role.REVIEWER, Role.LEAD)
def save_review(slug: str, application_id: int) -> ResponseReturnValue:
    """Keep my review, then go on to the next application or back to this one's page."""
    challenge, form = challenge_or_404(slug), asked(challenge_or_404(slug))
    application = applications.application(db.session, challenge.id, application_id)
    if application.account_id == current_account().id:
        raise Forbidden("This is your own application. Others read it.")
    if not form.validate_on_submit() or not _saved(application, form):
        return _card(challenge, application, form), 422
    flash("Your review is saved.")
    if request.form.get("then") == "stay":
        return redirect(url_for("selection.application", slug=slug, application_id=application_id))
    return redirect(url_for("selection.review", slug=slug))


def _saved(application: Application, form: ReviewForm) -> bool:
    """Whether it could be kept; if not, the form says why, and what was typed is still in it."""
    try:
        actions.write_review(db.session, application, current_account().id, form.opinion(), at=clock.now())
        db.session.commit()
    except Invalid as problem:
        messages = problem.messages
    except (Refused, Conflict) as problem:
        messages = {"": f"Not saved. {problem.reason}"}
    else:
        return True
    db.session.rollback()
    form.complain(messages)
    return False


def _card(challenge: Challenge, application: Application, form: ReviewForm, skip: list[int] | None = None) -> str:
    plan, me = plans.plan_of(db.session, challenge.id), current_account().id
    blind = is_blind(plan, my_roles(challenge.slug))
    return render_template(
        "selection/review.html", challenge=challenge, application=application, form=form, plan=plan, blind=blind,
        card=card_of(application, firsts.questions(db.session, challenge.id), blind=blind),
        assigned=queries.is_assigned(db.session, application.id, me), skip=[*(skip or []), application.id],
        progress=queries.progress(db.session, plan, me), me=me, countries=COUNTRIES,
    )  # fmt: skip


@blueprint.post("/staff/<slug>/applications/<int:application_id>/conflict")
@only(Role.REVIEWER, Role.LEAD)
def conflict(slug: str, application_id: int) -> ResponseReturnValue:
    """I must not judge this application; or I may after all."""
    challenge, at, me = challenge_or_404(slug), clock.now(), current_account().id
    application = applications.application(db.session, challenge.id, application_id)
    if request.form.get("declared") == "no":
        actions.withdraw_conflict(db.session, application, me, at=at)
        db.session.commit()
        flash("Taken back: you may review this application.")
        return redirect(url_for("selection.application", slug=slug, application_id=application_id))
    actions.declare_conflict(db.session, application, me, at=at)
    db.session.commit()
    flash("Noted. Others read that application.")
    return redirect(url_for("selection.review", slug=slug))


@blueprint.post("/staff/<slug>/reviews/<int:review_id>/agree")
@only(Role.REVIEWER, Role.LEAD)
def agree(slug: str, review_id: int) -> ResponseReturnValue:
    """I see it as this review does; or no longer."""
    challenge, wanted = challenge_or_404(slug), request.form.get("agree") != "no"
    number = queries.application_of_review(db.session, challenge.id, review_id)
    application = applications.application(db.session, challenge.id, number)
    actions.set_agreement(db.session, application, review_id, current_account().id, wanted, at=clock.now())
    db.session.commit()
    return redirect(
        url_for("selection.application", slug=slug, application_id=number, _anchor=f"review-{review_id}")
    )  # fmt: skip
