"""Asking ShipStation's tracking API about a parcel, over HTTP.

https://docs.shipstation.com/apis/shipengine/docs/tracking/tracking: GET …/v1/tracking?carrier_code=…&tracking_number=…
with the header API-Key. Only the configured host is ever asked: http.client follows no redirect and knows no proxy.
"""

import ssl
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import SHUT_RDWR, socket
from threading import Event, Timer
from typing import ClassVar
from urllib.parse import urlencode, urlsplit

from portal.config import Config
from portal.core import clock
from portal.kits.rules.payloads import SHIPSTATION, Malformed, News, as_object, read_shipstation
from portal.kits.rules.polling import Adapter, Asked, Unanswered

MOST_BYTES = 256 * 1024
CODES = {"UPS": "ups", "FedEx": "fedex", "USPS": "usps", "DHL": "dhl_express"}


def adapters_of(config: Config) -> tuple[Adapter, ...]:
    """The services that the settings let us ask."""
    if not config.tracking_url or not config.tracking_token:
        return ()
    return (ShipStation(config.tracking_url, config.tracking_token),)


class ShipStation:
    """ShipStation's tracking API, which is asked for one parcel at a time; `patience` is in seconds, for all of it."""

    name: str = SHIPSTATION
    carriers: frozenset[str] = frozenset(CODES)
    most: int = 1
    _stops: ClassVar = {401: "It refuses our token", 403: "It refuses our token", 429: "It is asked too often"}

    def __init__(self, url: str, token: str, patience: float = 10) -> None:
        self._parts, self._token, self._patience = urlsplit(url), token, patience

    def ask(self, parcels: Sequence[Asked]) -> Sequence[News]:
        """What it knows of a parcel. Raises Unanswered."""
        (parcel,) = parcels
        query = urlencode({"carrier_code": CODES[parcel.carrier], "tracking_number": parcel.number})
        try:
            told = read_shipstation(as_object(self._get(f"{self._parts.path or '/'}?{query}")), parcel.carrier)
        except Malformed as error:
            raise Unanswered("Its answer cannot be read.") from error
        if any(news.number != parcel.number for news in told):
            raise Unanswered("It answers for another parcel.")
        return told

    def _get(self, target: str) -> bytes:
        late, connection = Event(), self._connection()
        try:
            connection.connect()
            alarm = Timer(self._patience, _give_up, (connection.sock, late))
            alarm.start()
            try:
                connection.request("GET", target, headers={"API-Key": self._token, "Accept": "application/json"})
                with closing(connection.getresponse()) as response:
                    body = self._read(response)
            finally:
                alarm.cancel()
        except (OSError, HTTPException) as error:
            raise Unanswered(f"No answer: {type(error).__name__}.", stop=True) from error
        finally:
            connection.close()
        if late.is_set():
            raise Unanswered("No whole answer in time.", stop=True)
        return body

    def _connection(self) -> HTTPConnection:
        host = self._parts.hostname or ""
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return HTTPSConnection(host, self._parts.port, timeout=self._patience, context=context)
        return HTTPConnection(host, self._parts.port, timeout=self._patience)

    def _read(self, response: HTTPResponse) -> bytes:
        status, wait = response.status, _retry_after(response.getheader("Retry-After"))
        if status in self._stops:
            raise Unanswered(f"{self._stops[status]} ({status}).", wait=wait, stop=True)
        if 300 <= status < 400:
            raise Unanswered(f"It sends us elsewhere ({status}), where we do not go.")
        if status != 200:
            # A service that names a time means all of its answers.
            raise Unanswered(f"It answers {status}.", wait=wait, stop=bool(wait))
        body = response.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise Unanswered("Its answer is too long.")
        return body


def _give_up(connected: socket, late: Event) -> None:
    """End a connection whose other side is too slow: each byte may come in time, and all of them too late."""
    late.set()
    try:
        connected.shutdown(SHUT_RDWR)
    except OSError:
        return


def _retry_after(told: str | None) -> timedelta:
    """How long to wait by a header Retry-After (RFC 9110): seconds or a date; nothing where it is neither."""
    text = (told or "").strip()
    if text.isascii() and text.isdecimal():
        return timedelta(seconds=min(int(text[:9]), 86_400))
    try:
        until: datetime = parsedate_to_datetime(text)
        return max(until - clock.now(), timedelta())
    except (ValueError, TypeError, IndexError, OverflowError):
        return timedelta()
