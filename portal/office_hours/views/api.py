"""Office hours for programs, as JSON.

GET …/api/slots lists what is offered and why not; GET …/api/bookings lists one's own. POST …/api/bookings with
`{"slot", "topic", "scenario" (its code), "component"}` and an `Idempotency-Key` of 8 to 200 characters books: 201, or
200 where the same key has booked before. POST …/api/bookings/<uid>/move with `{"slot"}` and …/cancel do what the
pages do. What is refused is told as `{"error", "reason"}`, with `messages` by field where something was left out:
422 a rule, 409 somebody was first, 429 too often. Programs authenticate with `Authorization: Bearer` and the personal
token of …/programs, pages of the portal by session and the X-CSRFToken header.
"""

import hashlib
from typing import Any

from flask import flash, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from portal.accounts.gate import admits_tokens, bears_token, signed_in
from portal.challenges import queries as challenges
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge, Member
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Forbidden, Invalid, Refused
from portal.core.forms import stripped
from portal.core.web.answers import cell
from portal.core.web.limits import limiter
from portal.office_hours import actions, queries
from portal.office_hours.actions import Wish, programs
from portal.office_hours.jobs import offer_seats
from portal.office_hours.models import Booking, Slot
from portal.office_hours.queries import programs as found_programs
from portal.office_hours.queries.components import components_of
from portal.office_hours.queries.sittings import hosts_of
from portal.office_hours.states import BookingState, Source
from portal.office_hours.views import blueprint
from portal.office_hours.views.participant import AHEAD, BACK, BASE
from portal.office_hours.views.shapes import Card, days, sender

SHORTEST_KEY, LONGEST_KEY = 8, 200


@blueprint.route(f"{BASE}/programs", methods=["GET", "POST"])
@signed_in
def my_programs(slug: str) -> ResponseReturnValue:
    """The person's token for programs, and what these can ask for."""
    member, at, secret = member_or_404(slug), clock.now(), None
    if request.method == "POST" and request.form.get("verb") == "revoke":
        programs.revoke_token(db.session, member, at=at)
        db.session.commit()
        flash("The token is revoked.")
    elif request.method == "POST":
        secret = programs.make_token(db.session, member, at=at)
        db.session.commit()
    return render_template(
        "office_hours/programs.html", challenge=challenge_or_404(slug), secret=secret,
        token=found_programs.token_of(db.session, member_or_404(slug).id, at),
    )  # fmt: skip


def caller(slug: str) -> tuple[Challenge, Member]:
    """The challenge, and the person for whom the request acts, by session or by token."""
    challenge = challenge_or_404(slug)
    if not bears_token():
        return challenge, member_or_404(slug)
    secret = request.authorization.token if request.authorization else None
    member = found_programs.member_by_token(db.session, challenge.id, secret or "", clock.now())
    if member is None:
        raise Unauthorized("The token is unknown, revoked or expired.", www_authenticate=WWWAuthenticate("bearer"))
    agreement = challenges.current_agreement(db.session, challenge.id)
    if agreement and not challenges.signature_of(db.session, agreement, member.account_id):
        raise Forbidden("Sign the current agreement on the portal first.")
    return challenge, member


@blueprint.get(f"{BASE}/api/slots")
@limiter.limit("120 per minute")
@admits_tokens
@signed_in
def api_slots(slug: str) -> ResponseReturnValue:
    """What is offered, and what stands in the way of each slot."""
    challenge, member = caller(slug)
    at = clock.now()
    offers = queries.offers(db.session, challenge.id, at, at + AHEAD)
    known = components_of(db.session, [offer.slot.sitting.series_id for offer in offers])
    record = queries.record_of(db.session, challenge.id, member.participant_id, at)
    cards = [card for day in days(offers, record, member.account, at, known) for card in day.cards]
    return jsonify(slots=[_slot(card) for card in cards], components=known.all())


def _slot(card: Card) -> dict[str, Any]:
    return {
        "slot": card.slot.id, "series": card.series.title, "starts_at": cell(card.slot.starts_at),
        "ends_at": cell(card.slot.ends_at), "hosts": [host.name for host in hosts_of(card.slot)],
        "components": list(card.knows), "free": card.free, "bookable": not card.why_not, "why_not": card.why_not,
    }  # fmt: skip


@blueprint.get(f"{BASE}/api/bookings")
@limiter.limit("120 per minute")
@admits_tokens
@signed_in
def api_bookings(slug: str) -> ResponseReturnValue:
    """The bookings of one's participant."""
    _, member = caller(slug)
    found = queries.bookings_of(db.session, member.participant_id, clock.now() - BACK)
    return jsonify(bookings=[_booking(slug, each) for each in found if each.state is not BookingState.HELD])


