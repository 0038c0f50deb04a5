"""Clients that others wrote, against a portal in a process of its own: tuspy sends, gpg seals and opens."""

import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from tusclient.uploader import Uploader

from portal.core import clock
from portal.reports.actions.keys import make_token, publish_key_set
from tests.faults.stage import Stage, staged
from tests.reports.openpgp import Gpg, gpg_home

PEOPLE = ("Tom <tom-triager@example.org>", "Recovery <recovery@example.org>")
PARTICULARS = {"title": "Report", "kind": "full", "severity": "important", "build": "20.06"}


class Sha256Uploader(Uploader):
    """tuspy with the checksum that the portal knows."""

    CHECKSUM_ALGORITHM_PAIR = ("sha256", hashlib.sha256)


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    """Keys of a triager and for recovery."""
    with gpg_home() as home:
        for name in PEOPLE:
            home.make(name)
        yield home


@pytest.fixture
def stage(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A served portal, reached without any proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with staged(database, tmp_path) as made:
        yield made


@pytest.fixture
def tokens(stage: Stage, gpg: Gpg) -> tuple[str, str]:
    """A researcher's and a triager's token, beside a published key set."""
    with stage.behind.session() as session:
        cast, at = stage.cast, clock.now()
        tom, recovery = (gpg.certificate(name) for name in PEOPLE)
        publish_key_set(session, [(cast.triager.id, tom)], recovery, by=cast.admin.id, at=at)
        challenge, people = cast.challenge.id, (cast.researcher.id, cast.triager.id)
        made = [make_token(session, challenge, "program", by=each, at=at) for each in people]
        session.commit()
    return made[0], made[1]


def ask(stage: Stage, method: str, path: str, token: str, told: object = None) -> bytes:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    answer = requests.request(method, stage.site.url + path, headers=headers, json=told, timeout=60)
    assert answer.status_code in (200, 201), answer.text
    return answer.content


def test_what_gpg_seals_and_tuspy_sends_arrives_and_opens(
    stage: Stage, tokens: tuple[str, str], gpg: Gpg, tmp_path: Path
) -> None:
    researcher, triager = tokens
    plain = os.urandom(19_000_000)
    sealed = gpg.seal(plain, list(PEOPLE))
    begun = json.loads(ask(stage, "POST", f"/challenges/{stage.cast.slug}/reports/new", researcher, PARTICULARS))
    client = TusClient(stage.site.url + begun["uploads_url"], headers={"Authorization": f"Bearer {researcher}"})
    told = {"report": begun["ref"], "kind": "body"}
    first = Sha256Uploader(
        file_stream=io.BytesIO(sealed), client=client, chunk_size=9_000_000, metadata=told, upload_checksum=True
    )
    first.upload_chunk()

    # Another process goes on where the first one was.
    second = Sha256Uploader(
        file_stream=io.BytesIO(sealed), client=client, chunk_size=9_000_000, url=first.url, upload_checksum=True
    )
    assert second.get_offset() == 9_000_000
    second.upload()
    done = json.loads(ask(stage, "POST", begun["submit_url"], researcher))

    assert done["ref"] == begun["ref"]
    report = json.loads(ask(stage, "GET", f"/staff/{stage.cast.slug}/reports/{begun['ref']}.json", triager))
    (file,) = report["files"]
    assert (file["size"], file["sha256"]) == (len(sealed), hashlib.sha256(sealed).hexdigest())
    fetched = ask(stage, "GET", file["url"], triager)
    assert gpg.open(fetched) == plain


def test_tuspy_is_told_why_an_unsealed_file_is_refused(stage: Stage, tokens: tuple[str, str]) -> None:
    begun = json.loads(ask(stage, "POST", f"/challenges/{stage.cast.slug}/reports/new", tokens[0], PARTICULARS))
    client = TusClient(stage.site.url + begun["uploads_url"], headers={"Authorization": f"Bearer {tokens[0]}"})
    told = {"report": begun["ref"], "kind": "body"}
    uploader = client.uploader(file_stream=io.BytesIO(b"plain text" * 1000), metadata=told)

    with pytest.raises(TusCommunicationError) as caught:
        uploader.upload()

    assert caught.value.status_code == 422
    assert b"not an OpenPGP message" in caught.value.response_content
