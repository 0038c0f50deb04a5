"""Where participants are, and when sessions are."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Member, Participant
from portal.challenges.states import MemberRole, ParticipantState
from portal.office_hours.models import Series, Sitting, Slot
from portal.office_hours.rules.planning import Span
from portal.office_hours.rules.zones import (
    WINDOW,
    Better,
    Heat,
    Meeting,
    Served,
    better_hour,
    heat,
    served,
    unserved,
)
from portal.office_hours.states import SittingState, SlotState


class Whereabouts(NamedTuple):
    """An active participant: the zone of who leads it, and those of all its people."""

    participant_id: int
    name: str
    zone: str
    zones: list[str]


class Equity(NamedTuple):
    """What the zones page shows: the map, whom no session meets, and what would help them."""

    heat: Heat
    warned: list[tuple[Whereabouts, Served]]
    better: Better | None


def whereabouts(session: Session, challenge_id: int) -> list[Whereabouts]:
    """Where the active participants of a challenge are, by name."""
    rows = session.execute(
        sa.select(Participant.id, Participant.name, Account.zone, Member.role)
        .join(Member, Member.participant_id == Participant.id)
        .join(Account, Account.id == Member.account_id)
        .where(Participant.challenge_id == challenge_id, Participant.state == ParticipantState.ACTIVE, Account.active)
        .order_by(Participant.name, Participant.id, Member.id)
    )
    found: dict[int, Whereabouts] = {}
    for who, name, zone, role in rows:
        one = found.setdefault(who, Whereabouts(who, name, zone, []))
        one.zones.append(zone)
        if role is MemberRole.LEAD:
            found[who] = one._replace(zone=zone)
    return list(found.values())


def meetings(session: Session, challenge_id: int, since: datetime, before: datetime) -> list[Meeting]:
    """The planned sessions of a challenge with open slots that begin in a span, in order."""
    rows = session.execute(
        sa.select(Slot.sitting_id, Series.title, Slot.starts_at, Slot.ends_at)
        .join(Slot.sitting)
        .join(Sitting.series)
        .where(
            Series.challenge_id == challenge_id, Sitting.state == SittingState.PLANNED, Slot.state == SlotState.OPEN,
            Slot.starts_at >= since, Slot.starts_at < before,
        )
        .order_by(Sitting.starts_at, Slot.sitting_id, Slot.starts_at)
    )  # fmt: skip
    found: dict[int, Meeting] = {}
    for sitting_id, title, starts_at, ends_at in rows:
        one = found.get(sitting_id, Meeting(sitting_id, title, ()))
        found[sitting_id] = one._replace(slots=(*one.slots, Span(starts_at, ends_at)))
    return list(found.values())


def warned(session: Session, challenge_id: int, at: datetime) -> list[tuple[Whereabouts, Served]]:
    """The participants for whom no session of four weeks back, or of four ahead, is by day."""
    return _warned(whereabouts(session, challenge_id), *_around(session, challenge_id, at))


def equity(session: Session, challenge_id: int, at: datetime) -> Equity:
    """Whose day the sessions of four weeks back and ahead meet."""
    people, (past, coming) = whereabouts(session, challenge_id), _around(session, challenge_id, at)
    found = _warned(people, past, coming)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7)
    return Equity(
        heat(Counter(one.zone for one in people), coming),
        found,
        better_hour([one.zones for one, _ in found], day),
    )


def _warned(
    people: Sequence[Whereabouts], past: Sequence[Meeting], coming: Sequence[Meeting]
) -> list[tuple[Whereabouts, Served]]:
    by_id = {one.participant_id: one for one in people}
    found = unserved(served({who: one.zones for who, one in by_id.items()}, past, coming), past, coming)
    return [(by_id[one.participant_id], one) for one in found]


def _around(session: Session, challenge_id: int, at: datetime) -> tuple[list[Meeting], list[Meeting]]:
    """The sessions of four weeks back, and those of four ahead."""
    around = meetings(session, challenge_id, at - WINDOW, at + WINDOW)
    return [one for one in around if one.starts_at < at], [one for one in around if one.starts_at >= at]
