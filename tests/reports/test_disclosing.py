"""Agreeing on the hour from which a report may be spoken of."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.core.outbox import OutgoingMail, drain
from portal.reports import jobs, todo
from portal.reports.actions import disclosing as actions
from portal.reports.models import Disclosure, DisclosureProposal, Report, ReportEvent
from portal.reports.personal import erase
from portal.reports.queries import disclosing as queries
from portal.reports.queries import reports
from portal.reports.rules import disclosing as rules
from portal.reports.states import Answer, DisclosureState, ReportState, Side
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.conftest import Clock
from tests.reports.people import Desk
from tests.reports.press import HOUR, Press

S = ReportState
DAY = timedelta(days=1)


@pytest.fixture
def press(session: Session, cast: Cast) -> Press:
    """Who speaks for both sides."""
    return Press(session, cast)


@pytest.fixture
def fixed(session: Session, one_fixed: int) -> Report:
    """A report that is fixed on 21 July 2020."""
    return reports.draft(session, one_fixed)


def live(session: Session, report: Report) -> Disclosure:
    session.expire_all()
    found = queries.live(session, report.id)
    assert found is not None
    return found


def test_one_asks_and_the_other_agrees(
    session: Session, press: Press, fixed: Report, mails: Callable[[], list[OutgoingMail]]
) -> None:
    proposal = press.propose(fixed)
    assert (live(session, fixed).state, live(session, fixed).embargo_until) == (DisclosureState.REQUESTED, None)
    press.accept(fixed, proposal)

    found = live(session, fixed)
    assert (found.state, found.embargo_until, found.zone, found.agreed_at, found.without_fix) == (
        DisclosureState.AGREED, HOUR, "Europe/Berlin", NOON, False,
    )  # fmt: skip
    lines = session.scalars(
        sa.select(ReportEvent.what).where(ReportEvent.report_id == fixed.id).order_by(ReportEvent.id)
    ).all()
    assert list(lines)[-2:] == ["propose-date", "agree-on-date"]
    told = [(each.template, each.not_before) for each in mails() if each.template.startswith("reports/date")]
    assert ("reports/date_proposed", NOON) in told
    assert ("reports/date_agreed", NOON) in told
    assert sorted({at for name, at in told if name == "reports/date_ahead"}) == [HOUR - 7 * DAY, HOUR - DAY, HOUR]
    assert all("agreed on the phone" not in str(each.context) for each in mails())


def test_nobody_answers_their_own_sides_date(session: Session, press: Press, fixed: Report) -> None:
    proposal = press.propose(fixed)
    for deed in (
        lambda: actions.accept(session, fixed, proposal, Side.RESEARCHER, without_fix=True, by=1, at=NOON),
        lambda: actions.decline(session, fixed, proposal, Side.RESEARCHER, "No.", by=1, at=NOON),
        lambda: actions.withdraw(session, fixed, proposal, Side.TEAM, by=1, at=NOON),
        lambda: press.propose(fixed, HOUR + DAY),
    ):
        with pytest.raises(Refused):
            deed()
        session.rollback()


@pytest.mark.parametrize(
    ("instant", "field"),
    [
        (NOON, "day"), (NOON - DAY, "day"), (NOON + 4 * 365 * DAY, "day"),
        (datetime(2020, 7, 21, 6, tzinfo=UTC), "without_fix"),
    ],
)  # fmt: skip
def test_an_hour_that_cannot_be_is_refused(
    session: Session, press: Press, fixed: Report, instant: datetime, field: str
) -> None:
    # The fix of 21 July is out when that day begins where the challenge is: seven hours after it does in UTC.
    with pytest.raises(Invalid) as problem:
        press.propose(fixed, instant)
    assert list(problem.value.messages) == [field]
    assert session.scalars(sa.select(Disclosure.id)).all() == []


def test_the_day_of_the_fix_is_a_day_of_the_challenge(session: Session, press: Press, fixed: Report) -> None:
    press.propose(fixed, datetime(2020, 7, 21, 7, tzinfo=UTC))
    assert live(session, fixed).pending is not None


def test_before_the_fix_only_if_both_say_so(session: Session, press: Press, desk: Desk) -> None:
    report = desk.in_state(S.CONFIRMED)
    with pytest.raises(Invalid):
        press.propose(report)
    session.rollback()
    proposal = press.propose(report, without_fix=True)
    with pytest.raises(Invalid):
        press.accept(report, proposal)
    session.rollback()
    press.accept(report, proposal, without_fix=True)
    assert live(session, report).without_fix


@pytest.mark.parametrize("state", [S.BY_DESIGN, S.NOT_REPRODUCIBLE, S.OUT_OF_SCOPE, S.DUPLICATE])
def test_where_there_is_nothing_to_fix_nothing_is_waited_for(press: Press, desk: Desk, state: ReportState) -> None:
    press.agree(desk.in_state(state))


@pytest.mark.parametrize("state", [S.UPLOADING, S.WITHDRAWN, S.UNREADABLE])
def test_there_may_be_nothing_to_disclose(press: Press, desk: Desk, state: ReportState) -> None:
    with pytest.raises(Refused, match="nothing to disclose"):
        press.propose(desk.in_state(state), without_fix=True)


def test_the_other_proposes_another_hour(session: Session, press: Press, fixed: Report) -> None:
    first = press.propose(fixed)
    second = press.propose(fixed, HOUR + DAY, Side.TEAM)
    with pytest.raises(Refused, match="countered already"):
        press.accept(fixed, first)
    session.rollback()
    press.accept(fixed, second)

    found = live(session, fixed)
    assert found.embargo_until == HOUR + DAY
    assert [(each.number, each.side, each.answer) for each in found.proposals] == [
        (1, Side.RESEARCHER, Answer.COUNTERED), (2, Side.TEAM, Answer.ACCEPTED),
    ]  # fmt: skip


def test_an_agreed_hour_moves_only_when_both_agree_again(session: Session, press: Press, fixed: Report) -> None:
    press.agree(fixed)
    for earlier in (HOUR - DAY, HOUR + DAY):
        move = press.propose(fixed, earlier, Side.TEAM)
        assert live(session, fixed).embargo_until == HOUR
        actions.decline(session, fixed, move, Side.RESEARCHER, "We rely on it.", by=press.by(Side.RESEARCHER), at=NOON)
        session.commit()
        assert (live(session, fixed).state, live(session, fixed).embargo_until) == (DisclosureState.AGREED, HOUR)
    press.accept(fixed, press.propose(fixed, HOUR + 2 * DAY, Side.TEAM))
    assert live(session, fixed).embargo_until == HOUR + 2 * DAY


def test_mails_about_an_hour_that_was_moved_are_dropped(session: Session, press: Press, fixed: Report) -> None:
    press.agree(fixed)
    press.accept(fixed, press.propose(fixed, HOUR + 30 * DAY, Side.TEAM))
    sent: list[OutgoingMail] = []

    drain(session, sent.append, HOUR + DAY)

    assert [each for each in sent if each.template == "reports/date_ahead"] == []
    assert [each for each in sent if each.template == "reports/date_unanswered"] == []
    sent.clear()
    drain(session, sent.append, HOUR + 31 * DAY)
    ahead = [each for each in sent if each.template == "reports/date_ahead"]
    assert sorted({each.context["days"] for each in ahead}) == [0, 1, 7]


def test_declined_is_over_and_can_be_asked_anew(session: Session, press: Press, fixed: Report, cast: Cast) -> None:
    proposal = press.propose(fixed)
    with pytest.raises(Invalid):
        actions.decline(session, fixed, proposal, Side.TEAM, "", by=cast.triager.id, at=NOON)
    session.rollback()
    actions.decline(session, fixed, proposal, Side.TEAM, "The fix is not everywhere yet.", by=cast.triager.id, at=NOON)
    session.commit()
    assert queries.live(session, fixed.id) is None
    press.agree(fixed, HOUR + DAY)
    assert [each.answer for each in queries.history(session, fixed.id)] == [Answer.ACCEPTED, Answer.DECLINED]


def test_taken_back(session: Session, press: Press, fixed: Report, cast: Cast) -> None:
    proposal = press.propose(fixed)
    actions.withdraw(session, fixed, proposal, Side.RESEARCHER, by=cast.researcher.id, at=NOON)
    session.commit()
    assert queries.live(session, fixed.id) is None
    with pytest.raises(NotFound):
        queries.proposal_of(session, fixed.id, 1)


def test_the_second_of_two_who_answer_loses(session: Session, press: Press, fixed: Report, cast: Cast) -> None:
    proposal = press.propose(fixed)
    seen = DisclosureProposal(
        id=proposal.id, disclosure_id=proposal.disclosure_id, side=Side.RESEARCHER, answer=Answer.OPEN, instant=HOUR,
        zone="UTC", without_fix=False,
    )  # fmt: skip
    press.accept(fixed, proposal)

    with pytest.raises(Conflict):
        actions.decline(session, fixed, seen, Side.TEAM, "Too late.", by=cast.triager.id, at=NOON)


def test_the_database_keeps_one_date_a_report(session: Session, press: Press, fixed: Report) -> None:
    press.agree(fixed)
    session.add(
        Disclosure(
            report_id=fixed.id, state=DisclosureState.REQUESTED, state_since=NOON, created_at=NOON, zone="UTC",
        )
    )  # fmt: skip
    with pytest.raises(IntegrityError):
        session.flush()


def test_the_hour_comes_by_itself_and_the_job_notes_it_once(session: Session, press: Press, fixed: Report) -> None:
    press.agree(fixed)
    found = live(session, fixed)
    assert [rules.open_to_all(found, None, at) for at in (HOUR - timedelta(seconds=1), HOUR)] == [False, True]
    shown = [rules.shown_state(found, None, at) for at in (HOUR - timedelta(seconds=1), HOUR)]
    assert shown == ["embargoed", "published"]

    assert jobs.disclose(session, HOUR - timedelta(seconds=1)) == 0
    assert jobs.disclose(session, HOUR) == 1
    assert jobs.disclose(session, HOUR + DAY) == 0
    assert live(session, fixed).state is DisclosureState.PUBLISHED
    with pytest.raises(Refused, match="hour has come"):
        press.propose(fixed, HOUR + DAY, at=HOUR)


def test_what_nobody_answers_is_reminded_of_and_then_the_leads(
    session: Session, press: Press, fixed: Report, cast: Cast, client: FlaskClient, clock: Clock
) -> None:
    press.propose(fixed, side=Side.TEAM)
    with client.application.test_request_context():
        tasks = todo.tasks(session, cast.member, NOON)
        assert [(task.label, task.due) for task in tasks if "date" in task.label] == [
            (f"Answer the date proposed for {fixed.ref}", NOON + 7 * DAY)
        ]
    sent: list[OutgoingMail] = []
    drain(session, sent.append, NOON + 6 * DAY)
    assert "reports/date_unanswered" not in {each.template for each in sent}
    drain(session, sent.append, NOON + 7 * DAY)
    assert [each.to for each in sent if each.template == "reports/date_unanswered"] == [cast.researcher.email]
    late = [queries.unanswered(session, cast.challenge.id, at, reader=0) for at in (NOON, NOON + timedelta(seconds=1))]
    assert late == [(0, None), (1, NOON)]
    clock.tick(days=15)
    sign_in(client, cast.lead)
    assert "Dates that nobody answers" in client.get(f"/staff/{SLUG}/").text


# Over HTTP


def url(report: Report, staff: bool = False) -> str:
    return f"/{'staff' if staff else 'challenges'}/{SLUG}/reports/{report.ref}/disclosure"


FORM = {"day": "2020-07-30", "hour": "09:00", "zone": "America/Los_Angeles"}


def test_both_sides_agree_on_their_pages(client: FlaskClient, session: Session, cast: Cast, fixed: Report) -> None:
    sign_in(client, cast.researcher)
    assert client.get(url(fixed)).status_code == 200
    assert client.post(url(fixed), data=FORM).status_code == 302
    page = client.get(url(fixed)).text
    assert "18:00 CEST" in page
    assert "16:00 UTC" in page
    sign_in(client, cast.lead)
    assert "Accept this date" in client.get(url(fixed, staff=True)).text
    answer = {"answer": "accept", "number": "1"}
    assert client.post(url(fixed, staff=True) + "/answer", data=answer).status_code == 302
    assert live(session, fixed).embargo_until == HOUR
    assert client.post(url(fixed, staff=True) + "/answer", data=answer).status_code == 422
    sign_in(client, cast.researcher)
    assert "Under embargo" in client.get(url(fixed)).text
    assert "Under embargo until" in client.get(f"/challenges/{SLUG}/reports/{fixed.ref}").text
    sign_in(client, cast.triager)
    assert "Under embargo until" in client.get(f"/staff/{SLUG}/reports/{fixed.ref}").text
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "reports:agree-on-date")).one()
    assert entry.actor_id == cast.lead.id


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"day": "2021-03-14", "hour": "02:30"}, "Clocks there jump over this hour"),
        ({"day": "2020-11-01", "hour": "01:30"}, "this hour comes twice"),
        ({"zone": "Mars/Olympus"}, "Choose a time zone"),
        ({"day": "2020-06-01"}, "This hour is over"),
        ({"day": "2020-06-30"}, "No fix is out by then"),
        ({"day": ""}, "Choose a day"),
        ({"hour": "25:99"}, "valid time"),
    ],
)
def test_hours_that_are_none_are_asked_again(
    client: FlaskClient, session: Session, cast: Cast, fixed: Report, changes: dict[str, str], words: str
) -> None:
    sign_in(client, cast.researcher)
    page = client.post(url(fixed), data=FORM | changes)
    assert (page.status_code, words in page.text) == (422, True)
    assert session.scalars(sa.select(Disclosure.id)).all() == []


@pytest.mark.parametrize(("turn", "hour"), [("first", 8), ("second", 9)])
def test_of_an_hour_that_comes_twice_one_is_chosen(
    client: FlaskClient, session: Session, cast: Cast, fixed: Report, turn: str, hour: int
) -> None:
    sign_in(client, cast.researcher)
    twice = FORM | {"day": "2020-11-01", "hour": "01:30", "turn": turn}
    assert client.post(url(fixed), data=twice).status_code == 302
    pending = live(session, fixed).pending
    assert pending is not None
    assert pending.instant == datetime(2020, 11, 1, hour, 30, tzinfo=UTC)


@pytest.mark.parametrize("data", [{}, {"answer": "accept"}, {"number": "x"}, {"number": "9" * 40}])
def test_answers_to_nothing(client: FlaskClient, cast: Cast, press: Press, fixed: Report, data: dict[str, str]) -> None:
    press.propose(fixed)
    sign_in(client, cast.triager)
    assert client.post(url(fixed, staff=True) + "/answer", data=data).status_code == 422


def test_only_the_participants_people_and_the_team(
    client: FlaskClient, cast: Cast, press: Press, fixed: Report
) -> None:
    press.propose(fixed, side=Side.TEAM)
    for person in (cast.stranger, cast.colleague, cast.reviewer):
        sign_in(client, person)
        assert client.get(url(fixed)).status_code == 404
        assert client.post(url(fixed) + "/answer", data={"answer": "accept", "number": "1"}).status_code == 404
        assert client.get(url(fixed, staff=True)).status_code == 403


def test_the_calendar_names_references_and_hours(
    client: FlaskClient, cast: Cast, press: Press, desk: Desk, clock: Clock
) -> None:
    first, second = desk.in_state(S.FIXED), desk.in_state(S.FIXED)
    press.agree(first)
    press.propose(second, HOUR + DAY)
    sign_in(client, cast.lead)
    page = client.get(f"/staff/{SLUG}/disclosures").text
    assert first.ref in page
    assert "for the team" in page
    events = icalendar.Calendar.from_ical(client.get(f"/staff/{SLUG}/disclosures.ics").data).walk("VEVENT")
    assert [(str(each["summary"]), each["dtstart"].dt) for each in events] == [(f"Embargo ends: {first.ref}", HOUR)]


def test_the_calendar_costs_the_same_for_few_and_many(
    client: FlaskClient, cast: Cast, press: Press, desk: Desk, statements: list[str]
) -> None:
    sign_in(client, cast.triager)

    def cost() -> int:
        statements.clear()
        assert client.get(f"/staff/{SLUG}/disclosures").status_code == 200
        return len(statements)

    press.agree(desk.in_state(S.FIXED))
    few = cost()
    for _ in range(4):
        press.agree(desk.in_state(S.FIXED))
    assert cost() == few


def test_erased_words_go_and_the_date_stays(session: Session, press: Press, fixed: Report, cast: Cast) -> None:
    press.propose(fixed)
    told = personal.export(session, cast.researcher.id)["reports"]["disclosure_dates"]
    assert [(each["date"], each["message"]) for each in told] == [(HOUR, "As agreed on the phone.")]
    erase(session, cast.researcher.id, NOON)
    session.commit()
    pending = live(session, fixed).pending
    assert pending is not None
    assert (pending.instant, pending.message) == (HOUR, None)


def test_a_day_before_the_fix_by_a_minute(session: Session, press: Press, desk: Desk) -> None:
    report = reports.draft(session, desk.in_state(S.FIXED).id)
    assert report.fixed_on == date(2020, 7, 21)
    zone = report.challenge.zone
    first = datetime(2020, 7, 21, 7, tzinfo=UTC)
    assert [rules.fixed_by(report, at, zone) for at in (first - timedelta(minutes=1), first)] == [False, True]
