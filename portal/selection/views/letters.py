"""The mails of a wave: each as it will be sent, and what the lead writes instead of our words."""

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.applications.states import Decision
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock, mail
from portal.core.db import db
from portal.core.errors import Forbidden, Invalid, NotFound
from portal.core.outbox import OutgoingMail
from portal.selection import queries, rules
from portal.selection.actions import mails
from portal.selection.actions import waves as actions
from portal.selection.forms.waves import LetterForm
from portal.selection.models import Wave, WaveEntry
from portal.selection.queries import delivery
from portal.selection.rules import letters
from portal.selection.views.blueprint import blueprint


def _entry(found: Wave, entry_id: int) -> WaveEntry:
    """An answer of the wave that is not the reader's own."""
    entry = delivery.entry(db.session, found.id, entry_id)
    if entry.application.account_id == current_account().id:
        raise Forbidden("This answer is your own. You read it when it is sent.")
    return entry


def _made(challenge: Challenge, found: Wave, entry: WaveEntry) -> OutgoingMail:
    written = mails.letters_of(db.session, found.id)
    return mails.preview(entry, challenge, found.answer_by, written, clock.now())


@blueprint.get("/staff/<slug>/waves/<int:number>/mails/<int:entry_id>")
@only(Role.LEAD)
def wave_mail(slug: str, number: int, entry_id: int) -> ResponseReturnValue:
    """One mail of a wave as it will be sent, and the way to the one before and after."""
    challenge = challenge_or_404(slug)
    found = queries.wave(db.session, challenge.id, number)
    entry = _entry(found, entry_id)
    made = _made(challenge, found, entry)
    subject, text, _html = mail.render(made)
    before, after = delivery.neighbours(db.session, entry)
    return render_template(
        "selection/wave_mail.html", challenge=challenge, wave=found, entry=entry, to=made.to, subject=subject,
        text=text, sender=mail.sender(), before=before, after=after,
        doubt=rules.why_not_answer(entry, entry.application) if entry.done_at is None else None,
        bounced=bool(delivery.bounced(db.session, [entry])),
    )  # fmt: skip


@blueprint.get("/staff/<slug>/waves/<int:number>/mails/<int:entry_id>/html")
@only(Role.LEAD)
def wave_mail_html(slug: str, number: int, entry_id: int) -> ResponseReturnValue:
    """The HTML part of a mail, as a mail program would show it: nothing in it runs."""
    challenge = challenge_or_404(slug)
    found = queries.wave(db.session, challenge.id, number)
    _subject, _text, html = mail.render(_made(challenge, found, _entry(found, entry_id)))
    g.content_security = {"script-src": "'none'", "sandbox": ""}
    return html


def _kind(name: str) -> Decision:
    if name not in set(Decision):
        raise NotFound("letter")
    return Decision(name)


@blueprint.get("/staff/<slug>/waves/<int:number>/letters/<decision>")
@only(Role.LEAD)
def letter(slug: str, number: int, decision: str) -> ResponseReturnValue:
    """What one kind of answer says, with its placeholders."""
    challenge, kind = challenge_or_404(slug), _kind(decision)
    found = queries.wave(db.session, challenge.id, number)
    written, form = delivery.letter(db.session, found.id, kind), LetterForm(formdata=None)
    if written:
        form.subject.data, form.body.data = written.subject, written.body
    else:
        form.subject.data, form.body.data = _usual(kind)
    return _letter_page(challenge, found, kind, form)


def _usual(kind: Decision) -> tuple[str, str]:
    """Our own words, with placeholders where each mail differs."""
    marks = {name: f"{{{name}}}" for name in letters.MEANINGS if name != "link"}
    return mail.written(mails.TEMPLATES[kind], url=lambda _endpoint, **_values: "{link}", slug="", **marks)


def _letter_page(challenge: Challenge, found: Wave, kind: Decision, form: LetterForm) -> str:
    return render_template(
        "selection/wave_letter.html", challenge=challenge, wave=found, kind=kind, form=form,
        written=delivery.letter(db.session, found.id, kind) is not None,
        meanings=[(name, letters.MEANINGS[name]) for name in letters.placeholders(kind)],
    )  # fmt: skip


@blueprint.post("/staff/<slug>/waves/<int:number>/letters/<decision>")
@only(Role.LEAD)
def write_letter(slug: str, number: int, decision: str) -> ResponseReturnValue:
    """Say it in other words."""
    challenge, kind, form = challenge_or_404(slug), _kind(decision), LetterForm()
    found = queries.wave(db.session, challenge.id, number)
    if not form.validate_on_submit():
        return _letter_page(challenge, found, kind, form), 422
    subject, body = form.subject.data or "", (form.body.data or "").replace("\r\n", "\n")
    try:
        actions.write_letter(db.session, found, kind, subject, body, by=current_account().id, at=clock.now())
    except Invalid as wrong:
        form.subject.errors = [wrong.messages["subject"]] if "subject" in wrong.messages else []
        form.body.errors = [wrong.messages["body"]] if "body" in wrong.messages else []
        return _letter_page(challenge, found, kind, form), 422
    db.session.commit()
    flash("The letter is saved. This is how it goes out.")
    return redirect(url_for("selection.wave", slug=slug, number=number, _anchor="preview"))


@blueprint.post("/staff/<slug>/waves/<int:number>/letters/<decision>/drop")
@only(Role.LEAD)
def drop_letter(slug: str, number: int, decision: str) -> ResponseReturnValue:
    """Send our own words after all."""
    challenge, kind = challenge_or_404(slug), _kind(decision)
    found = queries.wave(db.session, challenge.id, number)
    actions.drop_letter(db.session, found, kind, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The portal's own words are sent.")
    return redirect(url_for("selection.letter", slug=slug, number=number, decision=decision))
