"""What triage comes to say otherwise after an award was proposed or approved: on both databases."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.awards import actions, queries
from portal.awards.models import Award
from portal.awards.states import Quality
from portal.core.errors import Refused
from portal.core.moves import move_named
from portal.reports import rules as reports
from portal.reports import states
from portal.reports.actions import triage
from portal.reports.models import Report
from portal.reports.states import Severity
from tests.awards.conftest import Jury
from tests.awards.test_links import Chain
from tests.cast import NOON, Cast, sign_in

STAFF = "/staff/test-challenge/awards"
LATER = NOON + timedelta(hours=1)


class Triage:
    """Says otherwise."""

    def __init__(self, session: Session, cast: Cast, jury: Jury) -> None:
        self.session, self.cast, self.jury = session, cast, jury

    def move(self, report: Report, name: str, **outcome: object) -> None:
        """Take a step with a report."""
        given = reports.Outcome(**outcome)  # type: ignore[arg-type]
        step = move_named(states.MOVES, name)
        triage.move(self.session, report, step, given, by=self.cast.triager.id, at=LATER)
        self.session.commit()

    def duplicate(self, report: Report) -> None:
        """Find an older report of the same."""
        self.move(report, "duplicate", duplicate_of_id=self.jury.report(at=NOON - timedelta(days=1)).id)

    def assess(self, report: Report, severity: Severity, achieved: str | None = "G2") -> None:
        """Say how severe it is, and what it achieves."""
        scenario = self.jury.scenario(achieved).id if achieved else None
        triage.assess(
            self.session, report, severity=severity, achieved_scenario_id=scenario, led_to_improvement=False,
            by=self.cast.triager.id, at=LATER,
        )  # fmt: skip
        self.session.commit()


@pytest.fixture
def otherwise(session: Session, cast: Cast, jury: Jury) -> Triage:
    return Triage(session, cast, jury)


def waiting(session: Session, cast: Cast) -> tuple[int, dict[str, int]]:
    """What waits for the triager: as a number, and by queue."""
    found = queries.queues(session, cast.challenge, {Role.TRIAGER}, LATER, cast.triager.id)
    count = queries.waiting(session, cast.challenge.id, cast.triager.id, {Role.TRIAGER})
    return count, {each.label: each.count for each in found}


@pytest.mark.parametrize(
    ("step", "outcome", "words"),
    [("duplicate", {}, "duplicate"), ("by-design", {"mitigating_layer": "The firewall"}, "by design")],
)
def test_what_is_not_confirmed_any_more_is_not_approved(
    session: Session, cast: Cast, jury: Jury, otherwise: Triage, step: str, outcome: dict[str, object], words: str
) -> None:
    report = jury.report()
    award = jury.propose(report)
    session.commit()
    if step == "duplicate":
        otherwise.duplicate(report)
    else:
        otherwise.move(report, step, **outcome)

    with pytest.raises(Refused, match=rf"R-0001 is {words} now\. Send it back"):
        jury.decide(award, "approve", cast.second_triager.id)
    session.rollback()

    assert (award.state, jury.payments(award), queries.granted(session, cast.challenge.id)) == ("proposed", [], [])
    jury.decide(award, "return", cast.second_triager.id, reason="it is none any more")
    assert award.state == "returned"


def test_a_correction_of_what_is_not_confirmed_any_more_is_only_a_void_one(
    session: Session, cast: Cast, jury: Jury, otherwise: Triage
) -> None:
    report = jury.report(participant=cast.team)
    stands = jury.award(report)
    first, second = (share.account_id for share in stands.shares)
    split = jury.propose(report, shares={first: 3, second: 1})
    session.commit()
    otherwise.duplicate(report)

    with pytest.raises(Refused, match="R-0001 is duplicate now"):
        jury.decide(split, "approve", cast.second_triager.id)
    session.rollback()
    jury.decide(split, "reject", cast.second_triager.id, reason="a duplicate")
    for wish in ({"quality": Quality.LOW}, {"shares": {first: 3, second: 1}}):
        with pytest.raises(Refused, match="Only a confirmed report"):
            jury.propose(report, **wish)
    void = actions.propose_void(session, stands, "a duplicate", by=cast.triager.id, at=LATER)
    jury.decide(void, "approve", cast.second_triager.id)
    assert [payment.state for payment in jury.payments(void)] == ["cancelled", "cancelled"]


def test_no_money_is_sent_for_what_is_not_confirmed_any_more(
    session: Session, cast: Cast, jury: Jury, otherwise: Triage
) -> None:
    report, other = jury.report(), jury.report(Severity.IMPORTANT)
    award, good = jury.award(report), jury.award(other, Quality.MEDIUM)
    otherwise.duplicate(report)
    [payment] = jury.payments(award)

    assert queries.held(session, cast.challenge.id, cast.finance.id) == (1, Decimal(48_000))
    for name, given in (("send", {}), ("donate", {"donated_to": "A school", "reference": "R"})):
        with pytest.raises(Refused, match=r"R-0001 is duplicate now\. No money is sent"):
            jury.step(payment, name, **given)
    actions.export(session, cast.challenge, by=cast.finance.id, at=LATER)
    session.commit()

    assert (payment.state, [each.state for each in jury.payments(good)]) == ("due", ["sent"])
    with pytest.raises(Refused, match="Nothing is due"):
        actions.export(session, cast.challenge, by=cast.finance.id, at=LATER)
    session.rollback()
    books = queries.books(session, cast.challenge.id)
    assert (books.awarded, books.difference) == (59_000, 0)


def test_what_is_confirmed_again_is_paid(session: Session, cast: Cast, jury: Jury, otherwise: Triage) -> None:
    report = jury.report()
    award = jury.award(report)
    otherwise.duplicate(report)
    otherwise.move(report, "reopen", message="Not the same after all", reason=states.Reason.MISTAKE)
    with pytest.raises(Refused, match="R-0001 is reproducing now"):
        jury.step(jury.payments(award)[0], "send")
    otherwise.move(report, "confirm", severity=Severity.CRITICAL)

    jury.pay(award)

    assert [payment.state for payment in jury.payments(award)] == ["paid"]


def test_what_was_paid_is_noted_whatever_has_become_of_the_report(
    session: Session, cast: Cast, jury: Jury, otherwise: Triage
) -> None:
    report = jury.report()
    award = jury.award(report)
    [payment] = jury.payments(award)
    jury.step(payment, "send")
    otherwise.duplicate(report)

    jury.step(payment, "pay", reference="TX-1")

    assert payment.state == "paid"


def test_a_standing_award_without_its_ground_waits_for_a_triager(
    session: Session, cast: Cast, jury: Jury, otherwise: Triage
) -> None:
    report = jury.report()
    award = jury.award(report)
    assert waiting(session, cast) == (0, {"Awards to approve": 0, "Awards sent back to you": 0})

    otherwise.duplicate(report)
    count, found = waiting(session, cast)
    assert (count, found["Awards not confirmed any more"]) == (1, 1)

    actions.propose_void(session, award, "a duplicate", by=cast.triager.id, at=LATER)
    assert waiting(session, cast) == (0, {"Awards to approve": 0, "Awards sent back to you": 0})


def test_the_page_says_what_has_become_of_it(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury, otherwise: Triage
) -> None:
    report, other = jury.report(), jury.report()
    stands, proposed = jury.award(report), jury.propose(other)
    session.commit()
    otherwise.duplicate(report)
    otherwise.move(other, "by-design", mitigating_layer="The firewall")
    sign_in(client, cast.second_triager)

    page = client.get(f"{STAFF}/{stands.id}").text
    assert "R-0001 is duplicate now. The award stands until it is voided, and nothing of it is sent." in page
    assert "R-0002 is by design now. It cannot be approved." in client.get(f"{STAFF}/{proposed.id}").text
    assert client.post(f"{STAFF}/{proposed.id}/approve").status_code == 422
    sign_in(client, cast.finance)
    page = client.get(f"{STAFF}/payments").text
    assert "1 payment, $48,000, is held back" in page
    assert "Export" not in page


@pytest.mark.parametrize(("severity", "achieved", "told"), [
    (Severity.LOW, "G2", "for critical severity, and triage says low now"),
    (Severity.CRITICAL, "G1", "for another scenario"),
    (Severity.CRITICAL, None, "for another scenario"),
])  # fmt: skip
def test_what_was_assessed_anew_is_worked_out_anew(
    session: Session, cast: Cast, jury: Jury, otherwise: Triage, severity: Severity, achieved: str | None, told: str
) -> None:
    report = jury.report(Severity.CRITICAL)
    award = jury.propose(report)
    session.commit()
    otherwise.assess(report, severity, achieved)

    with pytest.raises(Refused, match=rf"{told}.* Send it back to be worked out anew"):
        jury.decide(award, "approve", cast.second_triager.id)
    session.rollback()
    assert (award.state, award.amount) == ("proposed", 48_000)


def test_a_link_assessed_anew_is_worked_out_anew(session: Session, cast: Cast, jury: Jury) -> None:
    chain = Chain(session, cast, jury)
    chain.confirm(1, Severity.CRITICAL)
    chain.confirm(2, Severity.CRITICAL)
    award = jury.propose(chain.report, part="link 1")
    session.commit()
    chain.decide(1, states.REOPEN_LINK, message="Looked at again")
    chain.confirm(1, Severity.LOW)

    with pytest.raises(Refused, match="for critical severity, and triage says low now"):
        jury.decide(award, "approve", cast.second_triager.id)


def test_the_severity_of_a_link_is_the_links(session: Session, cast: Cast, jury: Jury) -> None:
    chain = Chain(session, cast, jury)
    chain.confirm(1, Severity.LOW)

    with pytest.raises(Refused, match="The severity of a link is triage's to set"):
        jury.propose(chain.report, part="link 1", severity=Severity.CRITICAL)


def test_a_void_is_approved_whatever_triage_says_now(
    session: Session, cast: Cast, jury: Jury, otherwise: Triage
) -> None:
    report = jury.report(Severity.CRITICAL)
    stands = jury.award(report)
    void: Award = actions.propose_void(session, stands, "a mistake", by=cast.triager.id, at=LATER)
    session.commit()
    otherwise.assess(report, Severity.LOW)

    jury.decide(void, "approve", cast.second_triager.id)

    assert (void.state, void.amount) == ("approved", 0)


def test_the_page_of_a_standing_award_says_that_triage_says_otherwise(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury, otherwise: Triage
) -> None:
    report = jury.report(Severity.CRITICAL)
    award = jury.award(report)
    otherwise.assess(report, Severity.LOW)
    sign_in(client, cast.triager)

    page = client.get(f"{STAFF}/{award.id}").text
    assert "It was worked out for critical severity, and triage says low now." in page
    assert "The award stands as it is until it is corrected." in page
