"""Who has had how many seats of a challenge's office hours."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Participant
from portal.challenges.states import ParticipantState
from portal.office_hours.models import Booking, Withdrawal
from portal.office_hours.queries.strikes import strikes_of
from portal.office_hours.rules.access import RECENT, Access, fair_order, owed
from portal.office_hours.states import COUNTED, Source

# Seats of a follow-up are the host's to give, and count for nobody.
_SEATS = (Booking.state.in_(COUNTED), Booking.source != Source.FOLLOW_UP)


def access_of(
    session: Session, challenge_id: int, at: datetime, participant_ids: Collection[int] | None = None
) -> dict[int, Access]:
    """What every active participant of a challenge, or each of those asked for, has had; by participant."""
    near = Booking.starts_at.between(at - RECENT, at + RECENT)
    rows = session.execute(
        sa.select(Participant.id, sa.func.count(Booking.id), sa.func.count(sa.case((near, Booking.id))))
        .outerjoin(Booking, sa.and_(Booking.participant_id == Participant.id, *_SEATS))
        .where(*_asked(challenge_id, participant_ids))
        .group_by(Participant.id)
        .order_by(Participant.id)
    ).all()
    debts = _owed(session, challenge_id, participant_ids)
    missed = strikes_of(session, challenge_id, at, participant_ids)
    return {who: Access(who, recent, total, debts.get(who, 0), missed.get(who, 0)) for who, total, recent in rows}


def _asked(challenge_id: int, participant_ids: Collection[int] | None) -> list[sa.ColumnElement[bool]]:
    asked = [Participant.challenge_id == challenge_id, Participant.state == ParticipantState.ACTIVE]
    return asked if participant_ids is None else [*asked, Participant.id.in_(participant_ids)]


def _owed(session: Session, challenge_id: int, participant_ids: Collection[int] | None) -> dict[int, int]:
    withdrawn: defaultdict[int, list[datetime]] = defaultdict(list)
    for who, at in session.execute(
        sa.select(Booking.participant_id, Withdrawal.at)
        .join(Booking, Booking.id == Withdrawal.booking_id)
        .join(Participant, Participant.id == Booking.participant_id)
        .where(*_asked(challenge_id, participant_ids))
    ):
        withdrawn[who].append(at)
    if not withdrawn:
        return {}
    seated: defaultdict[int, list[datetime]] = defaultdict(list)
    for who, at in session.execute(
        sa.select(Booking.participant_id, Booking.booked_at).where(Booking.participant_id.in_(withdrawn), *_SEATS)
    ):
        seated[who].append(at)
    return {who: owed(times, seated[who]) for who, times in withdrawn.items()}


class Share(NamedTuple):
    """What one participant has had, and what participants have had on average."""

    access: Access
    average: float


def share_of(access: Mapping[int, Access], participant_id: int) -> Share:
    """The share of one participant among all."""
    average = sum(each.total for each in access.values()) / (len(access) or 1)
    return Share(access.get(participant_id, Access(participant_id)), average)


class Named(NamedTuple):
    """A participant and what they have had, for staff."""

    participant: Participant
    access: Access


def fair_list(session: Session, challenge_id: int, at: datetime) -> list[Named]:
    """Every active participant with what they have had, in the order in which they would be asked."""
    access = access_of(session, challenge_id, at)
    people = session.scalars(sa.select(Participant).where(*_asked(challenge_id, None)))
    named = [Named(participant, access[participant.id]) for participant in people]
    return sorted(named, key=lambda each: fair_order(each.access, each.participant.name))
