"""What was decided is corrected by further entries, and the money follows: on both databases."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.awards import actions, queries
from portal.awards.models import Award, Payment
from portal.awards.states import AwardState, Entry, PaymentState, Quality, Reason
from portal.core.errors import Conflict, Invalid, Refused
from portal.reports.states import Severity
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast

S, P = AwardState, PaymentState


def money(payments: Sequence[Payment]) -> list[tuple[str, int]]:
    return [(payment.state.value, int(payment.amount)) for payment in payments]


def even(session: Session, cast: Cast) -> None:
    """What the page of payments tells adds up."""
    books = queries.books(session, cast.challenge.id)
    assert books.difference == 0
    assert books.awarded == sum(
        session.scalars(
            sa.select(Award.change).where(
                Award.challenge_id == cast.challenge.id, Award.state.in_((S.APPROVED, S.SUPERSEDED))
            )
        )
    )


def test_a_raise_pays_the_difference(session: Session, cast: Cast, jury: Jury) -> None:
    old = jury.award(quality=Quality.MEDIUM, paid=True)
    assert old.amount == 24_000

    new = jury.propose(old.report, Quality.HIGH, because="one more link")
    assert (new.corrects_id, new.kind, new.change, new.reason) == (old.id, Entry.RAISE, 24_000, Reason.CORRECTION)
    assert queries.granted(session, cast.challenge.id) == [(old.report_id, 24_000)]
    jury.decide(new, "approve", cast.lead.id)

    assert (old.state, old.amount) == (S.SUPERSEDED, 24_000)
    assert queries.granted(session, cast.challenge.id) == [(old.report_id, 48_000)]
    assert money(jury.payments(new)) == [("paid", 24_000), ("due", 24_000)]
    even(session, cast)


def test_a_raise_before_anything_was_sent_is_one_payment(session: Session, cast: Cast, jury: Jury) -> None:
    old = jury.award(quality=Quality.MEDIUM)

    new = jury.award(old.report)

    assert money(jury.payments(new)) == [("cancelled", 24_000), ("due", 48_000)]
    even(session, cast)


def test_what_is_lowered_after_it_was_paid_is_overpaid(session: Session, cast: Cast, jury: Jury) -> None:
    old = jury.award(paid=True)

    new = jury.award(old.report, Quality.MEDIUM, because="the last link is not reachable")

    assert (new.kind, new.change) == (Entry.LOWER, -24_000)
    assert money(jury.payments(new)) == [("paid", 48_000)]
    assert queries.overpaid_of(session, new.report_id, "") == {cast.researcher.id: 24_000}
    assert queries.books(session, cast.challenge.id).overpaid == 24_000
    even(session, cast)


def test_what_was_on_its_way_and_came_back_is_due_as_it_is_now(session: Session, cast: Cast, jury: Jury) -> None:
    old = jury.award()
    (sent,) = jury.payments(old)
    jury.step(sent, "send")
    new = jury.award(old.report, Quality.MEDIUM)
    assert money(jury.payments(new)) == [("sent", 48_000)]

    jury.step(sent, "fail", reason="account closed")

    assert money(jury.payments(new)) == [("cancelled", 48_000), ("due", 24_000)]
    even(session, cast)


def test_void_is_an_entry_as_well(session: Session, cast: Cast, jury: Jury) -> None:
    old = jury.award()
    with pytest.raises(Invalid):
        actions.propose_void(session, old, "", by=cast.triager.id, at=NOON)
    void = actions.propose_void(session, old, "reported before", by=cast.triager.id, at=NOON)
    with pytest.raises(Refused, match="Somebody else"):
        jury.decide(void, "approve", cast.triager.id)
    assert old.state is S.APPROVED
    jury.decide(void, "approve", cast.lead.id)

    assert (void.kind, void.amount, void.change, old.state) == (Entry.VOID, 0, -48_000, S.SUPERSEDED)
    assert money(jury.payments(void)) == [("cancelled", 48_000)]
    assert queries.granted(session, cast.challenge.id) == []
    with pytest.raises(Refused, match="void already"):
        actions.propose_void(session, void, "again", by=cast.triager.id, at=NOON)
    with pytest.raises(Refused, match="does not stand"):
        actions.propose_void(session, old, "again", by=cast.triager.id, at=NOON)

    again = jury.award(old.report, Quality.MEDIUM)
    assert (again.kind, again.change) == (Entry.RAISE, 24_000)
    even(session, cast)


def test_the_same_amount_may_be_divided_anew(session: Session, cast: Cast, jury: Jury) -> None:
    lead, colleague = cast.team_lead.id, cast.colleague.id
    old = jury.award(jury.report(participant=cast.team), shares={lead: 1, colleague: 1})
    assert money(jury.payments(old)) == [("due", 24_000), ("due", 24_000)]
    first = next(each for each in jury.payments(old) if each.account_id == lead)
    jury.step(first, "send")
    with pytest.raises(Refused, match="changes nothing"):
        jury.propose(old.report)

    new = jury.award(old.report, shares={lead: 1, colleague: 3})

    assert (new.kind, new.change) == (Entry.SPLIT, 0)
    assert money(jury.payments(new)) == [("sent", 24_000), ("cancelled", 24_000), ("due", 36_000)]
    assert queries.overpaid_of(session, new.report_id, "") == {lead: 12_000}
    even(session, cast)


def test_a_correction_says_why(jury: Jury) -> None:
    old = jury.award(quality=Quality.MEDIUM)

    with pytest.raises(Invalid) as problem:
        jury.propose(old.report, because="")

    assert list(problem.value.messages) == ["because"]


def test_a_rejected_correction_leaves_what_stood(session: Session, cast: Cast, jury: Jury) -> None:
    old = jury.award(quality=Quality.MEDIUM)
    new = jury.propose(old.report)

    jury.decide(new, "reject", cast.lead.id, reason="no")

    assert (old.state, new.state) == (S.APPROVED, S.REJECTED)
    assert money(jury.payments(old)) == [("due", 24_000)]


def test_a_correction_of_what_does_not_stand_any_more_is_not_approved(session: Session, cast: Cast, jury: Jury) -> None:
    """Two proposals cannot wait at once; the second is put there as if it had been made long ago."""
    old = jury.award(quality=Quality.MEDIUM)
    new = jury.propose(old.report)
    session.execute(
        sa.update(Award).where(Award.id == new.id).values(kind=Entry.AWARD, change=Decimal(48_000), corrects_id=None)
    )
    session.expire_all()

    with pytest.raises(Refused, match="does not stand any more"):
        jury.decide(new, "approve", cast.lead.id)


def test_the_database_refuses_two_awards_that_stand(session: Session, cast: Cast, jury: Jury) -> None:
    old = jury.award(quality=Quality.MEDIUM)
    new = jury.propose(old.report)
    session.commit()

    with pytest.raises(sa.exc.IntegrityError, match=r"uq_award_granted|award_entry\.report_id"):
        session.execute(
            sa.update(Award)
            .where(Award.id == new.id)
            .values(state=S.APPROVED, approved_by_id=cast.lead.id, approved_at=NOON)
        )


NOTHING, MINUS = Decimal(0), Decimal(-1)


@pytest.mark.parametrize(("values", "name"), [
    ({"amount": NOTHING, "change": NOTHING}, "void_is_nothing"), ({"change": MINUS}, "first_changes_all"),
    ({"kind": "raise", "because": "x"}, "first_corrects"), ({"amount": MINUS, "change": MINUS}, "amount_positive"),
    ({"approved_at": NOON}, "approved_time"), ({"state": "returned"}, "no_has_reason"),
])  # fmt: skip
def test_the_database_refuses_what_makes_no_sense(
    session: Session, jury: Jury, values: dict[str, object], name: str
) -> None:
    made = jury.propose()
    session.commit()

    with pytest.raises(sa.exc.IntegrityError, match=name):
        session.execute(sa.update(Award).where(Award.id == made.id).values(**values))


@pytest.mark.parametrize("statement", ["UPDATE award_share SET amount = 1", "DELETE FROM award_share"])
def test_shares_never_change(session: Session, jury: Jury, statement: str) -> None:
    jury.award()

    with pytest.raises(sa.exc.DBAPIError, match="never change"):
        session.execute(sa.text(statement))
    session.rollback()


# Chains


def test_parts_of_a_report_are_awarded_each_with_a_cap_for_all(session: Session, cast: Cast, jury: Jury) -> None:
    jury.publish(cap=Decimal(50_000))
    report = jury.chain(jury.report(), Severity.CRITICAL, Severity.IMPORTANT, Severity.CRITICAL)
    first = jury.award(report, part="link 1", reason=Reason.CHAIN)
    second = jury.award(report, Quality.LOW, part="link 2", reason=Reason.CHAIN)

    assert (first.amount, first.subject) == (48_000, "R-0001, link 1")
    assert second.working.splitlines()[-2:] == [
        "No award is more than 50,000", "Its other parts have 48,000: 50,000 − 48,000 = 2,000",
    ]  # fmt: skip
    assert second.amount == 2_000
    assert queries.granted(session, cast.challenge.id) == [(report.id, 50_000)]
    with pytest.raises(Refused, match="have it already"):
        jury.propose(report, part="link 3")
    with pytest.raises(Refused, match="Parts of this report have awards"):
        jury.propose(report)
    even(session, cast)


def test_a_part_is_refused_beside_the_whole_until_that_is_void(session: Session, cast: Cast, jury: Jury) -> None:
    whole = jury.award()
    jury.chain(whole.report, Severity.CRITICAL)
    with pytest.raises(Refused, match="The whole report has an award"):
        jury.propose(whole.report, part="link 1")

    void = actions.propose_void(session, whole, "awarded in parts", by=cast.triager.id, at=NOON)
    jury.decide(void, "approve", cast.lead.id)

    assert jury.award(whole.report, part="link 1").amount == 48_000
    even(session, cast)


def test_two_parts_that_were_proposed_at_once_do_not_break_the_cap(session: Session, cast: Cast, jury: Jury) -> None:
    jury.publish(cap=Decimal(50_000))
    report = jury.chain(jury.report(), Severity.CRITICAL, Severity.CRITICAL)
    first, second = jury.propose(report, part="link 1"), jury.propose(report, part="link 2")
    assert (first.amount, second.amount) == (48_000, 48_000)
    jury.decide(first, "approve", cast.lead.id)

    with pytest.raises(Refused, match="would have 96,000, and the most is 50,000"):
        jury.decide(second, "approve", cast.lead.id)
    jury.decide(second, "return", cast.lead.id, reason="over the cap")
    assert jury.award(report, part="link 2").amount == 2_000


def test_a_fixed_amount_is_for_the_whole(jury: Jury) -> None:
    with pytest.raises(Refused, match="fixed amount for the whole"):
        jury.propose(jury.chain(jury.report(achieved="H1"), Severity.CRITICAL), part="link 1")


def test_a_part_that_is_no_link_is_awarded_no_more(jury: Jury) -> None:
    """Nothing says what triage holds of it, so nothing could be compared when it is approved or paid."""
    report = jury.report()
    with pytest.raises(Refused, match=r"are its links\. It has none yet: draw up its chain first"):
        jury.propose(report, part="first link")
    jury.chain(report, Severity.CRITICAL)
    with pytest.raises(Refused, match="are its links: link 1"):
        jury.propose(report, part="first link")


def test_what_was_proposed_for_such_a_part_before_is_not_approved(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.propose(jury.chain(jury.report(), Severity.CRITICAL), part="link 1")
    session.execute(sa.update(Award).where(Award.id == award.id).values(part="first link", link_id=None))
    session.commit()
    session.expire_all()
    with pytest.raises(Refused, match="The parts of this report are its links"):
        jury.decide(award, "approve", cast.lead.id)


def test_only_a_part_has_a_severity_of_its_own(jury: Jury) -> None:
    with pytest.raises(Refused, match="triage's to set"):
        jury.propose(severity="low")


def test_an_amount_by_decision_is_exceptional_and_within_the_cap(cast: Cast, jury: Jury) -> None:
    jury.publish(cap=Decimal(50_000))
    with pytest.raises(Invalid):
        jury.propose(amount=Decimal(100))
    with pytest.raises(Refused, match="at most 50,000"):
        jury.propose(jury.report(), amount=Decimal(60_000), reason=Reason.EXCEPTIONAL)

    award = jury.propose(jury.report(), amount=Decimal("123.45"), reason=Reason.EXCEPTIONAL)

    assert (award.amount, award.base, award.reason) == (Decimal("123.45"), 40_000, Reason.EXCEPTIONAL)
    assert award.working.splitlines()[-1] == "Set to 123.45 by decision, not by the table"


# Shares


def test_a_team_shares_to_the_cent(session: Session, cast: Cast, jury: Jury) -> None:
    lead, colleague = cast.team_lead.id, cast.colleague.id
    award = jury.award(
        jury.report(participant=cast.team), amount=Decimal("100.01"), reason=Reason.EXCEPTIONAL,
        shares={colleague: 1, lead: 1},
    )  # fmt: skip

    # The odd cent is the lead's, who joined first, whatever the order of the form.
    assert {share.account_id: share.amount for share in award.shares} == {
        lead: Decimal("50.01"), colleague: Decimal("50.00"),
    }  # fmt: skip
    assert sorted(payment.amount for payment in jury.payments(award)) == [Decimal("50.00"), Decimal("50.01")]


@pytest.mark.parametrize(("shares", "why"), [
    ({"stranger": 1}, "people who act for this participant"), ({"team_lead": 0, "colleague": 0}, "be given a share"),
])  # fmt: skip
def test_shares_are_the_teams(cast: Cast, jury: Jury, shares: dict[str, int], why: str) -> None:
    report = jury.report(participant=cast.team)

    with pytest.raises(Refused, match=why):
        jury.propose(report, shares={getattr(cast, name).id: weight for name, weight in shares.items()})


@pytest.mark.parametrize("seed", range(3))
def test_the_books_are_even_whatever_happens(session: Session, cast: Cast, jury: Jury, seed: int) -> None:
    chance = Random(seed)
    reports = [jury.report(), jury.report(participant=cast.team)]
    done = 0
    for _ in range(40):
        report = chance.choice(reports)
        stands = queries.standing(session, report.id).get("")
        what = chance.choice(["award", "void", "send", "pay", "fail", "retry", "refuse", "donate", "export"])
        payments = jury.payments(stands) if stands else []
        try:
            if what == "award":
                jury.award(report, chance.choice(list(Quality)))
            elif what == "void" and stands:
                void = actions.propose_void(session, stands, "void", by=cast.triager.id, at=NOON)
                jury.decide(void, "approve", cast.lead.id)
            elif what == "export":
                actions.export(session, cast.challenge, by=cast.finance.id, at=NOON)
            elif payments:
                given = {"reason": "r"} if what in ("fail", "refuse") else {}
                given |= {"reference": "t"} if what in ("pay", "donate") else {}
                given |= {"donated_to": "a charity"} if what == "donate" else {}
                jury.step(chance.choice(payments), what, **given)
            done += 1
        except (Conflict, Refused):
            session.rollback()
        session.commit()
        even(session, cast)
    assert done > 10
