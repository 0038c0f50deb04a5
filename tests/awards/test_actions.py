"""Proposing, approving, paying, correcting: on both databases."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.awards import actions, queries, states
from portal.awards.models import Award, BountyRules
from portal.awards.states import AwardState, Quality, Reason
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.core.mail import render
from portal.core.outbox import OutgoingMail
from portal.reports.states import ReportState, Severity
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast

S = AwardState
HOUR = timedelta(hours=1)


def tags(session: Session) -> list[tuple[str, str, int | None]]:
    session.commit()
    entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))
    return [(entry.tag, entry.subject, entry.actor_id) for entry in entries]


def test_the_whole_way(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.propose(note="three links")
    assert (award.state, award.amount, award.base, award.uplift_percent) == (S.PROPOSED, 48_000, 40_000, 20)
    assert award.working.splitlines()[-1] == "40,000 × 1.2 = 48,000"

    jury.decide(award, "approve", cast.second_triager.id)
    assert (award.state, award.approved_by_id, award.approved_at) == (S.APPROVED, cast.second_triager.id, NOON + HOUR)
    jury.decide(award, "pay", cast.finance.id, payment_reference="TX-1")

    assert (award.state, award.payment_reference, award.paid_at) == (S.PAID, "TX-1", NOON + HOUR)
    subject = f"award:{award.id}"
    assert tags(session)[1:] == [
        ("awards:propose", subject, cast.triager.id),
        ("awards:approve", subject, cast.second_triager.id),
        ("awards:pay", subject, cast.finance.id),
    ]
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "awards:approve")).one()
    assert (entry.scope, entry.detail["after"]["state"]) == (cast.slug, "approved")


def test_the_mail_says_nothing_but_where_to_look(session: Session, cast: Cast, jury: Jury) -> None:
    jury.award(paid=True)

    sent = session.scalars(
        sa.select(OutgoingMail).where(OutgoingMail.template == "awards/news").order_by(OutgoingMail.id)
    ).all()
    assert [mail.to for mail in sent] == [cast.researcher.email] * 2
    subject, text, _ = render(sent[0])
    assert subject == "News about your report R-0001"
    assert "48" not in text
    assert text.count("http://") == 1
    assert "http://localhost/challenges/test-challenge/awards" in text


@pytest.mark.parametrize("name", ["approve", "reject"])
def test_nobody_decides_on_their_own_proposal(session: Session, cast: Cast, jury: Jury, name: str) -> None:
    award = jury.propose()

    with pytest.raises(Refused, match="Somebody else decides"):
        jury.decide(award, name, cast.triager.id, reason="x")


def test_the_database_refuses_one_person_alone(session: Session, jury: Jury) -> None:
    award = jury.propose()

    award.state, award.approved_by_id, award.approved_at = S.APPROVED, award.proposed_by_id, NOON
    with pytest.raises(sa.exc.IntegrityError, match="second_person"):
        session.flush()


def test_only_the_proposer_withdraws(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.propose()
    with pytest.raises(Refused, match="Only the person who proposed"):
        jury.decide(award, "withdraw", cast.second_triager.id)

    jury.decide(award, "withdraw", cast.triager.id)

    assert award.state is S.WITHDRAWN
    assert jury.propose(award.report).state is S.PROPOSED


def test_a_rejection_needs_its_reason(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.propose()
    with pytest.raises(Invalid):
        jury.decide(award, "reject", cast.lead.id)

    jury.decide(award, "reject", cast.lead.id, reason="a known issue")

    assert (award.state, award.outcome, award.approved_by_id) == (S.REJECTED, "a known issue", None)


@pytest.mark.parametrize("name", ["pay", "fail", "donate", "refuse"])
def test_what_is_not_approved_is_not_paid(session: Session, cast: Cast, jury: Jury, name: str) -> None:
    with pytest.raises(Refused, match="not possible"):
        jury.decide(jury.propose(), name, cast.finance.id, reason="x", payment_reference="x")


def test_a_payment_that_failed_is_tried_again(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.award()

    jury.decide(award, "fail", cast.finance.id, reason="no such account")
    assert (award.state, award.outcome) == (S.FAILED, "no such account")
    jury.decide(award, "pay", cast.finance.id, payment_reference="TX-2")

    assert (award.state, award.outcome, award.payment_reference) == (S.PAID, None, "TX-2")


def test_an_award_can_be_donated(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.award()
    jury.decide(award, "donate", cast.finance.id, payment_reference="TX-3")

    assert (award.state, award.paid_at) == (S.DONATED, NOON + HOUR)


def test_nothing_is_decided_twice(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.award()

    with pytest.raises(Refused, match="not possible"):
        jury.decide(award, "approve", cast.lead.id)
    with pytest.raises(Refused, match="happens when a correction"):
        jury.decide(award, "supersede", cast.lead.id)


def test_the_second_of_two_who_decide_loses(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.propose()
    number, challenge_id, lead, second = award.id, cast.challenge.id, cast.lead.id, cast.second_triager.id
    session.commit()
    with Session(db.engine, expire_on_commit=False) as other:
        seen = queries.award(other, challenge_id, {Role.LEAD}, number)
        other.commit()
        jury.decide(award, "approve", second)
        session.commit()

        with pytest.raises(Conflict):
            actions.decide(other, seen, states.REJECT, reason="x", by=lead, at=NOON)
        other.rollback()


def test_a_report_has_one_proposal_at_a_time(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.propose()

    with pytest.raises(Conflict, match="just proposed"):
        jury.propose(award.report)


def test_a_correction_stands_in_the_place_of_what_it_corrects(session: Session, cast: Cast, jury: Jury) -> None:
    old = jury.award(quality=Quality.MEDIUM, paid=True)
    assert old.amount == 24_000

    new = jury.propose(old.report, Quality.HIGH)
    assert (new.corrects_id, new.reason, old.state) == (old.id, Reason.CORRECTION, S.PAID)
    assert [award.id for award in queries.granted(session, cast.challenge.id)] == [old.id]
    jury.decide(new, "approve", cast.lead.id)

    assert (old.state, old.amount, old.payment_reference) == (S.SUPERSEDED, 24_000, f"TX-{old.id}")
    assert [award.amount for award in queries.granted(session, cast.challenge.id)] == [48_000]
    assert [award.amount for award in queries.for_participant(session, cast.participant.id)] == [48_000]


def test_a_rejected_correction_leaves_what_stood(session: Session, cast: Cast, jury: Jury) -> None:
    old = jury.award(quality=Quality.MEDIUM)
    new = jury.propose(old.report)

    jury.decide(new, "reject", cast.lead.id, reason="no")

    assert (old.state, new.state) == (S.APPROVED, S.REJECTED)


def test_the_database_refuses_two_awards_that_stand(session: Session, cast: Cast, jury: Jury) -> None:
    old = jury.award()
    new = jury.propose(old.report)
    session.commit()

    with pytest.raises(sa.exc.IntegrityError, match=r"uq_award_granted|award\.report_id"):
        session.execute(
            sa.update(Award)
            .where(Award.id == new.id)
            .values(state=S.APPROVED, approved_by_id=cast.lead.id, approved_at=NOON)
        )


def test_nothing_is_proposed_without_rules_severity_or_confirmation(session: Session, cast: Cast) -> None:
    jury = Jury(session, cast)
    with pytest.raises(Refused, match="no bounty rules yet"):
        jury.propose(jury.report())
    jury.publish()
    with pytest.raises(Refused, match="Only a confirmed report"):
        jury.propose(jury.report(None, None, ReportState.ACKNOWLEDGED))


def test_rules_are_versioned_and_old_awards_stay(session: Session, cast: Cast, jury: Jury) -> None:
    before = jury.propose()

    jury.publish(cap=Decimal(30_000))

    assert [rules.version for rules in queries.all_rules(session, cast.challenge.id)] == [2, 1]
    assert (before.amount, before.rules.version) == (48_000, 1)
    assert jury.propose(jury.report()).amount == 30_000


@pytest.mark.parametrize("statement", ["UPDATE bounty_base SET amount = 1", "DELETE FROM bounty_uplift"])
def test_a_version_never_changes(session: Session, jury: Jury, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="never change"):
        session.execute(sa.text(statement))
    session.rollback()


def test_two_who_publish_at_once(session: Session, cast: Cast, jury: Jury) -> None:
    session.add(BountyRules(challenge_id=cast.challenge.id, version=1, currency="USD", published_at=NOON))

    with pytest.raises(sa.exc.IntegrityError, match="version"):
        session.flush()


def test_finance_learns_of_an_award_when_it_is_approved(session: Session, cast: Cast, jury: Jury) -> None:
    proposed = jury.propose()
    jury.award(jury.report(Severity.IMPORTANT), Quality.MEDIUM)
    challenge_id = cast.challenge.id

    assert [award.amount for award in queries.awards(session, challenge_id, {Role.FINANCE}).rows] == [11_000]
    assert len(queries.awards(session, challenge_id, {Role.TRIAGER}).rows) == 2
    with pytest.raises(NotFound):
        queries.award(session, challenge_id, {Role.FINANCE}, proposed.id)
    with pytest.raises(NotFound):
        queries.awards(session, challenge_id, {Role.FINANCE}, "proposed")
    assert [(total.state, total.count, total.amount) for total in queries.totals(session, challenge_id, {Role.LEAD})
            if total.count] == [(S.PROPOSED, 1, 48_000), (S.APPROVED, 1, 11_000)]  # fmt: skip


def test_queues_by_role(session: Session, cast: Cast, jury: Jury) -> None:
    jury.propose()
    jury.award(jury.report(Severity.IMPORTANT))

    def counts(*roles: Role) -> list[tuple[str, int]]:
        return [(queue.label, queue.count) for queue in queries.queues(session, cast.challenge, roles, NOON)]

    assert counts(Role.TRIAGER) == counts(Role.LEAD) == [("Awards to approve", 1)]
    assert counts(Role.FINANCE) == [("Awards to pay", 1), ("Payments that failed", 0)]
    assert counts(Role.REVIEWER, Role.LOGISTICS) == []


def test_a_participant_sees_what_stands_and_nothing_of_others(session: Session, cast: Cast, jury: Jury) -> None:
    jury.propose()
    jury.award(jury.report(participant=cast.team))

    assert queries.for_participant(session, cast.participant.id) == []
    assert [award.participant_id for award in queries.for_participant(session, cast.team.id)] == [cast.team.id]


def test_everybody_who_may_approve_hears_of_a_proposal(session: Session, cast: Cast, jury: Jury) -> None:
    jury.propose(note="three links")

    sent = session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.to)).all()
    assert {(mail.template, mail.to) for mail in sent} == {
        ("awards/proposed", cast.lead.email),
        ("awards/proposed", cast.second_triager.email),
    }
    subject, text, _ = render(sent[0])
    assert subject == "An award waits for a second person"
    assert ("48" in text, "neutral title" in text, "three links" in text) == (False, False, False)


def test_each_member_of_a_team_hears_of_an_award_and_of_each_payment(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.award(jury.report(participant=cast.team), paid=True)
    jury.decide(award, "fail", cast.finance.id, reason="came back")
    jury.decide(award, "pay", cast.finance.id, payment_reference="TX-again")

    to = sa.select(OutgoingMail.to).where(OutgoingMail.template == "awards/news")
    assert sorted(session.scalars(to)) == sorted([cast.team_lead.email, cast.colleague.email] * 3)


def test_a_payment_that_came_back_leaves_its_reference_in_the_history(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.award(paid=True)
    jury.decide(award, "fail", cast.finance.id, reason="account closed")
    session.commit()

    assert (award.state, award.payment_reference, award.paid_at) == (S.FAILED, None, None)
    told = [(entry.tag, actor) for entry, actor in queries.history(session, award)]
    assert told == [
        ("awards:propose", cast.triager.name),
        ("awards:approve", cast.second_triager.name),
        ("awards:pay", cast.finance.name),
        ("awards:fail", cast.finance.name),
    ]
    last = queries.history(session, award)[-1][0].detail
    assert (last["before"]["payment_reference"], last["reason"]) == (f"TX-{award.id}", "account closed")


def test_a_researcher_may_refuse(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.award()
    with pytest.raises(Invalid):
        jury.decide(award, "refuse", cast.finance.id)

    jury.decide(award, "refuse", cast.finance.id, reason="employer forbids it")

    assert (award.state, award.outcome) == (S.REFUSED, "employer forbids it")
    assert queries.granted(session, cast.challenge.id) == []
    assert queries.for_participant(session, cast.participant.id) == []


def test_what_waits_for_whom(session: Session, cast: Cast, jury: Jury) -> None:
    jury.propose()
    jury.award(jury.report(Severity.IMPORTANT))
    challenge_id = cast.challenge.id

    def waits(account_id: int, *roles: Role) -> list[AwardState]:
        rows = queries.awards(session, challenge_id, roles, "", account_id=account_id).rows
        assert queries.waiting(session, challenge_id, account_id, roles) == len(rows)
        return [award.state for award in rows]

    assert waits(cast.triager.id, Role.TRIAGER) == []
    assert waits(cast.second_triager.id, Role.TRIAGER) == [S.PROPOSED]
    assert waits(cast.lead.id, Role.LEAD) == [S.PROPOSED]
    assert waits(cast.finance.id, Role.FINANCE) == [S.APPROVED]


def test_the_list_goes_on_after_its_last_row(session: Session, cast: Cast, jury: Jury) -> None:
    made = [jury.award(jury.report()).id for _ in range(5)]
    challenge_id = cast.challenge.id

    first = queries.awards(session, challenge_id, {Role.LEAD}, limit=3)
    rest = queries.awards(session, challenge_id, {Role.LEAD}, after=first.next, limit=3)

    assert [award.id for award in [*first.rows, *rest.rows]] == made[::-1]
    assert rest.next is None
