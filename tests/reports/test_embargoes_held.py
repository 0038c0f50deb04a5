"""An hour that both sides agreed on holds only as long as what it rested on: the fix, and other parties' embargoes."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Invalid, Refused
from portal.core.outbox import OutgoingMail
from portal.reports import jobs
from portal.reports.actions import disclosing as actions
from portal.reports.actions import upstream
from portal.reports.models import Disclosure, Report
from portal.reports.queries import disclosing as queries
from portal.reports.rules import disclosing as rules
from portal.reports.states import Answer, DisclosureState, ReportState, Side
from tests.cast import NOON, Cast
from tests.reports.people import Desk
from tests.reports.press import HOUR, Press
from tests.reports.test_upstream import Cases

Mails = Callable[[], list[OutgoingMail]]
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def live(session: Session, report: Report) -> Disclosure:
    session.expire_all()
    found = queries.live(session, report.id)
    assert found
    return found


# The fix


@pytest.mark.parametrize("asked", [False, True], ids=["alone", "with-another-date-asked-for"])
def test_an_hour_falls_with_the_fix_on_which_it_rested(
    session: Session, desk: Desk, press: Press, mails: Mails, asked: bool
) -> None:
    report = desk.in_state(ReportState.FIXED)
    press.agree(report)
    waiting = press.propose(desk.again(report), HOUR + DAY) if asked else None
    before = len(mails())

    desk.own(desk.again(report), "dispute", "It still works.", at=NOON + DAY)
    session.commit()

    assert queries.live(session, report.id) is None
    assert waiting is None or waiting.answer is Answer.WITHDRAWN
    told = [mail.to for mail in mails()[before:] if mail.template == "reports/date_void"]
    assert sorted(told) == sorted([report.submitted_by.email, *(each.email for each in queries.team(session, report))])
    assert jobs.disclose(session, HOUR) == 0
    assert queries.disclosed(session, report.challenge_id, HOUR) == []
    assert not desk.again(report).led_to_improvement
    # Both may agree anew.
    press.agree(report, HOUR + DAY, at=NOON + DAY, without_fix=True)
    assert live(session, report).embargo_until == HOUR + DAY


def test_an_hour_before_the_fix_on_which_both_agreed_stays(session: Session, desk: Desk, press: Press) -> None:
    report = desk.in_state(ReportState.CONFIRMED)
    press.agree(report, without_fix=True)

    for step in ("start-fix", "fix"):
        desk.move(desk.again(report), step)
    desk.own(desk.again(report), "dispute", "It still works.")
    session.commit()

    assert live(session, report).state is DisclosureState.AGREED


def test_what_is_public_stays_public(session: Session, desk: Desk, press: Press) -> None:
    report = desk.in_state(ReportState.FIXED)
    press.agree(report)

    desk.own(desk.again(report), "dispute", "It still works.", at=HOUR)
    session.commit()

    assert live(session, report).embargo_until == HOUR


def test_an_hour_that_has_come_is_not_taken_back(session: Session, desk: Desk, press: Press, cast: Cast) -> None:
    report = desk.in_state(ReportState.FIXED)
    press.agree(report)
    moved = press.propose(desk.again(report), HOUR + 30 * DAY)

    with pytest.raises(Refused, match="everybody may read it by now"):
        press.accept(report, moved, at=HOUR)

    session.rollback()
    assert live(session, report).embargo_until == HOUR
    press.accept(report, moved, at=HOUR - SECOND)
    assert live(session, report).embargo_until == HOUR + 30 * DAY


# Other parties


@pytest.fixture
def cases(session: Session, cast: Cast, desk: Desk) -> Cases:
    made = Cases(session, cast, desk).about().allow()
    made.step("report")
    desk.move(desk.again(made.report), "fix")
    session.commit()
    return made


def hold(cases: Cases, until_days: int) -> None:
    text = upstream.CaseText("A case", "", (), HOUR + until_days * DAY, "UTC")
    upstream.write(cases.session, cases.case, text, by=cases.by, at=NOON)
    cases.session.commit()


def test_no_hour_is_agreed_on_before_another_partys_embargo_ends(
    session: Session, desk: Desk, press: Press, cases: Cases
) -> None:
    waiting = press.propose(desk.again(cases.report))
    hold(cases, 60)

    with pytest.raises(Invalid, match="Another party has it under embargo until 2"):
        press.accept(cases.report, waiting)
    session.rollback()
    report = desk.again(cases.report)
    actions.withdraw(session, report, waiting, Side.RESEARCHER, by=report.submitted_by_id, at=NOON)
    session.commit()
    with pytest.raises(Invalid, match="Another party has it under embargo until 2"):
        press.propose(desk.again(cases.report))
    session.rollback()

    press.agree(cases.report, HOUR + 60 * DAY)
    assert live(session, cases.report).embargo_until == HOUR + 60 * DAY


def test_another_partys_longer_embargo_holds_what_was_agreed_before(
    session: Session, press: Press, cases: Cases, cast: Cast
) -> None:
    press.agree(cases.report)
    hold(cases, 60)
    found, end = live(session, cases.report), HOUR + 60 * DAY
    theirs = queries.theirs(session, [cases.report.id])

    assert theirs == {cases.report.id: end}
    for at, public in ((HOUR, False), (end - SECOND, False), (end, True)):
        assert rules.open_to_all(found, theirs[cases.report.id], at) is public
        assert (queries.disclosed(session, cast.challenge.id, at) == [(cases.report, end)]) is public
    assert jobs.disclose(session, end - SECOND) == 0
    assert jobs.disclose(session, end) == 1


def test_a_case_that_is_only_drafted_binds_nobody(session: Session, desk: Desk, press: Press, cast: Cast) -> None:
    drafted = Cases(session, cast, desk).about()
    hold(drafted, 60)

    press.agree(drafted.report, without_fix=True)

    assert queries.disclosed(session, cast.challenge.id, HOUR) == [(desk.again(drafted.report), HOUR)]
