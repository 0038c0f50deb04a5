"""The team: the inbox, one conversation, answering, notes, handing over."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.challenges.queries import participant_of, team_of
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, PortalError
from portal.line import rules
from portal.line.actions import conversations as actions
from portal.line.actions import desk
from portal.line.forms import AnswerForm, AssignForm, BeginForm, NoteForm
from portal.line.models import Conversation
from portal.line.queries import conversations
from portal.line.queries import inbox as inboxes
from portal.line.states import TEAM
from portal.line.views import blueprint
from portal.line.views.shapes import addresses, note_read, talk_of

BASE = "/staff/<slug>/line"
ONE = f"{BASE}/<int:conversation_id>"
LABELS = {
    "": "waiting", "mine": "mine", "unassigned": "nobody's", "late": "late", "theirs": "waiting for them",
    "settled": "settled", "all": "all",
}  # fmt: skip


@blueprint.get(BASE)
@only(*TEAM)
def inbox(slug: str) -> ResponseReturnValue:
    """What waits for the team, what is due first on top."""
    challenge, me, at = challenge_or_404(slug), current_account().id, clock.now()
    show, text = request.args.get("show", ""), request.args.get("q", "").replace("\0", "").strip()[:120]
    page = inboxes.inbox(db.session, challenge.id, show, me, at, text=text, after=request.args.get("after"))
    counts = inboxes.pile(db.session, challenge.id, me, at)
    return render_template(
        "line/inbox.html", challenge=challenge, page=page, text=text, show=show, late=counts.late,
        clocks={row.id: rules.clock_of(row, at) for row in page.rows},
        unread=inboxes.unread(db.session, page.rows, me),
        choices=[(kind, LABELS[kind], count) for kind, count in zip(inboxes.SHOWS, counts, strict=True)],
    )  # fmt: skip


@blueprint.get(ONE)
@only(*TEAM)
def show(slug: str, conversation_id: int) -> ResponseReturnValue:
    """One conversation, with the team's notes."""
    challenge = challenge_or_404(slug)
    return _page(challenge, _one(challenge, conversation_id))


def _one(challenge: Challenge, conversation_id: int) -> Conversation:
    return conversations.of_challenge(db.session, challenge, conversation_id, reader=current_account().id)


def _page(
    challenge: Challenge, conversation: Conversation, *, form: AnswerForm | None = None, note: NoteForm | None = None,
    failed: PortalError | None = None,
) -> str:  # fmt: skip
    me = current_account().id
    talk = talk_of(conversation, me, notes=True)
    form = form or AnswerForm(formdata=None)
    form.seen.data = str(talk.newest)
    page = render_template(
        "line/show.html", challenge=challenge, conversation=conversation, talk=talk, form=form, failed=failed, me=me,
        note=note or NoteForm(formdata=None, prefix="note-"), assign=_assign_form(challenge, conversation, None),
        clock=rules.clock_of(conversation, clock.now()), canned=inboxes.canned(db.session, challenge.id),
        members=team_of(db.session, conversation.participant_id),
    )  # fmt: skip
    note_read(conversation, talk, me)
    return page


def _assign_form(challenge: Challenge, conversation: Conversation, choice: str | None) -> AssignForm:
    now = str(conversation.assignee_id or "")
    form = AssignForm() if choice is not None else AssignForm(formdata=None, to=now, seen=now)
    people = inboxes.team(db.session, challenge.slug, conversation.participant_id)
    form.to.choices = {"": "Nobody", **{str(each.id): each.name or each.email for each in people}}
    return form


def _back(slug: str, conversation_id: int, place: str = "") -> ResponseReturnValue:
    return redirect(url_for("line.show", slug=slug, conversation_id=conversation_id) + place)


@blueprint.post(f"{ONE}/answers")
@only(*TEAM)
def answer(slug: str, conversation_id: int) -> ResponseReturnValue:
    """Answer, or answer and settle."""
    challenge, me, at, form = challenge_or_404(slug), current_account().id, clock.now(), AnswerForm()
    conversation = _one(challenge, conversation_id)
    if not form.validate():
        return _page(challenge, conversation, form=form), 422
    draft = form.draft(in_mail=bool(form.in_mail.data))
    try:
        sent = actions.answer(
            db.session, conversation, draft, seen=form.seen_number, by=me, at=at, addresses=addresses()
        )
        if request.form.get("then") == "settle":
            actions.settle(db.session, conversation, seen=sent.id, by=me, at=at)
    except PortalError as failed:  # what was typed stays
        db.session.rollback()
        return _page(challenge_or_404(slug), _one(challenge, conversation_id), form=form, failed=failed), failed.status
    db.session.commit()
    flash("Answered. They learn of it by mail.")
    return _back(slug, conversation_id, "#latest")


@blueprint.post(f"{ONE}/notes")
@only(*TEAM)
def add_note(slug: str, conversation_id: int) -> ResponseReturnValue:
    """Write something for the team alone."""
    challenge, form = challenge_or_404(slug), NoteForm(prefix="note-")
    conversation = _one(challenge, conversation_id)
    if not form.validate():
        return _page(challenge, conversation, note=form), 422
    actions.note(db.session, conversation, form.draft(), by=current_account().id, at=clock.now())
    db.session.commit()
    return _back(slug, conversation_id, "#latest")


@blueprint.post(f"{ONE}/assign")
@only(*TEAM)
def assign(slug: str, conversation_id: int) -> ResponseReturnValue:
    """Take it, hand it over, give it back."""
    challenge, me = challenge_or_404(slug), current_account().id
    conversation = _one(challenge, conversation_id)
    form = _assign_form(challenge, conversation, "typed")
    if not form.validate():
        raise Invalid({"to": "Choose somebody who answers for this challenge."})
    seen = form.seen.data or ""
    people = inboxes.team(db.session, slug, conversation.participant_id)
    chosen = next((each for each in people if str(each.id) == form.to.data), None)
    before = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else None
    desk.assign(db.session, conversation, chosen, seen=before, by=me, at=clock.now())
    db.session.commit()
    flash(f"It is {'yours' if chosen.id == me else chosen.name + '’s'} now." if chosen else "It is nobody’s now.")
    return _back(slug, conversation_id)


@blueprint.post(f"{ONE}/settle")
@only(*TEAM)
def settle(slug: str, conversation_id: int) -> ResponseReturnValue:
    """Say that nothing is left to answer."""
    challenge, form = challenge_or_404(slug), AnswerForm()
    conversation = _one(challenge, conversation_id)
    actions.settle(db.session, conversation, seen=form.seen_number, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Settled. A new message opens it again.")
    return redirect(url_for("line.inbox", slug=slug))


@blueprint.route(f"{BASE}/new", methods=["GET", "POST"])
@only(*TEAM)
def begin(slug: str) -> ResponseReturnValue:
    """Write to a participant of one's own accord."""
    challenge, form = challenge_or_404(slug), BeginForm()
    people = conversations.addressees(db.session, challenge.id, reader=current_account().id)
    form.participant.choices = [(each.id, each.name) for each in people]
    if not form.validate_on_submit():
        page = render_template("line/begin.html", challenge=challenge, form=form)
        return page, 422 if form.is_submitted() else 200
    participant = participant_of(db.session, challenge, form.participant.data)
    sent = actions.begin(
        db.session, participant, form.draft(in_mail=bool(form.in_mail.data)), by=current_account().id,
        at=clock.now(), addresses=addresses(),
    )  # fmt: skip
    db.session.commit()
    flash(f"Your message is with {participant.name}.")
    return _back(slug, sent.conversation_id, "#latest")
