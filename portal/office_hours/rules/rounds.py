"""When a round is opened, until when it gathers, what is told of its draw, and why it came out so for somebody."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from portal.core import seeds
from portal.office_hours.models import Round, RoundRequest, Series, Sitting
from portal.office_hours.rules.draw import Ask, Drawn, draw
from portal.office_hours.states import RoundState, SittingState

FORMAT = "office-hours-draw/1"


class Outcome(StrEnum):
    """What became of one slot of a request."""

    GIVEN = "given"
    FULL = "full"
    BARRED = "barred"
    GONE = "gone"
    SPARED = "spared"


class Told(NamedTuple):
    """What the draw says of one request: the number, the place in the order of so many, and each slot in turn."""

    number: str
    place: int
    of: int
    tier: int
    weight: Fraction
    slot: int | None
    slots: list[tuple[int, Outcome]]


def draws_at(series: Series, opened_at: datetime) -> datetime:
    """When a round that is opened now is drawn: after its whole window, however late it was opened."""
    return opened_at + timedelta(hours=series.round_hours or 0)


def is_due(series: Series, sitting: Sitting, at: datetime) -> bool:
    """Whether a session that has no round needs one: it may be booked from now on, and there is time for a round."""
    if series.round_hours is None or sitting.state is not SittingState.PLANNED:
        return False
    begins = sitting.starts_at - timedelta(days=series.advance_days)
    return begins <= at and draws_at(series, at) <= sitting.starts_at - series.notice


def why_not_yet(found: Round | None, series: Series, sitting: Sitting, at: datetime) -> str | None:
    """Why nobody can book a slot of the session for themselves: its round is not drawn yet."""
    if found is None:
        return "Its seats are drawn. The round opens within minutes; ask for one then." if is_due(series, sitting, at) \
            else None  # fmt: skip
    if found.state is not RoundState.GATHERING:
        return None
    return f"Its seats are drawn. Ask for one until {moment(found.draws_at)}; what is left can be booked from then on."


def why_not_ask(found: Round, at: datetime) -> str | None:
    """Why nothing can be asked for in the round any more."""
    if found.state is RoundState.CANCELLED:
        return "The session has been cancelled, and its round with it."
    if found.state is RoundState.DRAWN:
        return "The round is drawn. What is left can be booked."
    if at >= found.draws_at:
        return f"Requests were gathered until {moment(found.draws_at)}. The draw follows within minutes."
    return None


def named(request: RoundRequest, slots: Iterable[int]) -> list[int]:
    """The slots that a request would take, the best first; `slots` are all there are, in order of time."""
    return list(slots) if request.anywhere else [wish.slot_id for wish in request.wishes]


def moment(at: datetime) -> str:
    """An instant in a sentence for whoever reads it."""
    there = at.astimezone(UTC)
    return f"{there:%a} {there.day} {there:%b %H:%M} UTC"


def told(
    number: int, commitment: str, seed: str, slots: Mapping[int, datetime], seats: Mapping[int, int],
    drawn: Iterable[Drawn], barred: Mapping[str, Sequence[int]],
) -> dict[str, Any]:  # fmt: skip
    """The draw as everybody may read it. `barred` are slots that a request named and could not have been given."""
    return {
        "format": FORMAT, "round": number, "commitment": commitment, "seed": seed,
        "slots": {str(slot): begin.isoformat() for slot, begin in slots.items()},
        "seats": {str(slot): free for slot, free in seats.items()},
        "requests": [
            {
                "place": one.place, "id": one.ask.id, "tier": int(one.ask.tier), "weight": str(one.ask.weight),
                "number": one.number, "wishes": list(one.ask.wishes), "barred": list(barred.get(one.ask.id, ())),
                "slot": one.slot,
            }
            for one in drawn
        ],
    }  # fmt: skip


def asks_in(protocol: Mapping[str, Any]) -> list[Ask]:
    """The requests of a draw, as they went in."""
    return [Ask(row["id"], row["tier"], Fraction(row["weight"]), tuple(row["wishes"])) for row in protocol["requests"]]


def holds(protocol: Mapping[str, Any], commitment: str) -> bool:
    """Whether the draw comes out as it is told, under the seed that was bound to."""
    if seeds.commitment(protocol["seed"]) != commitment:
        return False
    seats = {int(slot): free for slot, free in protocol["seats"].items()}
    again = [(one.ask.id, one.number, one.place, one.slot) for one in draw(protocol["seed"], asks_in(protocol), seats)]
    return again == [(row["id"], row["number"], row["place"], row["slot"]) for row in protocol["requests"]]


def why(protocol: Mapping[str, Any], public_id: str, asked: Sequence[int]) -> Told | None:
    """What the draw says of one request, which named the slots `asked`; None where it took no part in it."""
    row = next((row for row in protocol["requests"] if row["id"] == public_id), None)
    if row is None:
        return None
    seats = {int(slot) for slot in protocol["seats"]}
    slots = [(slot, _outcome(slot, row["wishes"], row["slot"], row["barred"], seats)) for slot in asked]
    return Told(
        row["number"], row["place"], len(protocol["requests"]), row["tier"], Fraction(row["weight"]), row["slot"], slots
    )


def _outcome(
    slot: int, wishes: Sequence[int], given: int | None, barred: Collection[int], seats: Collection[int]
) -> Outcome:
    if slot == given:
        return Outcome.GIVEN
    if slot in barred:
        return Outcome.BARRED
    if slot not in seats:
        return Outcome.GONE
    return Outcome.FULL if given is None or wishes.index(slot) < wishes.index(given) else Outcome.SPARED
