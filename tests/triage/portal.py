"""A portal that answers as told, and what a researcher would have sealed."""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

STAFF = "/staff/spring-challenge"
TOKEN = "a-token-for-tests"


@dataclass
class Stub:
    """A portal that gives out the reports it is told to hold."""

    url: str = ""
    reports: dict[str, list[bytes]] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    messages: dict[str, list[bytes]] = field(default_factory=dict)
    # What else is told with the messages: readers, key set, templates.
    about: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fails: dict[str, int] = field(default_factory=dict)
    # What is sent instead of a file, and how it is stated, to play a server that errs or lies.
    sends: dict[str, bytes] = field(default_factory=dict)
    stated: dict[str, Any] = field(default_factory=dict)
    # The list of known issues, and what was posted about them.
    known: list[dict[str, Any]] = field(default_factory=list)
    posted: list[dict[str, Any]] = field(default_factory=list)
    # What is public of the key sets, by the last part of its address.
    keys: dict[str, bytes] = field(default_factory=dict)

    def hold(self, ref: str, *files: bytes) -> None:
        """Hold a report: its sealed body first, then its attachments."""
        self.reports[ref] = list(files)

    def summary(self, ref: str) -> dict[str, Any]:
        """A report as the portal's staff JSON has it."""
        files = [
            {
                "n": n,
                "kind": "attachment" if n else "body",
                "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
                "url": f"{STAFF}/reports/{ref}/files/{n}",
            }
            | (self.stated if n == 0 else {})
            for n, data in enumerate(self.reports[ref])
        ]
        return {
            "ref": ref,
            "title": f"Title of {ref}",
            "state": "acknowledged" if ref in self.acknowledged else "received",
            "received_at": "2020-06-15T12:00:00Z",
            "severity": None,
            "files": files,
        }

    def answer(self, method: str, path: str, token: str | None) -> tuple[int, Any]:
        """Status and body for a request."""
        self.asked.append(f"{method} {path}")
        if token != f"Bearer {TOKEN}":
            return 302, b""
        if path.startswith("/keys/"):
            return self._key(path.removeprefix("/keys/"))
        return self._staff(method, *path.removeprefix(f"{STAFF}/").partition("?")[::2])

    def _staff(self, method: str, path: str, query: str) -> tuple[int, Any]:
        if path in self.fails:
            return self.fails[path], {"error": "Not possible", "reason": "It was \x1b[2Jwithdrawn."}
        words = path.split("/")
        if words[0].startswith("known-issues"):
            return self._known(method)
        if path == "reports.json":
            return 200, self._page("after=2" in query)
        ref = words[1].removesuffix(".json")
        if ref not in self.reports:
            return 404, {"error": "Not found", "reason": "There is no such report here."}
        if words[2:3] == ["files"]:
            return 200, self.sends.get(path, self.reports[ref][int(words[3])])
        if words[2:3] == ["messages.json"]:
            return 200, self._thread(ref)
        if words[2:3] == ["messages"]:
            return self._message(ref, words[3:])
        if words[2:3] == ["acknowledge"]:
            self.acknowledged.append(ref)
        return 200, self.summary(ref)

    def _thread(self, ref: str) -> dict[str, Any]:
        """The messages about a report, and to whom an answer is sealed."""
        lines = [
            {
                "number": number, "side": "researcher", "sent_at": "2020-06-15T12:00:00Z", "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(), "url": f"{STAFF}/reports/{ref}/messages/{number}",
            }
            for number, data in enumerate(self.messages.get(ref, []), start=1)
        ]  # fmt: skip
        return {"ref": ref, "messages": lines, **self.about}

    def _message(self, ref: str, rest: list[str]) -> tuple[int, Any]:
        if rest == ["read"]:
            self.acknowledged.append(f"{ref} read")
            return 200, {"ref": ref}
        return 200, self.messages[ref][int(rest[0]) - 1]

    def _key(self, name: str) -> tuple[int, Any]:
        found = self.keys.get(name)
        return (404, {"reason": "There is no such key set here."}) if found is None else (200, found)

    def _known(self, method: str) -> tuple[int, Any]:
        sent = self.posted[-1] if method == "POST" else {}
        made = [
            {"number": len(self.known) + number, "commitment": each, "committed_at": "2020-05-20T12:00:00.000000Z"}
            for number, each in enumerate(sent.get("commitments", ()), start=1)
        ]
        self.known += made
        return 200, {"issues": made if made else self.known}

    def _page(self, second: bool) -> dict[str, Any]:
        refs = sorted(self.reports)
        shown = refs[2:] if second else refs[:2]
        return {"reports": [self.summary(ref) for ref in shown], "next": None if second or len(refs) < 3 else "2"}


class Handler(BaseHTTPRequestHandler):
    """HTTP around a Stub."""

    stub: Stub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer."""
        status, body = self.stub.answer(self.command, self.path, self.headers["Authorization"])
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if status == 302:
            self.send_header("Location", f"{self.stub.url}/account/sign-in")
        self.end_headers()
        # The command hangs up on what is longer than stated.
        with suppress(ConnectionError):
            self.wfile.write(data)

    def do_POST(self) -> None:
        """Answer."""
        self.stub.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.do_GET()


def manifest(*attachments: tuple[str, bytes, int], **changed: Any) -> bytes:
    """A manifest as the browser writes it: attachments as name, ciphertext, plain size."""
    value = {
        "format": "sealed-report/1",
        "title": "Weak check of a signature",
        "text": "The check **stops** early.",
        "build": "20.06",
        "cvss": None,
        "key_set": 1,
        "attachments": [
            {"name": name, "size": size, "sha256": hashlib.sha256(data).hexdigest()} for name, data, size in attachments
        ],
    }
    return json.dumps(value | changed).encode()


def bodies(message: bytes) -> list[tuple[int, bytes]]:
    """The packets of a short OpenPGP message with lengths of any kind, as tag and body."""
    found, at = [], 0
    while at < len(message):
        first = message[at]
        if not first & 0x40:
            width = 1 << (first & 3)
            length = int.from_bytes(message[at + 1 : at + 1 + width], "big")
            found.append((first >> 2 & 15, message[at + 1 + width : at + 1 + width + length]))
            at += 1 + width + length
            continue
        body, more, at = b"", True, at + 1
        while more:
            length, at, more = _length(message, at)
            body += message[at : at + length]
            at += length
        found.append((first & 0x3F, body))
    return found


def _length(message: bytes, at: int) -> tuple[int, int, bool]:
    first = message[at]
    if first < 192:
        return first, at + 1, False
    if first < 224:
        return ((first - 192) << 8) + message[at + 1] + 192, at + 2, False
    if first < 255:
        return 1 << (first & 31), at + 1, True
    return int.from_bytes(message[at + 1 : at + 5], "big"), at + 5, False
