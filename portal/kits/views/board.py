"""The board: where every parcel is, which are late, and one thing done to many."""

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.challenges.rules import phase
from portal.challenges.states import Phase
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound, Refused
from portal.core.web import csv_response
from portal.kits import queries, rules, states
from portal.kits.actions import bulk
from portal.kits.forms.board import BoardForm, BulkForm
from portal.kits.queries import board as lists
from portal.kits.queries.board import Board
from portal.kits.queries.late import heard_of
from portal.kits.rules import bulk as verbs
from portal.kits.rules import late
from portal.kits.views.base import blueprint

# The words of an address that say what is shown.
WORDS = ("state", "trouble", "late", "country", "carrier", "q")


def shown_by_address() -> Board:
    """What the address asks for."""
    told = {name: request.args.get(name, "").replace("\0", "").strip()[:100] for name in WORDS}
    return Board(text=told.pop("q"), **told)


def _query() -> dict[str, Any]:
    return {name: request.args[name] for name in WORDS if request.args.get(name, "").strip()}


def _over(challenge: Challenge) -> bool:
    return phase(challenge, clock.now()) in (Phase.ENDED, Phase.PUBLISHED)


@blueprint.get("/staff/<slug>/shipments")
@only(Role.LOGISTICS)
def shipments(slug: str) -> ResponseReturnValue:
    """How many parcels are where and since when, and the parcels themselves."""
    challenge, now, shown = challenge_or_404(slug), clock.now(), shown_by_address()
    page = lists.parcels(db.session, challenge.id, shown, now, request.args.get("after"))
    form, many = BoardForm(request.args), BulkForm(formdata=None)
    form.offer(*lists.choices(db.session, challenge.id))
    many.offer(keep=_over(challenge))
    return render_template(
        "kits/shipments.html",
        challenge=challenge, page=page, form=form, bulk=many, shown=shown, query=_query(), open_states=states.OPEN,
        stages=lists.stages(db.session, challenge.id, now),
        troubles=queries.count_troubles(db.session, challenge.id),
        total=lists.count(db.session, challenge.id, shown, now),
        unplanned=len(queries.unplanned(db.session, challenge.id)),
        countries=queries.countries_of(db.session, [parcel.participant_id for parcel in page.rows]),
        heard=heard_of(db.session, page.rows), wished=lists.asking_again(db.session, page.rows), late=late,
    )  # fmt: skip


@blueprint.get("/staff/<slug>/shipments.csv")
@only(Role.LOGISTICS)
def shipments_csv(slug: str) -> ResponseReturnValue:
    """The parcels that the board shows, as a table. It has no addresses."""
    challenge, now = challenge_or_404(slug), clock.now()
    rows = lists.parcels(db.session, challenge.id, shown_by_address(), now, limit=10_000).rows
    countries = queries.countries_of(db.session, [parcel.participant_id for parcel in rows])
    heard = heard_of(db.session, rows)
    header = (
        "parcel", "participant", "country", "state", "since", "serials", "carrier", "tracking_number", "last_news",
        "late", "trouble",
    )  # fmt: skip
    lines = (
        (
            parcel.reference, parcel.participant.name, countries.get(parcel.participant_id, ""), parcel.state,
            parcel.state_since, " ".join(unit.serial for unit in parcel.units), parcel.carrier, parcel.tracking_number,
            heard.get(parcel.id), late.lateness(parcel.state, parcel.state_since, heard.get(parcel.id), now),
            parcel.word if parcel.complained else None,
        )
        for parcel in rows
    )  # fmt: skip
    return csv_response(f"{slug}-shipments.csv", header, lines)


@blueprint.post("/staff/<slug>/shipments/bulk")
@only(Role.LOGISTICS)
def bulk_shipments(slug: str) -> ResponseReturnValue:
    """Do one thing to the ticked parcels, or to all that the filter of the address shows, once it was stated again."""
    challenge, form = challenge_or_404(slug), BulkForm()
    form.offer(keep=_over(challenge))
    verb = form.chosen()
    if verb is None or (verb == verbs.KEEP and not _over(challenge)):
        raise Refused("Choose what to do with them.")
    ticked = sorted({number for number in request.form.getlist("shipment", type=int) if 0 < number < 2**31})
    every = bool(form.all.data)
    if not every and not ticked:
        raise Refused("No parcel was selected, so nothing was changed.")
    ids = lists.numbers(db.session, challenge.id, shown_by_address(), clock.now()) if every else ticked
    if len(ids) > verbs.MOST:
        raise Refused(f"At most {verbs.MOST} at once. Narrow the filter.")
    again = "again" in request.form
    if again and every:
        rules.check_count(form.count.data, len(ids))
    if not (again and form.validate() and (form.reason.data or not verbs.needs_reason(verb))):
        return _restate(challenge, form, verb, [] if every else ticked, len(ids), again)
    return _carry_out(challenge, verb, form.reason.data or "", ids)


def _restate(
    challenge: Challenge, form: BulkForm, verb: str, ticked: list[int], number: int, again: bool
) -> ResponseReturnValue:
    """How many it would be, and what the verb still needs. What was not asked for yet is no mistake."""
    if again and verbs.needs_reason(verb) and not form.reason.data:
        form.reason.errors = [*form.reason.errors, "Say why."]
    page = render_template(
        "kits/bulk.html", challenge=challenge, form=form, verb=verb, label=verbs.LABELS[verb], ticked=ticked,
        number=number, query=_query(), needs_reason=verbs.needs_reason(verb), grave=verbs.is_grave(verb),
    )  # fmt: skip
    return page, 422 if again else 200


def _carry_out(challenge: Challenge, verb: str, reason: str, ids: Sequence[int]) -> ResponseReturnValue:
    """Chunk after chunk, each kept as soon as it is done: whoever is interrupted does the rest by asking again."""
    challenge_id, by, done = challenge.id, current_account().id, 0
    left: list[verbs.Left] = []
    for start in range(0, len(ids), verbs.CHUNK):
        chunk = ids[start : start + verbs.CHUNK]
        some, others = bulk.carry_out(db.session, challenge_id, chunk, verb, reason, by=by, at=clock.now())
        db.session.commit()
        done, left = done + some, left + others
    if not done and not left:
        raise NotFound("parcel")
    label = verbs.LABELS[verb]
    if not left:
        flash(f"{label}: done for {done:,}.")
        return redirect(url_for("kits.shipments", slug=challenge.slug, **_query()))
    page = render_template(
        "kits/bulk_done.html", challenge=challenge, label=label, done=done, left=left, query=_query()
    )  # fmt: skip
    return page
