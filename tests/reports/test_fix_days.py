"""A fix comes out after the challenge was announced, and not in some far year."""

from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Invalid
from portal.reports import rules, states
from portal.reports.actions import links, releases, triage
from portal.reports.states import LinkState, ReportState, Severity
from tests.cast import NOON, Cast, sign_in
from tests.reports.people import Desk

ANNOUNCED, FARTHEST = date(2020, 5, 5), date(2020, 9, 13)
DAY = timedelta(days=1)
BEFORE, FAR = "before the challenge was announced", "far ahead"
WRONG = [(ANNOUNCED - DAY, BEFORE), (date(1999, 1, 1), BEFORE), (FARTHEST + DAY, FAR), (date(2099, 1, 1), FAR)]


@pytest.mark.parametrize(("day", "why"), WRONG)
def test_a_report_is_not_fixed_on_a_day_that_cannot_be(
    session: Session, desk: Desk, cast: Cast, day: date, why: str
) -> None:
    report, outcome = desk.in_state(ReportState.FIXING), rules.Outcome(fixed_release="20.07", fixed_on=day)

    with pytest.raises(Invalid) as told:
        triage.move(session, report, states.FIX, outcome, by=cast.triager.id, at=NOON)

    assert why in told.value.messages["fixed_on"]
    assert desk.again(report).state is ReportState.FIXING


@pytest.mark.parametrize("day", [ANNOUNCED, FARTHEST])
def test_the_first_and_the_last_day(session: Session, desk: Desk, cast: Cast, day: date) -> None:
    report, outcome = desk.in_state(ReportState.FIXING), rules.Outcome(fixed_release="20.07", fixed_on=day)

    triage.move(session, report, states.FIX, outcome, by=cast.triager.id, at=NOON)

    assert desk.again(report).fixed_on == day


@pytest.mark.parametrize(("day", "why"), WRONG)
def test_nor_is_a_link(session: Session, desk: Desk, cast: Cast, day: date, why: str) -> None:
    report, by = desk.in_state(ReportState.REPRODUCING), cast.triager.id
    [link] = links.add_links(session, report, [rules.LinkText("Into it")], by=by, at=NOON)
    verdict = rules.Verdict(severity=Severity.CRITICAL)
    links.decide_link(session, report, link, states.CONFIRM_LINK, verdict, by=by, at=NOON)
    verdict = rules.Verdict(fixed_release="20.07", fixed_on=day)

    with pytest.raises(Invalid) as told:
        links.decide_link(session, report, link, states.FIX_LINK, verdict, by=by, at=NOON)

    assert why in told.value.messages["fixed_on"]
    assert link.state is LinkState.CONFIRMED


@pytest.mark.parametrize(("day", "why"), WRONG)
def test_nor_is_a_release_out(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, day: date, why: str
) -> None:
    made = releases.plan(session, cast.challenge, "20.07", NOON.date(), "", by=cast.triager.id, at=NOON)
    session.commit()
    sign_in(client, cast.triager)
    place = f"/staff/{cast.challenge.slug}/releases"

    client.post(f"{place}/{made.id}/publish", data={"released_on": day.isoformat()})

    assert why in client.get(place).text
    session.refresh(made)
    assert made.released_on is None
