"""News of carriers: noted at once, taken later, each once, and into the story of the parcel whose number they have."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.db import insert
from portal.core.errors import Conflict, Refused
from portal.core.moves import take
from portal.kits.actions.story import Line, note, tell
from portal.kits.actions.tracking import Scan, hand_over_by_scan, note_scan
from portal.kits.models import Shipment, TrackingNews
from portal.kits.queries import tracking as queries
from portal.kits.rules.payloads import News
from portal.kits.states import ShipmentState
from portal.kits.states.tracking import DISMISS, FAIL, TAKE_NEWS, TRY_AGAIN, WAIT_FOR_NUMBER, NewsState

# How long a number may stay unknown, how long what has been dealt with is kept, how often a lost race is run again.
GIVE_UP, KEEP, LOOK_AGAIN, TRIES = timedelta(days=30), timedelta(days=90), timedelta(hours=1), 10

# Numbers that are no parcel's of ours may be something else's (a label for the way back): who knows of such puts itself
# in here, does with the news what it must, and says whose parcel it is about.
Taker = Callable[[Session, TrackingNews, datetime], Shipment | None]
takers: list[Taker] = []


def receive(session: Session, told: Iterable[News], *, at: datetime) -> int:
    """Note news that came in; what is known already is not noted again. How many are new.

    A carrier's local time may have been taken for UTC: what would happen in the future has just happened.
    """
    rows: list[dict[str, object]] = [
        {
            "provider": news.provider, "event_key": news.key, "carrier": news.carrier, "number": news.number,
            "said": news.said, "status": news.status, "description": news.description,
            "occurred_at": min(news.occurred_at or at, at), "received_at": at, "state": NewsState.WAITING,
            "state_since": at, "next_at": at, "tries": 0, "by_hand": False,
        }
        for news in told
    ]  # fmt: skip
    return _note(session, rows) if rows else 0


def note_malformed(session: Session, provider: str, digest: str, why: str, *, at: datetime) -> bool:
    """Note that a service sent what cannot be read, once however often it sends it. Nothing of it is kept."""
    row: dict[str, object] = {
        "provider": provider, "event_key": digest, "carrier": "", "number": "", "said": "", "description": "",
        "occurred_at": at, "received_at": at, "state": NewsState.FAILED, "state_since": at, "next_at": at, "tries": 1,
        "by_hand": False, "error": why,
    }  # fmt: skip
    return _note(session, [row]) == 1


def _note(session: Session, rows: list[dict[str, object]]) -> int:
    made = insert(session, TrackingNews).on_conflict_do_nothing(index_elements=["provider", "event_key"])
    return len(session.execute(made.returning(TrackingNews.id), rows, execution_options={"render_nulls": True}).all())


def take_news(session: Session, news: TrackingNews, *, at: datetime) -> None:
    """Put news into the story of their parcel, and move it where they do; or let them wait for somebody's number.

    Raises Conflict if somebody moved the parcel at this moment, other errors where they can never be taken.
    """
    shipment = queries.parcel_of(session, news)
    if shipment is not None:
        _apply(session, news, shipment, at=at)
        return
    about = next((found for ask in takers if (found := ask(session, news, at)) is not None), None)
    if about is not None:
        take(session, news, TAKE_NEWS, at=at, shipment_id=about.id)
    elif news.received_at <= at - GIVE_UP:
        take(session, news, DISMISS, at=at)
    elif news.state is NewsState.WAITING:
        take(session, news, WAIT_FOR_NUMBER, at=at, next_at=at + LOOK_AGAIN)
    else:
        news.next_at = at + LOOK_AGAIN
        session.flush()


def _apply(session: Session, news: TrackingNews, shipment: Shipment, *, at: datetime, by_hand: bool = False) -> None:
    if news.status is None:
        if not news.description:
            line = Line(
                "The carrier says something unknown", news.event_key, news.provider, None, news.said, False,
                news.occurred_at,
            )  # fmt: skip
            tell(session, shipment, line, by=None, at=at)
        take(session, news, DISMISS, at=at, shipment_id=shipment.id, by_hand=by_hand)
        return
    if shipment.state is ShipmentState.LABELLED:
        hand_over_by_scan(session, shipment, news.occurred_at, at=at)
    scan = Scan(news.provider, news.event_key, news.status, news.occurred_at, news.description)
    note_scan(session, shipment, scan, by=None, at=at)
    take(session, news, TAKE_NEWS, at=at, shipment_id=shipment.id, by_hand=by_hand)


def fail(session: Session, news: TrackingNews, why: str, *, at: datetime) -> None:
    """Lay news aside that cannot be taken, for a person to look at."""
    take(session, news, FAIL, at=at, error=why[:200], tries=news.tries + 1)


def put_off(session: Session, news: TrackingNews, why: str, *, at: datetime) -> None:
    """Let news that lost a race try again soon, but not for ever."""
    if news.tries + 1 >= TRIES:
        fail(session, news, why, at=at)
        return
    news.tries += 1
    news.next_at = at + timedelta(minutes=news.tries)
    session.flush()


def match(session: Session, number: str, shipment: Shipment, *, by: int, at: datetime) -> int:
    """Say that a number nobody has is this parcel's. What was heard of it goes into the parcel's story; how much.

    Later news of the number go the same way. Raises Refused where the parcel has no label, or nobody waits.
    """
    if shipment.handed_over_at is None and shipment.state is not ShipmentState.LABELLED:
        raise Refused(f"{shipment.reference} has no label yet. A carrier can only have scanned a labelled parcel.")
    found = _waiting(session, number)
    for news in found:
        _apply(session, news, shipment, at=at, by_hand=True)
    note(session, shipment, "match-tracking", by=by, at=at, number=number, news=len(found))
    return len(found)


def dismiss_number(session: Session, number: str, *, scope: str, by: int, at: datetime) -> int:
    """Lay aside what was heard of a number nobody has. How much that was."""
    found = _waiting(session, number)
    for news in found:
        take(session, news, DISMISS, at=at)
    audit.record(session, "kits:dismiss-tracking", f"tracking:{number}", by=by, at=at, scope=scope)
    return len(found)


def _waiting(session: Session, number: str) -> list[TrackingNews]:
    found = list(queries.unknown_news(session, number))
    if not found:
        raise Conflict("Nothing waits under this number any more.")
    return found


def dismiss(session: Session, news: TrackingNews, *, scope: str, by: int, at: datetime) -> None:
    """Lay aside news that failed."""
    take(session, news, DISMISS, at=at, error=None)
    audit.record(session, "kits:dismiss-tracking", f"tracking-news:{news.id}", by=by, at=at, scope=scope)


def try_again(session: Session, news: TrackingNews, *, scope: str, by: int, at: datetime) -> None:
    """Let failed news be looked at anew. Raises Refused where nothing of them could be read."""
    if not news.number:
        raise Refused("Nothing of it could be read, and nothing of it was kept. It can only be laid aside.")
    take(session, news, TRY_AGAIN, at=at, error=None, tries=0, next_at=at)
    audit.record(session, "kits:retry-tracking", f"tracking-news:{news.id}", by=by, at=at, scope=scope)


def forget(session: Session, *, at: datetime) -> int:
    """Delete what has been dealt with long ago: what became of it is in the parcels' stories."""
    over = [NewsState.TAKEN, NewsState.IGNORED]
    gone = session.execute(
        sa.delete(TrackingNews)
        .where(TrackingNews.state.in_(over), TrackingNews.state_since <= at - KEEP)
        .returning(TrackingNews.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
