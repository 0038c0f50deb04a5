"""What a key set takes, against certificates that gpg made and ones that were put together by hand."""

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pysequoia
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


DIRECT = ("--pinentry-mode", "loopback", "--passphrase", "")
REFUSED_BY_GPG = {
    "weak RSA": (("rsa1024",), "Its key is too weak: it is RSA with 1024 bits, and fewer than 2048 can be broken."),
    "DSA": (("dsa2048",), "Its key is too weak: it is DSA, which is not used for new keys any more."),
    "another curve": (
        ("secp256k1",), "Its key is too weak: its curve is not one that every program knows (Curve25519, NIST)."
    ),
    "Brainpool": (
        ("brainpoolP256r1",), "Its key is too weak: its curve is not one that every program knows (Curve25519, NIST)."
    ),
    "SHA-1": (("ed25519", "--cert-digest-algo", "SHA1"), "It is signed with SHA-1, which can be forged."),
    "weak subkey": (
        ("ed25519", "rsa1024"), "Its encryption subkey cannot be used: it is RSA with 1024 bits, and fewer than 2048"
    ),
    "Elgamal subkey": (
        ("ed25519", "elg2048"),
        "Its encryption subkey cannot be used: it is Elgamal, which is not used for new keys any more.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_BY_GPG)
def test_what_gpg_makes_and_is_too_weak_is_refused_with_its_reason(gpg: Gpg, name: str) -> None:
    (algorithm, *more), said = REFUSED_BY_GPG[name]
    user, options, subkeys = (
        f"{name} <x@example.org>",
        [*more][:2] if len(more) == 2 else [],
        more if len(more) == 1 else [],
    )
    gpg.run(*options, *DIRECT, "--quick-gen-key", user, algorithm, "sign", "1y")
    for subkey in subkeys:
        gpg.run(*DIRECT, "--quick-add-key", gpg.fingerprint(user), subkey, "encr", "1y")

    with pytest.raises(Unfit) as caught:
        inspect(gpg.certificate(user), at=NOW)

    assert caught.value.reason.startswith(said)


@pytest.mark.parametrize(
    ("algorithm", "kind", "warnings"),
    [
        ("rsa2048", "RSA 2048", ("RSA with 2048 bits: 3072 are advised.",)),
        ("rsa3072", "RSA 3072", ()),
        ("nistp256", "NIST P-256", ()),
        ("nistp384", "NIST P-384", ()),
        ("nistp521", "NIST P-521", ()),
        ("future-default", "Ed25519 + Curve25519", ()),
    ],
)
def test_what_every_program_can_use_is_taken(gpg: Gpg, algorithm: str, kind: str, warnings: tuple[str, ...]) -> None:
    user = f"Good {algorithm} <good@example.org>"
    gpg.make(user, algorithm=algorithm)

    found = inspect(gpg.certificate(user), at=NOW)

    assert (found.algorithm, found.warnings) == (kind, warnings)


def test_what_gpg_revoked_is_refused(gpg: Gpg) -> None:
    user = "Gone <gone@example.org>"
    fingerprint = gpg.make(user)
    text = (gpg.home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
    gpg.run("--import", data=text[text.index(":-----BEGIN") + 1 :].encode())

    with pytest.raises(Unfit, match=r"^It is revoked\.$"):
        inspect(gpg.certificate(user), at=NOW)


@pytest.mark.parametrize(
    ("profile", "said"), [("RFC4880", "Its Features are 0x09"), ("RFC9580", "not a version 4 key")]
)
def test_what_sequoia_makes_is_refused_with_its_reason(profile: str, said: str) -> None:
    made = pysequoia.Tsk.generate("Sam <sam@example.org>", profile=getattr(pysequoia.Profile, profile))

    with pytest.raises(Unfit, match=said):
        inspect(armor(bytes(made.extract_certificate())), at=NOW)


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (b"\x03", "0x03 (it asks for packet 20 of gpg 2.4)"),
        (b"\x07", "0x07 (it asks for packet 20 of gpg 2.4 and version 5 keys)"),
        (b"\x09", "0x09 (it asks for sealed packets of version 2)"),
    ],
)
def test_features_say_what_they_would_bring_about(features: bytes, said: str) -> None:
    with pytest.raises(Unfit, match=re.escape(f"Its Features are {said}, and only exactly 0x01")):
        inspect(certificate(features=subpacket(30, features)), at=NOW)


def test_what_the_key_has_not_signed_itself_is_refused(gpg: Gpg) -> None:
    ada, ben = (dearmor(gpg.certificate(name)) for name in ("Ada <ada@example.org>", "Ben <ben@example.org>"))
    parts = list(packets(ben))
    grafted = ada + ben[parts[3].begin :]  # somebody else's subkey, bound by somebody else
    names = list(packets(ada))
    renamed = ada.replace(b"Ada <ada@", b"Eve <eve@")
    bent = bytearray(ada)
    bent[names[3].begin - 3] ^= 1

    assert inspect(armor(grafted), at=NOW).key_ids == inspect(armor(ada), at=NOW).key_ids
    for changed in (renamed, bytes(bent)):
        with pytest.raises(Unfit, match="A signature in it is not the key's own"):
            inspect(armor(changed), at=NOW)


def test_damaged_armor_is_told_by_its_check_sum(gpg: Gpg) -> None:
    lines = gpg.certificate("Ada <ada@example.org>").splitlines()
    lines[3] = lines[3][:10] + ("A" if lines[3][10] != "A" else "B") + lines[3][11:]

    with pytest.raises(Unfit, match="its check sum does not fit"):
        inspect("\n".join(lines), at=NOW)
