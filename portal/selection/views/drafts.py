"""What-ifs over HTTP: making them, limiting them, solving and freezing them."""

from functools import partial

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.applications.rules import COUNTRIES
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.selection import queries, supply
from portal.selection.actions import drafts as actions
from portal.selection.forms.drafts import DraftForm, FreezeForm, LimitForm, NameForm, NewDraftForm, PinForm, shown_from
from portal.selection.models import Draft
from portal.selection.queries import drafts as lists
from portal.selection.queries import queue
from portal.selection.rules import lottery
from portal.selection.rules.drafts import points, words
from portal.selection.states import Because, DraftState
from portal.selection.views.blueprint import blueprint

_DRAFT = "/staff/<slug>/selection/drafts/<int:number>"


@blueprint.get("/staff/<slug>/selection")
@only(Role.LEAD)
def selection(slug: str) -> ResponseReturnValue:
    """How far the selection has come, and the what-ifs."""
    challenge, form = challenge_or_404(slug), NewDraftForm(formdata=None)
    form.places.data = max(0, queries.standing(db.session, challenge).free)
    return _overview(challenge, form)


def _overview(challenge: Challenge, form: NewDraftForm) -> str:
    free, waiting = lists.waiting_count(db.session, challenge)
    return render_template(
        "selection/selection.html", challenge=challenge, form=form, standing=queries.standing(db.session, challenge),
        drafts=lists.drafts(db.session, challenge.id), print=lists.pool_print(db.session, challenge.id),
        pool=lists.pool_count(db.session, challenge.id), points=points, free=free, waiting=waiting,
    )  # fmt: skip


@blueprint.post("/staff/<slug>/selection/drafts")
@only(Role.LEAD)
def create_draft(slug: str) -> ResponseReturnValue:
    """A new what-if."""
    challenge, form = challenge_or_404(slug), NewDraftForm()
    if not form.validate_on_submit():
        return _overview(challenge, form), 422
    settings = actions.Settings(form.name.data or "", form.places.data or 0)
    made = actions.create_draft(db.session, challenge, settings, by=current_account().id, at=clock.now())
    db.session.commit()
    return _to(slug, made.number)


def _to(slug: str, number: int, anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("selection.draft", slug=slug, number=number, _anchor=anchor))


def _load(slug: str, number: int) -> tuple[Challenge, Draft]:
    challenge = challenge_or_404(slug)
    return challenge, lists.draft(db.session, challenge.id, number)


@blueprint.get(_DRAFT)
@only(Role.LEAD)
def draft(slug: str, number: int) -> ResponseReturnValue:
    """One what-if: what it asks for, whom it takes, and why."""
    return _page(*_load(slug, number))


def _page(
    challenge: Challenge, found: Draft, *, settings: DraftForm | None = None, limit: LimitForm | None = None,
    pin: PinForm | None = None, freeze: FreezeForm | None = None,
) -> str:  # fmt: skip
    if settings is None:
        settings = DraftForm(formdata=None)
        settings.show(found)
    if limit is None:
        limit = _limit_form(challenge, fresh=True)
    if pin is None:
        pin = PinForm(formdata=None, application=request.args.get("pin", type=int))
    shown = shown_from(request.args.to_dict())
    solved = found.state in (DraftState.SOLVED, DraftState.FROZEN)
    kits = lists.kits_for_places(db.session, challenge, found.kits_each) if found.kits_each else None
    stale = found.state is DraftState.SOLVED and not lists.is_fresh(db.session, found)
    return render_template(
        "selection/draft.html", challenge=challenge, draft=found, settings=settings, limit=limit, pin=pin,
        freeze=freeze or FreezeForm(formdata=None), shown=shown, solved=solved, stale=stale, kits_now=kits,
        standing=queries.standing(db.session, challenge), countries=COUNTRIES,
        shipping=supply.shipping(db.session, challenge.id), points=points, share=lottery.share,
        number_of=partial(lottery.number, found.lottery.seed),
        limits=[(one, words(wish)) for one, wish in zip(found.limits, lists.wishes_of(found.limits), strict=True)],
        counts=lists.by_reason(db.session, found.id) if solved else {}, kinds=Because,
        page=lists.choices(db.session, found.id, shown, request.args.get("after"), reader=current_account().id)
        if solved else None,
    )  # fmt: skip


def _limit_form(challenge: Challenge, *, fresh: bool = False) -> LimitForm:
    form = LimitForm(formdata=None) if fresh else LimitForm()
    form.offer(queue.countries(db.session, challenge.id), challenge.scenarios)
    return form


