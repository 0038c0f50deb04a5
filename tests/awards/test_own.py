"""Who takes part sees nothing of the staff side of their own awards and acts on none of it, in whatever role."""

import csv
import io

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import RoleGrant
from portal.accounts.states import Role
from portal.awards import actions, queries, states
from portal.awards.models import BatchLine, Payment
from portal.awards.states import AwardState, PaymentState, Quality
from portal.core.errors import Refused
from portal.core.outbox import OutgoingMail
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast, sign_in
from tests.kept import kept

STAFF = "/staff/test-challenge/awards"
ROLES = (Role.TRIAGER, Role.LEAD, Role.FINANCE)


@kept
def ours(session: Session, cast: Cast, ruled: None) -> Cast:
    """R-0001: an award of the colleague's team that stands; R-0002: one that is proposed; R-0003: another's."""
    for role in ROLES:
        session.add(RoleGrant(account_id=cast.colleague.id, role=role, scope=cast.slug, granted_at=NOON))
    jury = Jury(session, cast)
    jury.award(jury.report(participant=cast.team))
    jury.propose(jury.report(participant=cast.team), note="Something for the second person")
    jury.award(jury.report())
    session.commit()
    return cast


def only(session: Session, cast: Cast, role: Role) -> None:
    """Leave the colleague one role."""
    session.execute(sa.delete(RoleGrant).where(RoleGrant.account_id == cast.colleague.id, RoleGrant.role != role))
    session.commit()


@pytest.mark.parametrize("role", ROLES)
def test_lists_and_exports_leave_out_ones_own(client: FlaskClient, session: Session, ours: Cast, role: Role) -> None:
    only(session, ours, role)
    sign_in(client, ours.colleague)
    lists = {Role.TRIAGER: ("?state=all", ""), Role.LEAD: ("?state=all", "", ".csv", "/payments?state=all")}
    paths = lists.get(role, ("?state=all", "", ".csv", "/payments", "/payments?state=all", "/payments.csv"))

    for path in paths:
        page = client.get(STAFF + path)
        assert page.status_code == 200
        for own in ("Team Kestrel", "R-0001", "R-0002", "A-1<", "A-2<"):
            assert own not in page.text, (path, own)
    everything = client.get(f"{STAFF}?state=all").text
    assert ("R-0003" in everything, "A-3</a>" in everything) == (True, True)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("method", "path", "roles"),
    [
        ("GET", "/1", ROLES), ("GET", "/2", ROLES), ("GET", "/new?report=R-0001", (Role.TRIAGER,)),
        ("POST", "/new?report=R-0002", (Role.TRIAGER,)), ("POST", "/2/approve", (Role.TRIAGER, Role.LEAD)),
        ("POST", "/2/reject", (Role.TRIAGER, Role.LEAD)), ("POST", "/2/return", (Role.TRIAGER, Role.LEAD)),
        ("POST", "/2/conflict", (Role.TRIAGER, Role.LEAD)), ("POST", "/1/void", (Role.TRIAGER,)),
        ("GET", "/payments/1", (Role.LEAD, Role.FINANCE)), ("POST", "/payments/1/send", (Role.LEAD, Role.FINANCE)),
        ("POST", "/payments/1/refuse", (Role.LEAD, Role.FINANCE)),
        ("POST", "/payments/1/donate", (Role.LEAD, Role.FINANCE)),
    ],
)  # fmt: skip
def test_pages_and_steps_are_not_found(
    client: FlaskClient, session: Session, ours: Cast, role: Role, method: str, path: str, roles: tuple[Role, ...]
) -> None:
    only(session, ours, role)
    before = session.execute(sa.select(Payment.state, sa.func.count()).group_by(Payment.state)).all()
    sign_in(client, ours.colleague)

    data = {"reason": "x", "reference": "x", "donated_to": "x", "because": "x", "quality": "high"}
    status = client.open(STAFF + path, method=method, data=data if method == "POST" else None).status_code

    assert status == (404 if role in roles else 403)
    session.expire_all()
    assert session.execute(sa.select(Payment.state, sa.func.count()).group_by(Payment.state)).all() == before
    # Somebody who has nothing to do with the team may.
    other = {Role.TRIAGER: ours.second_triager, Role.LEAD: ours.lead, Role.FINANCE: ours.finance}[role]
    sign_in(client, other)
    if role in roles and method == "GET" and not (role is Role.FINANCE and path == "/2"):
        assert client.get(STAFF + path).status_code == 200


