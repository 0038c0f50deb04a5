"""What a scan at the packing bench means: pure answers, each in one sentence on what is wrong and one on what to do."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from portal.core.errors import Refused
from portal.kits.models import KitModel, Shipment, ShipmentUnit, Unit
from portal.kits.states import ShipmentState, UnitState
from portal.kits.states.packing import ScanResult

R, S, U = ScanResult, ShipmentState, UnitState

# A slip that was answered with a question says yes when it is scanned again, but not by the bounce of a trigger.
BOUNCE = timedelta(seconds=2)
_NAMED = 6

# Why a slip cannot be packed now, and what to do. A parcel that is ready is not among them.
_NOT_READY = {
    S.PLANNED: "has no address yet: put it aside until the participant has given one.",
    S.ADDRESS_REQUESTED: "has no address yet: put it aside until the participant has given one.",
    S.ADDRESS_CONFIRMED: "is not ready, or its address has changed: put it aside, and print it anew once it is ready.",
    S.HELD: "is held: put it aside until it is let go.",
    S.PACKED: "is packed already: put its label on.",
    S.LABELLED: "is packed and labelled already: hand it to the carrier.",
    S.RETURNING: "is on its way back: throw this slip away.",
    S.RETURNED: "came back: throw this slip away, and plan a replacement if one is to go.",
    S.LOST: "is lost: throw this slip away, and plan a replacement if one is to go.",
    S.CANCELLED: "was cancelled: throw this slip away, and put its units back on the shelf.",
}
_GONE = {
    U.RESERVED: "is reserved for somebody else. Put it back and take another one.",
    U.SHIPPED: "is on its way to a participant, as far as we know. Note its return on its page before it goes again.",
    U.WITH_PARTICIPANT: "is with a participant, as far as we know. Note its return on its page before it goes again.",
    U.RETURNED: "came back and is not yet put into stock. Look it over first.",
    U.KEPT: "was left to a participant. It cannot go again.",
    U.LOST: "is noted as lost. Put it aside and correct that on its page.",
    U.FAULTY: "is faulty. Put it aside and take another one.",
    U.RETIRED: "is retired. Put it aside and take another one.",
}


class Box(NamedTuple):
    """A parcel at the bench: what is scanned, what waits for it, and how many of which kinds nothing is reserved of.

    `open_ended` says that no contents are given: it holds what logistics put into it.
    """

    parcel: Shipment
    scanned: tuple[ShipmentUnit, ...]
    waiting: tuple[ShipmentUnit, ...]
    lacking: tuple[tuple[KitModel, int], ...]
    open_ended: bool

    @property
    def complete(self) -> bool:
        """Whether it can be closed."""
        return bool(self.scanned) and not self.waiting and not self.lacking


class Finding(NamedTuple):
    """What a scan came to, in words, and the place in the parcel that it is about."""

    result: ScanResult
    words: str
    place: ShipmentUnit | None = None


def per_parcel(models: Sequence[KitModel]) -> dict[int, int]:
    """How many units of each kind belong into a parcel: what each place gets. An accessory never lacks."""
    return {model.id: model.per_place for model in models if model.per_place}


def look_into(parcel: Shipment, models: Sequence[KitModel], *, further: bool) -> Box:
    """What there is in a parcel, and what there is not.

    Whoever has no kit gets all that a place gets, also where an earlier parcel was lost or came back. A `further`
    parcel, to somebody whom an earlier one serves (one more, or something instead of what is damaged), is complete with
    whatever logistics put into it.
    """
    live = [place for place in parcel.places if place.live]
    held = Counter(place.unit.model_id for place in live)
    wanted: Mapping[int, int] = {} if further else per_parcel(models)
    return Box(
        parcel,
        scanned=tuple(place for place in live if place.scanned_at),
        waiting=tuple(place for place in live if not place.scanned_at),
        lacking=tuple((model, wanted[model.id] - held[model.id]) for model in models
                      if wanted.get(model.id, 0) > held[model.id]),
        open_ended=not wanted,
    )  # fmt: skip


def _listed(words: Iterable[str]) -> str:
    told = list(words)
    if len(told) > _NAMED:
        told = [*told[:_NAMED], f"{len(told) - _NAMED} more"]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}" if told else ""


def lacks(box: Box) -> str:
    """What is still to be scanned: "KIT-1 and one RDB 2"."""
    free = [f"one {model.label}" if count == 1 else f"{count} {model.label}" for model, count in box.lacking]
    return _listed([*(place.unit.serial for place in box.waiting), *free])


def next_step(box: Box) -> str:
    """What to do with an open parcel."""
    if box.complete:
        return "It is complete: scan the next slip, or press Enter, and it is packed."
    return f"Scan {lacks(box)}." if lacks(box) else "Scan what goes in."


def incomplete(box: Box) -> Finding:
    """Why a parcel cannot be closed by the scanner, and how it can: logistics may mean to leave something out."""
    here = box.parcel.reference
    words = f"{here} is not complete: it lacks {lacks(box) or 'everything'}. Scan that first, or leave it."
    if box.scanned and not box.waiting:
        words += f" If it is to go without, mark {here} as packed on its page."
    return Finding(R.INCOMPLETE, words)


def not_ready(parcel: Shipment) -> Finding | None:
    """Why a parcel cannot be packed now; None where it can."""
    if parcel.state is S.READY:
        return None
    words = _NOT_READY.get(parcel.state, "has left already: throw this slip away.")
    return Finding(R.NOT_READY, f"{parcel.reference} {words}")


def judge_unit(box: Box, unit: Unit, bound: ShipmentUnit | None) -> Finding:
    """What it means to scan a unit before an open parcel; `bound` is the unit's live place, here or elsewhere."""
    here = box.parcel.reference
    if bound is not None and bound.shipment_id == box.parcel.id:
        if bound.scanned_at:
            return Finding(R.AGAIN, f"{unit.serial} is scanned already and in {here}. Go on with the next one.")
        return Finding(R.CHECKED, f"{unit.serial} is in {here}.", bound)
    if bound is not None or unit.state is not U.IN_STOCK:
        return judge_bound(unit, bound, lacks(box))
    for place in box.waiting:
        if place.unit.model_id == unit.model_id:
            words = f"{unit.serial} goes into {here} instead of {place.unit.serial}, which is free again."
            return Finding(R.SWAPPED, words, place)
    return _judge_free(box, unit)


