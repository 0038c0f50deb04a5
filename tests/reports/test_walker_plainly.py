"""The walker beside a plain reading of the same bytes: both say the same, after the same octet."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.reports import refusals
from portal.reports.walker import MAX_RECIPIENTS, MAX_SMALL_PARTS, Recipients, Walker
from tests.reports.openpgp import KEY_ID, message, new_packet, old_packet, parts, recipient, sealed, session_key
from tests.reports.plainly import Verdict, judge

LIMIT = 1 << 30
OTHER = "AABBCCDDEEFF0011"
ONE = Recipients(7, (("Ada", frozenset({KEY_ID})),))
TWO = Recipients(8, (("Ada", frozenset({KEY_ID})), ("Ben", frozenset({OTHER, "0000000000000001"}))))


def walked(data: bytes, sets: Sequence[Recipients], limit: int, *, step: int, length: int | None = None) -> Verdict:
    """What the walker says, fed `step` octets at a time, put aside as JSON after each."""
    state: dict[str, object] | None = None
    fed = 0
    try:
        for fed in range(step, len(data) + step, step):
            walker = Walker.resume(state, sets, limit=limit, length=length)
            walker.feed(data[fed - step : fed])
            state = json.loads(json.dumps(walker.state()))
        walker = Walker.resume(state, sets, limit=limit, length=length)
        walker.finish()
    except refusals.NotAcceptable as refusal:
        return Verdict(refusal.code, min(fed, len(data)))
    return Verdict(None, walker.offset, tuple(walker.recipients), walker.key_set)


def agree(data: bytes, sets: Sequence[Recipients] = (ONE,), limit: int = LIMIT) -> Verdict:
    """The one answer of all readings: plain, octet by octet, at once, and with the length known beforehand."""
    plain = judge(data, sets, limit)
    # What shows that there is too much is the first octet that there should not be.
    told = plain.told + (plain.code == "too-large" and plain.told == limit)
    assert walked(data, sets, limit, step=1) == plain._replace(told=told)
    at_once = walked(data, sets, limit, step=len(data) or 1)
    assert at_once == plain._replace(told=len(data))
    if len(data) <= limit:
        known = walked(data, sets, limit, step=1, length=len(data))
        assert known.code == plain.code
        assert known.told <= told
    return plain


PARTS = recipient() + parts(18, sealed(600), [9])
# For each refusal a file, and the octet that shows it; the second is where that is known from the file's length.
EARLIEST = [
    ("empty", b"", 0, 0),
    ("not-openpgp", b"A kernel bug", 1, 1),
    ("armored", b"-----BEGIN PGP MESSAGE-----", 14, 14),
    ("signed-only", new_packet(2, b"signature"), 1, 1),
    ("not-encrypted", new_packet(11, b"literal"), 1, 1),
    ("is-key", new_packet(6, b"key"), 1, 1),
    ("symmetric", new_packet(3, b"password"), 1, 1),
    ("without-integrity", recipient() + new_packet(9, sealed()), 15, 15),
    ("aead-20", recipient() + new_packet(20, sealed()), 15, 15),
    ("seipd-v2", recipient(version=6) + new_packet(18, sealed(version=2)), 3, 3),
    ("seipd-v2", recipient() + new_packet(18, sealed(version=2)), 17, 17),
    ("unknown-packet", new_packet(21, b"padding") + message(), 1, 1),
    ("malformed", recipient(size=9), 2, 2),
    ("malformed", recipient() + b"text", 15, 15),
    ("malformed", recipient() + new_packet(18, sealed(version=7)), 17, 17),
    ("malformed", recipient() + new_packet(18, sealed(40)), 16, 16),
    ("trailing-data", message() + b"\n", len(message()) + 1, 17),
    ("truncated", message()[:-1], len(message()) - 1, 17),
    ("truncated", PARTS[:200], 200, 17),
    ("hidden-recipient", recipient("0" * 16) + new_packet(18, sealed()), 11, 11),
    ("missing-recipient", recipient(OTHER) + new_packet(18, sealed()), 15, 15),
    ("too-many-recipients", recipient() * 17 + new_packet(18, sealed()), MAX_RECIPIENTS * 14 + 1, 225),
    (
        "too-many-parts", recipient() + parts(18, sealed(2 * MAX_SMALL_PARTS), [0] * (MAX_SMALL_PARTS + 1)),
        15 + 2 * MAX_SMALL_PARTS + 1, 15 + 2 * MAX_SMALL_PARTS + 1,
    ),
    ("too-large", recipient() + b"\xd2\xff\x40\x00\x00\x00\x01", 20, 20),
    ("too-large", recipient() + b"\xd2\xfe\x01", 16, 16),
]  # fmt: skip


@pytest.mark.parametrize(("code", "data", "told", "known"), EARLIEST)
def test_each_refusal_is_told_at_the_octet_that_shows_it(code: str, data: bytes, told: int, known: int) -> None:
    assert agree(data) == Verdict(code, told)
    assert walked(data, (ONE,), LIMIT, step=1, length=len(data)) == Verdict(code, known)


def test_the_table_has_every_refusal() -> None:
    # This one is told before a byte is looked at.
    of_bytes = set(refusals.NotAcceptable.__subclasses__()) - {refusals.KeyExpired}
    assert {row[0] for row in EARLIEST} == {kind.code for kind in of_bytes}


def test_each_refusal_has_its_own_sentence() -> None:
    told = {}
    for code, data, *_ in EARLIEST:
        walker = Walker((ONE,), limit=LIMIT)
        with pytest.raises(refusals.NotAcceptable) as caught:
            _to_the_end(walker, data)
        told[caught.value.reason] = code

    assert sorted(set(told.values())) == sorted({row[0] for row in EARLIEST})
    # Only what is malformed has several, which say where.
    assert len(told) - list(told.values()).count("malformed") == len(set(told.values())) - 1


def _to_the_end(walker: Walker, data: bytes) -> None:
    walker.feed(data)
    walker.finish()


key_ids = st.sampled_from([KEY_ID, KEY_ID, OTHER, "0000000000000001", "0" * 16])
recipients = st.builds(
    lambda key_id, size, old: (old_packet if old else new_packet)(1, session_key(key_id, size=size)),
    key_ids, st.integers(10, 40), st.booleans(),
)  # fmt: skip
whole = st.builds(new_packet, st.just(18), st.builds(sealed, st.integers(41, 500)))
wide = st.builds(new_packet, st.just(18), st.builds(sealed, st.integers(41, 90)), octets=st.just(5))
crumbs = st.builds(
    lambda size, powers: parts(18, sealed(size), powers), st.integers(41, 700), st.lists(st.integers(0, 6), max_size=6)
)
valid = st.builds(
    lambda head, tail: [*head, tail], st.lists(recipients, min_size=1, max_size=4), st.one_of(whole, wide, crumbs)
)
strangers = st.one_of(
    st.builds(new_packet, st.integers(0, 63), st.binary(max_size=20)),
    st.builds(old_packet, st.integers(0, 15), st.binary(max_size=20), st.integers(0, 3)),
    st.builds(new_packet, st.just(1), st.builds(session_key, key_ids, version=st.sampled_from([2, 6]))),
    st.builds(new_packet, st.just(18), st.builds(sealed, st.integers(1, 80), version=st.sampled_from([0, 1, 2]))),
    st.binary(max_size=4),
    st.just(recipient() * 16),
    st.just(b"\xd2" + b"\xe0\x01" * 1000),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid message, changed at the borders of its packets, in its headers, or anywhere."""
    packets: list[bytes] = list(draw(valid))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(packets) - 1))
        packet = packets[place]
        match draw(st.sampled_from(["drop", "twice", "swap", "insert", "head", "flip", "cut", "grow"])):
            case "drop":
                packets[place] = b""
            case "twice":
                packets.insert(place, packet)
            case "swap":
                packets[place], packets[0] = packets[0], packet
            case "insert":
                packets.insert(place + draw(st.integers(0, 1)), draw(strangers))
            case "head" if packet:
                at = draw(st.integers(0, min(5, len(packet) - 1)))
                packets[place] = packet[:at] + bytes([draw(st.integers(0, 255))]) + packet[at + 1 :]
            case "flip" if packet:
                at = draw(st.integers(0, len(packet) - 1))
                packets[place] = packet[:at] + bytes([packet[at] ^ 1 << draw(st.integers(0, 7))]) + packet[at + 1 :]
            case "cut":
                packets[place] = packet[: draw(st.integers(0, len(packet)))]
            case "grow":
                packets[place] = packet + draw(st.binary(max_size=3))
    return b"".join(packets)


@given(data=mutated(), sets=st.sampled_from([(ONE,), (ONE,), (TWO,), (TWO, ONE), ()]))
@settings(max_examples=1200)
def test_both_say_the_same_of_whatever_has_been_changed(data: bytes, sets: tuple[Recipients, ...]) -> None:
    agree(data, sets)


@given(data=mutated(), limit=st.integers(1, 300))
@example(data=message(), limit=len(message()))
@example(data=message(), limit=len(message()) - 1)
@settings(max_examples=400)
def test_both_say_the_same_under_any_limit(data: bytes, limit: int) -> None:
    agree(data, (ONE,), limit)


@given(data=valid)
@settings(max_examples=100)
def test_a_valid_message_is_taken_or_lacks_its_reader(data: list[bytes]) -> None:
    assert agree(b"".join(data)).code in {None, "missing-recipient", "hidden-recipient"}
