"""What a key set takes, against certificates that gpg made and ones that were put together by hand."""

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.reports.certificates import Unfit, armor, bundle, dearmor, inspect, packets, split
from tests.reports.openpgp import FOR_ENCRYPTION, Gpg, certificate, gpg_home, subpacket

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gpg_home() as home:
        home.make("Ada <ada@example.org>")
        home.make("Ben <ben@example.org>", algorithm="rsa2048", expire="90d")
        yield home


@pytest.mark.parametrize("name", ["Ada <ada@example.org>", "Ben <ben@example.org>"])
def test_what_gpg_makes_is_read_as_gpg_reads_it(gpg: Gpg, name: str) -> None:
    found = inspect(gpg.certificate(name), at=NOW)

    assert found.fingerprint == gpg.fingerprint(name)
    assert set(found.key_ids) == gpg.encryption_key_ids(name)
    assert found.name == name
    days = 365 if "Ada" in name else 90
    assert found.expires_at is not None
    assert abs(found.expires_at - NOW - timedelta(days=days)) < timedelta(days=1)


def test_armor_is_what_gpg_writes(gpg: Gpg) -> None:
    text = gpg.certificate("Ada <ada@example.org>")

    assert armor(dearmor(text)) == text.replace("\r", "")


def test_a_bundle_is_imported_by_gpg_at_once(gpg: Gpg) -> None:
    both = bundle([gpg.certificate("Ada <ada@example.org>"), gpg.certificate("Ben <ben@example.org>")])

    with gpg_home() as other:
        other.run("--import", data=both.encode())
        assert other.fingerprint("Ada <ada@example.org>") == gpg.fingerprint("Ada <ada@example.org>")
        assert other.fingerprint("Ben <ben@example.org>") == gpg.fingerprint("Ben <ben@example.org>")


def test_a_secret_key_is_never_taken(gpg: Gpg) -> None:
    secret = gpg.run(
        "--armor", "--pinentry-mode", "loopback", "--passphrase", "", "--export-secret-keys", "=Ada <ada@example.org>"
    )

    with pytest.raises(Unfit, match="secret key"):
        inspect(secret.decode(), at=NOW)
    disguised = re.sub("PRIVATE", "PUBLIC", secret.decode())
    with pytest.raises(Unfit, match="secret key"):
        inspect(disguised, at=NOW)


def test_an_expired_one_is_refused_with_its_day(gpg: Gpg) -> None:
    with pytest.raises(Unfit, match=r"It expired on \d\d \w+ \d{4}"):
        inspect(gpg.certificate("Ben <ben@example.org>"), at=NOW + timedelta(days=91))


def test_one_without_an_encryption_subkey_is_refused(gpg: Gpg) -> None:
    gpg.run("--passphrase", "", "--quick-gen-key", "Signer <s@example.org>", "ed25519", "sign", "1y")

    with pytest.raises(Unfit, match="It has no encryption subkey"):
        inspect(gpg.certificate("Signer <s@example.org>"), at=NOW)


def test_two_at_once_are_refused(gpg: Gpg) -> None:
    with pytest.raises(Unfit, match="more than one"):
        inspect(gpg.certificate("Ada <ada@example.org>", "Ben <ben@example.org>"), at=NOW)


@pytest.mark.parametrize("word", ["", "no key at all", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA"])
def test_what_is_no_armor_is_refused(word: str) -> None:
    with pytest.raises(Unfit, match="Paste one armored certificate"):
        inspect(word, at=NOW)


def test_a_message_is_not_a_certificate() -> None:
    text = certificate().replace("PUBLIC KEY BLOCK", "MESSAGE")

    with pytest.raises(Unfit, match="This is not a certificate"):
        inspect(text, at=NOW)


def test_one_put_together_by_hand_is_taken() -> None:
    assert inspect(certificate(), at=NOW).expires_at is None


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (subpacket(30, b"\x09"), "0x09"),
        (subpacket(30, b"\x07"), "0x07"),
        (subpacket(30, b"\x00"), "0x00"),
        (subpacket(30, b"\x01\x00"), "0x0100"),
        (b"", "missing"),
    ],
)
def test_features_other_than_01_are_refused(features: bytes, said: str) -> None:
    with pytest.raises(Unfit, match=f"Its Features are {said}"):
        inspect(certificate(features=features), at=NOW)


def test_features_that_a_subkey_adds_are_refused() -> None:
    with pytest.raises(Unfit, match="Its Features are 0x09"):
        inspect(certificate(binding=(FOR_ENCRYPTION, subpacket(30, b"\x09"))), at=NOW)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"binding": (subpacket(27, b"\x02"),)}, "It has no encryption subkey"),
        ({"binding": ()}, "It has no encryption subkey"),
        (
            {"binding": (FOR_ENCRYPTION, subpacket(9, (3600).to_bytes(4, "big")))},
            "Its encryption subkey expired on 14 July 2017",
        ),
        ({"algorithm": 25}, r"Its encryption subkey cannot be used: it is of a kind \(algorithm 25\)"),
        ({"revoked": True}, "Its encryption subkey is revoked"),
    ],
    ids=["for signing", "without flags", "expired", "X25519 of RFC 9580", "revoked"],
)
def test_subkeys_that_do_not_serve_are_refused(how: dict[str, object], said: str) -> None:
    with pytest.raises(Unfit, match=f"^{said}.*Add one: gpg --quick-add-key"):
        inspect(certificate(**how), at=NOW)  # type: ignore[arg-type]


def test_a_version_6_key_is_refused() -> None:
    with pytest.raises(Unfit, match="not a version 4 key"):
        inspect(certificate(version=6), at=NOW)


@given(data=st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_an_answer(data: bytes) -> None:
    body = base64.b64encode(data).decode()
    text = f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{body}\n-----END PGP PUBLIC KEY BLOCK-----\n"

    with pytest.raises(Unfit):
        inspect(text, at=NOW)


@given(place=st.integers(0, 400), octet=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_a_damaged_one_gives_an_answer(place: int, octet: int) -> None:
    data = bytearray(dearmor(certificate()))
    data[place % len(data)] = octet

    with suppress(Unfit):
        inspect(armor(bytes(data)), at=NOW)


def test_the_packets_of_gpg_are_seen(gpg: Gpg) -> None:
    tags = [packet.tag for packet in packets(dearmor(gpg.certificate("Ada <ada@example.org>")))]

    assert tags == [6, 13, 2, 14, 2]


def test_several_in_one_block_are_taken_apart(gpg: Gpg) -> None:
    names = ("Ada <ada@example.org>", "Ben <ben@example.org>")
    alone = [gpg.certificate(name) for name in names]

    found = split(gpg.certificate(*names))

    assert [inspect(each, at=NOW).fingerprint for each in found] == [gpg.fingerprint(name) for name in names]
    assert [dearmor(each) for each in found] == [dearmor(each) for each in alone]
    assert split("".join(alone)) == found
    assert split("none") == []
