"""What services post about parcels, read into news. Nothing of it is kept but what `News` has.

Their messages have addresses, places and the names of people who signed in them, so whatever is not a number, a time
or one of their code words is dropped here, before anything else sees it. Sources: https://docs.easypost.com/docs/events,
https://docs.goshippo.com/docs/tracking/webhooks, https://docs.shipstation.com/apis/docs/guides/webhooks-schemas.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from portal.kits.rules import vocabulary
from portal.kits.rules.vocabulary import Meaning
from portal.kits.states import ShipmentState

EASYPOST, SHIPPO, SHIPSTATION = PROVIDERS = ("easypost", "shippo", "shipstation")
# More scans than any parcel has; of a longer history the last ones are read.
MOST_SCANS = 200
Translate = Callable[[str, str], Meaning | None]
Json = Mapping[str, Any]


class Malformed(Exception):
    """This is not what the service is known to send. The text says why, in words of ours."""


class News(NamedTuple):
    """One scan. `key` is the same whenever, and however often, the service tells of it.

    `occurred_at` is None where it does not say when; `status` where its words do not say where the parcel is.
    """

    provider: str
    key: str
    carrier: str
    number: str
    said: str
    status: ShipmentState | None
    description: str
    occurred_at: datetime | None


class _Scan(NamedTuple):
    status: str
    detail: str
    time: str


def read_webhook(provider: str, body: bytes) -> list[News]:
    """The scans that a message tells of, the oldest first; none where it is about something else. Raises Malformed."""
    message = as_object(body)
    return {EASYPOST: _easypost, SHIPPO: _shippo, SHIPSTATION: _shipstation}[provider](message)


def as_object(body: bytes) -> Json:
    """A JSON object in UTF-8, however deep or strange it is. Raises Malformed."""
    try:
        found = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise Malformed("It is not JSON in UTF-8.") from error
    if not isinstance(found, dict):
        raise Malformed("It is no JSON object.")
    return found


def _easypost(message: Json) -> list[News]:
    tracker = _map(message, "result")
    if not _text(message, "description").startswith("tracker.") and _text(tracker, "object") != "Tracker":
        return []
    scans = [_scan(row, "status", "status_detail", "datetime") for row in _rows(tracker, "tracking_details")]
    scans.append(_Scan(_text(tracker, "status"), _text(tracker, "status_detail"), _last(scans, tracker, "updated_at")))
    return _news(EASYPOST, vocabulary.easypost, tracker, ("carrier", "tracking_code"), scans)


def _shippo(message: Json) -> list[News]:
    if _text(message, "event") not in ("", "track_updated"):
        return []
    # Older webhooks post the track itself.
    track = _map(message, "data") or message
    rows = [*_rows(track, "tracking_history"), _map(track, "tracking_status")]
    scans = [
        _Scan(_text(row, "status"), _text(_map(row, "substatus"), "code"), _text(row, "status_date")) for row in rows
    ]
    return _news(SHIPPO, vocabulary.shippo, track, ("carrier", "tracking_number"), scans)


def _shipstation(message: Json) -> list[News]:
    if _text(message, "resource_type") not in ("API_TRACK", "TRACK_EVENT_V2"):
        return []
    return read_shipstation(_map(message, "data"))


def read_shipstation(tracking: Json, carrier: str = "") -> list[News]:
    """The scans of ShipStation's account of a parcel, as it posts it and, asked for a carrier's, answers it.

    Raises Malformed.
    """
    scans = [_scan(row, "status_code", "status_detail_code", "occurred_at") for row in _rows(tracking, "events")]
    scans.append(
        _Scan(
            _text(tracking, "status_code"), _text(tracking, "status_detail_code"),
            _last(scans, tracking, "actual_delivery_date"),
        )
    )  # fmt: skip
    told = {**tracking, "carrier_code": carrier} if carrier else tracking
    return _news(SHIPSTATION, vocabulary.shipstation, told, ("carrier_code", "tracking_number"), scans)


def _news(
    provider: str, translate: Translate, parcel: Json, names: tuple[str, str], scans: Iterable[_Scan]
) -> list[News]:
    carrier = vocabulary.carrier_name(_text(parcel, names[0]))
    number = vocabulary.plain_number(_text(parcel, names[1]))
    if not number:
        raise Malformed("It has no tracking number.")
    found: dict[str, News] = {}
    for scan in scans:
        if scan.status or scan.detail:
            news = _one(provider, translate, (carrier, number), scan)
            found.setdefault(news.key, news)
    first = datetime.min.replace(tzinfo=UTC)
    return sorted(found.values(), key=lambda news: news.occurred_at or first)[-MOST_SCANS:]


def _one(provider: str, translate: Translate, parcel: tuple[str, str], scan: _Scan) -> News:
    meaning = translate(scan.status, scan.detail)
    said = " / ".join(vocabulary.code(word) for word in (scan.status, scan.detail) if word)
    recipe = json.dumps([*parcel, scan.status, scan.detail, scan.time])
    return News(
        provider, hashlib.sha256(recipe.encode()).hexdigest(), *parcel, said,
        meaning.status if meaning else None, meaning.words if meaning else "", _time(scan.time),
    )  # fmt: skip


def _scan(row: Json, status: str, detail: str, time: str) -> _Scan:
    return _Scan(_text(row, status), _text(row, detail), _text(row, time))


def _last(scans: Iterable[_Scan], parcel: Json, otherwise: str) -> str:
    """When the present state of a parcel came about: with its last scan."""
    dated = [(at, scan.time) for scan in scans if (at := _time(scan.time))]
    return max(dated)[1] if dated else _text(parcel, otherwise)


def _time(text: str) -> datetime | None:
    """An instant in ISO 8601, in UTC where no zone is told; None where it is none of this century."""
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if 2000 <= found.year < 2100 else None


def _text(row: Json, name: str) -> str:
    value = row.get(name)
    return value[:200] if isinstance(value, str) else ""


def _map(row: Json, name: str) -> Json:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _rows(row: Json, name: str) -> list[Json]:
    value = row.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
