"""The walker against packets made by hand, against gpg, and against whatever bytes hypothesis finds."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.reports import refusals
from portal.reports.walker import MAX_RECIPIENTS, MAX_SESSION_KEY, MAX_SMALL_PARTS, Recipients, Walker
from tests.reports.openpgp import (
    KEY_ID,
    Gpg,
    gpg_home,
    message,
    new_packet,
    old_packet,
    parts,
    recipient,
    sealed,
    session_key,
)

LIMIT = 1 << 30
OTHER = "AABBCCDDEEFF0011"
ONE = Recipients(7, (("Ada", frozenset({KEY_ID})),))
TWO = Recipients(8, (("Ada", frozenset({KEY_ID})), ("Ben", frozenset({OTHER, "0000000000000001"}))))


def feed(walker: Walker, data: bytes, cuts: tuple[int, ...]) -> None:
    """Let a walker walk over `data` cut at `cuts`."""
    for begin, end in pairwise([0, *cuts, len(data)]):
        walker.feed(data[begin:end])


def walk(data: bytes, cuts: tuple[int, ...] = (), *, sets: tuple[Recipients, ...] = (ONE,), **known: int) -> Walker:
    """Feed `data` cut at `cuts`, each piece to a walker that was taken up from JSON."""
    walker = Walker(sets, limit=LIMIT, **known)
    places = [0, *sorted(cuts), len(data)]
    for begin, end in pairwise(places):
        walker.feed(data[begin:end])
        walker = Walker.resume(json.loads(json.dumps(walker.state())), sets, limit=LIMIT, **known)
    walker.finish()
    return walker


def answer(data: bytes, cuts: tuple[int, ...] = ()) -> tuple[str, str] | tuple[int, list[str], int | None]:
    """What comes of it: the refusal's code and sentence, or what was seen."""
    try:
        walker = walk(data, cuts)
    except refusals.NotAcceptable as refusal:
        return refusal.code, refusal.reason
    return walker.offset, walker.recipients, walker.key_set


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(message(), id="new format, one octet"),
        pytest.param(recipient() + new_packet(18, sealed(64), octets=5), id="five octets"),
        pytest.param(message(192), id="two octets, least"),
        pytest.param(message(8383), id="two octets, most"),
        pytest.param(message(8384), id="five octets, least"),
        pytest.param(old_packet(1, session_key(), 0) + new_packet(18, sealed()), id="old header of one octet"),
        pytest.param(old_packet(1, session_key(), 1) + new_packet(18, sealed()), id="old header of two octets"),
        pytest.param(old_packet(1, session_key(), 2) + new_packet(18, sealed()), id="old header of four octets"),
        pytest.param(recipient() + parts(18, sealed(512 + 300), [9]), id="one part"),
        pytest.param(recipient() + parts(18, sealed(8192 + 512 + 1), [13, 9]), id="falling parts"),
        pytest.param(recipient() + parts(18, sealed(1024), [9, 9]), id="nothing after the last part"),
        pytest.param(recipient() + parts(18, sealed(64), [0, 1, 2, 3]), id="tiny parts"),
        pytest.param(recipient(size=MAX_SESSION_KEY) + new_packet(18, sealed()), id="greatest recipient packet"),
        pytest.param(recipient(size=10) + new_packet(18, sealed(41)), id="least of everything"),
    ],
)
def test_it_takes(data: bytes) -> None:
    assert answer(data) == (len(data), [KEY_ID], 7)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"A kernel bug in the pipe", "not-openpgp"),
        (b"-----BEGIN PGP", "armored"),
        (b"\r\n  -----BEGIN PGP MESSAGE-----\n\nhQ", "armored"),
        (b"-----BEGIN CERTIFICATE-----", "not-openpgp"),
        (b"-----BEGIN", "not-openpgp"),
        (b" " * 100, "not-openpgp"),
        (new_packet(2, b"sig"), "signed-only"),
        (new_packet(4, b"sig"), "signed-only"),
        (old_packet(4, b"sig", 0), "signed-only"),
        (new_packet(8, b"zip"), "not-encrypted"),
        (old_packet(11, b"text", 3), "not-encrypted"),
        (new_packet(6, b"key"), "is-key"),
        (new_packet(5, b"key"), "is-key"),
        (new_packet(3, b"password"), "symmetric"),
        (recipient() + new_packet(3, b"password") + new_packet(18, sealed()), "symmetric"),
        (recipient() + new_packet(9, sealed()), "without-integrity"),
        (recipient() + old_packet(9, sealed(), 3), "without-integrity"),
        (recipient() + new_packet(20, sealed()), "aead-20"),
        (recipient() + new_packet(18, sealed(version=2)), "seipd-v2"),
        (recipient(version=6) + new_packet(18, sealed(version=2)), "seipd-v2"),
        (recipient(version=2), "malformed"),
        (recipient() + new_packet(18, sealed(version=7)), "malformed"),
        (new_packet(10, b"PGP") + message(), "unknown-packet"),
        (new_packet(21, b"padding") + message(), "unknown-packet"),
        (new_packet(0, b""), "unknown-packet"),
        (new_packet(63, b"x"), "unknown-packet"),
        (recipient() + b"text", "malformed"),
        (old_packet(1, session_key(), 3), "malformed"),
        (bytes([0xC1, 0xE9]) + bytes(512), "malformed"),
        (recipient(size=9), "malformed"),
        (recipient(size=MAX_SESSION_KEY + 1), "malformed"),
        (recipient() + new_packet(18, b""), "malformed"),
        (recipient() + new_packet(18, sealed(40)), "malformed"),
        (recipient() + parts(18, sealed(40), [0]), "malformed"),
        (message() + b"\n", "trailing-data"),
        (message() + message(), "trailing-data"),
        (message() + recipient(), "trailing-data"),
        (message()[:-1], "truncated"),
        (recipient(), "truncated"),
        (recipient()[:-1], "truncated"),
        (recipient() + b"\xd2", "truncated"),
        (recipient() + b"\xd2\xff\x00", "truncated"),
        ((recipient() + parts(18, sealed(600), [9]))[:-88], "truncated"),
        (recipient("0" * 16) + new_packet(18, sealed()), "hidden-recipient"),
        (recipient(OTHER) + new_packet(18, sealed()), "missing-recipient"),
        (new_packet(18, sealed()), "missing-recipient"),
        (recipient() * (MAX_RECIPIENTS + 1), "too-many-recipients"),
        (recipient() + parts(18, sealed(MAX_SMALL_PARTS * 2), [0] * (MAX_SMALL_PARTS + 1)), "too-many-parts"),
        (recipient() + b"\xd2\xff\xff\xff\xff\xff\x01", "too-large"),
        (recipient() + b"\xd2\xfe\x01", "too-large"),
        (recipient() + b"\xd2\xff\x40\x00\x00\x01\x01", "too-large"),
    ],
)
def test_it_refuses(data: bytes, code: str) -> None:
    assert answer(data)[0] == code
    assert [answer(data, tuple(range(1, len(data))))[0]] == [code]


