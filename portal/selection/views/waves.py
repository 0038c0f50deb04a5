"""Waves: making, reading and releasing them."""

from datetime import datetime
from typing import NamedTuple

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock, mail
from portal.core.db import db
from portal.selection import queries, rules, supply
from portal.selection.actions import mails
from portal.selection.actions import waves as actions
from portal.selection.forms.waves import PaceForm, ReleaseForm, StopForm, WaveForm
from portal.selection.models import Wave, WaveEntry
from portal.selection.queries import delivery
from portal.selection.queries.promised import needing
from portal.selection.rules.pace import days_of, pace_of
from portal.selection.states import EntryState, WaveState
from portal.selection.views.blueprint import blueprint


class Sample(NamedTuple):
    """A mail as it would be sent."""

    entry: int
    decision: str
    to: str
    subject: str
    text: str


@blueprint.get("/staff/<slug>/waves")
@only(Role.LEAD)
def waves(slug: str) -> ResponseReturnValue:
    """All waves, and what a new one would hold."""
    return _list(challenge_or_404(slug), WaveForm())


def _list(challenge: Challenge, form: WaveForm) -> str:
    return render_template(
        "selection/waves.html", challenge=challenge, form=form, waves=queries.waves(db.session, challenge.id),
        standing=queries.standing(db.session, challenge), kits=supply.free_kits(db.session, challenge.id),
    )  # fmt: skip


@blueprint.post("/staff/<slug>/waves")
@only(Role.LEAD)
def create_wave(slug: str) -> ResponseReturnValue:
    """Freeze what is meant into a new wave."""
    challenge, form, at = challenge_or_404(slug), WaveForm(), clock.now()
    answer_by = rules.end_of_day(form.answer_on.data, challenge.zone) if form.answer_on.data else None
    pending = queries.standing(db.session, challenge).pending
    reason = rules.why_not_deadline(pending, answer_by, at)
    if not form.validate_on_submit() or reason:
        form.answer_on.errors = [*form.answer_on.errors, *([reason] if reason else [])]
        return _list(challenge, form), 422
    wave = actions.create_wave(db.session, challenge, answer_by, by=current_account().id, at=at)
    db.session.commit()
    return redirect(url_for("selection.wave", slug=slug, number=wave.number))


@blueprint.get("/staff/<slug>/waves/<int:number>")
@only(Role.LEAD)
def wave(slug: str, number: int) -> ResponseReturnValue:
    """What a wave sends to whom, or how far it has come."""
    challenge = challenge_or_404(slug)
    return _page(challenge, queries.wave(db.session, challenge.id, number), ReleaseForm())


def _page(
    challenge: Challenge, found: Wave, form: ReleaseForm | StopForm | PaceForm, pace: PaceForm | None = None
) -> str:
    me = current_account().id
    page = queries.entries(db.session, found.id, request.args.get("after"), reader=me)
    if pace is None:
        pace = PaceForm(formdata=None)
        pace.show(found)
    shipping = supply.shipping(db.session, challenge.id)
    return render_template(
        "selection/wave.html", challenge=challenge, wave=found, form=form, pace_form=pace, page=page,
        counts=queries.counts(db.session, found.id), standing=queries.standing(db.session, challenge),
        done=queries.counts(db.session, found.id, EntryState.DONE),
        skipped=queries.counts(db.session, found.id, EntryState.SKIPPED),
        doubts=delivery.doubts(db.session, found), unsure=delivery.unsure(db.session, found, shipping),
        shipping=shipping, bounced=delivery.bounced(db.session, page.rows), plan=_plan(challenge, found),
        supply=_supply(challenge, found), doubt=rules.why_not_answer,
        letters=mails.letters_of(db.session, found.id), days=days_of(found.weekdays),
        samples=[
            _sample(challenge, found, entry)
            for entry in queries.samples(db.session, found.id)
            if entry.application.account_id != me
        ]
        if found.state is WaveState.DRAFT else [],
    )  # fmt: skip


class Supply(NamedTuple):
    """How many of a draft's invitations need a kit, and how many kits are free."""

    needed: int
    free: int

    @property
    def missing(self) -> int:
        """How many kits keep it from being released."""
        return max(0, self.needed - self.free)


def _supply(challenge: Challenge, found: Wave) -> Supply | None:
    free = supply.free_kits(db.session, challenge.id) if found.state is WaveState.DRAFT else None
    return None if free is None else Supply(len(needing(db.session, found.id)), free)


