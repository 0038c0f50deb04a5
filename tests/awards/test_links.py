"""Awards for links: each by itself, only confirmed ones, all under one cap; and the team of 2020 with six awards."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.awards import actions, queries
from portal.awards.models import Award
from portal.awards.states import Quality
from portal.core.errors import Refused
from portal.reports import rules as reports
from portal.reports import states
from portal.reports.actions import links
from portal.reports.models import Report, ReportLink
from portal.reports.queries.links import numbered
from portal.reports.states import Severity
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast, sign_in

STAFF = "/staff/test-challenge/awards"
LATER = NOON + timedelta(hours=2)


class Chain:
    """A confirmed report of the team whose links are decided one by one."""

    def __init__(self, session: Session, cast: Cast, jury: Jury, count: int = 3) -> None:
        self.session, self.cast, self.jury = session, cast, jury
        self.report: Report = jury.report(Severity.CRITICAL, participant=cast.team)
        given = [reports.LinkText(f"Link of {number}") for number in range(1, count + 1)]
        links.add_links(session, self.report, given, by=cast.triager.id, at=NOON)
        session.commit()

    def link(self, number: int) -> ReportLink:
        """One link."""
        return numbered(self.session, self.report.id, number)

    def confirm(self, number: int, severity: Severity) -> None:
        """Find it good."""
        self.decide(number, states.CONFIRM_LINK, severity=severity)

    def decide(self, number: int, step: object, **verdict: object) -> None:
        """Decide on it."""
        given = reports.Verdict(**verdict)  # type: ignore[arg-type]
        links.decide_link(
            self.session, self.report, self.link(number), step, given, by=self.cast.triager.id, at=LATER  # type: ignore[arg-type]
        )  # fmt: skip
        self.session.commit()


@pytest.fixture
def chain(session: Session, cast: Cast, jury: Jury) -> Chain:
    return Chain(session, cast, jury)


def test_the_team_with_six_awards(session: Session, cast: Cast, jury: Jury) -> None:
    chain = Chain(session, cast, jury, count=6)
    known = [
        (Severity.IMPORTANT, Quality.LOW, "3300"), (Severity.CRITICAL, Quality.HIGH, "48000"),
        (Severity.IMPORTANT, Quality.MEDIUM, "11000"), (Severity.IMPORTANT, Quality.MEDIUM, "11000"),
        (Severity.CRITICAL, Quality.HIGH, "48000"), (Severity.CRITICAL, Quality.HIGH, "48000"),
    ]  # fmt: skip
    for number, (severity, quality, amount) in enumerate(known, start=1):
        chain.confirm(number, severity)
        award = jury.award(chain.report, quality, part=f"link {number}")
        assert (award.amount, award.severity, award.link_id) == (Decimal(amount), severity, chain.link(number).id)

    [granted] = queries.granted(session, cast.challenge.id)
    assert granted == (chain.report.id, Decimal(169_300))
    # The results count the report once, however many links of it are awarded.
    assert len(queries.standing(session, chain.report.id)) == 6


def test_a_link_that_is_not_confirmed_is_not_awarded(chain: Chain, jury: Jury) -> None:
    first = jury.report(at=NOON - timedelta(days=1))
    chain.confirm(1, Severity.CRITICAL)
    chain.decide(2, states.DUPLICATE_LINK, duplicate_of=(first, None))

    with pytest.raises(Refused, match=r"Only a confirmed link is awarded\. Link 2 is duplicate"):
        jury.propose(chain.report, part="link 2")
    with pytest.raises(Refused, match="Link 3 is open"):
        jury.propose(chain.report, part="link 3")
    with pytest.raises(Refused, match="The parts of this report are its links: link 1, link 2, link 3"):
        jury.propose(chain.report, part="the kernel link")
    assert jury.propose(chain.report, part="link 1").link_id == chain.link(1).id


def test_an_older_part_can_still_be_corrected_and_voided(chain: Chain, cast: Cast, jury: Jury) -> None:
    chain.confirm(1, Severity.CRITICAL)
    old = jury.award(chain.report, part="link 1")
    chain.session.execute(sa.update(Award).where(Award.id == old.id).values(part="first link", link_id=None))
    chain.session.commit()
    chain.session.expire_all()

    lower = jury.award(chain.report, Quality.MEDIUM, part="first link")

    assert (old.link_id, lower.link_id, lower.corrects_id) == (None, None, old.id)


def test_what_was_decided_meanwhile_is_not_approved_but_can_be_voided(chain: Chain, cast: Cast, jury: Jury) -> None:
    chain.confirm(1, Severity.CRITICAL)
    chain.confirm(2, Severity.CRITICAL)
    waiting, stands = jury.propose(chain.report, part="link 1"), jury.award(chain.report, part="link 2")
    chain.confirm(3, Severity.LOW)
    for number in (1, 2):
        chain.decide(number, states.BY_DESIGN_LINK, mitigating_layer="The firewall")

    with pytest.raises(Refused, match="Link 1 is by design"):
        jury.decide(waiting, "approve", cast.second_triager.id)
    void = actions.propose_void(chain.session, stands, "It was by design.", by=cast.triager.id, at=LATER)
    jury.decide(void, "approve", cast.second_triager.id)
    assert (void.amount, void.link_id) == (0, chain.link(2).id)


def test_all_links_are_under_one_cap(session: Session, cast: Cast, jury: Jury) -> None:
    jury.publish(cap=Decimal(60_000))
    chain = Chain(session, cast, jury)
    for number in (1, 2, 3):
        chain.confirm(number, Severity.CRITICAL)

    amounts = [jury.award(chain.report, part=f"link {number}").amount for number in (1, 2)]

    assert amounts == [48_000, 12_000]
    with pytest.raises(Refused, match="No report is given more than 60,000"):
        jury.propose(chain.report, part="link 3")


def test_a_links_own_scenario_counts(session: Session, cast: Cast, jury: Jury) -> None:
    plain = jury.report(Severity.CRITICAL, achieved=None)
    given = [reports.LinkText("A"), reports.LinkText("B")]
    links.add_links(session, plain, given, by=cast.triager.id, at=NOON)
    chain = Chain(session, cast, jury)
    chain.report = plain
    chain.decide(1, states.CONFIRM_LINK, severity=Severity.CRITICAL, achieved_scenario_id=jury.scenario("G2").id)
    chain.decide(2, states.CONFIRM_LINK, severity=Severity.CRITICAL)

    assert [jury.propose(plain, part=f"link {number}").amount for number in (1, 2)] == [48_000, 40_000]


def test_the_database_refuses_a_link_without_a_part(session: Session, chain: Chain, jury: Jury) -> None:
    chain.confirm(1, Severity.CRITICAL)
    award = jury.award(chain.report, part="link 1")
    session.commit()

    with pytest.raises(sa.exc.IntegrityError, match="link_is_part"):
        session.execute(sa.update(Award).where(Award.id == award.id).values(part=""))


def test_an_award_is_proposed_from_the_chain(client: FlaskClient, session: Session, cast: Cast, chain: Chain) -> None:
    chain.confirm(1, Severity.IMPORTANT)
    sign_in(client, cast.triager)
    page = client.get(f"/staff/test-challenge/reports/{chain.report.ref}/chain").text
    where = f"{STAFF}/new?report={chain.report.ref}&amp;part=link+1"
    assert where in page

    shown = client.get(where.replace("&amp;", "&")).text
    assert "Propose an award for “link 1”" in shown
    assert "10,000 × 1.1 = 11,000" in shown
    assert "not awarded" in shown
    sent = {"part": "link 1", "quality": "medium", "reason": "chain"}
    assert client.post(where.replace("&amp;", "&"), data=sent).status_code == 302

    award = session.scalars(sa.select(Award)).one()
    assert (award.part, award.amount, award.link_id) == ("link 1", 11_000, chain.link(1).id)
    assert "link 1, Link of 1" in client.get(f"{STAFF}/{award.id}").text
