"""A triager's machine: gpg with keys of its own, signed in to a portal."""

import os
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.reports.openpgp import Gpg, gpg_home
from tests.triage.portal import STAFF, TOKEN, Handler, Stub


@pytest.fixture(scope="session")
def machine() -> Iterator[Gpg]:
    """The triager's gpg, with their key and the certificate of a stranger."""
    with gpg_home() as mine, gpg_home() as other:
        mine.make("triager@example.org")
        other.make("stranger@example.org")
        mine.run("--import", data=other.certificate("stranger@example.org").encode())
        yield mine


@pytest.fixture
def gpg(machine: Gpg, monkeypatch: pytest.MonkeyPatch) -> Gpg:
    """The triager's gpg, which is also the one that the command finds."""
    monkeypatch.setenv("GNUPGHOME", str(machine.home))
    return machine


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stub]:
    """A portal on this machine, to which the triager has signed in."""
    stub = Stub()
    handler = type("StubHandler", (Handler,), {"stub": stub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("PORTAL_TRIAGE_URL", f"{stub.url}{STAFF}")
        monkeypatch.setenv("PORTAL_TRIAGE_TOKEN", TOKEN)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        mask = os.umask(0o022)
        yield stub
        os.umask(mask)
        server.shutdown()
        thread.join()