class Plan(NamedTuple):
    """When a wave goes out, from now or from when it goes on."""

    opens: datetime
    waits: bool
    finish: datetime
    late: bool


def _plan(challenge: Challenge, found: Wave) -> Plan | None:
    if found.state not in (WaveState.DRAFT, WaveState.RELEASING, WaveState.PAUSED):
        return None
    pace, at = pace_of(found, challenge.zone), clock.now()
    finish = pace.finish(queries.counts(db.session, found.id, EntryState.PENDING).total, at)
    late = found.answer_by is not None and finish > found.answer_by - rules.LEAST_NOTICE
    opens = pace.opens(at)
    return Plan(opens, opens > at, finish, late)


def _sample(challenge: Challenge, found: Wave, entry: WaveEntry) -> Sample:
    letters = mails.letters_of(db.session, found.id)
    made = mails.preview(entry, challenge, found.answer_by, letters, clock.now())
    subject, text, _html = mail.render(made)
    return Sample(entry.id, entry.decision.value, made.to, subject, text)


@blueprint.post("/staff/<slug>/waves/<int:number>/pace")
@only(Role.LEAD)
def pace_wave(slug: str, number: int) -> ResponseReturnValue:
    """Say how fast and at which hours it goes out."""
    challenge, form = challenge_or_404(slug), PaceForm()
    found = queries.wave(db.session, challenge.id, number)
    if not form.validate_on_submit():
        return _page(challenge, found, form, form), 422
    actions.pace_wave(db.session, found, form.pace(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The pace is set.")
    return redirect(url_for("selection.wave", slug=slug, number=number))


@blueprint.post("/staff/<slug>/waves/<int:number>/pause")
@only(Role.LEAD)
def pause_wave(slug: str, number: int) -> ResponseReturnValue:
    """Tell nobody else for now."""
    found = queries.wave(db.session, challenge_or_404(slug).id, number)
    actions.pause_wave(db.session, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The wave is paused. Nobody else is told until you go on.")
    return redirect(url_for("selection.wave", slug=slug, number=number))


@blueprint.post("/staff/<slug>/waves/<int:number>/resume")
@only(Role.LEAD)
def resume_wave(slug: str, number: int) -> ResponseReturnValue:
    """Go on where it was paused."""
    found = queries.wave(db.session, challenge_or_404(slug).id, number)
    actions.resume_wave(db.session, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The wave goes on.")
    return redirect(url_for("selection.wave", slug=slug, number=number))


@blueprint.post("/staff/<slug>/waves/<int:number>/stop")
@only(Role.LEAD)
def stop_wave(slug: str, number: int) -> ResponseReturnValue:
    """End it before everybody was told."""
    challenge, form = challenge_or_404(slug), StopForm()
    found = queries.wave(db.session, challenge.id, number)
    if not form.validate_on_submit():
        return _page(challenge, found, form), 422
    left = actions.stop_wave(db.session, found, form.reason.data or "", by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"The wave is stopped. {left} answers did not go; they are meant still.")
    return redirect(url_for("selection.wave", slug=slug, number=number))


@blueprint.post("/staff/<slug>/waves/<int:number>/release")
@only(Role.LEAD)
def release_wave(slug: str, number: int) -> ResponseReturnValue:
    """Let the wave go out, the number of answers being restated."""
    challenge, form = challenge_or_404(slug), ReleaseForm()
    found = queries.wave(db.session, challenge.id, number)
    valid = form.validate_on_submit()
    if any(delivery.unsure(db.session, found, supply.shipping(db.session, challenge.id))) and not form.unsure.data:
        form.unsure.errors = ["Kits may not reach some of the invited. Tick this to invite them all the same."]
        valid = False
    if not valid:
        return _page(challenge, found, form), 422
    actions.release_wave(db.session, found, count=form.count.data or 0, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The wave is out." if found.state is WaveState.RELEASED else "The wave is going out, some at a time.")
    return redirect(url_for("selection.wave", slug=slug, number=number))


@blueprint.post("/staff/<slug>/waves/<int:number>/discard")
@only(Role.LEAD)
def discard_wave(slug: str, number: int) -> ResponseReturnValue:
    """Dissolve a wave that was not released."""
    challenge = challenge_or_404(slug)
    found = queries.wave(db.session, challenge.id, number)
    actions.discard_wave(db.session, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"Wave {number} is discarded. What was meant is still meant.")
    return redirect(url_for("selection.waves", slug=slug))
