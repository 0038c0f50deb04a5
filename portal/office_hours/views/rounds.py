"""Demand rounds: asking for a seat, what came of it and why, for participants; how they went, for staff."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge, Member
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound, Refused
from portal.core.web import csv_response
from portal.office_hours import actions, rules
from portal.office_hours.actions import requests
from portal.office_hours.actions.waiting import join_list
from portal.office_hours.forms.rounds import AskForm
from portal.office_hours.models import Round, RoundRequest, Slot
from portal.office_hours.queries import rounds as queries
from portal.office_hours.queries.waiting import slots_in as whole_slots_in
from portal.office_hours.rules import rounds as told
from portal.office_hours.rules.draw import Tier, share
from portal.office_hours.rules.recipe import RECIPE
from portal.office_hours.rules.rounds import Outcome
from portal.office_hours.states import RequestState, SlotState
from portal.office_hours.time import Face, face
from portal.office_hours.views import blueprint

BASE = "/challenges/<slug>/office-hours/rounds"
STAFF = "/staff/<slug>/office-hours/rounds"


class Line(NamedTuple):
    """One slot of a request, on the viewer's clock, and what became of it."""

    begin: Face
    end: Face
    names: str
    outcome: Outcome | None


@blueprint.route(f"{BASE}/<int:round_id>", methods=["GET", "POST"])
@signed_in
def round_page(slug: str, round_id: int) -> ResponseReturnValue:
    """One round: asking for a seat while it gathers, and afterwards what came of it and why."""
    challenge, member, at = challenge_or_404(slug), member_or_404(slug), clock.now()
    found = queries.round_of(db.session, challenge.id, round_id)
    request = queries.request_in(db.session, found.id, member.participant_id)
    slots = queries.slots_in(db.session, found.sitting_id, _named(request))
    form = AskForm(_labels(slots, member, found), request.topic if request else "", _named(request))
    if form.validate_on_submit():
        requests.ask(db.session, found, member, form.asking(), at=at)
        db.session.commit()
        flash("Noted. You can change it until the draw; it is of no account when you asked.", "success")
        return redirect(url_for("office_hours.round_page", slug=slug, round_id=round_id))
    context = _context(found, member, request, slots, at)
    page = render_template("office_hours/round.html", challenge=challenge, form=form, **context)
    return page, 422 if form.is_submitted() else 200