def _judge_free(box: Box, unit: Unit) -> Finding:
    """A unit in stock for which no other one makes room.

    Into an open-ended parcel goes of each kind as much as a place gets; more, and an accessory to a kit, go in on the
    parcel's page: a scan before the wrong slip must not slip in.
    """
    here, inside = box.parcel.reference, sum(place.unit.model_id == unit.model_id for place in box.scanned)
    fits = box.open_ended and inside < max(1, unit.model.per_place)
    if fits or any(model.id == unit.model_id for model, _ in box.lacking):
        return Finding(R.ADDED, f"{unit.serial} is taken from the stock and in {here}.")
    if inside:
        return Finding(R.TOO_MANY, f"{here} has its {unit.model.label} already. Put {unit.serial} back on the shelf.")
    wanted = lacks(box) or _listed(sorted({place.unit.model.label for place in box.scanned}))
    verb = "fetch" if lacks(box) else "it has"
    return Finding(
        R.WRONG_MODEL, f"{unit.serial} is a {unit.model.label}, which is not for {here}. Put it back; {verb} {wanted}."
    )


def _whose(bound: ShipmentUnit) -> str:
    return f"{bound.shipment.reference} to {bound.shipment.participant.name}"


def judge_bound(unit: Unit, bound: ShipmentUnit | None, wanted: str = "") -> Finding:
    """A unit that is not free: it is another parcel's, or something has become of it."""
    if bound is not None and unit.state is U.RESERVED:
        fetch = f" Put it there and fetch {wanted}." if wanted else " Put it there."
        return Finding(R.ELSEWHERE, f"{unit.serial} belongs in {_whose(bound)}.{fetch}")
    where = f" (in {_whose(bound)})" if bound is not None else ""
    return Finding(R.GONE, f"{unit.serial}{where} {_GONE.get(unit.state, 'cannot go.')}")


def without_parcel(unit: Unit, bound: ShipmentUnit | None) -> Finding:
    """A serial number before any slip."""
    if bound is not None and unit.state is U.RESERVED:
        words = f"No parcel is open. {unit.serial} belongs in {_whose(bound)}: scan that slip first."
        return Finding(R.NO_PARCEL, words)
    if unit.state is not U.IN_STOCK:
        return judge_bound(unit, bound)
    return Finding(R.NO_PARCEL, f"No parcel is open. {unit.serial} is free: scan a slip first, then it again.")


def unknown_serial(text: str) -> Finding:
    """A code that is nothing here. The nearest serial is not guessed: the right unit could be the wrong one."""
    words = f"There is no unit “{text[:64]}” in the stock. Scan it again; if it is new, add it to the stock first."
    return Finding(R.UNKNOWN, words)


def unknown_slip(reference: str) -> Finding:
    """The slip of a parcel that this challenge does not have."""
    return Finding(R.UNKNOWN, f"There is no parcel {reference} in this challenge. Look whether the slip is another's.")


def foreign_code() -> Finding:
    """An address that is not that of one of our packing pages."""
    words = "This address is no packing slip of this challenge. Scan the code of a slip, or type what stands beside it."
    return Finding(R.FOREIGN, words)


def confirmed(asked_at: datetime | None, at: datetime) -> bool:
    """Whether the same slip again is an answer."""
    return asked_at is not None and at - asked_at >= BOUNCE


def check_scanned(places: Iterable[ShipmentUnit]) -> None:
    """Raises Refused where a unit of a parcel to be closed has not been seen at the bench."""
    unseen = [place.unit.serial for place in places if place.live and not place.scanned_at]
    if unseen:
        raise Refused(f"{_listed(unseen)} must be scanned at the bench before the parcel is closed.")
