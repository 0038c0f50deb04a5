"""Armored text as it may be pasted, be it by somebody who means ill."""

import time

import pytest

from portal.reports.blocks import blocks
from portal.reports.certificates import Unfit, dearmor, inspect, split
from tests.cast import NOON
from tests.reports.openpgp import FOR_ENCRYPTION, certificate, subpacket

ADA, BEN = certificate(), certificate("Ben <ben@example.org>", seed=1)
HOSTILE = {
    "headers with many colons": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n" + "a:b:c:d:e\n" * 20_000,
    "beginnings without an end": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" * 10_000,
    "ends without a beginning": "-----END PGP PUBLIC KEY BLOCK-----\n" * 10_000,
    "empty lines": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n" + "\n" * 400_000,
    "a long kind": "-----BEGIN PGP " + "A " * 200_000,
}


def test_blocks_are_found_among_other_text() -> None:
    text = f"Here they are:\r\n{ADA}\n> quoted\n{BEN}-----BEGIN PGP PUBLIC KEY BLOCK-----\n"

    assert [(each.kind, each.text) for each in blocks(text)] == [
        ("PUBLIC KEY BLOCK", ADA.strip()), ("PUBLIC KEY BLOCK", BEN.strip()),
    ]  # fmt: skip
    assert split(text) == [ADA, BEN]


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("-----\n\n", "-----\nVersion: 1\nComment: a: b\n \n")])
def test_line_ends_and_headers_do_not_matter(change: tuple[str, str]) -> None:
    assert dearmor(ADA.replace(*change)) == dearmor(ADA)


@pytest.mark.parametrize(
    "text",
    [
        ADA.replace("END PGP PUBLIC", "END PGP PRIVATE"),
        ADA.replace("-----\n\n", "-----\n"),
        ADA.replace("-----\n\n", "----- and more\n\n"),
        ADA.partition("-----END")[0],
    ],
)
def test_what_does_not_fit_together_is_no_block(text: str) -> None:
    assert blocks(text) == []
    with pytest.raises(Unfit, match="Paste one armored certificate"):
        inspect(text, at=NOON)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_that_is_pasted_takes_long(text: str) -> None:
    begun = time.process_time()  # whatever else the machine does

    with pytest.raises(Unfit):
        inspect(text, at=NOON)
    assert split(text) == []

    assert time.process_time() - begun < 1


def test_letters_that_are_not_base64_are_damage() -> None:
    with pytest.raises(Unfit, match="The armored text is damaged"):
        inspect(ADA.replace("A", "Ä"), at=NOON)


def test_a_lifetime_of_too_many_octets_is_not_taken_for_one() -> None:
    forever = certificate(binding=(subpacket(9, b"\xff" * 20), FOR_ENCRYPTION))

    assert inspect(forever, at=NOON).key_ids
