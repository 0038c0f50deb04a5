"""Proposing and deciding: on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import RoleGrant
from portal.accounts.states import Role
from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.awards import actions, queries, states
from portal.awards.states import AwardState, Quality
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.core.mail import render
from portal.core.outbox import OutgoingMail
from portal.reports.states import ReportState, Severity
from portal.selection.models import Conflict as Barred
from portal.selection.states import ConflictKind
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
    jury.pay(award)

    (payment,) = jury.payments(award)
    assert (payment.state, payment.amount, payment.account_id) == ("paid", 48_000, cast.researcher.id)
    assert (payment.reference, payment.sent_at, payment.paid_at) == (f"TX-{payment.id}", NOON + HOUR, NOON + HOUR)
    subject, money = f"award:{award.id}", f"payment:{payment.id}"
    assert tags(session)[1:] == [
        ("awards:propose", subject, cast.triager.id),
        ("awards:approve", subject, cast.second_triager.id),
        ("awards:payment-send", money, cast.finance.id),
        ("awards:payment-pay", money, cast.finance.id),
    ]
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "awards:approve")).one()
    assert (entry.scope, entry.detail["after"]["state"]) == (cast.slug, "approved")
    assert [entry.tag for entry, _ in queries.history(session, award)] == [tag for tag, _, _ in tags(session)[1:]]


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


@pytest.mark.parametrize("name", ["approve", "return", "reject"])
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


def test_what_is_sent_back_is_proposed_again(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.propose(quality=Quality.MEDIUM)
    jury.decide(award, "return", cast.lead.id, reason="the quality is high")
    assert (award.state, award.outcome) == (S.RETURNED, "the quality is high")
    told = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.template == "awards/returned")).one()
    assert told.to == cast.triager.email
    subject, text, _ = render(told)
    assert subject == "Your proposal for R-0001 came back"
    assert ("quality" in text, "24,000" in text) == (False, False)
    queue = queries.queues(session, cast.challenge, {Role.TRIAGER}, NOON, cast.triager.id)
    assert [(each.label, each.count) for each in queue] == [("Awards to approve", 0), ("Awards sent back to you", 1)]

    again = jury.propose(award.report)

    assert (award.state, again.state, again.corrects_id) == (S.WITHDRAWN, S.PROPOSED, None)
    assert "awards:revise" in [tag for tag, _, _ in tags(session)]


def test_who_takes_part_does_not_decide(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.propose()
    session.add(RoleGrant(account_id=cast.researcher.id, role=Role.TRIAGER, scope=cast.slug, granted_at=NOON))
    session.flush()

    for name in ("approve", "return", "reject"):
        with pytest.raises(Refused, match="you take part as one of them"):
            jury.decide(award, name, cast.researcher.id, reason="x")
    with pytest.raises(Refused, match="conflict of interest"):
        actions.propose(session, jury.report(), actions.Proposal(Quality.HIGH), by=cast.researcher.id, at=NOON)
    assert queries.waiting(session, cast.challenge.id, cast.researcher.id, {Role.TRIAGER}) == 0


def test_who_declares_a_conflict_decides_on_nothing_of_theirs(session: Session, cast: Cast, jury: Jury) -> None:
    award, other = jury.propose(), jury.propose(jury.report(participant=cast.team))
    lead, challenge_id = cast.lead.id, cast.challenge.id
    assert queries.waiting(session, challenge_id, lead, {Role.LEAD}) == 2

    actions.declare_conflict(session, award, by=lead, at=NOON)

    with pytest.raises(Refused, match="you have declared it"):
        jury.decide(award, "approve", lead)
    with pytest.raises(Conflict, match="noted already"):
        actions.declare_conflict(session, award, by=lead, at=NOON)
    assert [each.count for each in queries.queues(session, cast.challenge, {Role.LEAD}, NOON, lead)] == [1]
    assert queries.waiting(session, challenge_id, lead, {Role.LEAD}) == 1
    jury.decide(other, "approve", lead)
    assert ("awards:declare-conflict", f"participant:{cast.participant.id}", lead) in tags(session)


def test_a_conflict_from_the_reviews_counts(session: Session, cast: Cast, jury: Jury) -> None:
    applied = Application(
        challenge_id=cast.challenge.id, account_id=cast.researcher.id, canonical_email=cast.researcher.email,
        state=ApplicationState.SUBMITTED, state_since=NOON, created_at=NOON, saved_at=NOON, submitted_at=NOON, rnd=1,
    )  # fmt: skip
    session.add(applied)
    session.flush()
    barred = {"application_id": applied.id, "reviewer_id": cast.second_triager.id, "noted_at": NOON}
    session.add(Barred(**barred, kind=ConflictKind.AFFILIATION))
    session.flush()

    with pytest.raises(Refused, match="noted when applications were reviewed"):
        jury.decide(jury.propose(), "approve", cast.second_triager.id)
    jury.decide(jury.propose(jury.report(participant=cast.team)), "approve", cast.second_triager.id)


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
        seen = queries.award(other, challenge_id, {Role.LEAD}, number, reader=0)
        other.commit()
        jury.decide(award, "approve", second)
        session.commit()

        with pytest.raises(Conflict):
            actions.decide(other, seen, states.REJECT, reason="x", by=lead, at=NOON)
        other.rollback()


def test_of_two_who_approve_at_once_one_is_first(session: Session, cast: Cast, jury: Jury) -> None:
    number, challenge_id = jury.propose().id, cast.challenge.id
    people = [cast.second_triager.id, cast.lead.id]
    session.commit()
    engine = db.engine

    def approve(by: int) -> str:
        with Session(engine) as own:
            try:
                actions.decide(
                    own, queries.award(own, challenge_id, {Role.LEAD}, number, reader=0), states.APPROVE, by=by, at=NOON
                )
                own.commit()
            except (Conflict, Refused) as refusal:
                own.rollback()
                return type(refusal).__name__
            return "done"

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(approve, people))

    assert told[1] == "done"
    assert told[0] in ("Conflict", "Refused")
    assert len(jury.payments(queries.award(session, challenge_id, {Role.LEAD}, number, reader=0))) == 1


def test_a_report_has_one_proposal_at_a_time(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.propose()

    with pytest.raises(Conflict, match="just proposed"):
        jury.propose(award.report)


def test_nothing_is_proposed_without_rules_severity_or_confirmation(session: Session, cast: Cast) -> None:
    jury = Jury(session, cast)
    with pytest.raises(Refused, match="no bounty rules yet"):
        jury.propose(jury.report())
    jury.publish()
    with pytest.raises(Refused, match="Only a confirmed report"):
        jury.propose(jury.report(None, None, ReportState.ACKNOWLEDGED))


def test_finance_learns_of_an_award_when_it_is_approved(session: Session, cast: Cast, jury: Jury) -> None:
    proposed = jury.propose()
    jury.award(jury.report(Severity.IMPORTANT), Quality.MEDIUM)
    challenge_id = cast.challenge.id

    assert [award.amount for award in queries.awards(session, challenge_id, {Role.FINANCE}, reader=0).rows] == [11_000]
    assert len(queries.awards(session, challenge_id, {Role.TRIAGER}, reader=0).rows) == 2
    with pytest.raises(NotFound):
        queries.award(session, challenge_id, {Role.FINANCE}, proposed.id, reader=0)
    with pytest.raises(NotFound):
        queries.awards(session, challenge_id, {Role.FINANCE}, "proposed", reader=0)
    totals = queries.totals(session, challenge_id, {Role.LEAD}, reader=0)
    assert [(total.state, total.count, total.amount) for total in totals if total.count] == [
        (S.PROPOSED, 1, 48_000),
        (S.APPROVED, 1, 11_000),
    ]


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


def test_what_waits_for_whom(session: Session, cast: Cast, jury: Jury) -> None:
    jury.propose()
    jury.award(jury.report(Severity.IMPORTANT))
    challenge_id = cast.challenge.id

    def waits(account_id: int, *roles: Role) -> list[AwardState]:
        rows = queries.awards(session, challenge_id, roles, "", reader=account_id).rows
        assert queries.waiting(session, challenge_id, account_id, roles) == len(rows)
        return [award.state for award in rows]

    assert waits(cast.triager.id, Role.TRIAGER) == []
    assert waits(cast.second_triager.id, Role.TRIAGER) == [S.PROPOSED]
    assert waits(cast.lead.id, Role.LEAD) == [S.PROPOSED]
    assert waits(cast.finance.id, Role.FINANCE) == [S.APPROVED]


def test_the_list_goes_on_after_its_last_row(session: Session, cast: Cast, jury: Jury) -> None:
    made = [jury.award(jury.report()).id for _ in range(5)]
    challenge_id = cast.challenge.id

    first = queries.awards(session, challenge_id, {Role.LEAD}, reader=0, limit=3)
    rest = queries.awards(session, challenge_id, {Role.LEAD}, after=first.next, reader=0, limit=3)

    assert [award.id for award in [*first.rows, *rest.rows]] == made[::-1]
    assert rest.next is None
