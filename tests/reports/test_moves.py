"""Appeals, reopenings, disputes, reasons: who may take them, once, and what they leave behind."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import RoleGrant
from portal.accounts.states import Role
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.outbox import OutgoingMail
from portal.reports import rules, states
from portal.reports.actions import drafts, own, triage
from portal.reports.actions.keys import make_token
from portal.reports.models import Pause, Report
from portal.reports.queries import reports
from portal.reports.states import Reason, ReportState
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.reports.people import OUTCOME, Desk

Mails = Callable[[], list[OutgoingMail]]
DAY = timedelta(days=1)
LATER = NOON + 5 * DAY
QUEUE, MINE = "/staff/test-challenge/reports", "/challenges/test-challenge/reports"


@pytest.mark.parametrize("state", sorted(states.REFUSED))
def test_an_appeal_goes_to_other_eyes_under_a_clock_of_its_own(
    session: Session, desk: Desk, cast: Cast, mails: Mails, state: ReportState
) -> None:
    report = desk.in_state(state)
    before = len(mails())

    desk.own(report, "appeal", "The layer was off.", at=LATER)
    session.commit()

    assert (report.state, report.appealed_at, report.due_at) == (ReportState.APPEALED, LATER, LATER + 14 * DAY)
    assert (report.mitigating_layer, report.duplicate_of_id) == (None, None)
    assert {(mail.template, mail.to) for mail in mails()[before:]} == {
        ("reports/moved_staff", cast.triager.email), ("reports/moved_staff", cast.second_triager.email),
    }  # fmt: skip
    for name in ("reproduce", "by-design", "out-of-scope"):
        with pytest.raises(Refused, match="You decided on it before the appeal"):
            desk.move(report, name, at=LATER)
    desk.move(report, "reproduce", at=LATER, by=cast.second_triager.id)
    # Nor may the first one judge it once it is being looked at again.
    with pytest.raises(Refused, match="Another triager decides"):
        desk.move(report, "confirm", at=LATER)
    desk.move(report, "confirm", at=LATER, by=cast.second_triager.id)
    assert (report.state, report.decided_by_id) == (ReportState.CONFIRMED, cast.second_triager.id)
    desk.move(report, "start-fix", at=LATER)


def test_one_appeals_once_and_says_why(session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.BY_DESIGN)

    with pytest.raises(Invalid, match="message"):
        desk.own(report, "appeal", at=LATER)
    desk.own(report, "appeal", "The layer was off.", at=LATER)
    desk.move(report, "by-design", at=LATER, by=cast.second_triager.id)
    with pytest.raises(Refused, match="You have appealed once"):
        desk.own(report, "appeal", "Again.", at=LATER)


def test_what_was_decided_stays_told_after_the_appeal(session: Session, desk: Desk) -> None:
    report = desk.in_state(ReportState.BY_DESIGN)
    desk.own(report, "appeal", "The layer was off.", at=LATER)

    lines = [(each.what, each.reason_code, each.detail) for each in reports.events(session, report, told_only=True)]

    assert lines[-2:] == [("by-design", Reason.MITIGATED, "The firewall"), ("appeal", None, None)]


@pytest.mark.parametrize("state", sorted(states.REOPEN.sources))
def test_the_team_sees_its_mistake(session: Session, desk: Desk, state: ReportState) -> None:
    report = desk.in_state(state)

    with pytest.raises(Invalid, match="message"):
        desk.move(report, "reopen", rules.Outcome(), at=LATER)
    desk.move(report, "reopen", rules.Outcome(message="We were wrong.", reason=Reason.MISTAKE), at=LATER)
    session.commit()

    assert (report.state, report.due_at) == (ReportState.REPRODUCING, LATER + 14 * DAY)
    assert (report.mitigating_layer, report.duplicate_of_id) == (None, None)
    assert report.acknowledged_at is not None
    assert reports.events(session, report, told_only=True)[-1].reason_code == Reason.MISTAKE


def test_a_reason_of_another_step_is_refused_and_none_means_the_usual_one(session: Session, desk: Desk) -> None:
    report = desk.in_state(ReportState.REPRODUCING)

    with pytest.raises(Invalid, match="goes with this step"):
        desk.move(report, "not-reproducible", rules.Outcome(message="No.", reason=Reason.PHYSICAL))
    desk.move(report, "not-reproducible", rules.Outcome(message="No."))

    assert reports.events(session, report, told_only=True)[-1].reason_code == Reason.NO_EFFECT


@pytest.mark.parametrize(
    "move", [move for move in states.MOVES if move.by and move.target in states.REFUSED], ids=lambda move: move.name
)
def test_every_ending_has_reasons(move: object) -> None:
    assert states.REASONS[move.name]  # type: ignore[attr-defined]


def test_a_refused_step_says_what_comes_first(desk: Desk) -> None:
    with pytest.raises(Refused, match=r"“Start the fix” is not possible: it is reproducing\. First “Confirm”"):
        desk.move(desk.in_state(ReportState.REPRODUCING), "start-fix")


def test_a_fix_is_verified_or_disputed_once(session: Session, desk: Desk, cast: Cast) -> None:
    good, bad = desk.in_state(ReportState.FIXED), desk.in_state(ReportState.FIXED)

    desk.own(good, "verify", at=LATER)
    assert good.state is ReportState.CLOSED
    with pytest.raises(Invalid, match="message"):
        desk.own(bad, "dispute", at=LATER)
    desk.own(bad, "dispute", "Still there on my device.", at=LATER)
    session.commit()
    assert (bad.state, bad.due_at, bad.fixed_release, bad.fixed_on) == (
        ReportState.FIXING, LATER + 30 * DAY, None, None,
    )  # fmt: skip
    desk.move(bad, "fix", at=LATER)
    with pytest.raises(Refused, match="You have said once"):
        desk.own(bad, "dispute", "And again.", at=LATER)
    with pytest.raises(Refused, match="for the team"):
        own.move(session, bad, states.CLOSE, None, by=cast.researcher.id, at=LATER)


def test_an_answer_lets_the_clock_go_on(session: Session, desk: Desk) -> None:
    report = desk.in_state(ReportState.NEEDS_INFO, at=NOON)
    desk.own(report, "answer", at=NOON + timedelta(hours=7, seconds=3))
    session.commit()

    assert (report.state, report.paused_seconds) == (ReportState.REPRODUCING, 7 * 3600 + 3)
    assert report.due_at == NOON + 14 * DAY + timedelta(hours=7, seconds=3)
    pause = session.scalars(sa.select(Pause)).one()
    assert (pause.since, pause.until) == (NOON, NOON + timedelta(hours=7, seconds=3))


def test_a_withdrawal_ends_the_pause(session: Session, desk: Desk) -> None:
    report = desk.in_state(ReportState.NEEDS_INFO, at=NOON)
    drafts.withdraw(session, report, by=report.submitted_by_id, at=NOON + DAY)
    session.commit()

    assert session.scalars(sa.select(Pause.until)).all() == [NOON + DAY]
    assert report.paused_seconds == 86400


def test_a_report_waits_for_its_researcher_once_at_a_time(session: Session, desk: Desk) -> None:
    report = desk.in_state(ReportState.NEEDS_INFO)
    session.add(Pause(report_id=report.id, since=LATER))

    with pytest.raises(sa.exc.IntegrityError, match=r"uq_report_pause_open|report_pause\.report_id"):
        session.flush()


def test_the_database_wants_the_time_of_an_appeal(session: Session, desk: Desk) -> None:
    report = desk.in_state(ReportState.REPRODUCING)

    with pytest.raises(sa.exc.IntegrityError, match="appealed_time"):
        session.execute(sa.update(Report).where(Report.id == report.id).values(state=ReportState.APPEALED))


# --- sealed again ---


def test_a_report_sealed_again_stands_for_the_unreadable_one(session: Session, desk: Desk) -> None:
    unreadable, again, third = desk.in_state(ReportState.UNREADABLE), desk.receive(at=LATER), desk.receive()

    own.replace(session, again, unreadable, by=again.submitted_by_id, at=LATER)
    session.commit()

    assert desk.again(again).replaces is unreadable
    with pytest.raises(Refused, match="linked already"):
        own.replace(session, again, unreadable, by=again.submitted_by_id, at=LATER)
    with pytest.raises(Conflict, match="replaced already"):
        own.replace(session, third, unreadable, by=third.submitted_by_id, at=LATER)


def test_only_ones_own_unreadable_report_is_replaced(session: Session, desk: Desk, cast: Cast) -> None:
    readable, again = desk.in_state(ReportState.ACKNOWLEDGED), desk.receive()
    theirs = desk.in_state(ReportState.UNREADABLE, cast.team.members[0])

    for other in (readable, theirs):
        with pytest.raises(Refused, match="could not be decrypted"):
            own.replace(session, again, other, by=again.submitted_by_id, at=LATER)


# --- as pages ---


def test_a_researcher_appeals_on_the_page(client: FlaskClient, session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.BY_DESIGN)
    place = f"{MINE}/{report.ref}"
    sign_in(client, cast.researcher)

    assert "Another triager than the one who decided looks at it." in client.get(place).text
    missing = client.post(f"{place}/move", data={"move": "appeal", "message": " "})
    assert missing.status_code == 422
    assert "Say what the other side should know." in missing.text
    assert client.post(f"{place}/move", data={"move": "appeal", "message": "It was off."}).status_code == 302
    session.refresh(report)
    assert report.state is ReportState.APPEALED
    page = client.get(place).text
    assert 'value="appeal"' not in page
    assert "It was off." in page
    for name in ("confirm", "explode", ""):
        assert client.post(f"{place}/move", data={"move": name}).status_code == 404


def test_an_unreadable_report_is_linked_on_the_page(client: FlaskClient, desk: Desk, cast: Cast) -> None:
    unreadable, again = desk.in_state(ReportState.UNREADABLE), desk.receive()
    sign_in(client, cast.researcher)
    place = f"{MINE}/{again.ref}"

    assert "Is it one that could not be decrypted?" in client.get(place).text
    assert client.post(f"{place}/replaces", data={"replaces": "TCR-0099"}).status_code == 404
    assert client.post(f"{place}/replaces", data={"replaces": unreadable.ref}).status_code == 302
    assert f"{unreadable.ref}</a> sealed again, which arrived" in client.get(place).text
    sign_in(client, cast.triager)
    assert f"{unreadable.ref}, arrived" in client.get(f"{QUEUE}/{again.ref}").text


def test_the_page_offers_no_step_that_is_for_other_eyes(client: FlaskClient, desk: Desk, cast: Cast) -> None:
    place = f"{QUEUE}/{desk.in_state(ReportState.APPEALED).ref}"

    sign_in(client, cast.triager)
    mine = client.get(place).text
    assert "You decided before" in mine
    assert 'name="move"' not in mine
    refused = client.post(f"{place}/move", data={"move": "reproduce"})
    assert (refused.status_code, "Another triager decides now" in refused.text) == (422, True)
    sign_in(client, cast.second_triager)
    assert 'value="reproduce"' in client.get(place).text


def test_who_is_overtaken_keeps_what_was_typed_and_sees_what_happened(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast
) -> None:
    report = desk.in_state(ReportState.REPRODUCING)
    seen = str(reports.events(session, report, told_only=False)[-1].id)
    desk.move(report, "confirm", by=cast.second_triager.id)
    session.commit()
    sign_in(client, cast.triager)

    values = {"move": "not-reproducible", "message": "Nothing came of it.", "seen": seen}
    answer = client.post(f"{QUEUE}/{report.ref}/move", data=values)

    assert answer.status_code == 409
    assert "Somebody was first" in answer.text
    assert "Nothing came of it." in answer.text
    assert "Tia" in answer.text.split("What happened meanwhile")[1][:900]
    session.refresh(report)
    assert report.state is ReportState.CONFIRMED


def test_of_two_triagers_at_the_very_same_moment_one_keeps_what_was_typed(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = desk.in_state(ReportState.REPRODUCING)
    sign_in(client, cast.triager)
    ref, seen = report.ref, str(reports.events(session, report, told_only=False)[-1].id)
    move, second = triage.move, cast.second_triager.id

    def raced(writing: Session, stale: Report, *_told: object, **_named: object) -> None:
        move(writing, stale, states.CONFIRM, OUTCOME, by=second, at=NOON)
        writing.commit()
        raise Conflict("Somebody has just moved it.")

    monkeypatch.setattr("portal.reports.actions.triage.move", raced)
    answer = client.post(f"{QUEUE}/{ref}/move", data={"move": "ask", "message": "Which build?", "seen": seen})

    assert answer.status_code == 409
    assert "Which build?" in answer.text


def test_no_triager_sees_the_staff_side_of_a_report_of_their_own(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast, clock: Clock
) -> None:
    own_one, other = desk.receive(title="My own"), desk.receive(cast.team.members[0], title="Another")
    grant = {"role": Role.TRIAGER, "scope": "test-challenge", "granted_at": NOON}
    session.add(RoleGrant(account_id=cast.researcher.id, **grant))
    secret = make_token(session, cast.challenge.id, "laptop", by=cast.researcher.id, at=NOON)
    session.commit()
    sign_in(client, cast.researcher)

    assert client.get(f"{QUEUE}/{other.ref}").status_code == 200
    for place in (own_one.ref, f"{own_one.ref}.json", f"{own_one.ref}/files/0"):
        assert client.get(f"{QUEUE}/{place}").status_code == 404
        assert client.get(f"{QUEUE}/{place}", headers={"Authorization": f"Bearer {secret}"}).status_code == 404
    assert client.post(f"{QUEUE}/{own_one.ref}/acknowledge").status_code == 404
    for form in ("", ".json", ".csv"):
        listed = client.get(f"{QUEUE}{form}?state=all").text
        assert (own_one.ref in listed, other.ref in listed) == (False, True)
    assert client.post(f"{QUEUE}/assign", data={"report": own_one.ref, "assignee": ""}).status_code == 302
