"""What carriers tell of parcels on their way back to us: lines of the story, and nothing that a person must see."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.kits import queries
from portal.kits.actions import backs, inbox
from portal.kits.actions.story import Line, tell
from portal.kits.models import KitReturn, Shipment, TrackingNews
from portal.kits.queries import tracking
from portal.kits.states import ShipmentState
from portal.kits.states.returns import ReturnState

SCANNED, BROUGHT = "The carrier has scanned it.", "The carrier says that it has arrived."
# "Returning" would be read as on its way to us, and is the contrary.
_WORDS = {ShipmentState.RETURNING: "turned back by the carrier"}


def take_return_news(session: Session, news: TrackingNews, at: datetime) -> Shipment | None:
    """Take news of the number of a return into the story of its parcel; None where it is no return's.

    Each is one line, however often it is told. The first scan notes that it is on its way, "delivered" that the carrier
    has brought it; nothing takes either back, and that it has arrived is for a person to say.
    """
    back = tracking.return_of(session, news)
    if back is None:
        return None
    shipment = queries.shipment(session, back.challenge_id, back.shipment_id)
    tell(session, shipment, _line(news), by=None, at=at)
    if news.status is None:
        return shipment
    if _first(session, back, KitReturn.scanned_at, news.occurred_at):
        backs.record(session, shipment, back, "send-return", by=None, at=at, reason=SCANNED)
    if news.status is ShipmentState.DELIVERED and _first(session, back, KitReturn.delivered_at, news.occurred_at):
        backs.record(session, shipment, back, "deliver-return", by=None, at=at, reason=BROUGHT)
    return shipment


def _line(news: TrackingNews) -> Line:
    """What people read: "Return: in transit". It says nothing of where the parcel itself is."""
    words = _WORDS.get(news.status, news.status.replace("_", " ")) if news.status else news.description.lower()
    detail = news.description if news.status else "" if words else news.said
    return Line(
        f"Return: {words or 'something unknown'}", news.event_key, news.provider, None, detail, bool(words),
        news.occurred_at,
    )  # fmt: skip


def _first(
    session: Session, back: KitReturn, column: InstrumentedAttribute[datetime | None], occurred_at: datetime
) -> bool:
    """Note when something happened, if it is noted nowhere and the return is still to come; whether it was."""
    told = sa.literal(occurred_at, KitReturn.sent_at.type)
    changed = session.execute(
        sa.update(KitReturn)
        .where(KitReturn.id == back.id, KitReturn.state == ReturnState.ANNOUNCED, column.is_(None))
        .values({column: occurred_at, KitReturn.sent_at: sa.func.coalesce(KitReturn.sent_at, told)})
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    session.expire(back)
    return changed.rowcount == 1


inbox.takers.append(take_return_news)
