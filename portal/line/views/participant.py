"""Participants: their conversation with the team."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import signed_in
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Member
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound, PortalError
from portal.line import rules
from portal.line.actions import conversations as actions
from portal.line.actions.reading import choose_mails
from portal.line.forms import MessageForm
from portal.line.models import Conversation
from portal.line.queries import conversations
from portal.line.views import blueprint
from portal.line.views.shapes import addresses, note_read, talk_of

BASE = "/challenges/<slug>/line"


@blueprint.get(BASE)
@signed_in
def mine(slug: str) -> ResponseReturnValue:
    """What was said so far, and a form for more."""
    return _page(slug, member_or_404(slug, signed=False), MessageForm())


def _page(slug: str, member: Member, form: MessageForm, failed: PortalError | None = None) -> str:
    conversation = conversations.of_participant(db.session, member.participant_id)
    talk, at = talk_of(conversation, member.account_id, notes=False), clock.now()
    challenge = challenge_or_404(slug)
    page = render_template(
        "line/mine.html", challenge=challenge, conversation=conversation, talk=talk, form=form, failed=failed,
        me=member.account_id, clock=rules.clock_of(conversation, at) if conversation else None,
        days=conversations.days_of(db.session, challenge.id), by_mail=addresses().mailbox is not None,
        mails=conversations.wants_mails(db.session, member),
    )  # fmt: skip
    note_read(conversation, talk, member.account_id)
    return page


@blueprint.post(BASE)
@signed_in
def write(slug: str) -> ResponseReturnValue:
    """Say something to the team."""
    member, form = member_or_404(slug, signed=False), MessageForm()
    if not form.validate():
        return _page(slug, member, form), 422
    try:
        actions.write(db.session, member, form.draft(), at=clock.now())
    except PortalError as failed:  # what was typed stays
        db.session.rollback()
        return _page(slug, member_or_404(slug, signed=False), form, failed), failed.status
    db.session.commit()
    flash("Your message is with the team.")
    return redirect(url_for("line.mine", slug=slug) + "#latest")


@blueprint.post(f"{BASE}/settle")
@signed_in
def settle_mine(slug: str) -> ResponseReturnValue:
    """Say that nothing is left to answer."""
    member = member_or_404(slug, signed=False)
    actions.settle(db.session, _own(member), seen=_seen(), by=member.account_id, at=clock.now())
    db.session.commit()
    flash("Settled. Whenever you write again, it is open again.")
    return redirect(url_for("line.mine", slug=slug))


def _own(member: Member) -> Conversation:
    found = conversations.of_participant(db.session, member.participant_id)
    if found is None:
        raise NotFound("conversation")
    return found


def _seen() -> int:
    given = request.form.get("seen", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0


@blueprint.post(f"{BASE}/mails")
@signed_in
def choose(slug: str) -> ResponseReturnValue:
    """Want mails about answers, or not."""
    member, wanted = member_or_404(slug, signed=False), request.form.get("mails") == "on"
    choose_mails(db.session, member, wanted=wanted, at=clock.now())
    db.session.commit()
    flash("You will get a mail when the team has answered." if wanted else "You will get no mails about answers.")
    return redirect(url_for("line.mine", slug=slug))
