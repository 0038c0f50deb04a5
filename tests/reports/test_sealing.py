"""What the page's scripts seal, opened by gpg: every length around the edges of blocks and pieces."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portal.reports.walker import Recipients, Walker
from tests.reports.openpgp import Gpg, gpg_home
from tests.servers.site import ROOT

NAMES = ("triager@example.org", "recovery@example.org")
PIECE = 2**18
OTHER = "What was to be sealed has another length than it had."
# Before the octets of a file stand a prefix of 18, and the head of the packet that holds it.
EDGES = [PIECE - head for head in (0, 1, 17, 18, 19, *range(23, 29), *range(37, 42), *range(45, 49))]
SIZES = [(size, 1000) for size in (0, 1, 14, 15, 16, 17, 500, 511, 512, 513, 100_003)]
SIZES += [(size, 2**16) for size in EDGES] + [(3 * PIECE + 5, 2**21)]


@dataclass(frozen=True)
class Sealed:
    """A folder with what was sealed, who can open it, and what the script told."""

    folder: Path
    gpg: Gpg
    told: dict[str, Any]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    """Everything sealed once, by one process."""
    folder = tmp_path_factory.mktemp("sealed")
    with gpg_home() as gpg:
        for name in NAMES:
            gpg.make(name)
        (folder / "certificates.asc").write_text(gpg.certificate(*NAMES))
        (folder / "sizes.json").write_text(json.dumps(SIZES))
        command = ["node", str(Path(__file__).with_name("seal.mjs")), str(ROOT / "static/js/reports"), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield Sealed(folder, gpg, json.loads(done.stdout))


def test_gpg_opens_every_length_and_finds_it_whole(sealed: Sealed) -> None:
    for size, piece in SIZES:
        name = sealed.folder / f"{size}-{piece}.pgp"
        opened = name.with_suffix(".opened")
        told = sealed.gpg.run("--status-fd", "1", "-o", str(opened), "--decrypt", str(name)).decode()

        assert opened.read_bytes() == name.with_suffix(".plain").read_bytes()
        assert "[GNUPG:] DECRYPTION_OKAY" in told
        assert "[GNUPG:] GOODMDC" in told
        assert "[GNUPG:] DECRYPTION_INFO 2 9 0" in told  # an MDC of SHA-1 under AES-256


def test_what_was_changed_on_its_way_does_not_open(sealed: Sealed) -> None:
    data = bytearray((sealed.folder / f"{3 * PIECE + 5}-{2**21}.pgp").read_bytes())
    data[len(data) // 2] ^= 1

    told = sealed.gpg.run("--status-fd", "1", "-o", "-", "--decrypt", data=bytes(data), expect=2)

    assert b"[GNUPG:] BADMDC" in told
    assert b"GOODMDC" not in told


def test_the_walker_takes_them(sealed: Sealed) -> None:
    members = [(name, frozenset(sealed.gpg.encryption_key_ids(name))) for name in NAMES]
    for size, piece in SIZES:
        data = (sealed.folder / f"{size}-{piece}.pgp").read_bytes()
        walker = Walker((Recipients(1, tuple(members)),), limit=len(data))
        walker.feed(data)
        walker.finish()


def test_the_digests_are_right_and_streams_are_ended(sealed: Sealed) -> None:
    assert sealed.told == {"wrong": [], "ended": ["left", "gone", OTHER]}
