"""The demonstration's forty sealed reports: taken by the server's walker, opened with the keys that lie beside them."""

import hashlib
import json
from pathlib import Path

import pytest

from portal.demo import facts, seal
from portal.office_hours.rules.questions import check_package
from portal.reports import certificates
from portal.reports.rules import Limits
from portal.reports.walker import Recipients, Walker
from portal.triage import manifest
from tests.cast import NOON
from tests.reports.openpgp import gpg_home

INDEX = json.loads((seal.SEALED / "index.json").read_text())


def members() -> Recipients:
    """The demonstration's key set as the walker wants it."""
    found = [certificates.inspect((seal.KEYS / f"{name}.asc").read_text(), at=NOON) for name in seal.RECIPIENTS]
    return Recipients(1, tuple((each.name, frozenset(each.key_ids)) for each in found))


def test_there_is_one_for_each_submission_in_their_order() -> None:
    assert [entry["scenario"] for entry in INDEX] == [fact.scenario for fact in facts.SUBMISSIONS]
    assert sorted(path.name for path in seal.SEALED.glob("[0-9]*.pgp")) == [entry["file"] for entry in INDEX]
    assert all(set(entry) == {"file", "sha256", "size", "title", "scenario", "build"} for entry in INDEX)


@pytest.mark.parametrize("entry", INDEX, ids=[entry["file"] for entry in INDEX])
def test_the_walker_takes_it(entry: dict[str, str]) -> None:
    data = (seal.SEALED / entry["file"]).read_bytes()
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (entry["sha256"], entry["size"])

    walker = Walker([members()], limit=Limits().file, length=len(data))
    walker.feed(data)
    walker.finish()


@pytest.mark.parametrize("name", seal.RECIPIENTS)
def test_each_key_opens_them(name: str) -> None:
    with gpg_home() as gpg:
        gpg.run("--import", str(seal.KEYS / f"{name}-PRIVATE-not-secret.asc"))
        opened = [manifest.read(gpg.open((seal.SEALED / entry["file"]).read_bytes())) for entry in INDEX]

    assert [(each.title, each.build) for each in opened if each] == [(each["title"], each["build"]) for each in INDEX]
    assert all(each and each.text.startswith("# ") and not each.attachments for each in opened)


def test_what_is_sealed_is_what_the_source_says(tmp_path: Path) -> None:
    source = seal.SOURCE.read_text(encoding="utf-8")

    with gpg_home() as gpg:
        gpg.run("--import", str(seal.KEYS / "demo-recovery-PRIVATE-not-secret.asc"))
        texts = [
            read.text
            for entry in INDEX
            if (read := manifest.read(gpg.open((seal.SEALED / entry["file"]).read_bytes())))
        ]

    assert len(texts) == 40
    assert all(text in source for text in texts)


@pytest.mark.parametrize("host", seal.HOSTS)
def test_each_host_opens_the_questions_that_are_sealed_to_them_alone(host: str) -> None:
    found = certificates.inspect((seal.KEYS / f"demo-{host}.asc").read_text(), at=NOON)
    files = sorted(seal.SEALED.glob(f"question-{host}-*.pgp"))
    with gpg_home() as gpg:
        gpg.run("--import", str(seal.KEYS / f"demo-{host}-PRIVATE-not-secret.asc"))
        opened = [gpg.open(path.read_bytes()) for path in files]

    assert opened == [seal.archive(text) for text in seal.QUESTIONS]
    for path in files:
        assert check_package(path.read_bytes(), [(found.name, found.key_ids)]) == list(found.key_ids)
