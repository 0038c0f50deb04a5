"""What is handed over of a person's awards."""

from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.awards import actions
from portal.awards.personal import objection
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast


def test_the_export_tells_every_member_the_award_and_only_their_own_payment(
    session: Session, cast: Cast, jury: Jury
) -> None:
    granted = jury.award(jury.report(participant=cast.team), paid=True)
    jury.propose(jury.report(participant=cast.team))
    session.commit()
    own = {payment.account_id: payment for payment in jury.payments(granted)}

    for member in (cast.team_lead, cast.colleague):
        told = personal.export(session, member.id)["awards"]
        (award,), (payment,) = told["awards"], told["payments"]
        assert (award["report"], award["amount"], award["your_share"]) == (granted.report_id, "48000.00", "24000.00")
        assert (payment["amount"], payment["state"], payment["reference"]) == (
            "24000.00", "paid", own[member.id].reference,
        )  # fmt: skip
    assert personal.export(session, cast.researcher.id)["awards"] == {
        "awards": [], "payments": [], "conflicts_of_interest": [],
    }  # fmt: skip


def test_the_export_tells_declared_conflicts(session: Session, cast: Cast, jury: Jury) -> None:
    actions.declare_conflict(session, jury.propose(), by=cast.lead.id, at=NOON)

    assert personal.export(session, cast.lead.id)["awards"]["conflicts_of_interest"] == [
        {"participant": cast.participant.id, "noted_at": NOON}
    ]


def test_who_has_money_to_come_is_not_erased(session: Session, cast: Cast, jury: Jury) -> None:
    (payment,) = jury.payments(jury.award())
    objections = []
    for name, given in (("send", {}), ("fail", {"reason": "x"}), ("refuse", {"reason": "x"})):
        objections.append(objection(session, cast.researcher.id, NOON))
        jury.step(payment, name, **given)

    assert all(reason and "still to come to you" in reason for reason in objections)
    assert objection(session, cast.researcher.id, NOON) is None
    assert objection in personal.objections


def test_the_privacy_page_says_that_no_bank_account_is_kept() -> None:
    assert any("No bank account is kept here" in kept.why for kept in personal.kept)