@blueprint.post(f"{_DRAFT}/settings")
@only(Role.LEAD)
def change_draft(slug: str, number: int) -> ResponseReturnValue:
    """Change what it is about."""
    challenge, found = _load(slug, number)
    form = DraftForm()
    if not form.validate_on_submit():
        return _page(challenge, found, settings=form), 422
    actions.change_draft(db.session, found, form.settings(), by=current_account().id, at=clock.now())
    db.session.commit()
    return _to(slug, number)


@blueprint.post(f"{_DRAFT}/limits")
@only(Role.LEAD)
def set_limit(slug: str, number: int) -> ResponseReturnValue:
    """Add a limit, or change the one on the same people."""
    challenge, found = _load(slug, number)
    form = _limit_form(challenge)
    wish = form.wish() if form.validate_on_submit() else None
    if wish is None:
        return _page(challenge, found, limit=form), 422
    actions.set_limit(db.session, found, wish, by=current_account().id, at=clock.now())
    db.session.commit()
    return _to(slug, number, "limits")


@blueprint.post(f"{_DRAFT}/limits/<int:limit_id>/drop")
@only(Role.LEAD)
def drop_limit(slug: str, number: int, limit_id: int) -> ResponseReturnValue:
    """Take a limit away."""
    _, found = _load(slug, number)
    actions.drop_limit(db.session, found, limit_id, by=current_account().id, at=clock.now())
    db.session.commit()
    return _to(slug, number, "limits")


@blueprint.post(f"{_DRAFT}/pins")
@only(Role.LEAD)
def pin(slug: str, number: int) -> ResponseReturnValue:
    """Pin somebody in or out."""
    challenge, found = _load(slug, number)
    form = PinForm()
    if not form.validate_on_submit():
        return _page(challenge, found, pin=form), 422
    actions.pin(
        db.session, found, form.application.data or 0, form.reason.data or "", inside=form.inside.data == "in",
        by=current_account().id, at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    return _to(slug, number, "pins")


@blueprint.post(f"{_DRAFT}/pins/<int:application_id>/drop")
@only(Role.LEAD)
def unpin(slug: str, number: int, application_id: int) -> ResponseReturnValue:
    """Leave it to the scores again."""
    _, found = _load(slug, number)
    actions.unpin(db.session, found, application_id, by=current_account().id, at=clock.now())
    db.session.commit()
    return _to(slug, number, "pins")


@blueprint.post(f"{_DRAFT}/solve")
@only(Role.LEAD)
def solve_draft(slug: str, number: int) -> ResponseReturnValue:
    """Find the best choice."""
    _, found = _load(slug, number)
    actions.solve_draft(db.session, found, by=current_account().id, at=clock.now())
    db.session.commit()
    return _to(slug, number)


@blueprint.post(f"{_DRAFT}/freeze")
@only(Role.LEAD)
def freeze_draft(slug: str, number: int) -> ResponseReturnValue:
    """Mean what it takes, the number being restated."""
    challenge, found = _load(slug, number)
    form = FreezeForm()
    if not form.validate_on_submit():
        return _page(challenge, found, freeze=form), 422
    told = actions.freeze_draft(db.session, found, form.given(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash(
        f"Meant: {told['invite']} to invite, {told['waitlist']} to waitlist, {told['decline']} to decline. "
        "Nobody is told before a wave is released."
    )
    return _to(slug, number)


@blueprint.post(f"{_DRAFT}/copy")
@only(Role.LEAD)
def copy_draft(slug: str, number: int) -> ResponseReturnValue:
    """Another one like it."""
    _, found = _load(slug, number)
    form = NameForm()
    name = (form.validate_on_submit() and form.name.data) or f"{found.name[:70]} (copy)"
    made = actions.copy_draft(db.session, found, name, by=current_account().id, at=clock.now())
    db.session.commit()
    return _to(slug, made.number)


@blueprint.post(f"{_DRAFT}/discard")
@only(Role.LEAD)
def discard_draft(slug: str, number: int) -> ResponseReturnValue:
    """Lay it aside."""
    _, found = _load(slug, number)
    actions.discard_draft(db.session, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"“{found.name}” is discarded.")
    return redirect(url_for("selection.selection", slug=slug))


@blueprint.get("/staff/<slug>/selection/compare")
@only(Role.LEAD)
def compare_drafts(slug: str) -> ResponseReturnValue:
    """Two solved what-ifs side by side."""
    challenge = challenge_or_404(slug)
    solved = [one for one in lists.drafts(db.session, challenge.id) if one.taken is not None]
    wanted = [request.args.get(name, type=int) for name in ("a", "b")]
    both = [one for number in wanted for one in solved if one.number == number]
    if any(wanted) and len(both) != 2:
        raise NotFound("draft")
    return render_template(
        "selection/draft_compare.html", challenge=challenge, drafts=solved, both=both, countries=COUNTRIES,
        points=points, found=lists.compare(db.session, *both) if both else None,
    )  # fmt: skip
