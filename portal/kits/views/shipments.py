"""One parcel, and the steps that logistics take."""

import secrets

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.fresh import fresh
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.forms import Form
from portal.core.moves import move_named, open_moves
from portal.core.web.filters import viewer_zone
from portal.kits import actions, postal, queries, rules, states
from portal.kits.actions import judging, replacements
from portal.kits.forms import AssignForm, CountForm, RevealForm, ScanForm, StepForm, told_apart
from portal.kits.forms.returns import AnswerForm, ReasonForm
from portal.kits.models import Shipment
from portal.kits.queries import holds, returns
from portal.kits.queries.late import heard_of
from portal.kits.rules import late
from portal.kits.states import ShipmentState
from portal.kits.views.base import blueprint, vault
from portal.kits.views.holds import KINDS


@blueprint.post("/staff/<slug>/shipments/plan")
@only(Role.LOGISTICS)
def plan(slug: str) -> ResponseReturnValue:
    """Plan a parcel for each participant who has none."""
    challenge, form = challenge_or_404(slug), CountForm()
    waiting = queries.unplanned(db.session, challenge.id)
    form.validate()
    rules.check_count(form.count.data, len(waiting))
    planned = actions.plan(db.session, challenge, waiting, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{len(planned)} parcels are planned.")
    return redirect(url_for("kits.shipments", slug=slug))


@blueprint.post("/staff/<slug>/shipments/ask")
@only(Role.LOGISTICS)
def ask(slug: str) -> ResponseReturnValue:
    """Ask every participant with a planned parcel for the address."""
    challenge, form = challenge_or_404(slug), CountForm()
    waiting = queries.shipments(db.session, challenge.id, ShipmentState.PLANNED, limit=10_000).rows
    form.validate()
    rules.check_count(form.count.data, len(waiting))
    actions.ask_for_addresses(db.session, waiting, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{len(waiting)} participants are asked for their address by mail.")
    return redirect(url_for("kits.shipments", slug=slug))


def _load(slug: str, shipment_id: int) -> Shipment:
    return queries.shipment(db.session, challenge_or_404(slug).id, shipment_id)


def _page(parcel: Shipment, *, bound: dict[str, Form] | None = None, status: int = 200) -> ResponseReturnValue:
    """The parcel's page; `bound` are forms that came back with something wrong in them."""
    slug = parcel.challenge.slug
    # It comes back by a return, which says why.
    moves = [move for move in open_moves(states.MOVES, parcel.state, my_roles(slug)) if move is not states.SEND_BACK]
    forms: dict[str, Form] = {move.name: StepForm.of(move) for move in moves if move.needs}
    forms |= {"assign": AssignForm(), "scan": ScanForm(formdata=None, data={"key": secrets.token_hex(8)})}
    page = render_template(
        "kits/shipment.html",
        challenge=parcel.challenge,
        parcel=parcel,
        country=postal.country_name(queries.countries_of(db.session, [parcel.participant_id])[parcel.participant_id]),
        holds=(held := holds.holds_of(db.session, parcel.id)),
        judges=holds.judges_of(db.session, held),
        hold_kinds=KINDS,
        hold_parts=judging.WORDS,
        address=queries.address_of(db.session, parcel.participant_id),
        story=(story := queries.story_of(db.session, parcel)),
        names=queries.names_of(db.session, story),
        moves=moves,
        forms=forms | (bound or {}),
        open_box=parcel.state in states.OPEN_BOX,
        tracked=parcel.handed_over_at is not None and parcel.state in states.ARRIVING,
        **_after(parcel),
    )
    return page, status


def _after(parcel: Shipment) -> dict[str, object]:
    """What is asked for after a parcel: another one, or the way back."""
    heard = heard_of(db.session, [parcel]).get(parcel.id)
    is_late = late.lateness(parcel.state, parcel.state_since, heard, clock.now())
    return {
        "wish": returns.wishes_of(db.session, [parcel.id]).get(parcel.id),
        "returns": returns.returns_of(db.session, [parcel.id]),
        "replaced_by": returns.replaced(db.session, [parcel.id]).get(parcel.id),
        "lateness": is_late and late.waits(is_late, parcel.state_since, heard, clock.now()),
        "answer": AnswerForm(formdata=None),
        "why_back": told_apart(ReasonForm(formdata=None), "back"),
        "why_another": told_apart(ReasonForm(formdata=None), "another"),
    }


@blueprint.get("/staff/<slug>/shipments/<int:shipment_id>")
@only(Role.LOGISTICS)
def shipment(slug: str, shipment_id: int) -> ResponseReturnValue:
    """One parcel."""
    return _page(_load(slug, shipment_id))


def _back(parcel: Shipment, words: str) -> ResponseReturnValue:
    db.session.commit()
    flash(words)
    return redirect(url_for("kits.shipment", slug=parcel.challenge.slug, shipment_id=parcel.id))


@blueprint.post("/staff/<slug>/shipments/<int:shipment_id>/steps/<name>")
@only(Role.LOGISTICS)
def advance(slug: str, shipment_id: int, name: str) -> ResponseReturnValue:
    """Take a step of the parcel's way."""
    parcel, move = _load(slug, shipment_id), move_named(states.MOVES, name)
    form = StepForm.of(move)
    if not form.validate():
        return _page(parcel, bound={move.name: form}, status=422)
    actions.advance(db.session, parcel, move, form.given(), by=current_account().id, at=clock.now())
    return _back(parcel, f"{parcel.reference} is {parcel.state.replace('_', ' ')}.")


@blueprint.post("/staff/<slug>/shipments/<int:shipment_id>/units")
@only(Role.LOGISTICS)
def assign(slug: str, shipment_id: int) -> ResponseReturnValue:
    """Put a unit into the parcel by its serial number."""
    parcel, form = _load(slug, shipment_id), AssignForm()
    found = queries.unit_by_serial(db.session, parcel.challenge_id, form.serial.data or "") if form.validate() else None
    if found is None:
        if not form.errors:
            form.serial.errors = ["There is no unit with this serial number in the stock."]
        return _page(parcel, bound={"assign": form}, status=422)
    actions.assign_unit(db.session, parcel, found, by=current_account().id, at=clock.now())
    return _back(parcel, f"{found.serial} is in {parcel.reference}.")


@blueprint.post("/staff/<slug>/shipments/<int:shipment_id>/units/<int:place_id>/out")
@only(Role.LOGISTICS)
def take_out(slug: str, shipment_id: int, place_id: int) -> ResponseReturnValue:
    """Take a unit out of the parcel again."""
    parcel = _load(slug, shipment_id)
    place = next((place for place in parcel.places if place.live and place.id == place_id), None)
    if place is None:
        raise NotFound("unit in this parcel")
    actions.take_out(db.session, parcel, place, by=current_account().id, at=clock.now())
    return _back(parcel, f"{place.unit.serial} is back in stock.")


@blueprint.post("/staff/<slug>/shipments/<int:shipment_id>/scans")
@only(Role.LOGISTICS)
def scan(slug: str, shipment_id: int) -> ResponseReturnValue:
    """Note news of the carrier by hand."""
    parcel, form = _load(slug, shipment_id), ScanForm()
    if not form.validate():
        return _page(parcel, bound={"scan": form}, status=422)
    news = form.scan(viewer_zone())
    moved = actions.note_scan(db.session, parcel, news, by=current_account().id, at=clock.now())
    state = parcel.state.replace("_", " ")
    return _back(parcel, f"{parcel.reference} is {state}." if moved else f"Noted. {parcel.reference} stays {state}.")


@blueprint.post("/staff/<slug>/shipments/<int:shipment_id>/settle")
@only(Role.LOGISTICS)
def settle(slug: str, shipment_id: int) -> ResponseReturnValue:
    """Note that the participant's trouble is dealt with."""
    parcel = _load(slug, shipment_id)
    actions.settle(db.session, parcel, by=current_account().id, at=clock.now())
    return _back(parcel, "The trouble is dealt with.")


@blueprint.post("/staff/<slug>/shipments/<int:shipment_id>/replace")
@only(Role.LOGISTICS)
def replace(slug: str, shipment_id: int) -> ResponseReturnValue:
    """Plan another parcel in its place."""
    parcel = _load(slug, shipment_id)
    made = replacements.plan(db.session, parcel, by=current_account().id, at=clock.now())
    return _back(made, f"{made.reference} replaces {parcel.reference}.")


@blueprint.route("/staff/<slug>/shipments/<int:shipment_id>/address", methods=["GET", "POST"])
@only(Role.LOGISTICS)
@fresh
def reveal(slug: str, shipment_id: int) -> ResponseReturnValue:
    """Show the address, for a reason that is written down, to somebody who has just signed in."""
    parcel, form = _load(slug, shipment_id), RevealForm()
    shown = None
    if form.validate_on_submit():
        shown = actions.reveal_address(
            db.session, parcel, form.reason.data or "", vault=vault(), by=current_account().id, at=clock.now()
        )
        db.session.commit()
    page = render_template(
        "kits/address.html", challenge=parcel.challenge, parcel=parcel, form=form, shown=shown,
        label=postal.label(shown) if shown else [], country_name=postal.country_name,
        kept=queries.address_of(db.session, parcel.participant_id),
    )  # fmt: skip
    return page, 422 if form.is_submitted() and not shown else 200
