"""The portal's staff JSON and its sealed files, over https with a bearer token."""

import hashlib
import http.client
import json
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from portal.triage.failures import Absent, Already, Damaged, Failure, Unanswered
from portal.triage.settings import Settings, loopback
from portal.triage.text import plain

Json = dict[str, Any]

TIMEOUT = 60
BLOCK = 2**20
LARGEST_ANSWER = 16 * 2**20


class Answer(NamedTuple):
    """What an answer says beside its body."""

    headers: Message


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

    def lacking(self, ref: str | None = None) -> Iterator[Json]:
        """Which sealed files the keys of the current set cannot open, page by page."""
        after: str | None = None
        while True:
            query = {key: value for key, value in {"lacking": "1", "ref": ref, "after": after}.items() if value}
            page = self._json("GET", f"{self._settings.url}/rewrap.json?{urlencode(query)}")
            yield page
            after = page.get("next")
            if not after:
                return

    def certificates(self, key_set: int) -> bytes:
        """The certificates of a key set."""
        return self._bytes(f"{self.root}/keys/{key_set}.asc")

    def current_key_set(self) -> int:
        """The number of the key set to which one seals now. Raises Absent where there is none yet."""
        number = self._json("GET", f"{self.root}/keys/current.json").get("number")
        if not isinstance(number, int) or number < 1:
            raise Unanswered("The portal's answer is malformed.")
        return number

    def statement(self, key_set: int) -> bytes:
        """The statement of a key set, in the bytes that are signed."""
        return self._bytes(f"{self.root}/keys/{key_set}.txt")

    def signature(self, key_set: int) -> bytes:
        """The signature under the statement of a key set. Raises Absent where nobody has signed it."""
        return self._bytes(f"{self.root}/keys/{key_set}.sig")

    @property
    def root(self) -> str:
        """The portal's address, without the challenge."""
        return self._settings.url.rpartition("/staff/")[0]

    def head(self, upload: str) -> bytes:
        """The packets for the recipients of a sealed file, and nothing of its content."""
        return self._bytes(self._wrapped(upload))

    def packets(self, upload: str) -> bytes:
        """What was wrapped for a sealed file since it was sealed."""
        return self._bytes(f"{self._wrapped(upload)}/packets")

    def rewrap(self, upload: str, wrapped: Json) -> None:
        """Hand over a session key that was wrapped for somebody. Raises Already if they can open the file by now."""
        self._json("POST", self._wrapped(upload), wrapped)

    def refute(self, upload: str, sha256: str) -> Json:
        """Say of a wrapped session key, by the hash of its packet, that it does not open its file; who wrapped it."""
        return self._json("POST", f"{self._wrapped(upload)}/unopened", {"packet": sha256})

    def _wrapped(self, upload: str) -> str:
        return f"{self._settings.url}/rewrap/{quote(upload, safe='')}"

    def _bytes(self, url: str) -> bytes:
        with self._open("GET", url) as answer:
            try:
                data = answer.read(LARGEST_ANSWER + 1)
            except (OSError, http.client.HTTPException) as error:
                raise Unanswered(f"The answer of the portal broke off ({type(error).__name__}). Try again.") from None
        if len(data) > LARGEST_ANSWER:
            raise Unanswered("The answer is not the portal's. Is the address right?")
        return data

    def unreadable(self, ref: str) -> Json:
        """Say that no triager's key opens a report."""
        return self.post(f"reports/{quote(ref, safe='')}/move", {"move": "unreadable"})

    def get(self, path: str) -> Json:
        """What stands at a path below the challenge's staff pages."""
        return self._json("GET", f"{self._settings.url}/{path}")

    def post(self, path: str, value: Json) -> Json:
        """Post a value as JSON to a path below the challenge's staff pages."""
        return self._json("POST", f"{self._settings.url}/{path}", value)

    def post_to(self, url: str, value: Json) -> Json:
        """Post a value as JSON to an address that the portal has given."""
        return self._json("POST", self._here(url), value)

    def ask(self, method: str, url: str, *, headers: dict[str, str], data: bytes = b"") -> Answer:
        """A request to an address that the portal has given; its answer without the body."""
        with self._open(method, self._here(url), data, headers) as answer:
            return Answer(answer.headers)  # type: ignore[attr-defined]

    def _here(self, url: str) -> str:
        """An address that the portal has given, if it is the portal's own: the token goes nowhere else."""
        whole = urljoin(f"{self._settings.url}/", url)
        if urlsplit(whole)[:2] != urlsplit(self._settings.url)[:2]:
            raise Failure("The portal names an address on another host. Nothing was asked of it.")
        return whole

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
        url = self._here(str(file["url"]))
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

    def _json(self, method: str, url: str, value: Json | None = None) -> Json:
        sent = b"" if method == "GET" else json.dumps(value or {}).encode()
        with self._open(method, url, sent, {"Content-Type": "application/json"} if sent else {}) as answer:
            try:
                data = answer.read(LARGEST_ANSWER + 1)
                told = json.loads(data) if len(data) <= LARGEST_ANSWER else None
            except (ValueError, RecursionError):
                told = None
            except (OSError, http.client.HTTPException) as error:
                raise Unanswered(f"The answer of the portal broke off ({type(error).__name__}). Try again.") from None
        if not isinstance(told, dict):
            raise Unanswered("The answer is not the portal's. Is the address right?")
        return told

    def _open(self, method: str, url: str, data: bytes = b"", headers: dict[str, str] | None = None) -> IO[bytes]:
        told = {"Authorization": f"Bearer {self._settings.token}", "Accept": "application/json", **(headers or {})}
        # The scheme was checked when the settings were read.
        request = Request(url, data=data if method in ("POST", "PATCH") else None, headers=told, method=method)  # noqa: S310
        try:
            answer: IO[bytes] = self._opener.open(request, timeout=TIMEOUT)
        except HTTPError as error:
            with error:
                raise {404: Absent, 409: Already}.get(error.code, Unanswered)(_refusal(error)) from None
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
        body = error.read(BLOCK)
        plainly = str(error.headers.get("Content-Type", "")).startswith("text/plain")
        reason = body.decode(errors="replace") if plainly else json.loads(body).get("reason", "")
    except (ValueError, AttributeError, OSError, http.client.HTTPException):
        reason = ""
    if reason:
        return plain(str(reason))
    return "There is no such report." if error.code == 404 else f"The portal answered with {error.code}."
