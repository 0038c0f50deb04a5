"""A researcher's upload client, as bare as the protocol."""

import base64
import copy
import json
import random
from http.client import HTTPConnection, HTTPException
from typing import Any

from portal.core import clock
from portal.reports.actions.keys import make_token, publish_key_set
from portal.reports.queries.keys import current_set
from tests.faults.stage import TIMEOUT, Reply, Stage, whole
from tests.reports.conftest import RECOVERY, TIA, TOM
from tests.reports.openpgp import recipient

MIB = 1 << 20
PART = 8 * MIB


class Client:
    """Speaks tus 1.0 to the site of a stage, with a token of the researcher's; reads with one of a triager's."""

    def __init__(self, stage: Stage, certificates: tuple[str, str, str] = (TOM, TIA, RECOVERY)) -> None:
        self.stage = stage
        self.base = f"/challenges/{stage.cast.slug}/reports"
        with stage.behind.session() as session:
            at, cast = clock.now(), stage.cast
            tom, tia, recovery = certificates
            publish_key_set(
                session, [(cast.triager.id, tom), (cast.second_triager.id, tia)], recovery, by=cast.admin.id, at=at
            )
            challenge = cast.challenge.id
            self.secret = make_token(session, challenge, "tests", by=cast.researcher.id, at=at)
            self.triager = make_token(session, challenge, "tests", by=cast.triager.id, at=at)
            session.commit()

    def beside(self, stage: Stage) -> "Client":
        """The same program, speaking to another server of the same portal."""
        other = copy.copy(self)
        other.stage = stage
        return other

    def sealed(self, size: int) -> bytes:
        """About so many bytes that look as if they were sealed to the key set."""
        with self.stage.behind.session() as session:
            current = current_set(session)
            assert current is not None
            key_ids = [key_id for member in current.members for key_id in member.key_ids]
        # Parts of 8 KiB as gpg makes them, the first of which begins with the packet's version.
        block = random.Random(size).randbytes(7_000_003)  # its length divides nothing, so that no two chunks are alike
        content = (b"\x01" + block * (size // len(block) + 1))[:size]
        parts = (b"\xed" + content[position : position + 8192] for position in range(0, size - 8191, 8192))
        head = b"".join(recipient(key_id) for key_id in key_ids) + bytes([0xC0 | 18])
        return head + b"".join(parts) + bytes([64]) + bytes(64)

    def begin(self) -> str:
        """Begin a report; its reference."""
        told = {"title": "Report about the network daemon", "severity": "important", "build": "20.06", "kind": "full"}
        reply = self.ask("POST", f"{self.base}/new", json.dumps(told).encode(), **{"Content-Type": "application/json"})
        assert reply.status == 201, reply
        ref: str = json.loads(reply.body)["ref"]
        return ref

    def announce(self, ref: str, length: int) -> str:
        """Announce the body of a report; where its bytes go."""
        pairs = {"report": ref, "kind": "body"}
        told = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())
        reply = self.ask("POST", f"{self.base}/uploads", **{"Upload-Length": str(length), "Upload-Metadata": told})
        assert reply.status == 201, reply
        return reply.headers["location"]

    def offset(self, path: str) -> int:
        """How much the server has."""
        reply = self.ask("HEAD", path)
        assert reply.status == 200, reply
        return int(reply.headers["upload-offset"])

    def patch(self, path: str, offset: int, data: bytes | memoryview) -> Reply:
        """Send bytes and wait for the answer."""
        connection = self.send(path, offset, data, len(data))
        try:
            return whole(connection.getresponse())
        finally:
            connection.close()

    def send(self, path: str, offset: int, data: bytes | memoryview, length: int) -> HTTPConnection:
        """Begin a PATCH of `length` bytes and send so much of it; the connection stays open.

        A server that has its answer ready need not listen to the end.
        """
        connection = HTTPConnection("127.0.0.1", self.stage.site.port, timeout=TIMEOUT)
        connection.putrequest("PATCH", path)
        headers: dict[str, Any] = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": offset}
        for name, value in {**self._usual(), **headers, "Content-Length": length}.items():
            connection.putheader(name, str(value))
        connection.endheaders()
        try:
            for position in range(0, len(data), MIB):
                connection.send(data[position : position + MIB])
        except (OSError, HTTPException):
            pass
        return connection

    def submit(self, ref: str) -> Reply:
        """Hand the report in."""
        return self.ask("POST", f"{self.base}/{ref}/submit")

    def fetch(self, ref: str) -> bytes:
        """The body of a report, as a triager's program gets it."""
        path = f"/staff/{self.stage.cast.slug}/reports/{ref}/files/0"
        reply = self.ask("GET", path, token=self.triager)
        assert reply.status == 200, reply
        return reply.body

    def _usual(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}", "Tus-Resumable": "1.0.0"}

    def ask(self, method: str, path: str, body: bytes | None = None, *, token: str = "", **headers: str) -> Reply:
        """One request and its answer."""
        connection = HTTPConnection("127.0.0.1", self.stage.site.port, timeout=TIMEOUT)
        usual = self._usual() | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            connection.request(method, path, body, usual | headers)
            return whole(connection.getresponse())
        finally:
            connection.close()