def _booking(slug: str, booking: Booking) -> dict[str, Any]:
    return {
        "uid": booking.uid, "sequence": booking.sequence, "state": booking.state, "slot": booking.slot_id,
        "starts_at": cell(booking.starts_at), "ends_at": cell(booking.ends_at),
        "hosts": [host.name for host in hosts_of(booking.slot)], "topic": booking.topic,
        "scenario": booking.scenario.code if booking.scenario else None, "component": booking.component or None,
        "url": url_for("office_hours.booking", slug=slug, uid=booking.uid, _external=True),
    }  # fmt: skip


@blueprint.post(f"{BASE}/api/bookings")
@limiter.limit("60 per minute")
@admits_tokens
@signed_in
def api_book(slug: str) -> ResponseReturnValue:
    """Book a slot. The same key again is the same booking."""
    challenge, member = caller(slug)
    slot, wish = _asked(challenge)
    before = found_programs.booking_by_key(db.session, member.participant_id, wish.key)
    if before is not None and before.slot_id != slot.id and before.sequence == 0:
        raise Refused("This Idempotency-Key has been used for another slot.")
    booking = actions.book_slot(
        db.session, slot, member, wish, at=clock.now(), sender=sender(), source=Source.API
    )  # fmt: skip
    db.session.commit()
    answer = jsonify(_booking(slug, queries.booking_of(db.session, member, booking.uid)))
    return answer, 200 if before is not None else 201


def _asked(challenge: Challenge) -> tuple[Slot, Wish]:
    """What the request wishes for. Raises Invalid with a message for each field that does not fit."""
    sent, faults = _sent(), dict[str, str]()
    key, topic = request.headers.get("Idempotency-Key", ""), stripped(sent.get("topic", ""))
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        faults["Idempotency-Key"] = (
            f"Send a key of {SHORTEST_KEY} to {LONGEST_KEY} characters that is this request's own."
        )
    if not isinstance(topic, str) or not 0 < len(topic) <= 120:
        faults["topic"] = "Say in 1 to 120 characters what it is about."
    codes = {scenario.code: scenario.id for scenario in challenge.scenarios}
    scenario, component = sent.get("scenario"), sent.get("component") or ""
    if scenario is not None and (not isinstance(scenario, str) or scenario not in codes):
        faults["scenario"] = "There is no such scenario in this challenge."
    if not isinstance(component, str):
        faults["component"] = "A component is a word."
    slot_id = _slot_id(sent, faults)
    if faults:
        raise Invalid(faults)
    own_key = f"api-{hashlib.sha256(key.encode()).hexdigest()[:48]}"
    wish = Wish(own_key, str(topic), scenario_id=codes.get(scenario or ""), component=component)
    return queries.slot_of(db.session, challenge.id, slot_id), wish


def _sent() -> dict[str, Any]:
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict):
        raise Invalid({"body": "Send a JSON object, as application/json."})
    return sent


def _slot_id(sent: dict[str, Any], faults: dict[str, str]) -> int:
    number = sent.get("slot")
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**31:
        return number
    faults["slot"] = "Give the number of a slot, as /api/slots lists them."
    return 0


@blueprint.post(f"{BASE}/api/bookings/<uid>/move")
@limiter.limit("60 per minute")
@admits_tokens
@signed_in
def api_move(slug: str, uid: str) -> ResponseReturnValue:
    """Move a booking to another slot; where that cannot be had, it stays."""
    challenge, member = caller(slug)
    found, faults = queries.booking_of(db.session, member, uid), dict[str, str]()
    slot_id = _slot_id(_sent(), faults)
    if faults:
        raise Invalid(faults)
    target, at, freed = queries.slot_of(db.session, challenge.id, slot_id), clock.now(), found.slot_id
    actions.reschedule_booking(
        db.session, found, target, by=member.account_id, at=at, sender=sender(), source=Source.API
    )
    db.session.commit()
    offer_seats(db.session, at, [freed])
    return jsonify(_booking(slug, queries.booking_of(db.session, member, uid)))


@blueprint.post(f"{BASE}/api/bookings/<uid>/cancel")
@limiter.limit("60 per minute")
@admits_tokens
@signed_in
def api_cancel(slug: str, uid: str) -> ResponseReturnValue:
    """Give a booking back."""
    _, member = caller(slug)
    found, at = queries.booking_of(db.session, member, uid), clock.now()
    actions.cancel_booking(db.session, found, by=member.account_id, at=at, sender=sender())
    db.session.commit()
    offer_seats(db.session, at, [found.slot_id])
    return jsonify(_booking(slug, queries.booking_of(db.session, member, uid)))
