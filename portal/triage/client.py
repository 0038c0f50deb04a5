"""The portal's staff JSON and its sealed files, over https with a bearer token."""

import hashlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from portal.triage.failures import Damaged, Failure, Unanswered
from portal.triage.settings import Settings, loopback
from portal.triage.text import plain

Json = dict[str, Any]

TIMEOUT = 60
BLOCK = 2**20
LARGEST_ANSWER = 16 * 2**20


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would carry the token to wherever it points."""

    def redirect_request(self, *_arguments: object, **_named: object) -> None:
        return None


class Portal:
    """One challenge's reports as a triager's token sees them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        host = urlsplit(settings.url).hostname or ""
        proxies = ProxyHandler({}) if loopback(host) else ProxyHandler()
        self._opener = build_opener(_NoRedirect(), proxies)

    def reports(self, state: str | None = None) -> Iterator[Json]:
        """The summaries of all reports, page by page."""
        after: str | None = None
        while True:
            query = {key: value for key, value in {"state": state, "after": after}.items() if value}
            page = self._json("GET", f"{self._settings.url}/reports.json?{urlencode(query)}")
            yield from page.get("reports", [])
            after = page.get("next")
            if not after:
                return

    def report(self, ref: str) -> Json:
        """One report with its files."""
        return self._json("GET", f"{self._report(ref)}.json")

    def acknowledge(self, ref: str) -> Json:
        """Start the clock: somebody has read it."""
        return self._json("POST", f"{self._report(ref)}/acknowledge")

    def known(self) -> Json:
        """The list of known issues."""
        return self._json("GET", f"{self._settings.url}/known-issues.json")

    def commit_known(self, commitments: list[str]) -> Json:
        """Put commitments on the list."""
        return self._json("POST", f"{self._settings.url}/known-issues.json", {"commitments": commitments})

    def reveal_known(self, number: int, told: Json) -> Json:
        """Bring a known issue's text to the portal."""
        return self._json("POST", f"{self._settings.url}/known-issues/{number}/reveal", told)

    def download(self, file: Json, target: Path) -> None:
        """Bring one sealed file here. Raises Damaged unless it has the size and the hash that the portal states."""
        url = urljoin(f"{self._settings.url}/", str(file["url"]))
        if urlsplit(url)[:2] != urlsplit(self._settings.url)[:2]:
            raise Failure("The portal names a file on another host. Nothing was asked of it.")
        size, wanted = int(file["size"]), str(file["sha256"]).lower()
        with self._open("GET", url) as answer, target.open("xb") as out:
            count, digest = _copy(answer, out, size)
        if count > size:
            raise Damaged("What arrived is longer than the portal states.")
        if count < size:
            raise Damaged(f"The download broke off after {count} of {size} bytes. Try again.")
        if digest != wanted:
            raise Damaged("What arrived is not what the portal states: the SHA-256 differs.")

    def _report(self, ref: str) -> str:
        return f"{self._settings.url}/reports/{quote(ref, safe='')}"

    def _json(self, method: str, url: str, body: Json | None = None) -> Json:
        with self._open(method, url, body) as answer:
            try:
                data = answer.read(LARGEST_ANSWER + 1)
                value = json.loads(data) if len(data) <= LARGEST_ANSWER else None
            except (ValueError, RecursionError):
                value = None
            except (OSError, http.client.HTTPException) as error:
                raise Unanswered(f"The answer of the portal broke off ({type(error).__name__}). Try again.") from None
        if not isinstance(value, dict):
            raise Unanswered("The answer is not the portal's. Is the address right?")
        return value

    def _open(self, method: str, url: str, body: Json | None = None) -> IO[bytes]:
        headers = {"Authorization": f"Bearer {self._settings.token}", "Accept": "application/json"}
        data = None
        if method == "POST":
            headers["Content-Type"] = "application/json"
            data = json.dumps(body or {}).encode()
        # The scheme was checked when the settings were read.
        request = Request(url, data=data, headers=headers, method=method)  # noqa: S310
        try:
            answer: IO[bytes] = self._opener.open(request, timeout=TIMEOUT)
        except HTTPError as error:
            with error:
                raise Unanswered(_refusal(error)) from None
        except (URLError, OSError, http.client.HTTPException) as error:
            reason = plain(str(getattr(error, "reason", error)))
            raise Unanswered(f"The portal cannot be reached: {reason}.") from None
        return answer


def _copy(source: IO[bytes], out: IO[bytes], size: int) -> tuple[int, str]:
    """Copy at most `size` bytes and look for one more; gives their number and SHA-256."""
    digest, count = hashlib.sha256(), 0
    try:
        while block := source.read(min(BLOCK, size + 1 - count)):
            out.write(block)
            digest.update(block)
            count += len(block)
    except http.client.HTTPException:
        return count, ""
    except (TimeoutError, ConnectionError) as error:
        raise Unanswered(f"The connection broke off after {count} of {size} bytes: {type(error).__name__}.") from None
    return count, digest.hexdigest()


def _refusal(error: HTTPError) -> str:
    if error.code in (301, 302, 303, 307, 308, 401):
        return "The portal does not accept the token. Make a new one and run `portal-triage login` again."
    if error.code == 403:
        return "This token may not do that: it takes a triager's."
    try:
        reason = json.loads(error.read(BLOCK)).get("reason", "")
    except (ValueError, AttributeError, OSError, http.client.HTTPException):
        reason = ""
    if reason:
        return plain(str(reason))
    return "There is no such report." if error.code == 404 else f"The portal answered with {error.code}."