@blueprint.post(f"{BASE}/<int:round_id>/withdraw")
@signed_in
def round_withdraw(slug: str, round_id: int) -> ResponseReturnValue:
    """Take back what was asked for."""
    found, request = _own(slug, round_id)
    requests.take_back(db.session, found, request, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Withdrawn. You can ask again until the draw.")
    return redirect(url_for("office_hours.mine", slug=slug))


@blueprint.post(f"{BASE}/<int:round_id>/wait")
@signed_in
def round_wait(slug: str, round_id: int) -> ResponseReturnValue:
    """Wait for a seat of the session after an unlucky draw, with the same topic and slots."""
    member, (found, request) = member_or_404(slug), _own(slug, round_id)
    if request.state is not RequestState.UNLUCKY:
        raise Refused("Only who drew no seat waits for one in this way.")
    named = set(_named(request))
    slots = [slot for slot in whole_slots_in(db.session, found.sitting_id) if slot.id in named]
    if named and not slots:
        raise Refused("None of the slots that you named is on offer any more.")
    wish = actions.Wish(f"after-{request.public_id}", request.topic)
    join_list(db.session, found.sitting, slots, member, wish, at=clock.now())
    db.session.commit()
    flash("You are on the waiting list of this session.", "success")
    return redirect(url_for("office_hours.round_page", slug=slug, round_id=round_id))


@blueprint.get(f"{BASE}/<int:round_id>/draw.json")
@signed_in
def round_json(slug: str, round_id: int) -> ResponseReturnValue:
    """The draw with nobody's name, to be drawn again."""
    challenge, _ = challenge_or_404(slug), member_or_404(slug)
    return _json(slug, queries.round_of(db.session, challenge.id, round_id))


@blueprint.get(f"{BASE}/<int:round_id>/draw.csv")
@signed_in
def round_csv(slug: str, round_id: int) -> ResponseReturnValue:
    """The draw as a table."""
    challenge, _ = challenge_or_404(slug), member_or_404(slug)
    found = queries.round_of(db.session, challenge.id, round_id)
    protocol = _drawn(found)
    header = ("place", "id", "tier", "weight", "number", "slot", "starts_at", "wishes", "barred")
    rows = [
        (
            row["place"], row["id"], row["tier"], row["weight"], row["number"], row["slot"] or "",
            protocol["slots"].get(str(row["slot"]), ""), " ".join(map(str, row["wishes"])),
            " ".join(map(str, row["barred"])),
        )
        for row in protocol["requests"]
    ]  # fmt: skip
    return csv_response(f"{slug}-round-{found.id}.csv", header, rows)


@blueprint.get(STAFF)
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def staff_rounds(slug: str) -> ResponseReturnValue:
    """All rounds: how many asked, and how many got a seat."""
    challenge = challenge_or_404(slug)
    rows = queries.rounds_of(db.session, challenge.id, clock.now())
    return render_template("office_hours/rounds.html", challenge=challenge, rows=rows)


@blueprint.get(f"{STAFF}/<int:round_id>")
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def staff_round(slug: str, round_id: int) -> ResponseReturnValue:
    """One round: what is asked for, what was drawn, and whether it comes out the same again."""
    challenge = challenge_or_404(slug)
    found = queries.round_of(db.session, challenge.id, round_id)
    return render_template(
        "office_hours/staff_round.html", challenge=challenge, round=found, sitting=found.sitting,
        wanted=queries.wanted(db.session, found), protocol=found.protocol, share=share, tiers=_TIERS, recipe=RECIPE,
        begins=_begins(found), holds=found.protocol is not None and told.holds(found.protocol, found.commitment),
    )  # fmt: skip


@blueprint.get(f"{STAFF}/<int:round_id>/draw.json")
@only(Role.HOST, Role.LEAD, Role.ADMIN)
def staff_round_json(slug: str, round_id: int) -> ResponseReturnValue:
    """The draw with nobody's name, to be drawn again."""
    return _json(slug, queries.round_of(db.session, challenge_or_404(slug).id, round_id))


_TIERS = {
    Tier.OWED: "the hosts owe them a seat", Tier.FIRST: "never had a seat", Tier.OTHERS: "had seats before",
}  # fmt: skip


def on_show(challenge: Challenge, member: Member, at: datetime) -> dict[str, object]:
    """What the page of all slots tells of rounds."""
    rounds = queries.rounds_on_show(db.session, challenge.id, member.participant_id, at)
    asked = queries.requests_of(db.session, member.participant_id, [found.id for found in rounds])
    return {"rounds": rounds, "asked": asked}


def _own(slug: str, round_id: int) -> tuple[Round, RoundRequest]:
    """A round, and what the signed-in person's participant has asked for in it. Raises NotFound."""
    challenge, member = challenge_or_404(slug), member_or_404(slug)
    found = queries.round_of(db.session, challenge.id, round_id)
    request = queries.request_in(db.session, found.id, member.participant_id)
    if request is None:
        raise NotFound("request")
    return found, request


def _named(request: RoundRequest | None) -> list[int]:
    return [wish.slot_id for wish in request.wishes] if request is not None else []


def _lines(slots: Iterable[Slot], member: Member, found: Round, became: dict[int, Outcome]) -> list[Line]:
    mine, theirs = member.account.zone, found.sitting.series.zone
    return [
        Line(face(slot.starts_at, mine, theirs), face(slot.ends_at, mine, theirs), slot.names, became.get(slot.id))
        for slot in slots
    ]


def _labels(slots: Iterable[Slot], member: Member, found: Round) -> dict[int, str]:
    """The slots that can be asked for, in words on the viewer's clock."""
    offered = [slot for slot in slots if slot.state is SlotState.OPEN]
    lines = _lines(offered, member, found, {})
    return {
        slot.id: f"{line.begin.day:%a} {line.begin.clock}–{line.end.clock} {line.begin.zone}, {line.names}"
        for slot, line in zip(offered, lines, strict=True)
    }


def _context(
    found: Round, member: Member, request: RoundRequest | None, slots: Iterable[Slot], at: datetime
) -> dict[str, Any]:
    """What the page of a round shows; of the draw only what is everybody's, or one's own."""
    by_id = {slot.id: slot for slot in slots}
    why = None
    if request is not None and found.protocol is not None:
        asked = told.named(request, map(int, found.protocol["slots"]))
        why = told.why(found.protocol, request.public_id, asked)
    became = dict(why.slots) if why else {}
    named = [slot for slot in (became or _named(request)) if slot in by_id]
    return {
        "round": found, "sitting": found.sitting, "series": found.sitting.series, "request_of": request, "why": why,
        "lines": _lines([by_id[slot] for slot in named], member, found, became), "share": share, "tiers": _TIERS,
        "why_not": told.why_not_ask(found, at), "seed": found.protocol["seed"] if found.protocol else None,
        "begin": face(found.sitting.starts_at, member.account.zone, found.sitting.series.zone),
        "end": face(found.sitting.ends_at, member.account.zone, found.sitting.series.zone),
        "window": rules.length(found.draws_at - found.opened_at), "recipe": RECIPE,
    }  # fmt: skip


def _begins(found: Round) -> dict[str, datetime]:
    """When the slots of a draw begin, by their ids as the draw writes them."""
    slots = found.protocol["slots"] if found.protocol else {}
    return {slot: datetime.fromisoformat(begin) for slot, begin in slots.items()}


def _drawn(found: Round) -> dict[str, Any]:
    if found.protocol is None:
        raise NotFound("draw")
    return found.protocol


def _json(slug: str, found: Round) -> Response:
    text = json.dumps(_drawn(found), indent=1)
    name = f"{slug}-round-{found.id}.json"
    return Response(
        text, mimetype="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
