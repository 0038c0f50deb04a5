"""What the results count: what came in time, each finding once, and scenarios by whole reports and by links."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.reports import states
from portal.reports.states import ReportState, Severity
from portal.results import queries
from tests.awards.conftest import Jury
from tests.awards.test_links import Chain
from tests.cast import Cast, sign_in
from tests.results.conftest import AFTER

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
# A day after the last day is over in Los Angeles: until then reports are taken that were begun in time.
UNTIL = datetime(2020, 9, 2, 7, tzinfo=UTC)


@pytest.fixture
def jury(session: Session, cast: Cast) -> Jury:
    """Rules in force, and nothing else."""
    made = Jury(session, cast)
    made.publish()
    session.commit()
    return made


def test_only_what_came_in_time_counts(session: Session, cast: Cast, jury: Jury) -> None:
    jury.report(at=UNTIL - SECOND)
    for at in (UNTIL, datetime(2026, 11, 18, tzinfo=UTC)):
        jury.report(at=at)

    assert queries.figures(session, cast.challenge, AFTER).submissions == 1
    weeks = queries.picture(session, cast.challenge).by_week
    assert (weeks[0], weeks[-1]) == ((date(2020, 6, 1), 0), (date(2020, 8, 31), 1))


def test_what_was_sealed_again_counts_once_and_as_of_its_first_arrival(
    session: Session, cast: Cast, jury: Jury
) -> None:
    first = jury.report(None, None, ReportState.UNREADABLE)
    jury.report(state=ReportState.CONFIRMED, at=UNTIL + 5 * DAY, replaces_id=first.id)
    gone = jury.report(None, None, ReportState.UNREADABLE)
    jury.report(None, None, ReportState.WITHDRAWN, replaces_id=gone.id)

    found = queries.figures(session, cast.challenge, AFTER)

    assert (found.submissions, found.by_outcome["confirmed"], found.by_outcome["unreadable"]) == (2, 1, 1)
    picture = queries.picture(session, cast.challenge)
    assert [week for week in picture.by_week if week[1]] == [(date(2020, 6, 15), 2)]


def test_a_challenge_that_ends_on_a_sunday_has_a_monday_for_what_is_under_way(
    session: Session, cast: Cast, jury: Jury
) -> None:
    cast.challenge.ends_on = date(2020, 8, 30)
    jury.report(at=UNTIL - DAY - SECOND)

    weeks = queries.picture(session, cast.challenge).by_week

    assert weeks[-1] == (date(2020, 8, 31), 1)
    assert sum(count for _, count in weeks) == queries.figures(session, cast.challenge, AFTER).submissions == 1


def test_a_scenario_that_a_link_achieves_is_achieved(session: Session, cast: Cast, jury: Jury) -> None:
    chain = Chain(session, cast, jury)
    chain.report.achieved_scenario_id = None
    session.commit()
    for number, code in ((1, "G2"), (2, "H1")):
        achieved = {"severity": Severity.CRITICAL, "achieved_scenario_id": jury.scenario(code).id}
        chain.decide(number, states.CONFIRM_LINK, **achieved)
    chain.decide(2, states.BY_DESIGN_LINK, mitigating_layer="The firewall")
    chain.decide(3, states.CONFIRM_LINK, severity=Severity.IMPORTANT)
    jury.award(chain.report, part="link 1")
    jury.award(chain.report, part="link 3")
    jury.award(jury.report(Severity.IMPORTANT, "G1"))

    assert queries.figures(session, cast.challenge, AFTER).scenarios_achieved == ("G1", "G2")
    assert queries.picture(session, cast.challenge).money_by_scenario == [
        ("G1", Decimal(22_000)), ("G2", Decimal(48_000)), ("No scenario", Decimal(20_000)),
    ]  # fmt: skip


def test_a_refused_payment_is_no_money_of_its_scenario(session: Session, cast: Cast, jury: Jury) -> None:
    award = jury.award(jury.report(participant=cast.team))
    first, second = jury.payments(award)
    jury.step(first, "refuse", reason="not wanted")
    jury.award(jury.report(Severity.IMPORTANT, None))
    refused = jury.award(jury.report(Severity.IMPORTANT, "G1"))
    jury.step(jury.payments(refused)[0], "refuse", reason="not wanted")

    picture, found = queries.picture(session, cast.challenge), queries.figures(session, cast.challenge, AFTER)

    assert picture.money_by_scenario == [("G2", second.amount), ("No scenario", Decimal(20_000))]
    assert (found.awarded.amount, found.eligible) == (second.amount + 20_000, 2)


def test_the_lead_is_told_of_awards_for_what_is_not_confirmed_any_more(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury
) -> None:
    award = jury.award()
    sign_in(client, cast.lead)
    assert "does not confirm any more" not in client.get("/staff/test-challenge/results").text

    award.report.state, award.report.mitigating_layer = ReportState.BY_DESIGN, "The firewall"
    session.commit()

    assert queries.pending(session, cast.challenge) == {"reports": 0, "awards": 0, "lost": 1}
    page = client.get("/staff/test-challenge/results").text
    assert "1 award stands for what triage does not confirm any more, and counts until voided." in page
