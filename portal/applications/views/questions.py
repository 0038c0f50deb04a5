"""The lead's own questions."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.applications import queries
from portal.applications.actions import questions as actions
from portal.applications.forms.questions import QuestionForm
from portal.applications.models import Question
from portal.applications.views.blueprint import blueprint
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound


def _page(challenge: Challenge, form: QuestionForm, question: Question | None = None) -> str:
    asked = queries.questions(db.session, challenge.id)
    return render_template(
        "applications/questions.html", challenge=challenge, form=form, question=question, questions=asked,
        counts=queries.answer_counts(db.session, challenge.id, asked),
    )  # fmt: skip


def _back(slug: str) -> ResponseReturnValue:
    return redirect(url_for("applications.questions", slug=slug))


@blueprint.get("/staff/<slug>/applications/questions")
@only(Role.LEAD)
def questions(slug: str) -> ResponseReturnValue:
    """What is asked besides, and a form for one more question."""
    return _page(challenge_or_404(slug), QuestionForm())


@blueprint.post("/staff/<slug>/applications/questions")
@only(Role.LEAD)
def add_question(slug: str) -> ResponseReturnValue:
    """Ask one more question."""
    challenge, form = challenge_or_404(slug), QuestionForm()
    if not form.check():
        return _page(challenge, form), 422
    actions.add_question(db.session, challenge, form.asked(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The question is on the form.")
    return _back(slug)


@blueprint.get("/staff/<slug>/applications/questions/<int:question_id>")
@only(Role.LEAD)
def question(slug: str, question_id: int) -> ResponseReturnValue:
    """One question, to be written anew."""
    challenge, form = challenge_or_404(slug), QuestionForm()
    found = queries.question(db.session, challenge.id, question_id)
    form.show(found)
    return _page(challenge, form, found)


@blueprint.post("/staff/<slug>/applications/questions/<int:question_id>")
@only(Role.LEAD)
def change_question(slug: str, question_id: int) -> ResponseReturnValue:
    """Write a question anew."""
    challenge, form = challenge_or_404(slug), QuestionForm()
    found = queries.question(db.session, challenge.id, question_id)
    if not form.check():
        return _page(challenge, form, found), 422
    actions.change_question(db.session, challenge, found, form.asked(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The question is changed.")
    return _back(slug)


@blueprint.post("/staff/<slug>/applications/questions/<int:question_id>/<do>")
@only(Role.LEAD)
def arrange_question(slug: str, question_id: int, do: str) -> ResponseReturnValue:
    """Move a question up or down, ask it no longer, or again."""
    challenge, me, at = challenge_or_404(slug), current_account().id, clock.now()
    found = queries.question(db.session, challenge.id, question_id)
    if do in ("up", "down"):
        actions.move_question(db.session, challenge, found, up=do == "up")
    elif do == "retire":
        gone = actions.retire_question(db.session, challenge, found, by=me, at=at)
        flash(
            "The question is deleted: nobody had answered it." if gone else "It is asked no longer. The answers stay."
        )
    elif do == "ask-again":
        actions.ask_again(db.session, challenge, found, by=me, at=at)
    else:
        raise NotFound("step")
    db.session.commit()
    return _back(slug)
