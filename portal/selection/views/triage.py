"""The first pass over HTTP: one card after the other.

A page is read without changing anything: it shows the card that one holds. Cards are handed out by POST. A browser with
JavaScript asks with the header X-Part and gets the next card as a piece of HTML (204: there is none); one without is
sent back to the page.
"""

from datetime import datetime, time

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.applications.states import Triage
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.web.filters import viewer_zone
from portal.selection.actions import triage as actions
from portal.selection.forms.triage import VerdictForm
from portal.selection.models import Plan
from portal.selection.queries import triage as queries
from portal.selection.queries.plan import plan_of
from portal.selection.rules import blind
from portal.selection.rules import triage as rules
from portal.selection.views.blueprint import blueprint


def _midnight() -> datetime:
    """When the reader's day began."""
    return datetime.combine(clock.now().astimezone(viewer_zone()).date(), time(), viewer_zone())


def _pace(plan: Plan) -> rules.Pace:
    return queries.pace(db.session, plan, current_account().id, _midnight(), clock.now())


def _card(challenge: Challenge, plan: Plan, application_id: int) -> rules.Card:
    found = queries.card(db.session, challenge.id, application_id)
    hidden = blind.is_blind(plan, my_roles(challenge.slug))
    return rules.card_of(found, queries.questions(db.session, challenge.id), blind=hidden)


def _shown() -> list[int]:
    """The cards that the browser has already."""
    return request.form.getlist("shown", type=int)


def _answer(challenge: Challenge, plan: Plan, number: int | None) -> ResponseReturnValue:
    """A card to a browser that asked for a piece, or the way back to the page."""
    if "X-Part" not in request.headers:
        return redirect(url_for("selection.triage", slug=challenge.slug, card=number))
    if number is None:
        return "", 204
    return render_template(
        "selection/triage_card.html", challenge=challenge, card=_card(challenge, plan, number), lease=rules.LEASE
    )


@blueprint.get("/staff/<slug>/triage")
@only(Role.REVIEWER, Role.LEAD)
def triage(slug: str) -> ResponseReturnValue:
    """The card that I hold, or how it stands and the way to begin."""
    challenge = challenge_or_404(slug)
    plan, me = plan_of(db.session, challenge.id), current_account().id
    mine, wanted = queries.on_screen(db.session, plan, me, clock.now()), request.args.get("card", type=int)
    if not mine:
        left = queries.left_for(db.session, plan, me)
        last = queries.last_said(db.session, challenge.id, me)
        return render_template(
            "selection/triage_start.html", challenge=challenge, pace=_pace(plan), left=left, last=last, plan=plan,
            at=clock.now(), many=queries.MANY,
        )  # fmt: skip
    card = _card(challenge, plan, wanted if wanted in mine else mine[0])
    return render_template(
        "selection/triage.html", challenge=challenge, card=card, pace=_pace(plan), lease=rules.LEASE, at=clock.now()
    )


@blueprint.post("/staff/<slug>/triage/next")
@only(Role.REVIEWER, Role.LEAD)
def triage_next(slug: str) -> ResponseReturnValue:
    """Give me a card."""
    challenge, me = challenge_or_404(slug), current_account().id
    plan = plan_of(db.session, challenge.id)
    number = actions.hand_out(db.session, challenge, plan, me, at=clock.now(), shown=_shown())
    db.session.commit()
    return _answer(challenge, plan, number)


@blueprint.post("/staff/<slug>/triage/<int:application_id>")
@only(Role.REVIEWER, Role.LEAD)
def triage_judge(slug: str, application_id: int) -> ResponseReturnValue:
    """Keep my verdict and give me the next card; or, from the list of what I said, keep what I say now."""
    challenge, form, at, me = challenge_or_404(slug), VerdictForm(), clock.now(), current_account().id
    if not form.validate_on_submit():
        queries.card(db.session, challenge.id, application_id)  # what is not there is not found, whatever is sent
        raise Refused("Choose yes, maybe, no, spam or conflict.")
    if form.said() is Triage.CONFLICT:
        actions.declare_conflict(db.session, challenge, application_id, by=me, at=at)
    else:
        actions.judge(db.session, challenge, application_id, form.said(), by=me, at=at, seconds=form.looked())
    plan = plan_of(db.session, challenge.id)
    if request.form.get("then") == "list":
        db.session.commit()
        flash(f"Noted: {form.said()}.")
        return redirect(url_for("selection.triage_pace", slug=slug))
    number = actions.hand_out(db.session, challenge, plan, me, at=at, shown=_shown())
    db.session.commit()
    return _answer(challenge, plan, number)


@blueprint.post("/staff/<slug>/triage/keep")
@only(Role.REVIEWER, Role.LEAD)
def triage_keep(slug: str) -> ResponseReturnValue:
    """I am still reading: nobody else shall get my cards. Says which are mine."""
    challenge = challenge_or_404(slug)
    plan = plan_of(db.session, challenge.id)
    kept = actions.keep(db.session, plan, current_account().id, at=clock.now())
    db.session.commit()
    return jsonify(held=kept)


@blueprint.post("/staff/<slug>/triage/undo")
@only(Role.REVIEWER, Role.LEAD)
def triage_undo(slug: str) -> ResponseReturnValue:
    """Take back what I said last, and show me that card again."""
    challenge = challenge_or_404(slug)
    plan, me = plan_of(db.session, challenge.id), current_account().id
    number = actions.undo(db.session, challenge, plan, by=me, at=clock.now(), shown=_shown())
    db.session.commit()
    return _answer(challenge, plan, number)


@blueprint.get("/staff/<slug>/triage/pace")
@only(Role.REVIEWER, Role.LEAD)
def triage_pace(slug: str) -> ResponseReturnValue:
    """How far it is and how fast it goes, for the lead person by person; and what I said, to change it."""
    challenge = challenge_or_404(slug)
    plan, roles = plan_of(db.session, challenge.id), my_roles(slug)
    if "X-Part" in request.headers:
        return render_template("selection/triage_strip.html", pace=_pace(plan), at=clock.now())
    said = queries.said_by(db.session, challenge.id, current_account().id, request.args.get("after"))
    return render_template(
        "selection/triage_pace.html", challenge=challenge, pace=_pace(plan), at=clock.now(), page=said, plan=plan,
        about=queries.named(db.session, [verdict.application_id for verdict in said.rows]),
        shares=queries.shares(db.session, challenge.id, _midnight()) if Role.LEAD in roles else None,
        verdicts=rules.VERDICTS, hidden=blind.is_blind(plan, roles), alias=blind.alias, why_not=rules.why_not_judge,
    )  # fmt: skip