def test_each_refusal_has_its_own_code() -> None:
    kinds = refusals.NotAcceptable.__subclasses__()

    assert len({kind.code for kind in kinds}) == len(kinds) == 20


@pytest.mark.parametrize("place", range(len(message())))
def test_a_message_cut_anywhere_is_told_to_be_cut(place: int) -> None:
    assert answer(message()[:place])[0] == ("truncated" if place else "empty")


def test_sixteen_recipients_are_taken() -> None:
    walker = walk(b"".join(recipient(f"{number:016X}") for number in range(1, 16)) + message())

    assert (len(walker.recipients), walker.key_set) == (16, 7)


def test_every_member_must_be_among_the_recipients() -> None:
    walker = walk(recipient("0000000000000001") + message(), sets=(TWO,))

    assert walker.recipients == ["0000000000000001", KEY_ID]
    with pytest.raises(refusals.MissingRecipient, match=r"key set 8\. Missing: Ben\.") as caught:
        walk(message(), sets=(TWO,))
    assert caught.value.missing == ("Ben",)


def test_the_set_before_counts_while_it_is_given() -> None:
    assert walk(message(), sets=(TWO, ONE)).key_set == 7
    with pytest.raises(refusals.MissingRecipient, match="key set 8"):
        walk(recipient(OTHER) + new_packet(18, sealed()), sets=(TWO, ONE))