def test_what_waits_and_the_sums_leave_out_ones_own(session: Session, ours: Cast) -> None:
    me, challenge_id = ours.colleague.id, ours.challenge.id

    assert queries.waiting(session, challenge_id, me, ROLES) == 1
    assert [(each.label, each.count) for each in queries.queues(session, ours.challenge, ROLES, NOON, me)] == [
        ("Awards to approve", 0), ("Awards sent back to you", 0), ("Payments due", 1), ("Payments that failed", 0),
        ("Payments overdue", 0),
    ]  # fmt: skip
    seen = {each.state: each.count for each in queries.totals(session, challenge_id, ROLES, reader=me) if each.count}
    assert seen == {AwardState.APPROVED: 1}
    # The books are of the challenge, whoever looks: sums alone, which the team is told on its own page too.
    assert queries.sums(session, challenge_id)[PaymentState.DUE][0] == 3
    assert queries.sums(session, challenge_id, reader=me)[PaymentState.DUE][0] == 1
    assert queries.books(session, challenge_id).difference == 0


def test_the_rule_holds_below_the_pages(session: Session, ours: Cast, jury: Jury) -> None:
    [own, *_] = jury.payments(queries.award(session, ours.challenge.id, ROLES, 1, reader=0))

    for move in (states.SEND, states.REFUSE, states.DONATE):
        with pytest.raises(Refused, match="You take part as one of them"):
            actions.step(
                session, own, move, reason="x", reference="x", donated_to="x", by=ours.colleague.id, at=NOON
            )  # fmt: skip
    wish = actions.Proposal(Quality.HIGH, because="more")
    with pytest.raises(Refused, match="conflict of interest"):
        actions.propose(session, own.award.report, wish, by=ours.colleague.id, at=NOON)
    with pytest.raises(Refused, match="conflict of interest"):
        actions.propose_void(session, own.award, "no", by=ours.colleague.id, at=NOON)


def test_a_file_for_the_bank_leaves_out_whoever_makes_it(client: FlaskClient, session: Session, ours: Cast) -> None:
    sign_in(client, ours.colleague)
    page = client.get(f"{STAFF}/payments").text
    assert "Export 1 payment…" in page

    assert client.post(f"{STAFF}/batches").status_code == 302

    assert [line.payment.award.report.ref for line in session.scalars(sa.select(BatchLine))] == ["R-0003"]
    assert client.post(f"{STAFF}/batches").status_code in (409, 422, 403)
    rest = session.scalars(sa.select(Payment).where(Payment.state == PaymentState.DUE)).all()
    assert {payment.award.participant_id for payment in rest} == {ours.team.id}
    sign_in(client, ours.finance)
    assert client.post(f"{STAFF}/batches").status_code == 302
    assert len(list(csv.reader(io.StringIO(client.get(f"{STAFF}/batches/2.csv").text)))) == 3


def test_whoever_is_paid_by_a_file_does_not_take_it_to_the_bank(
    client: FlaskClient, session: Session, ours: Cast
) -> None:
    actions.export(session, ours.challenge, by=ours.finance.id, at=NOON)
    session.commit()
    sign_in(client, ours.colleague)

    page = client.get(f"{STAFF}/batches/1").text
    assert ("It also pays a participant to whom you belong" in page, "batches/1.csv" in page) == (True, False)
    assert ("Tamar" in page, "P-3</a>" in page, "P-1</a>" in page) == (False, True, False)
    assert client.get(f"{STAFF}/batches/1.csv").status_code == 403
    sign_in(client, ours.finance)
    page = client.get(f"{STAFF}/batches/1").text
    assert ("P-1</a>" in page, "batches/1.csv" in page) == (True, True)


def test_what_the_bank_says_of_ones_own_is_noted_by_somebody_else(
    client: FlaskClient, session: Session, ours: Cast
) -> None:
    actions.export(session, ours.challenge, by=ours.finance.id, at=NOON)
    session.commit()
    sign_in(client, ours.colleague)
    told = {"text": "payment,result,reference\nP-1,paid,TX-1\nP-3,paid,TX-3\n"}

    page = client.post(f"{STAFF}/results", data=told)

    assert page.status_code == 422
    assert "There is no such payment here" in page.text
    session.expire_all()
    assert {payment.state for payment in session.scalars(sa.select(Payment))} == {PaymentState.SENT}
    sign_in(client, ours.finance)
    assert client.post(f"{STAFF}/results", data=told).status_code == 302


def test_nobody_is_told_of_a_proposal_for_their_own_team(session: Session, ours: Cast) -> None:
    told = set(session.scalars(sa.select(OutgoingMail.to).where(OutgoingMail.template == "awards/proposed")))

    assert ours.lead.email in told
    own = session.scalars(
        sa.select(OutgoingMail.to).where(
            OutgoingMail.template == "awards/proposed", OutgoingMail.dedupe_key.like("award:2:%")
        )
    )
    assert set(own) == {ours.lead.email, ours.second_triager.email}
