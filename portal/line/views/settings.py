"""The lead: canned answers, and how soon the team answers."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.line.actions import desk
from portal.line.forms import CannedForm, PaceForm
from portal.line.queries import conversations, inbox
from portal.line.views import blueprint

BASE = "/staff/<slug>/line/settings"


@blueprint.get(BASE)
@only(Role.LEAD)
def settings(slug: str) -> ResponseReturnValue:
    """What the team has at hand, and what it has promised."""
    return _page(challenge_or_404(slug))


def _page(challenge: Challenge, *, canned: CannedForm | None = None, pace: PaceForm | None = None) -> str:
    days = conversations.days_of(db.session, challenge.id)
    return render_template(
        "line/settings.html", challenge=challenge, answers=inbox.canned(db.session, challenge.id),
        canned=canned or CannedForm(formdata=None),
        pace=pace or PaceForm(formdata=None, first=days.first, later=days.later),
    )  # fmt: skip


@blueprint.post(f"{BASE}/pace")
@only(Role.LEAD)
def set_pace(slug: str) -> ResponseReturnValue:
    """Say how soon the team answers."""
    challenge, form = challenge_or_404(slug), PaceForm()
    if not form.validate():
        return _page(challenge, pace=form), 422
    desk.set_pace(db.session, challenge, form.days(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Saved. Clocks that run already go on as they were.")
    return redirect(url_for("line.settings", slug=slug))


@blueprint.post(f"{BASE}/answers")
@only(Role.LEAD)
def add_canned(slug: str) -> ResponseReturnValue:
    """Keep one more text for later."""
    challenge, form = challenge_or_404(slug), CannedForm()
    if not form.validate():
        return _page(challenge, canned=form), 422
    title, text = form.title.data or "", form.text.data or ""
    desk.add_canned(db.session, challenge, title, text, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"“{title}” is at hand.")
    return redirect(url_for("line.settings", slug=slug))


@blueprint.route(f"{BASE}/answers/<int:answer_id>", methods=["GET", "POST"])
@only(Role.LEAD)
def canned(slug: str, answer_id: int) -> ResponseReturnValue:
    """Say one better."""
    challenge = challenge_or_404(slug)
    found = inbox.canned_answer(db.session, challenge, answer_id)
    form = CannedForm(obj=found)
    if not form.validate_on_submit():
        page = render_template("line/canned.html", challenge=challenge, form=form, answer=found)
        return page, 422 if form.is_submitted() else 200
    title, text = form.title.data or "", form.text.data or ""
    desk.change_canned(db.session, challenge, found, title, text, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Saved.")
    return redirect(url_for("line.settings", slug=slug))


@blueprint.post(f"{BASE}/answers/<int:answer_id>/remove")
@only(Role.LEAD)
def remove_canned(slug: str, answer_id: int) -> ResponseReturnValue:
    """Forget one."""
    challenge = challenge_or_404(slug)
    found = inbox.canned_answer(db.session, challenge, answer_id)
    title = found.title
    desk.remove_canned(db.session, challenge, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"“{title}” is gone.")
    return redirect(url_for("line.settings", slug=slug))