def test_without_any_key_set_nothing_is_taken() -> None:
    with pytest.raises(refusals.MissingRecipient, match="There is no key set yet"):
        walk(message(), sets=())


def test_the_first_part_already_shows_what_is_wrong() -> None:
    walker = Walker((ONE,), limit=LIMIT)

    with pytest.raises(refusals.Aead20):
        walker.feed(recipient() + b"\xd4")


@pytest.mark.parametrize(
    ("length", "kind"), [(99, refusals.TrailingData), (70, refusals.Truncated)], ids=["surplus", "cut"]
)
def test_a_known_length_shows_a_surplus_or_a_cut_at_once(length: int, kind: type[refusals.NotAcceptable]) -> None:
    walker = Walker((ONE,), limit=LIMIT, length=length)

    with pytest.raises(kind):
        walker.feed(message()[:20])


def test_a_known_length_that_fits_is_taken() -> None:
    data = recipient() + parts(18, sealed(5000), [9, 11])

    assert walk(data, tuple(range(1, len(data), 97)), length=len(data)).offset == len(data)


@pytest.mark.parametrize("cuts", [(), (14,), (70,), tuple(range(1, 80))])
def test_more_bytes_than_the_limit_are_refused_wherever_they_are_cut(cuts: tuple[int, ...]) -> None:
    walker = Walker((ONE,), limit=70)

    with pytest.raises(refusals.TooLarge, match="larger than 70 bytes"):
        feed(walker, message(), cuts)

    assert walker.offset == 70


def test_what_is_wrong_before_the_limit_is_said_first() -> None:
    with pytest.raises(refusals.NotOpenPGP):
        Walker((ONE,), limit=100).feed(bytes(101))


def test_what_is_remembered_is_small_and_plain() -> None:
    walker = Walker((ONE,), limit=LIMIT)
    walker.feed(recipient() * MAX_RECIPIENTS + b"\xd2\xff\x00")

    assert len(json.dumps(walker.state())) < 1000


tags = st.sampled_from([1, 1, 1, 2, 3, 4, 6, 8, 9, 10, 11, 18, 18, 18, 20, 63])
bodies = st.one_of(
    st.builds(session_key, st.sampled_from([KEY_ID, KEY_ID, OTHER, "0" * 16]), size=st.integers(9, 40)),
    st.builds(sealed, st.integers(1, 700), version=st.sampled_from([1, 1, 1, 2])),
    st.binary(max_size=60),
)
packets = st.one_of(
    st.builds(new_packet, tags, bodies),
    st.builds(new_packet, tags, bodies, octets=st.just(5)),
    st.builds(lambda tag, body, kind: old_packet(tag & 15, body[:200], kind), tags, bodies, st.integers(0, 3)),
    st.builds(lambda body, powers: parts(18, body, powers), bodies, st.lists(st.integers(0, 9), max_size=4)),
    st.just(recipient()),
    st.binary(max_size=8),
)
messages = st.builds(
    lambda head, tail: recipient() * head + b"".join(tail), st.integers(0, 3), st.lists(packets, max_size=4)
)


@given(data=messages | st.binary(max_size=300), cuts=st.lists(st.integers(0, 900), max_size=6))
@settings(max_examples=600, deadline=None)
def test_however_the_bytes_are_cut_the_answer_is_the_same(data: bytes, cuts: list[int]) -> None:
    assert answer(data, tuple(min(cut, len(data)) for cut in cuts)) == answer(data)


@given(size=st.integers(41, 20000), powers=st.lists(st.integers(0, 12), max_size=8), cut=st.integers(0, 20000))
@settings(max_examples=200, deadline=None)
def test_a_whole_message_in_any_parts_is_taken(size: int, powers: list[int], cut: int) -> None:
    taken = [power for index, power in enumerate(powers) if sum(1 << each for each in powers[: index + 1]) <= size]
    body = sealed(size)
    kept: list[int] = []
    for power in taken:
        if sum(1 << each for each in kept) + (1 << power) <= size:
            kept.append(power)
    data = recipient() + parts(18, body, kept)

    assert answer(data, (min(cut, len(data)),)) == (len(data), [KEY_ID], 7)


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gpg_home() as home:
        home.make("ada@example.org")
        home.make("ben@example.org", algorithm="rsa2048")
        yield home


