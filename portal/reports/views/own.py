"""What researchers do with a report that has arrived: answer, appeal, verify, dispute, link it to an older one."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import signed_in
from portal.challenges.access import member_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.moves import move_named
from portal.reports import rules, states
from portal.reports.actions import own
from portal.reports.forms import OwnForm
from portal.reports.queries import reports
from portal.reports.views import blueprint
from portal.reports.views.researcher import own_page

DONE = {
    states.ANSWER.name: "The team's clock goes on.",
    states.APPEAL.name: "Somebody else of the team will look at it.",
    states.VERIFY.name: "Thank you. The report is closed.",
    states.DISPUTE.name: "The team goes on with the fix.",
}


@blueprint.post("/challenges/<slug>/reports/<ref>/move")
@signed_in
def own_move(slug: str, ref: str) -> ResponseReturnValue:
    """Take a step of one's own."""
    member = member_or_404(slug)
    report = reports.own(db.session, member.participant_id, ref)
    form = OwnForm()
    step = move_named(states.OWN, form.move.data or "")
    if form.validate() and "message" in step.needs and not form.message.data:
        form.message.errors = [rules.WANTED["message"]]
    if form.errors:
        return own_page(report, member.participant.challenge, form), 422
    own.move(db.session, report, step, form.message.data or None, by=member.account_id, at=clock.now())
    db.session.commit()
    flash(DONE[step.name])
    return redirect(url_for("reports.show", slug=slug, ref=ref))


@blueprint.post("/challenges/<slug>/reports/<ref>/replaces")
@signed_in
def replace(slug: str, ref: str) -> ResponseReturnValue:
    """Say that it is one that could not be decrypted, sealed again."""
    member = member_or_404(slug)
    report = reports.own(db.session, member.participant_id, ref)
    chosen = request.form.get("replaces", "")
    unreadable = next(
        (each for each in reports.replaceable(db.session, member.participant_id) if each.ref == chosen), None
    )
    if unreadable is None:
        raise NotFound("report that could not be decrypted")
    own.replace(db.session, report, unreadable, by=member.account_id, at=clock.now())
    db.session.commit()
    flash(f"{ref} stands for {chosen} now.")
    return redirect(url_for("reports.show", slug=slug, ref=ref))
