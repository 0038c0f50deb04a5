"""Teams: who is in one, and how a colleague comes into it."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import signed_in
from portal.challenges import actions, queries
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.forms import InviteForm, JoinForm
from portal.challenges.models import Member
from portal.challenges.states import ParticipantKind
from portal.challenges.views import blueprint
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound


def _teammate(slug: str) -> Member:
    """The signed-in person's place in a team. Raises NotFound for those who take part alone."""
    member = member_or_404(slug, signed=False)
    if member.participant.kind is not ParticipantKind.TEAM:
        raise NotFound("team")
    return member


@blueprint.get("/challenges/<slug>/team")
@signed_in
def team(slug: str) -> ResponseReturnValue:
    """The members of one's team, and the invitations that are out."""
    return _page(slug, InviteForm())


def _page(slug: str, form: InviteForm) -> str:
    member, challenge = _teammate(slug), challenge_or_404(slug)
    agreement = queries.current_agreement(db.session, challenge.id)
    return render_template(
        "challenges/team.html", challenge=challenge, member=member, team=member.participant, form=form,
        members=queries.team_of(db.session, member.participant_id),
        invitations=queries.invitations(db.session, member.participant_id),
        signers=queries.signers(db.session, agreement), agreement=agreement,
    )  # fmt: skip


@blueprint.post("/challenges/<slug>/team/invitations")
@signed_in
def invite(slug: str) -> ResponseReturnValue:
    """Ask a colleague in."""
    member, form = _teammate(slug), InviteForm()
    if not form.validate():
        return _page(slug, form), 422
    invitation = actions.invite_member(db.session, member, form.email.data or "", at=clock.now())
    db.session.commit()
    flash(f"An invitation is on its way to {invitation.email}.")
    return redirect(url_for("challenges.team", slug=slug))


@blueprint.post("/challenges/<slug>/team/invitations/<int:invitation_id>/withdraw")
@signed_in
def withdraw_invitation(slug: str, invitation_id: int) -> ResponseReturnValue:
    """Make an invitation's link worthless."""
    member = _teammate(slug)
    invitation = queries.invitation_of(db.session, member.participant_id, invitation_id)
    actions.withdraw_invitation(db.session, member, invitation, at=clock.now())
    db.session.commit()
    flash(f"The invitation of {invitation.email} is withdrawn.")
    return redirect(url_for("challenges.team", slug=slug))


@blueprint.route("/join/<token>", methods=["GET", "POST"])
@signed_in
def join(token: str) -> ResponseReturnValue:
    """The invitation behind a link, and taking it up."""
    invitation, form = queries.invitation_by_token(db.session, token), JoinForm()
    challenge = invitation.participant.challenge
    if not form.validate_on_submit():
        page = render_template(
            "challenges/join.html", invitation=invitation, challenge=challenge, form=form,
            expired=invitation.expires_at <= clock.now(),
        )  # fmt: skip
        return page, 422 if form.is_submitted() else 200
    actions.join(db.session, invitation, current_account(), country=form.country.data, at=clock.now())
    db.session.commit()
    flash(f"You are a member of {invitation.participant.name}.")
    return redirect(url_for("challenges.agreement", slug=challenge.slug))
