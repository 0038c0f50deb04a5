"""Reminders, each once, whoever else sends them at the same moment."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.db import insert
from portal.core.errors import NotFound
from portal.kits import queries
from portal.kits.actions.story import mail
from portal.kits.models import KitReturn, SentReminder, Shipment
from portal.kits.queries import reminding
from portal.kits.rules.late import REMINDERS
from portal.kits.rules.returns import day_of
from portal.kits.rules.returns import remind_of_return as is_day_for
from portal.kits.states import ShipmentState
from portal.kits.states.mails import Reminder
from portal.kits.states.returns import ReturnState


def _count(session: Session, shipment: Shipment, kind: Reminder, number: int, at: datetime) -> bool:
    """Note a reminder; False where another worker has just done so."""
    row = insert(session, SentReminder).values(shipment_id=shipment.id, kind=kind, number=number, sent_at=at)
    keys = ["shipment_id", "kind", "number"]
    made = session.execute(row.on_conflict_do_nothing(index_elements=keys).returning(SentReminder.number))
    return made.one_or_none() is not None


def remind_of_address(session: Session, shipment_id: int, *, at: datetime) -> bool:
    """Ask a participant for the address once more. Whether a mail was posted, as far as they want it."""
    shipment = session.get_one(Shipment, shipment_id)
    number = len(reminding.told(session, shipment_id, Reminder.ADDRESS)) + 1
    if shipment.state is not ShipmentState.ADDRESS_REQUESTED or number > REMINDERS:
        return False
    if not _count(session, shipment, Reminder.ADDRESS, number, at):
        return False
    whole = queries.shipment(session, shipment.challenge_id, shipment_id)
    mail(session, whole, "address_reminder", at=at, about=str(number), last=number == REMINDERS)
    return True


def remind_of_return(session: Session, return_id: int, *, at: datetime) -> bool:
    """Remind a participant of what they are to send back, if this is a day for it."""
    back = session.get(KitReturn, return_id)
    if back is None:
        raise NotFound("return")
    shipment = queries.shipment(session, back.challenge_id, back.shipment_id)
    if back.state is not ReturnState.ANNOUNCED or back.expected_on is None or back.sent_at is not None:
        return False
    today, announced, *days = (
        day_of(instant, shipment.challenge.zone)
        for instant in (at, back.state_since, *reminding.told(session, shipment.id, Reminder.RETURN))
    )
    number = len(days) + 1
    if not is_day_for(back.expected_on, today, days, announced):
        return False
    if not _count(session, shipment, Reminder.RETURN, number, at):
        return False
    mail(
        session, shipment, "return_reminder", at=at, about=f"{back.id}:{number}",
        day=f"{back.expected_on:%-d %B %Y}", late=today > back.expected_on,
    )  # fmt: skip
    return True
