"""Who works on a challenge and who takes part: roles and participations, set by an admin."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

import portal.accounts.actions as accounts
import portal.accounts.queries as known
from portal.accounts.current import current_account
from portal.accounts.fresh import fresh
from portal.accounts.gate import my_roles, only
from portal.accounts.states import EVERYWHERE, Role
from portal.challenges import actions, queries
from portal.challenges.access import challenge_or_404
from portal.challenges.forms import GrantForm, RemoveForm, WithdrawForm, messages
from portal.challenges.views import blueprint
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused


@blueprint.get("/staff/<slug>/people")
@only(Role.ADMIN)
@fresh
def people(slug: str) -> ResponseReturnValue:
    """The staff with their roles, and the participants with their members."""
    return _page(slug, GrantForm())


def _page(slug: str, form: GrantForm) -> str:
    challenge = challenge_or_404(slug)
    agreement = queries.current_agreement(db.session, challenge.id)
    return render_template(
        "challenges/people.html", challenge=challenge, form=form, grants=known.staff(db.session, slug),
        participants=queries.participants(db.session, challenge.id), agreement=agreement,
        signers=queries.signers(db.session, agreement), everywhere=Role.ADMIN in my_roles(None),
    )  # fmt: skip


@blueprint.post("/staff/<slug>/people/grant")
@only(Role.ADMIN)
@fresh
def grant_role(slug: str) -> ResponseReturnValue:
    """Give somebody a role in this challenge."""
    form = GrantForm()
    account = known.by_email(db.session, form.email.data or "") if form.validate() else None
    if form.email.data and not form.errors and account is None:
        form.email.errors = ["There is no account for this address."]
    if account is None:
        return _page(slug, form), 422
    accounts.grant_role(
        db.session, account, Role(form.role.data), challenge_or_404(slug).slug, by=current_account().id,
        at=clock.now(), reason=form.reason.data or "",
    )  # fmt: skip
    db.session.commit()
    flash(f"{account.email} is {form.role.data} in this challenge.")
    return redirect(url_for("challenges.people", slug=slug))


@blueprint.post("/staff/<slug>/people/withdraw")
@only(Role.ADMIN)
@fresh
def withdraw_role(slug: str) -> ResponseReturnValue:
    """Take a role back. Roles that hold everywhere are for those whose own does."""
    form = WithdrawForm()
    if not form.validate():
        raise Refused(messages([form]))
    if form.everywhere.data and Role.ADMIN not in my_roles(None):
        raise Forbidden("This role holds in every challenge; so must yours to withdraw it.")
    account = known.account(db.session, form.account_id.data or 0)
    accounts.withdraw_role(
        db.session, account, Role(form.role.data), EVERYWHERE if form.everywhere.data else challenge_or_404(slug).slug,
        by=current_account().id, at=clock.now(), reason=form.reason.data or "",
    )  # fmt: skip
    db.session.commit()
    flash(f"{account.email} is no {form.role.data} any more.")
    return redirect(url_for("challenges.people", slug=slug))


@blueprint.post("/staff/<slug>/people/participants/<int:participant_id>/remove")
@only(Role.ADMIN)
@fresh
def remove_participant(slug: str, participant_id: int) -> ResponseReturnValue:
    """End a participation."""
    challenge, form = challenge_or_404(slug), RemoveForm()
    participant = queries.participant_of(db.session, challenge, participant_id)
    if not form.validate():
        raise Refused(messages([form]))
    actions.remove_participant(
        db.session, challenge, participant, reason=form.reason.data or "", by=current_account().id, at=clock.now()
    )
    db.session.commit()
    flash(f"{participant.name} does not take part any more.")
    return redirect(url_for("challenges.people", slug=slug))
