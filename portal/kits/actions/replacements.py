"""Another kit: because somebody asks for it, or because logistics know better."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge, Participant
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.moves import take
from portal.kits import states
from portal.kits.actions import shipments
from portal.kits.actions.story import Line, mail, step, tell
from portal.kits.models import KitReplacement, Shipment
from portal.kits.queries import returns as queries
from portal.kits.rules.returns import check_replacement
from portal.kits.states import ShipmentState, Word
from portal.kits.states.returns import PLAN, REFUSE, WITHDRAW, ReplacementState

NOTHING_CAME = "Nothing came."


def ask(session: Session, shipment: Shipment, reason: str, *, by: int, at: datetime) -> KitReplacement:
    """The participant asks for another kit.

    Raises Refused where it is too early, Conflict where it was asked for already.
    """
    if not reason:
        raise Invalid({"reason": "Say why you need another one."})
    check_replacement(shipment.state, shipment.word, shipment.handed_over_at, at)
    if queries.replaced(session, [shipment.id]):
        raise Conflict("This parcel has been replaced already.")
    wish = KitReplacement(
        challenge_id=shipment.challenge_id, shipment_id=shipment.id, state=ReplacementState.ASKED, state_since=at,
        reason=reason, asked_at=at, asked_by_id=by,
    )  # fmt: skip
    session.add(wish)
    with conflicts():
        session.flush()
    # The reason is the person's own words, and can be forgotten; neither story nor audit can.
    _record(session, shipment, wish, "ask-replacement", by, at)
    _tell(session, shipment, "ask-replacement", "Replacement asked for", "", by, at)
    return wish


def withdraw(session: Session, shipment: Shipment, *, by: int, at: datetime) -> None:
    """The participant does not need another one after all."""
    wish = _open(session, shipment)
    take(session, wish, WITHDRAW, at=at)
    _record(session, shipment, wish, "withdraw-replacement", by, at)
    _tell(session, shipment, "withdraw-replacement", "Replacement not needed any more", "", by, at)


def refuse(session: Session, shipment: Shipment, answer: str, *, by: int, at: datetime) -> None:
    """Say no, with a reason that the participant reads."""
    if not answer:
        raise Invalid({"answer": "The participant reads this: say why."})
    wish = _open(session, shipment)
    take(session, wish, REFUSE, at=at, answer=answer)
    _record(session, shipment, wish, "refuse-replacement", by, at, answer)
    _tell(session, shipment, "refuse-replacement", "No replacement", answer, by, at)
    mail(session, shipment, "replacement_refused", at=at, about=str(wish.id), answer=answer)


def plan(session: Session, shipment: Shipment, *, by: int, at: datetime) -> Shipment:
    """Plan another parcel instead of this one, whether or not somebody has asked for it.

    One of which nothing came is given up as lost by that.
    """
    wish = queries.wish_of(session, shipment.id)
    if wish is not None and shipment.state in states.ARRIVING and shipment.word is Word.NOTHING:
        step(session, shipment, states.LOSE, by=by, at=at, reason=NOTHING_CAME)
        _tell(session, shipment, "lose", "Given up as lost", "", by, at, ShipmentState.LOST)
    made = shipments.replace(session, shipment, by=by, at=at)
    _tell(session, shipment, "replace", "Replaced", f"Parcel {made.reference} comes instead.", by, at)
    if wish is not None:
        take(session, wish, PLAN, at=at, made_id=made.id)
        _record(session, shipment, wish, "plan-replacement", by, at)
        mail(session, shipment, "replacement_planned", at=at, about=str(wish.id))
    return made


def plan_another(
    session: Session, challenge: Challenge, participant: Participant, reason: str, *, by: int, at: datetime
) -> Shipment:
    """Plan one more parcel for somebody who has one."""
    if not reason:
        raise Invalid({"reason": "Say why they need another one."})
    [made] = shipments.plan(session, challenge, [participant], by=by, at=at)
    audit.record(session, "kits:plan-another", f"shipment:{made.id}", by=by, at=at, scope=challenge.slug, reason=reason)
    line = Line("One more parcel", f"{made.id}:another", detail=reason, told=False)
    tell(session, made, line, by=by, at=at)
    return made


def _open(session: Session, shipment: Shipment) -> KitReplacement:
    wish = queries.wish_of(session, shipment.id)
    if wish is None:
        raise NotFound("wish for a replacement")
    return wish


def _tell(
    session: Session, shipment: Shipment, what: str, title: str, detail: str, by: int, at: datetime,
    status: ShipmentState | None = None,
) -> None:  # fmt: skip
    key = f"{shipment.id}:{what}:{at.isoformat()}"
    tell(session, shipment, Line(title, key, status=status, detail=detail), by=by, at=at)


def _record(
    session: Session, shipment: Shipment, wish: KitReplacement, verb: str, by: int, at: datetime,
    reason: str | None = None,
) -> None:  # fmt: skip
    audit.record(
        session, f"kits:{verb}", f"kit-replacement:{wish.id}", by=by, at=at, scope=shipment.challenge.slug,
        after={"shipment": shipment.reference}, reason=reason,
    )  # fmt: skip
