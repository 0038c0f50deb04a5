"""Whom to remind: of an address that is missing, of a return that is due."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Participant
from portal.challenges.states import ParticipantState
from portal.kits.models import KitReturn, SentReminder, Shipment
from portal.kits.rules.late import LATE, REMIND_EVERY, REMINDERS, Late
from portal.kits.rules.returns import REMIND_BEFORE
from portal.kits.states import ShipmentState
from portal.kits.states.mails import Reminder
from portal.kits.states.returns import ReturnState

_told = sa.and_(SentReminder.shipment_id == Shipment.id, SentReminder.kind == Reminder.ADDRESS)


def addresses(session: Session, at: datetime) -> Sequence[int]:
    """Parcels whose participant has been asked for the address long ago, and not been reminded for as long."""
    number, last = sa.func.count(SentReminder.number), sa.func.max(SentReminder.sent_at)
    long_ago = sa.literal(at - REMIND_EVERY, Shipment.state_since.type)
    rows = (
        sa.select(Shipment.id)
        .join(Participant, Participant.id == Shipment.participant_id)
        .outerjoin(SentReminder, _told)
        .where(
            Shipment.state == ShipmentState.ADDRESS_REQUESTED,
            Shipment.state_since < at - LATE[Late.ADDRESS].after,
            Participant.state == ParticipantState.ACTIVE,
        )
        .group_by(Shipment.id)
        .having(number < REMINDERS, sa.or_(last.is_(None), last <= long_ago))
        .order_by(Shipment.id)
    )
    return session.scalars(rows).all()


def returns(session: Session, at: datetime) -> Sequence[int]:
    """Returns that are announced, not yet sent, and due soon or already; `rules` say which are told."""
    soon = (at + REMIND_BEFORE + timedelta(days=1)).date()
    rows = (
        sa.select(KitReturn.id)
        .where(KitReturn.state == ReturnState.ANNOUNCED, KitReturn.sent_at.is_(None), KitReturn.expected_on <= soon)
        .order_by(KitReturn.id)
    )
    return session.scalars(rows).all()


def told(session: Session, shipment_id: int, kind: Reminder) -> Sequence[datetime]:
    """When somebody was reminded, the latest last."""
    rows = sa.select(SentReminder.sent_at).where(SentReminder.shipment_id == shipment_id, SentReminder.kind == kind)
    return session.scalars(rows.order_by(SentReminder.number)).all()
