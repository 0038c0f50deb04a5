"""Finding news of carriers, whose they are, and whom to ask for more."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.core.errors import NotFound
from portal.kits.models import KitReturn, Shipment, TrackingNews, TrackingPoll
from portal.kits.queries.shipments import whole_parcel
from portal.kits.rules import vocabulary
from portal.kits.rules.polling import ASKED, Asked
from portal.kits.states import ShipmentState
from portal.kits.states.returns import ReturnState
from portal.kits.states.tracking import NewsState

# More numbers that nobody knows than this are no list for a person.
MOST_UNKNOWN = 100


def _plain(column: Any) -> sa.ColumnElement[str]:
    """A typed tracking number as it is compared; in Python it is `vocabulary.plain_number`."""
    return sa.func.upper(sa.func.replace(sa.func.replace(column, " ", ""), "-", ""))


_LIVE = Shipment.state != ShipmentState.CANCELLED
_KNOWN = sa.select(Shipment.id).where(_plain(Shipment.tracking_number) == TrackingNews.number, _LIVE).exists()


def due(session: Session, at: datetime, limit: int = 500) -> Sequence[int]:
    """News to look at, in the order in which they happened: what came in, and what waited for a number known by now."""
    waits = sa.and_(TrackingNews.state == NewsState.UNMATCHED, sa.or_(TrackingNews.next_at <= at, _KNOWN))
    fresh = sa.and_(TrackingNews.state == NewsState.WAITING, TrackingNews.next_at <= at)
    return session.scalars(
        sa.select(TrackingNews.id)
        .where(sa.or_(fresh, waits))
        .order_by(TrackingNews.occurred_at, TrackingNews.id)
        .limit(limit)
    ).all()


def open_news(session: Session, news_id: int) -> TrackingNews | None:
    """A piece of news that still waits, and that no other worker holds at this moment."""
    return session.scalars(
        sa.select(TrackingNews)
        .where(TrackingNews.id == news_id, TrackingNews.state.in_([NewsState.WAITING, NewsState.UNMATCHED]))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def parcel_of(session: Session, news: TrackingNews) -> Shipment | None:
    """Whose number it is: the only parcel that has it, else the one of this carrier, else whom a person named."""
    found = session.scalars(whole_parcel().where(_plain(Shipment.tracking_number) == news.number, _LIVE)).all()
    if len(found) > 1:
        found = [parcel for parcel in found if vocabulary.carrier_name(parcel.carrier) == news.carrier]
    if not found:
        found = session.scalars(
            whole_parcel()
            .join(TrackingNews, TrackingNews.shipment_id == Shipment.id)
            .where(TrackingNews.number == news.number, TrackingNews.by_hand)
            .order_by(TrackingNews.id.desc())
            .limit(1)
        ).all()
    return found[0] if len(found) == 1 else None


def return_of(session: Session, news: TrackingNews) -> KitReturn | None:
    """The return whose number it is: the only one, else the only one of this carrier, else the one still to come.

    One that was called off is none: whoever sends it all the same is to be asked why.
    """
    having = [ReturnState.ANNOUNCED, ReturnState.ARRIVED, ReturnState.INSPECTED]
    rows = session.scalars(
        sa.select(KitReturn).where(_plain(KitReturn.tracking_number) == news.number, KitReturn.state.in_(having))
    ).all()
    if len(rows) > 1:
        rows = [row for row in rows if vocabulary.carrier_name(row.carrier) == news.carrier]
    if len(rows) > 1:
        rows = [row for row in rows if row.state is ReturnState.ANNOUNCED]
    return rows[0] if len(rows) == 1 else None


def homeward(session: Session, shipment_ids: Collection[int]) -> set[str]:
    """The numbers under which these parcels come back, or came."""
    numbers = sa.select(_plain(KitReturn.tracking_number)).where(
        KitReturn.shipment_id.in_(shipment_ids), KitReturn.tracking_number.is_not(None)
    )
    return set(session.scalars(numbers))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A number that no parcel has: how often and of what we have heard."""

    number: str
    carrier: str
    provider: str
    count: int
    first_at: datetime
    last_at: datetime
    said: str


def unknown(session: Session) -> list[Unknown]:
    """Numbers nobody has, the latest first. They belong to no challenge, so every challenge's logistics sees them."""
    latest = sa.func.max(TrackingNews.received_at)
    groups = session.execute(
        sa.select(sa.func.max(TrackingNews.id), sa.func.count(), sa.func.min(TrackingNews.received_at), latest)
        .where(TrackingNews.state == NewsState.UNMATCHED)
        .group_by(TrackingNews.number)
        .order_by(latest.desc(), TrackingNews.number)
        .limit(MOST_UNKNOWN)
    ).all()
    newest = session.scalars(sa.select(TrackingNews).where(TrackingNews.id.in_([group[0] for group in groups])))
    rows = {row.id: row for row in newest}
    found = []
    for newest_id, count, first_at, last_at in groups:
        row = rows[newest_id]
        words = row.description or row.said
        found.append(Unknown(row.number, row.carrier, row.provider, count, first_at, last_at, words))
    return found