@pytest.fixture(scope="module")
def wanted(gpg: Gpg) -> Recipients:
    names = ("ada@example.org", "ben@example.org")
    return Recipients(3, tuple((name, frozenset(gpg.encryption_key_ids(name))) for name in names))


@pytest.mark.parametrize("size", [0, 1, 500, 8192, 100_000, 3_000_001])
def test_what_gpg_seals_is_taken(gpg: Gpg, wanted: Recipients, size: int) -> None:
    data = gpg.seal(os.urandom(size), ["ada@example.org", "ben@example.org"])

    assert walk(data, (1, 100, 1000), sets=(wanted,)).key_set == 3
    assert answer(data[:-1])[0] in {"truncated", "missing-recipient"}


def test_what_gpg_seals_from_a_file_is_taken(gpg: Gpg, wanted: Recipients, tmp_path: Path) -> None:
    plain = tmp_path / "report.tar"
    plain.write_bytes(os.urandom(70_000))
    names = ["-r", "ada@example.org", "-r", "ben@example.org"]
    data = gpg.run("-z", "0", "--trust-model", "always", *names, "-o", "-", "-e", str(plain))

    assert walk(data, sets=(wanted,)).offset == len(data)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--armor"], "armored"),
        (["--throw-keyids"], "hidden-recipient"),
        (["-c", "--passphrase", "x", "--pinentry-mode", "loopback"], "symmetric"),
    ],
)
def test_what_gpg_seals_otherwise_is_refused(gpg: Gpg, wanted: Recipients, more: list[str], code: str) -> None:
    data = gpg.seal(b"text", ["ada@example.org", "ben@example.org"], *more)

    with pytest.raises(refusals.NotAcceptable) as caught:
        walk(data, sets=(wanted,))
    assert caught.value.code == code


def test_gpg_sealed_to_one_of_two_is_refused_by_name(gpg: Gpg, wanted: Recipients) -> None:
    with pytest.raises(refusals.MissingRecipient, match=r"Missing: ben@example\.org"):
        walk(gpg.seal(b"text", ["ada@example.org"]), sets=(wanted,))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["-s", "-o", "-"], "not-encrypted"),
        (["-z", "0", "-s", "-o", "-"], "signed-only"),
        (["--detach-sign", "-o", "-"], "signed-only"),
        (["--clearsign", "-o", "-"], "armored"),
        (["--store", "-o", "-"], "not-encrypted"),
        (["-c", "--passphrase", "x", "--pinentry-mode", "loopback", "-o", "-"], "symmetric"),
    ],
)
def test_what_gpg_makes_without_sealing_is_refused(
    gpg: Gpg, wanted: Recipients, arguments: list[str], code: str
) -> None:
    with pytest.raises(refusals.NotAcceptable) as caught:
        walk(gpg.run(*arguments, data=b"text"), sets=(wanted,))
    assert caught.value.code == code


def test_keys_are_refused_and_a_secret_one_is_called_so(gpg: Gpg) -> None:
    with pytest.raises(refusals.IsKey, match="is a certificate"):
        walk(gpg.run("--export", "ada@example.org"))
    with pytest.raises(refusals.IsKey, match="is a secret key"):
        walk(gpg.run("--pinentry-mode", "loopback", "--passphrase", "", "--export-secret-keys", "ada@example.org"))


def test_half_a_gibibyte_goes_by_without_being_held() -> None:
    program = """
        import resource, time
        from portal.reports.walker import Recipients, Walker
        wanted = Recipients(1, (("Ada", frozenset({"1122334455667788"})),))
        walker = Walker((wanted,), limit=1 << 30)
        walker.feed(bytes.fromhex("c10c03112233445566778801") + bytes(2) + b"\\xd2")
        part = b"\\xed\\x01" + bytes(8191)
        piece = part * 1024
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.process_time()  # whatever else the machine does
        for _ in range(64):
            walker.feed(piece)
        spent = time.process_time() - begun
        walker.feed(b"\\x00")
        walker.finish()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(walker.offset, grown, (64 << 23) / spent)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    offset, grown, speed = done.stdout.split()

    assert int(offset) == 17 - 2 + (64 << 10) * 8193 + 1
    assert int(grown) < 32 * 1024
    assert float(speed) > 1e9
