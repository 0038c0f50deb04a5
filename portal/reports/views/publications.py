"""What participants have published: for everybody, for those who hand it in, and for those who look at it."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import everyone, only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge
from portal.challenges.rules import host_of
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.core.moves import move_named, open_moves
from portal.reports import states
from portal.reports.actions import publications as actions
from portal.reports.forms.disclosing import DecideForm, PublicationForm
from portal.reports.queries import disclosing
from portal.reports.queries import publications as queries
from portal.reports.rules.disclosing import results_out
from portal.reports.views import blueprint


@blueprint.get("/challenges/<slug>/publications")
@everyone
def publications(slug: str) -> ResponseReturnValue:
    """What was published about the challenge, once its results are out, and no report under embargo."""
    challenge, at = challenge_or_404(slug), clock.now()
    if not results_out(challenge, at):
        return render_template("reports/not_out.html", challenge=challenge, what="Publications"), 404
    return render_template(
        "reports/publications.html",
        challenge=challenge,
        rows=queries.public(db.session, challenge, at),
        disclosed=disclosing.disclosed(db.session, challenge.id, at),
        host=host_of,
    )


def _form(challenge: Challenge, participant_id: int | None, *, filled: bool) -> PublicationForm:
    form = PublicationForm() if filled else PublicationForm(formdata=None)
    offered = queries.choices(db.session, challenge.id, participant_id, reader=current_account().id)
    form.reports.choices = list(offered.items())
    return form


def _submit(challenge: Challenge, participant_id: int | None, form: PublicationForm) -> bool:
    """Whether it was taken in; if not, the form says why."""
    if not form.validate_on_submit():
        return False
    try:
        actions.submit(
            db.session, challenge, form.link(), participant_id=participant_id, by=current_account().id, at=clock.now()
        )
    except Invalid as problem:
        db.session.rollback()
        for name, text in problem.messages.items():
            form[name].errors = [text]
        return False
    db.session.commit()
    flash("The team looks at it. It is listed afterwards, and never before an embargo is over.")
    return True


@blueprint.route("/challenges/<slug>/publications/mine", methods=["GET", "POST"])
@signed_in
def my_publications(slug: str) -> ResponseReturnValue:
    """A participant hands in what they have published, and sees what became of it."""
    member = member_or_404(slug)
    challenge, participant = member.participant.challenge, member.participant_id
    sent = DecideForm().is_submitted()
    form = _form(challenge, participant, filled=sent)
    if sent and _submit(challenge, participant, form):
        return redirect(url_for("reports.my_publications", slug=slug))
    rows = queries.of_participant(db.session, participant)
    page = render_template("reports/my_publications.html", challenge=challenge, rows=rows, form=form, host=host_of)
    return page, 422 if sent else 200


@blueprint.post("/challenges/<slug>/publications/<int:publication_id>/take-off")
@signed_in
def take_publication_off(slug: str, publication_id: int) -> ResponseReturnValue:
    """A participant does not want it to be listed any more."""
    member = member_or_404(slug, signed=False)
    found = queries.own(db.session, member.participant_id, publication_id)
    actions.take_off(db.session, member.participant.challenge, found, by=member.account_id, at=clock.now())
    db.session.commit()
    flash("It is off every list.")
    return redirect(url_for("reports.my_publications", slug=slug))


@blueprint.route("/staff/<slug>/publications", methods=["GET", "POST"])
@only(Role.TRIAGER, Role.LEAD)
def staff_publications(slug: str) -> ResponseReturnValue:
    """What was handed in, what waits on top; the team hands in its own here."""
    challenge, sent = challenge_or_404(slug), DecideForm().is_submitted()
    form = _form(challenge, None, filled=sent)
    if sent and _submit(challenge, None, form):
        return redirect(url_for("reports.staff_publications", slug=slug))
    return _staff_page(challenge, form), 422 if sent else 200


def _staff_page(challenge: Challenge, form: PublicationForm) -> str:
    me = current_account().id
    rows = queries.of_staff(db.session, challenge.id, reader=me)
    shown = [
        (row, [] if row.submitted_by_id == me else open_moves(states.PUBLICATION_MOVES, row.state)) for row in rows
    ]
    return render_template("reports/staff_publications.html", challenge=challenge, rows=shown, form=form, host=host_of)


@blueprint.post("/staff/<slug>/publications/<int:publication_id>")
@only(Role.TRIAGER, Role.LEAD)
def decide_publication(slug: str, publication_id: int) -> ResponseReturnValue:
    """List it, or refuse it with a reason."""
    challenge = challenge_or_404(slug)
    found, form = queries.one(db.session, challenge.id, publication_id, reader=current_account().id), DecideForm()
    if not form.validate_on_submit():
        return _staff_page(challenge, _form(challenge, None, filled=False)), 422
    step = move_named(states.PUBLICATION_MOVES, form.move.data or "")
    actions.decide(db.session, challenge, found, step, form.reason.data or "", by=current_account().id, at=clock.now())
    db.session.commit()
    flash("It is listed as soon as the results are out and no embargo holds it." if step is states.LIST else "Refused.")
    return redirect(url_for("reports.staff_publications", slug=slug))
