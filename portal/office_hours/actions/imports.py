"""Bookings from a table: each row by the same action as on the page, so that the same rules hold."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge, Member
from portal.core import audit
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.tables import Fault
from portal.office_hours.actions.bookings import Wish, book_slot
from portal.office_hours.ics import Sender
from portal.office_hours.models import Series, Sitting, Slot
from portal.office_hours.queries.base import whole_slot
from portal.office_hours.queries.behalf import bookable_members
from portal.office_hours.queries.sittings import hosts_of
from portal.office_hours.rules.imports import Entry
from portal.office_hours.states import SEATED, SlotState, Source


@dataclass(slots=True)
class Taken:
    """How many rows are bookings now, and what is wrong with the others."""

    booked: int = 0
    faults: list[Fault] = field(default_factory=list)


class _Slot(NamedTuple):
    """A slot and by which words its hosts are meant, as they were read: what is booked is read anew."""

    slot: Slot
    starts_at: datetime
    names: str
    words: frozenset[str]


class _Faulty(Exception):
    """A row that names nobody, or nothing that can be booked."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


def import_bookings(
    session: Session, challenge: Challenge, entries: Sequence[Entry], *, by: int, at: datetime, sender: Sender | None,
    overrule: str = "",
) -> Taken:  # fmt: skip
    """Book every row that can be booked; what cannot be is told. Whoever wants all or nothing rolls back.

    A row that was booked before, by this or another file, is the booking that it has led to.
    """
    taken, members = Taken(), bookable_members(session, challenge.id)
    slots = _slots(session, challenge.id, {entry.starts_at for entry in entries})
    codes = {scenario.code: scenario.id for scenario in challenge.scenarios}
    seen: dict[str, int] = {}
    for entry in entries:
        try:
            member, slot = _member(entry, members), _slot(entry, slots)
            wish = _wish(entry, member, codes)
            before = seen.setdefault(wish.key, entry.line)
            if before != entry.line:
                raise _Faulty("", f"Line {before} says the same.")
            _book(session, slot, member, wish, by=by, at=at, sender=sender, overrule=overrule)
            taken.booked += 1
        except _Faulty as fault:
            taken.faults.append(Fault(entry.line, fault.column, fault.message))
    if taken.booked:
        audit.record(
            session, "office_hours:import", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
            after={"rows": taken.booked}, reason=overrule or None,
        )  # fmt: skip
    return taken


def _book(
    session: Session, slot: Slot, member: Member, wish: Wish, *, by: int, at: datetime, sender: Sender | None,
    overrule: str,
) -> None:  # fmt: skip
    try:
        with session.begin_nested():
            made = book_slot(
                session, slot, member, wish, at=at, sender=sender, source=Source.IMPORT, by=by, overrule=overrule
            )
    except Invalid as fault:
        raise _Faulty(*next(iter(fault.messages.items()))) from fault
    except (Refused, Conflict) as fault:
        raise _Faulty("", fault.reason) from fault
    if made.state not in SEATED:
        raise _Faulty("", f"It was imported before, and is {made.state.replace('_', ' ')} since.")


def _slots(session: Session, challenge_id: int, begins: set[datetime]) -> list[_Slot]:
    slots = session.scalars(
        sa.select(Slot)
        .join(Slot.sitting)
        .join(Sitting.series)
        .options(*whole_slot())
        .where(Series.challenge_id == challenge_id, Slot.state == SlotState.OPEN, Slot.starts_at.in_(sorted(begins)))
        .order_by(Slot.id)
    )
    return [
        _Slot(
            slot,
            slot.starts_at,
            slot.names,
            frozenset(word.casefold() for host in hosts_of(slot) for word in (host.name, host.email)),
        )
        for slot in slots
    ]


def _slot(entry: Entry, slots: Sequence[_Slot]) -> Slot:
    then = [slot for slot in slots if slot.starts_at == entry.starts_at]
    if not then:
        raise _Faulty("starts_at", "No slot begins then.")
    wanted = entry.host.casefold()
    fitting = [slot for slot in then if not wanted or wanted in slot.words]
    if len(fitting) == 1:
        return fitting[0].slot
    names = ", ".join(slot.names for slot in then)
    raise _Faulty("host", f"Name one of those who hold a slot then: {names}.")


def _member(entry: Entry, members: Sequence[Member]) -> Member:
    """Whom a row means: a person by their address, or whoever leads the participant of a number."""
    wanted = entry.participant.casefold()
    if wanted.isdecimal():
        people = [each for each in members if each.participant_id == int(wanted)]
        found = min(people, key=lambda each: (each.role.value != "lead", each.id), default=None)
    else:
        found = next((each for each in members if each.account.email.casefold() == wanted), None)
    if found is None:
        raise _Faulty("participant", "Nobody who takes part and has signed the agreement has this address or number.")
    return found


def _wish(entry: Entry, member: Member, codes: dict[str, int]) -> Wish:
    if entry.scenario and entry.scenario not in codes:
        raise _Faulty("scenario", "There is no such scenario in this challenge.")
    row = "|".join((str(member.participant_id), entry.starts_at.isoformat(), entry.host.casefold(), entry.topic))
    key = f"import-{hashlib.sha256(row.encode()).hexdigest()[:48]}"
    return Wish(key, entry.topic, scenario_id=codes.get(entry.scenario), component=entry.component)