def unknown_news(session: Session, number: str) -> Sequence[TrackingNews]:
    """All that is known of a number nobody has, in the order in which it happened."""
    return session.scalars(
        sa.select(TrackingNews)
        .where(TrackingNews.number == number, TrackingNews.state == NewsState.UNMATCHED)
        .order_by(TrackingNews.occurred_at, TrackingNews.id)
        .with_for_update()
    ).all()


def _of(challenge_id: int) -> sa.ColumnElement[bool]:
    return sa.or_(Shipment.id.is_(None), Shipment.challenge_id == challenge_id)


def failed(session: Session, challenge_id: int, limit: int = 50) -> Sequence[TrackingNews]:
    """News that could not be read or taken: of this challenge's parcels, and of nobody's."""
    return session.scalars(
        sa.select(TrackingNews)
        .outerjoin(Shipment, TrackingNews.shipment_id == Shipment.id)
        .where(TrackingNews.state == NewsState.FAILED, _of(challenge_id))
        .order_by(TrackingNews.id.desc())
        .limit(limit)
    ).all()


def news(session: Session, challenge_id: int, news_id: int) -> TrackingNews:
    """One piece of news, of this challenge's parcels or of nobody's. Raises NotFound."""
    found = session.scalars(
        sa.select(TrackingNews)
        .outerjoin(Shipment, TrackingNews.shipment_id == Shipment.id)
        .where(TrackingNews.id == news_id, _of(challenge_id))
    ).one_or_none()
    if found is None:
        raise NotFound("news")
    return found


def latest(session: Session, challenge_id: int, limit: int = 20) -> Sequence[TrackingNews]:
    """What was heard last of this challenge's parcels."""
    return session.scalars(
        sa.select(TrackingNews)
        .join(TrackingNews.shipment)
        .options(joinedload(TrackingNews.shipment))
        .where(Shipment.challenge_id == challenge_id)
        .order_by(TrackingNews.received_at.desc(), TrackingNews.occurred_at.desc(), TrackingNews.id.desc())
        .limit(limit)
    ).all()


def heard(session: Session) -> dict[str, datetime]:
    """When each service was last heard of."""
    rows = session.execute(
        sa.select(TrackingNews.provider, sa.func.max(TrackingNews.received_at)).group_by(TrackingNews.provider)
    )
    return {provider: at for provider, at in rows}  # noqa: C416 - a row is no pair to dict()


def count_waiting(session: Session) -> int:
    """How much has come in that nobody has looked at yet."""
    waiting = sa.select(sa.func.count()).select_from(TrackingNews).where(TrackingNews.state == NewsState.WAITING)
    return session.scalars(waiting).one()


def count_unknown(session: Session) -> tuple[int, datetime | None]:
    """How many numbers nobody has, and since when the first is known."""
    count, oldest = session.execute(
        sa.select(sa.func.count(sa.distinct(TrackingNews.number)), sa.func.min(TrackingNews.received_at)).where(
            TrackingNews.state == NewsState.UNMATCHED
        )
    ).one()
    return count, oldest


def polls(session: Session, challenge_id: int, limit: int = 100) -> Sequence[TrackingPoll]:
    """When this challenge's parcels are asked for; those that went wrong most often first."""
    return session.scalars(
        sa.select(TrackingPoll)
        .join(TrackingPoll.shipment)
        .options(joinedload(TrackingPoll.shipment))
        .where(Shipment.challenge_id == challenge_id)
        .order_by(TrackingPoll.failures.desc(), TrackingPoll.next_at, TrackingPoll.shipment_id)
        .limit(limit)
    ).all()


# Which parcels are worth asking for: those on their way, and those that come back to us, under that label's number.
_OUT = sa.and_(Shipment.state.in_(ASKED), Shipment.tracking_number.is_not(None))
_BACK = sa.and_(
    Shipment.state == ShipmentState.RETURNING, KitReturn.state == ReturnState.ANNOUNCED,
    KitReturn.tracking_number.is_not(None), KitReturn.delivered_at.is_(None),
)  # fmt: skip


def _asked(session: Session, *which: sa.ColumnElement[bool]) -> list[Asked]:
    out = sa.select(Shipment.id, Shipment.carrier, Shipment.tracking_number, Shipment.state).where(_OUT, *which)
    back = sa.select(Shipment.id, KitReturn.carrier, KitReturn.tracking_number, Shipment.state)
    back = back.join(KitReturn, KitReturn.shipment_id == Shipment.id).where(_BACK, *which)
    found = [
        Asked(shipment_id, vocabulary.carrier_name(carrier), vocabulary.plain_number(number), state)
        for rows in (out, back)
        for shipment_id, carrier, number, state in session.execute(rows)
    ]
    return sorted(parcel for parcel in found if parcel.number)


def to_ask(session: Session) -> dict[int, str]:
    """Every parcel that is worth asking for, and its carrier by our name."""
    return {parcel.shipment_id: parcel.carrier for parcel in _asked(session)}


def asked(session: Session, shipment_ids: Collection[int]) -> list[Asked]:
    """What a service needs to know of these parcels, as far as they are still worth asking for."""
    return _asked(session, Shipment.id.in_(shipment_ids))
