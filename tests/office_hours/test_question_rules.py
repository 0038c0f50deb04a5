"""When a question is due, whom it is sealed to, and what the server takes: without a database."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from portal.core.errors import Refused
from portal.office_hours.models import Booking, HostKey, SealedQuestion, Series
from portal.office_hours.rules import questions as rules
from portal.office_hours.rules.questions import Package
from portal.office_hours.states import BookingState
from tests.cast import NOON
from tests.office_hours.conftest import FIRST
from tests.reports.openpgp import message, new_packet, recipient, sealed

HOUR = timedelta(hours=1)
ONE, TWO, OTHER = "1111111111111111", "2222222222222222", "9999999999999999"
WANTED = [("Hugo", [ONE, "3333333333333333"]), ("Hana", [TWO])]
DUE = FIRST - 24 * HOUR
SERIES = Series(question_due_minutes=24 * 60)


def booking(**more: Any) -> Booking:
    return Booking(**{"state": BookingState.CONFIRMED, "starts_at": FIRST, "changed_at": NOON, **more})


def key(account_id: int, *ids: str) -> HostKey:
    return HostKey(account_id=account_id, key_ids=list(ids))


@pytest.mark.parametrize(
    ("changed", "ready", "due"),
    [
        (NOON, NOON, DUE),
        (DUE - HOUR, DUE - HOUR, DUE),
        (DUE - HOUR + timedelta(microseconds=1), NOON, None),
        (NOON, DUE - HOUR + timedelta(microseconds=1), None),
        (DUE + HOUR, NOON, None),
        (NOON, None, None),
    ],
    ids=["long ago", "just", "booked too late", "certificates too late", "after it was due", "no certificates"],
)
def test_when_a_question_is_due(changed: datetime, ready: datetime | None, due: datetime | None) -> None:
    assert rules.due_at(booking(changed_at=changed), SERIES, ready) == due


def test_none_is_due_where_none_is_demanded() -> None:
    assert rules.due_at(booking(), Series(question_due_minutes=None), NOON) is None


@pytest.mark.parametrize(
    ("due", "stands", "closes"),
    [
        (DUE, Package.MISSING, DUE),
        (DUE, Package.SEALED, DUE),
        (DUE, Package.ELSEWHERE, FIRST - HOUR),
        (None, Package.MISSING, FIRST - HOUR),
    ],
)
def test_until_when_it_can_be_sealed(due: datetime | None, stands: Package, closes: datetime) -> None:
    assert rules.closes_at(booking(), due, stands) == closes


@pytest.mark.parametrize(
    ("state", "at", "reason"),
    [
        (BookingState.CONFIRMED, DUE - timedelta(microseconds=1), None),
        (BookingState.CONFIRMED, DUE, "Questions could be sealed until 1 day before the slot."),
        (BookingState.CANCELLED, NOON, "Only a confirmed booking has a question; this one is cancelled."),
    ],
)
def test_why_not_seal(state: BookingState, at: datetime, reason: str | None) -> None:
    assert rules.why_not_seal(booking(state=state), DUE, at) == reason


@pytest.mark.parametrize(
    ("recipients", "stands"),
    [
        ([ONE, TWO], Package.SEALED),
        ([ONE], Package.ELSEWHERE),
        ([OTHER, TWO], Package.ELSEWHERE),
        (None, Package.MISSING),
    ],
)
def test_how_a_question_stands(recipients: list[str] | None, stands: Package) -> None:
    question = None if recipients is None else SealedQuestion(recipients=recipients)

    assert rules.standing(question, [1, 2], {1: key(1, ONE), 2: key(2, TWO)}) is stands


def test_a_host_without_a_certificate_cannot_read_it() -> None:
    assert rules.standing(SealedQuestion(recipients=[ONE]), [1, 2], {1: key(1, ONE)}) is Package.ELSEWHERE


@pytest.mark.parametrize("ids", [[ONE, TWO], [TWO, "3333333333333333"]])
def test_a_message_for_all_hosts_and_nobody_else_is_taken(ids: list[str]) -> None:
    assert rules.check_package(message(600, ids), WANTED) == ids


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"What is in partition three?", "not an OpenPGP message"),
        (b"", "The file is empty"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQ==", "gpg --dearmor < question.asc > question.pgp"),
        (message(60, [ONE]), "It is not sealed to every host of this slot. Missing: Hana."),
        (message(60, [ONE, TWO, OTHER]), f"It is also sealed to {OTHER}"),
        (message(60, ["0000000000000000", TWO]), "A recipient is hidden"),
        (message(60, [ONE, TWO]) + b"\0", "Something follows the end"),
        (message(60, [ONE, TWO])[:-3], "it was cut"),
        (recipient(ONE) + recipient(TWO) + new_packet(18, sealed(60, version=2)), "newer form of RFC 9580"),
        (new_packet(3, bytes(20)), "encrypted with a password, which no host has"),
        (new_packet(11, b"b\0\0\0\0\0text"), "anybody could read it"),
        (new_packet(6, bytes(20)), "The file is a certificate"),
        (message(rules.LARGEST + 1, [ONE, TWO]), "larger than 5,242,880 bytes"),
    ],
    ids=["plain", "empty", "armored", "missing", "another", "hidden", "trailing", "cut", "v2", "password", "literal",
         "certificate", "large"],
)  # fmt: skip
def test_anything_else_is_refused_with_what_would_help(data: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.check_package(data, WANTED)

    assert reason in refused.value.reason
    assert "triager" not in refused.value.reason
    assert "new reports" not in refused.value.reason


@pytest.mark.parametrize(
    ("expires", "usable"), [(None, True), (NOON + HOUR, True), (NOON, False), (NOON - HOUR, False)]
)
def test_when_a_certificate_can_be_sealed_to(expires: datetime | None, usable: bool) -> None:
    assert rules.is_usable(HostKey(expires_at=expires), NOON) is usable
    assert not rules.is_usable(None, NOON)
