"""What the bank says became of payments, as a table: which rows can be noted, and what is wrong with the others."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from portal.awards import states
from portal.awards.models import Payment
from portal.awards.states import PaymentState
from portal.core.moves import Move
from portal.core.tables import Fault, Row, Sheet, read_sheet

MOST_ROWS, LARGEST = 5_000, 1_000_000
HEADER = ("payment", "batch", "name", "email", "award", "report", "amount", "currency")
# The columns of the file for the bank, of which some are only read past, and what the bank adds to them.
COLUMNS = (*HEADER, "result", "reference", "reason")
RESULTS: Mapping[str, Move[PaymentState]] = {"paid": states.PAY, "failed": states.FAIL}
_NAME = re.compile(r"P-([1-9][0-9]{0,8})", re.IGNORECASE)
_BATCH = re.compile(r"B-([1-9][0-9]{0,8})", re.IGNORECASE)
_LONGEST = {"reference": 80, "reason": 300}


class Result(NamedTuple):
    """A row that can be noted."""

    line: int
    payment_id: int
    move: Move[PaymentState]
    reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What can be noted, how many rows say what is known already, and what is wrong with the rest."""

    good: list[Result] = field(default_factory=list)
    known: int = 0
    faults: list[Fault] = field(default_factory=list)


def read(text: str) -> Sheet:
    """Read a table of results. Raises Invalid where it is none."""
    return read_sheet(text, "payment", COLUMNS, what="payment", most=MOST_ROWS, largest=LARGEST)


def _told(row: Row, name: str) -> str:
    return " ".join(str(row.values.get(name, "")).split())


def number_of(row: Row) -> int | None:
    """The number of the payment that a row names."""
    found = _NAME.fullmatch(_told(row, "payment"))
    return int(found[1]) if found else None


def check(sheet: Sheet, payments: Mapping[int, Payment]) -> Checked:
    """Hold every row against the payment that it names, and against the rows before it."""
    good: list[Result] = []
    faults, known, seen = list(sheet.faults), 0, dict[int, int]()
    for row in sheet.rows:
        number = number_of(row)
        payment = payments.get(number) if number else None
        if payment is None or number is None:
            faults.append(Fault(row.line, "payment", "There is no such payment here. A payment is named like P-12."))
        elif number in seen:
            faults.append(Fault(row.line, "payment", f"Line {seen[number]} is about the same payment."))
        else:
            seen[number] = row.line
            if _is_known(row, payment):
                known += 1
                continue
            wrong = _faults(row, payment)
            faults += wrong
            if not wrong:
                move = RESULTS[_told(row, "result").lower()]
                good.append(Result(row.line, number, move, _told(row, "reference"), _told(row, "reason")))
    return Checked(good, known, sorted(faults))


def _is_known(row: Row, payment: Payment) -> bool:
    """Whether it says what is noted already, so that a file read twice does no harm."""
    result = _told(row, "result").lower()
    if result == "paid":
        return payment.state is PaymentState.PAID and payment.reference == _told(row, "reference")
    return (
        result == "failed" and payment.state is PaymentState.FAILED and payment.outcome == _told(row, "reason")
        and not _other_batch(row, payment)
    )  # fmt: skip


def _faults(row: Row, payment: Payment) -> list[Fault]:
    found: list[tuple[str, str]] = []
    move = RESULTS.get(_told(row, "result").lower())
    if move is None:
        found.append(("result", "Write “paid” or “failed”."))
    elif payment.state not in move.sources:
        found.append(("result", f"The payment is {payment.state}, not sent."))
    elif not _told(row, move.needs[0]):
        found.append((move.needs[0], f"A payment that is {move.target} needs its {move.needs[0]}."))
    found += [(name, f"At most {most} characters.") for name, most in _LONGEST.items() if len(_told(row, name)) > most]
    if _other_batch(row, payment):
        now = payment.batch.reference if payment.batch else "none"
        found.append(("batch", f"The payment is not in this batch now, but in {now}: the result is an old one."))
    if _told(row, "amount") and _amount(_told(row, "amount")) != payment.amount:
        found.append(("amount", f"The payment is {payment.amount:.2f}."))
    if _told(row, "currency") not in ("", payment.currency):
        found.append(("currency", f"The payment is in {payment.currency}."))
    return [Fault(row.line, name, message) for name, message in found]


def _other_batch(row: Row, payment: Payment) -> bool:
    told = _told(row, "batch")
    if not told:
        return False
    found = _BATCH.fullmatch(told)
    return not found or payment.batch is None or payment.batch.number != int(found[1])


def _amount(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
