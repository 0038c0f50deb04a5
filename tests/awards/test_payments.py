"""Payments member by member, files for the bank, and what comes back from it: on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.awards import actions, queries, rules, states
from portal.awards.models import BatchLine, Payment
from portal.awards.rules import bank
from portal.awards.states import PaymentState
from portal.challenges.models import Challenge
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.core.outbox import OutgoingMail
from portal.reports.states import Severity
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast, make_challenge

P = PaymentState
HOUR = timedelta(hours=1)


def one(jury: Jury) -> Payment:
    (payment,) = jury.payments(jury.award())
    return payment


def test_every_state_of_a_payment_can_be_reached() -> None:
    assert {move.target for move in states.PAYMENT_MOVES} == set(P)
    assert len({move.name for move in states.PAYMENT_MOVES}) == len(states.PAYMENT_MOVES)
    assert states.SETTLED | states.OPEN | {P.REFUSED} == states.COUNTED


@pytest.mark.parametrize("name", ["send", "pay", "fail", "retry", "donate", "refuse"])
def test_nothing_is_noted_without_what_it_needs_or_from_another_state(cast: Cast, jury: Jury, name: str) -> None:
    payment = one(jury)
    move = {move.name: move for move in states.PAYMENT_MOVES}[name]
    given = dict.fromkeys(move.needs, "x")

    if given:
        with pytest.raises(Invalid):
            jury.step(payment, name)
    if payment.state not in move.sources:
        with pytest.raises(Refused, match="not possible"):
            jury.step(payment, name, **given)
    else:
        jury.step(payment, name, **given)
        assert payment.state is move.target


def test_a_cancellation_is_nobodys_button(jury: Jury) -> None:
    with pytest.raises(Refused, match="when a correction is approved"):
        jury.step(one(jury), "cancel")


def test_a_payment_that_failed_is_due_again(session: Session, cast: Cast, jury: Jury) -> None:
    payment = one(jury)
    jury.step(payment, "send")
    jury.step(payment, "pay", reference="TX-1")

    jury.step(payment, "fail", reason="account closed")
    assert (payment.state, payment.outcome, payment.reference, payment.paid_at) == (
        P.FAILED,
        "account closed",
        None,
        None,
    )
    jury.step(payment, "retry")
    assert (payment.state, payment.outcome, payment.sent_at, payment.batch_id) == (P.DUE, None, None, None)
    jury.step(payment, "send")
    jury.step(payment, "pay", reference="TX-2", at=NOON + 2 * HOUR)

    assert (payment.state, payment.reference, payment.paid_at) == (P.PAID, "TX-2", NOON + 2 * HOUR)
    session.commit()
    failed = next(entry for entry, _ in queries.history(session, payment.award) if entry.tag == "awards:payment-fail")
    assert (failed.detail["before"]["reference"], failed.detail["reason"]) == ("TX-1", "account closed")


def test_money_can_be_donated_and_says_to_whom(session: Session, jury: Jury) -> None:
    payment = one(jury)
    with pytest.raises(Invalid):
        jury.step(payment, "donate", reference="R-1")

    jury.step(payment, "donate", reference="R-1", donated_to="A foundation")

    assert (payment.state, payment.donated_to, payment.paid_at) == (P.DONATED, "A foundation", NOON + HOUR)


def test_who_refuses_has_no_award(session: Session, cast: Cast, jury: Jury) -> None:
    payment = one(jury)
    jury.step(payment, "refuse", reason="employer forbids it")

    assert (payment.state, payment.outcome) == (P.REFUSED, "employer forbids it")
    assert queries.granted(session, cast.challenge.id) == []


def test_who_refuses_in_a_team_leaves_the_others_theirs(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.award(jury.report(participant=cast.team))
    jury.step(jury.payments(award)[0], "refuse", reason="no")

    assert queries.granted(session, cast.challenge.id) == [(award.report_id, 24_000)]
    assert queries.books(session, cast.challenge.id).difference == 0


def test_each_member_hears_of_the_award_and_of_their_own_payment(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.award(jury.report(participant=cast.team), paid=True)
    mine = next(each for each in jury.payments(award) if each.account_id == cast.colleague.id)
    jury.step(mine, "fail", reason="came back")

    to = sa.select(OutgoingMail.to).where(OutgoingMail.template == "awards/news")
    assert sorted(session.scalars(to)) == sorted([cast.team_lead.email] * 2 + [cast.colleague.email] * 3)


@pytest.mark.parametrize(("values", "name"), [
    ({"state": "paid"}, "paid_has_reference"), ({"state": "sent"}, "sent_time"), ({"state": "failed"}, "no_has_reason"),
    ({"amount": Decimal(0)}, "amount_positive"), ({"donated_to": "x"}, "donated_to_whom"),
    ({"reference": "x"}, "ck_award_payment"),
])  # fmt: skip
def test_the_database_refuses_what_makes_no_sense(
    session: Session, jury: Jury, values: dict[str, object], name: str
) -> None:
    payment = one(jury)

    with pytest.raises(sa.exc.IntegrityError, match=name):
        session.execute(sa.update(Payment).where(Payment.id == payment.id).values(**values))


# Files for the bank


def test_a_file_takes_all_that_is_due_once(session: Session, cast: Cast, jury: Jury) -> None:
    first = jury.award(jury.report(participant=cast.team))
    jury.award(jury.report(Severity.IMPORTANT), paid=True)
    finance = cast.finance.id

    batch = actions.export(session, cast.challenge, by=finance, at=NOON + HOUR)
    session.commit()

    lines = queries.batch_lines(session, batch.id, reader=0)
    assert [(line.amount, line.payment.state, line.payment.batch_id) for line in lines] == [
        (24_000, P.SENT, batch.id)
    ] * 2
    assert {line.payment_id for line in lines} == {payment.id for payment in jury.payments(first)}
    ((found, count, amount, left),) = queries.batches(session, cast.challenge.id)
    assert (found.reference, count, amount, left) == ("B-1", 2, 48_000, 2)
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "awards:export")).one()
    assert entry.detail["after"] == {
        "batch": "B-1", "payments": sorted(line.payment_id for line in lines), "amount": "48000.00",
    }  # fmt: skip
    with pytest.raises(Refused, match="Nothing is due"):
        actions.export(session, cast.challenge, by=finance, at=NOON + HOUR)
    session.rollback()
    assert len(queries.batches(session, cast.challenge.id)) == 1


def test_two_files_at_once_never_pay_twice(session: Session, cast: Cast, jury: Jury) -> None:
    for _ in range(3):
        jury.award(jury.report())
    challenge_id, finance = cast.challenge.id, cast.finance.id
    session.commit()
    engine = db.engine

    def export(_: int) -> str:
        with Session(engine) as own:
            try:
                actions.export(own, own.get_one(Challenge, challenge_id), by=finance, at=NOON)
                own.commit()
            except (Conflict, Refused) as refusal:
                own.rollback()
                return type(refusal).__name__
            return "done"

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(export, range(4)))

    assert told.count("done") == 1
    assert session.scalars(sa.select(sa.func.count()).select_from(BatchLine)).one() == 3
    assert len(queries.batches(session, challenge_id)) == 1


def test_what_failed_goes_into_another_file_and_stays_told_in_the_first(
    session: Session, cast: Cast, jury: Jury
) -> None:
    payment = one(jury)
    first = actions.export(session, cast.challenge, by=cast.finance.id, at=NOON)
    jury.step(payment, "fail", reason="no such account")
    jury.step(payment, "retry")
    second = actions.export(session, cast.challenge, by=cast.finance.id, at=NOON + HOUR)

    assert (first.number, second.number, payment.batch_id) == (1, 2, second.id)
    for batch in (first, second):
        assert [line.payment_id for line in queries.batch_lines(session, batch.id, reader=0)] == [payment.id]
    assert [left for _, _, _, left in queries.batches(session, cast.challenge.id)] == [1, 0]


def test_another_challenges_payments_stay_there(session: Session, cast: Cast, jury: Jury) -> None:
    payment = one(jury)
    other = make_challenge(session, "other", "Other")

    with pytest.raises(Refused, match="Nothing is due"):
        actions.export(session, other, by=cast.finance.id, at=NOON)
    with pytest.raises(NotFound):
        queries.payment(session, other.id, payment.id, reader=0)
    assert queries.payments_by_id(session, other.id, [payment.id], reader=0) == {}


# What the bank says


def checked(jury: Jury, text: str) -> bank.Checked:
    sheet = bank.read(text)
    numbers = [number for row in sheet.rows if (number := bank.number_of(row))]
    return bank.check(sheet, queries.payments_by_id(jury.session, jury.cast.challenge.id, numbers, reader=0))


def test_good_results_are_noted_and_known_ones_passed_over(session: Session, cast: Cast, jury: Jury) -> None:
    first, second = (one(jury) for _ in range(2))
    batch = actions.export(session, cast.challenge, by=cast.finance.id, at=NOON)
    text = (
        "payment,batch,amount,currency,result,reference,reason\n"
        f"P-{first.id},{batch.reference},48000.00,USD,paid,SEPA-1,\n"
        f"p-{second.id},b-1,48000,USD,Failed,,no such account\n"
    )
    found = checked(jury, text)
    assert (len(found.good), found.known, found.faults) == (2, 0, [])

    actions.apply_results(session, cast.challenge, found.good, by=cast.finance.id, at=NOON + HOUR)
    session.commit()

    assert (first.state, first.reference) == (P.PAID, "SEPA-1")
    assert (second.state, second.outcome) == (P.FAILED, "no such account")
    again = checked(jury, text)
    assert (again.good, again.known, again.faults) == ([], 2, [])
    with pytest.raises(Conflict, match="has changed since"):
        actions.apply_results(session, cast.challenge, found.good, by=cast.finance.id, at=NOON)


def test_every_faulty_row_is_told(session: Session, cast: Cast, jury: Jury) -> None:
    sent, due, failed = (one(jury) for _ in range(3))
    jury.step(sent, "send")
    session.commit()
    text = "payment,batch,amount,currency,result,reference,reason,colour\n" + "\n".join([
        f"P-{sent.id},,,,paid,SEPA-1,,",
        f"P-{sent.id},,,,failed,,twice,",
        f"P-{due.id},,,,paid,SEPA-2,,",
        "P-999,,,,paid,SEPA-3,,",
        "seven,,,,paid,SEPA-4,,",
        f"P-{failed.id},B-9,1.00,EUR,perhaps,,,",
    ])  # fmt: skip

    found = checked(jury, text)

    assert [(fault.line, fault.field) for fault in found.faults] == [
        (1, "colour"), (3, "payment"), (4, "result"), (5, "payment"), (6, "payment"),
        (7, "amount"), (7, "batch"), (7, "currency"), (7, "result"),
    ]  # fmt: skip
    assert [(result.line, result.payment_id) for result in found.good] == [(2, sent.id)]


def test_a_result_of_an_old_file_changes_nothing(session: Session, cast: Cast, jury: Jury) -> None:
    payment = one(jury)
    actions.export(session, cast.challenge, by=cast.finance.id, at=NOON)
    jury.step(payment, "fail", reason="x")
    jury.step(payment, "retry")
    actions.export(session, cast.challenge, by=cast.finance.id, at=NOON)

    found = checked(jury, f"payment,batch,result,reason\nP-{payment.id},B-1,failed,late news\n")

    assert [fault.message for fault in found.faults] == [
        "The payment is not in this batch now, but in B-2: the result is an old one."
    ]


@pytest.mark.parametrize(("text", "why"), [
    ("payment,result\n", "no payment in this table"), ("result\npaid\n", "no column “payment”"),
    ("payment,payment\nP-1,P-1\n", "there twice"),
])  # fmt: skip
def test_what_is_no_table_is_refused(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        bank.read(text)


# What there is to do


def test_queues_by_role(session: Session, cast: Cast, jury: Jury) -> None:
    jury.propose()
    payment = one(jury)

    def counts(*roles: Role, at: timedelta = timedelta()) -> list[tuple[str, int]]:
        return [(queue.label, queue.count) for queue in queries.queues(session, cast.challenge, roles, NOON + at)]

    assert counts(Role.LEAD) == [("Awards to approve", 1)]
    assert counts(Role.TRIAGER) == [("Awards to approve", 1), ("Awards sent back to you", 0)]
    assert counts(Role.FINANCE) == [("Payments due", 1), ("Payments that failed", 0), ("Payments overdue", 0)]
    assert counts(Role.FINANCE, at=rules.LATE + 2 * HOUR)[2] == ("Payments overdue", 1)
    jury.step(payment, "send")
    jury.step(payment, "fail", reason="x")
    assert counts(Role.FINANCE, at=rules.LATE + 2 * HOUR) == [
        ("Payments due", 0), ("Payments that failed", 1), ("Payments overdue", 0),
    ]  # fmt: skip
    assert counts(Role.REVIEWER, Role.LOGISTICS) == []


def test_the_list_goes_on_after_its_last_row(session: Session, cast: Cast, jury: Jury) -> None:
    made = [one(jury).id for _ in range(5)]

    first = queries.payments(session, cast.challenge.id, "due", None, at=NOON, reader=0, limit=3)
    rest = queries.payments(session, cast.challenge.id, "due", first.next, at=NOON, reader=0, limit=3)

    assert [payment.id for payment in [*first.rows, *rest.rows]] == made
    assert queries.payments(session, cast.challenge.id, "late", None, at=NOON, reader=0).rows == []
    with pytest.raises(NotFound):
        queries.payments(session, cast.challenge.id, "nowhere", None, at=NOON, reader=0)
