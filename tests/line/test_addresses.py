"""Addresses for answers: signed, read whatever a mail system does to them, made by nobody else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.line.addresses import Addresses, ForgedToken, Named

KEY, OTHER = b"k" * 32, b"o" * 32
LINE = Addresses("line@portal.example.org", "portal.example.org", "portal@portal.example.org", KEY)
NUMBERS = st.integers(1, 2**32 - 1)


@settings(derandomize=True, deadline=None)
@given(NUMBERS, NUMBERS)
def test_what_was_made_is_read_in_any_case(conversation: int, member: int) -> None:
    made = LINE.reply_to(conversation, member) or ""

    assert LINE.read(made) == LINE.read(f" {made.upper()} ") == Named(conversation, member)
    local = made.partition("@")[0]
    assert len(local) <= 64
    assert local == local.lower()


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 159))
def test_one_bit_less_and_it_is_forged(bit: int) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    local, _, domain = (LINE.reply_to(7, 9) or "").partition("@")
    name, _, token = local.partition("+")
    place, flip = divmod(bit, 5)
    changed = token[:place] + letters[letters.index(token[place]) ^ (1 << flip)] + token[place + 1 :]

    with pytest.raises(ForgedToken):
        LINE.read(f"{name}+{changed}@{domain}")


def test_another_key_makes_other_addresses() -> None:
    elsewhere = Addresses(LINE.mailbox, LINE.host, LINE.ours, OTHER)

    with pytest.raises(ForgedToken):
        LINE.read(elsewhere.reply_to(7, 9) or "")


@pytest.mark.parametrize(
    "token", ["", "x", "a" * 31, "a" * 33, "a" * 32, "1" * 32, "é" * 32, "ı" * 32, "=" * 32, "a" * 5000, "a+b"]
)
def test_what_is_no_token_is_forged(token: str) -> None:
    with pytest.raises(ForgedToken):
        LINE.read(f"line+{token}@portal.example.org")


@pytest.mark.parametrize(
    "address",
    ["", "@", "line@portal.example.org", "lines+aa@portal.example.org", "line+aa@elsewhere.example.org",
     "portal@portal.example.org", "+aa@portal.example.org"],
)  # fmt: skip
def test_other_addresses_name_nothing(address: str) -> None:
    assert LINE.read(address) is None


def test_without_a_mailbox_nothing_is_made_or_read() -> None:
    silent = Addresses(None, LINE.host, LINE.ours, KEY)

    assert silent.reply_to(7, 9) is None
    assert silent.read(LINE.reply_to(7, 9) or "") is None
    assert silent.read("+a@") is None


def test_mails_of_one_conversation_follow_one_root() -> None:
    assert LINE.root(7) == LINE.root(7) != LINE.root(8)
    assert LINE.root(7).endswith("@portal.example.org>")
