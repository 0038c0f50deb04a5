"""Asking another server for a calendar: only servers that the settings name, and never for long or for much."""

import http.client
import time
from collections.abc import Collection
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from portal.office_hours.busy import LARGEST, Unreadable

TIMEOUT = 10
# For the whole answer, however slowly it trickles.
PATIENCE = 30
BLOCK = 2**16
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Answer(NamedTuple):
    """What came back: the calendar and its version, or None where it has not changed."""

    data: bytes | None
    etag: str | None


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would lead to servers that nobody allowed."""

    def redirect_request(self, *_arguments: object, **_named: object) -> None:
        return None


def why_not_address(url: str, hosts: Collection[str]) -> str | None:
    """Why an address cannot be asked: a sentence that does not repeat it."""
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except ValueError:
        return "This is not an address."
    if parts.username or parts.password or any(mark <= " " or mark == "\x7f" for mark in url):
        return "Write an address without a name or password in it."
    if _name(parts, port) not in hosts:
        return "Calendars are only read from the servers that the portal's settings allow."
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return "Write an address that begins with https://"
    return None


def _name(parts: SplitResult, port: int | None) -> str:
    return (parts.hostname or "") + (f":{port}" if port and port != 443 else "")


def fetch(url: str, hosts: Collection[str], etag: str | None = None) -> Answer:
    """The calendar at an address, or nothing if it still has this `etag`. Raises Unreadable."""
    refusal = why_not_address(url, hosts)
    if refusal:
        raise Unreadable(refusal)
    proxies = ProxyHandler({}) if urlsplit(url).hostname in LOOPBACK else ProxyHandler()
    headers = {"Accept": "text/calendar", **({"If-None-Match": etag} if etag else {})}
    try:
        # The scheme has just been checked.
        request = Request(url, headers=headers)  # noqa: S310
        with build_opener(_NoRedirect(), proxies).open(request, timeout=TIMEOUT) as answer:
            return Answer(_read(answer), _tag(answer.headers.get("ETag")))
    except HTTPError as error:
        with error:
            return _refused(error.code, etag)
    except (URLError, OSError, http.client.HTTPException, ValueError):
        raise Unreadable("Its server cannot be reached.") from None


def _refused(code: int, etag: str | None) -> Answer:
    if code == 304 and etag:
        return Answer(None, etag)
    if code in (301, 302, 303, 307, 308):
        raise Unreadable("Its server sends the portal elsewhere. Give the address that it leads to.")
    raise Unreadable(f"Its server answered with {code}.")


def _tag(etag: str | None) -> str | None:
    return etag if etag and len(etag) <= 200 and etag.isprintable() else None


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The body in pieces, so that neither its size nor its slowness has the last word."""
    end, data = time.monotonic() + PATIENCE, bytearray()
    while block := answer.read1(BLOCK):
        data += block
        if len(data) > LARGEST:
            raise Unreadable(f"It is larger than {LARGEST // 2**20} MB.")
        if time.monotonic() > end:
            raise Unreadable("Its server is too slow.")
    return bytes(data)
