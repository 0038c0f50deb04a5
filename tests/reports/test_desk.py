"""What leads set about clocks, reminders, how prompt the team was, releases, builds, severities."""

from collections.abc import Callable
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.challenges.models import Build
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.mail import config_of, message
from portal.core.outbox import OutgoingMail
from portal.reports import jobs, rules
from portal.reports.actions import assigning, clocks, releases
from portal.reports.models import BuildFinding, Release, Report
from portal.reports.queries import clocks as found
from portal.reports.rules import Course, Settings, Term
from portal.reports.rules.promptness import percentile
from portal.reports.states import ClockName, Finding, ReportState, Severity
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.reports.people import Desk

Mails = Callable[[], list[OutgoingMail]]
DAY = timedelta(days=1)
BASE = "/staff/test-challenge"
FORM = {
    "first_answer_days": "1", "first_answer_kind": "business", "first_answer_warn": "80",
    "triage_days": "3", "triage_kind": "business", "triage_warn": "80",
    "decision_days": "14", "decision_kind": "calendar", "decision_warn": "50",
    "fix_days": "30", "fix_kind": "calendar", "fix_warn": "80",
    "opens_at": "9", "closes_at": "17", "workdays": ["0", "1", "2", "3", "4"],
    "holidays": "day,name\n2020-06-16;Founders' day\n", "assigns": "y", "closes_after_days": "10",
}  # fmt: skip


def add_build(session: Session, cast: Cast) -> Build:
    build = Build(challenge_id=cast.challenge.id, name="20.06", released_on=NOON.date(), notes="", state_since=NOON)
    session.add(build)
    session.commit()
    return build


def business(session: Session, cast: Cast) -> Settings:
    now = found.settings(session, cast.challenge)
    terms = {**now.calendar.terms, ClockName.FIRST_ANSWER: Term(1, business=True)}
    calendar = rules.Calendar(cast.challenge.zone, 9, 17, terms=terms)
    return Settings(calendar, {}, assigns=False, closes_after_days=10)


# --- settings ---


def test_setting_clocks_counts_every_running_one_anew(session: Session, desk: Desk, cast: Cast) -> None:
    # Noon UTC is five in the morning in the challenge's zone: the day begins four hours later.
    received, asked = desk.receive(), desk.in_state(ReportState.NEEDS_INFO)
    ended = desk.in_state(ReportState.CLOSED)

    moved = clocks.set_clocks(session, cast.challenge, business(session, cast), by=cast.lead.id, at=NOON)
    session.commit()

    assert moved == 1
    assert received.due_at == NOON + timedelta(hours=12)
    assert (asked.due_at, ended.due_at) == (None, None)
    assert clocks.set_clocks(session, cast.challenge, business(session, cast), by=cast.lead.id, at=NOON) == 0
    session.commit()
    entries = session.scalars(
        sa.select(AuditEntry).where(AuditEntry.tag == "reports:set-clocks").order_by(AuditEntry.id)
    ).all()
    assert [entry.detail["after"]["clocks"]["first_answer"] for entry in entries] == [
        "1 business days, reminder at 80 %"
    ]
    assert desk.receive(at=NOON).due_at == NOON + timedelta(hours=12)


def test_pauses_count_when_clocks_are_set_anew(session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.NEEDS_INFO, at=NOON)
    desk.own(report, "answer", at=NOON + 2 * DAY)
    wanted = business(session, cast)
    terms = {**wanted.calendar.terms, ClockName.DECISION: Term(7)}
    calendar = rules.Calendar(cast.challenge.zone, terms=terms)

    clocks.set_clocks(
        session, cast.challenge, Settings(calendar, {}, assigns=False, closes_after_days=10), by=cast.lead.id, at=NOON
    )

    assert report.due_at == NOON + 9 * DAY


def test_a_lead_sees_what_would_become_late_before_saving(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast, clock: Clock
) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    clock.tick(days=2, hours=4)
    sign_in(client, cast.lead)
    values = {**FORM, "triage_days": "1", "triage_kind": "calendar"}

    preview = client.post(f"{BASE}/reports/clocks", data=values)

    assert preview.status_code == 200
    assert "Nothing is saved yet" in preview.text
    assert "1 report would be late at once" in preview.text
    assert report.ref in preview.text
    assert found.settings(session, cast.challenge).closes_after_days == 14
    assert client.post(f"{BASE}/reports/clocks/set", data=values).status_code == 302
    session.expire_all()
    assert found.settings(session, cast.challenge) == Settings(
        rules.Calendar(
            "America/Los_Angeles", 9, 17, 31, frozenset({date(2020, 6, 16)}),
            {ClockName.FIRST_ANSWER: Term(1, True), ClockName.TRIAGE: Term(1), ClockName.DECISION: Term(14, False, 50),
             ClockName.FIX: Term(30)},
        ),
        {date(2020, 6, 16): "Founders' day"}, assigns=True, closes_after_days=10,
    )  # fmt: skip
    sign_in(client, cast.triager)
    assert "Leads set these." in client.get(f"{BASE}/reports/clocks").text
    assert client.post(f"{BASE}/reports/clocks/set", data=values).status_code == 403


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"closes_at": "9"}, "A business day ends after it begins."),
        ({"workdays": []}, "Choose at least one day."),
        ({"holidays": "2020-13-01,x"}, "Line 1: “2020-13-01” is no day."),
        ({"fix_days": "0"}, "1 to 365 days."),
        ({"triage_kind": "lunar"}, "Not a valid choice"),
        ({"fix_warn": "100"}, "1 to 99 percent."),
    ],
)
def test_settings_that_make_no_sense_are_not_saved(
    client: FlaskClient, session: Session, cast: Cast, values: dict[str, object], said: str
) -> None:
    sign_in(client, cast.lead)

    for place in ("clocks", "clocks/set"):
        answer = client.post(f"{BASE}/reports/{place}", data={**FORM, **values})
        assert answer.status_code == 422
        assert said in answer.text


# --- reminders ---


def test_each_stage_of_a_clock_is_told_once_and_leads_come_last(
    session: Session, desk: Desk, cast: Cast, mails: Mails
) -> None:
    report, other = desk.receive(), desk.receive()
    assigning.assign(session, report, cast.second_triager.id, by=cast.second_triager.id, at=NOON)
    session.commit()
    before, told = len(mails()), []
    for hours in (19, 20, 21, 24, 30, 48, 49, 90):
        jobs.remind(session, NOON + timedelta(hours=hours))
        news = mails()[before:]
        told.append(sorted((mail.template, mail.to, mail.context["ref"][-1], mail.context["late"]) for mail in news))
        before += len(news)

    tia, tom, lead = cast.second_triager.email, cast.triager.email, cast.lead.email
    near = [("reports/clock", tia, "1"), ("reports/clock", tia, "2"), ("reports/clock", tom, "2")]
    soon, late = ([(*each, is_late) for each in near] for is_late in (False, True))
    leads = [("reports/clock_leads", lead, number, True) for number in "12"]
    assert told == [[], soon, [], [], late, leads, [], []] or told == [[], soon, [], late, [], leads, [], []]
    assert {"slug", "ref", "late"} == {key for mail in mails()[-2:] for key in mail.context}
    assert other.state is ReportState.RECEIVED


def test_every_mail_has_one_link_and_no_title(
    app: Flask, session: Session, desk: Desk, cast: Cast, mails: Mails
) -> None:
    report = desk.receive(title="Secret parser")
    assigning.assign(session, report, cast.second_triager.id, by=cast.triager.id, at=NOON)
    session.commit()
    for hours in (20, 24, 48):
        jobs.remind(session, NOON + timedelta(hours=hours))

    config = config_of(app)
    whole = {mail.template: message_from_bytes(message(mail, config).content, policy=default) for mail in mails()}
    bodies = {name: mail.get_body(("plain",)) for name, mail in whole.items()}
    written = {name: body.get_content() for name, body in bodies.items() if body}

    assert {"reports/assigned", "reports/clock", "reports/clock_leads"} <= set(written)
    assert [text.count("http://") for text in written.values()] == [1] * len(written)
    assert all(report.ref in text for text in written.values())
    assert not any("Secret parser" in str(mail) for mail in whole.values())


def test_a_paused_report_reminds_nobody(session: Session, desk: Desk, mails: Mails) -> None:
    desk.in_state(ReportState.NEEDS_INFO)
    before = len(mails())

    assert jobs.remind(session, NOON + 90 * DAY) == 0
    assert len(mails()) == before


def test_what_is_fixed_closes_by_itself_after_a_while(session: Session, desk: Desk, mails: Mails) -> None:
    report = desk.in_state(ReportState.FIXED)

    assert jobs.settle(session, NOON + 13 * DAY) == 0
    assert jobs.settle(session, NOON + 14 * DAY) == 1
    assert (desk.again(report).state, mails()[-1].template) == (ReportState.CLOSED, "reports/moved")
    assert jobs.settle(session, NOON + 15 * DAY) == 0


# --- how prompt ---


def test_percentiles_lie_between_neighbours() -> None:
    assert percentile([], 50) is None
    assert percentile([3.0], 90) == 3.0
    assert percentile([4.0, 1.0, 2.0, 3.0], 50) == 2.5
    assert percentile([float(number) for number in range(11)], 90) == 9.0


def test_promptness_leaves_pauses_out_and_counts_what_came_in_time() -> None:
    slow = Course(NOON, Severity.LOW, {ClockName.TRIAGE: NOON + 5 * DAY}, [(NOON + DAY, NOON + 2 * DAY)])
    quick = Course(NOON, Severity.CRITICAL, {ClockName.TRIAGE: NOON + 3 * DAY}, ())

    told = {(line.clock, line.severity): line for line in rules.lines([slow, quick], rules.Calendar("UTC"))}

    assert told[ClockName.TRIAGE, "all"][2:] == (2, 3.5, pytest.approx(3.9), 1)
    assert told[ClockName.TRIAGE, "low"][2:] == (1, 4.0, 4.0, 0)
    assert told[ClockName.FIX, "all"][2:] == (0, None, None, 0)


def test_promptness_as_a_page_and_a_table(client: FlaskClient, desk: Desk, cast: Cast) -> None:
    report = desk.receive(at=NOON)
    for name, days in (("acknowledge", 0.5), ("reproduce", 1), ("confirm", 10), ("fix", 40)):
        desk.move(report, name, at=NOON + days * DAY)
    desk.session.commit()
    sign_in(client, cast.lead)

    assert "First answer" in client.get(f"{BASE}/reports/promptness").text
    lines = client.get(f"{BASE}/reports/promptness.csv").text.splitlines()
    assert "first_answer,all,1,0.5,0.5,1" in lines
    assert "fix,important,1,40.0,40.0,0" in lines


# --- releases ---


def test_a_release_fixes_all_its_reports_at_once(session: Session, desk: Desk, cast: Cast, mails: Mails) -> None:
    by, day = cast.triager.id, date(2020, 7, 22)
    made = releases.plan(session, cast.challenge, "20.07", day, "", by=by, at=NOON)
    confirmed, fixing = desk.in_state(ReportState.CONFIRMED), desk.in_state(ReportState.FIXING)
    gone = desk.in_state(ReportState.CONFIRMED)
    for report in (confirmed, fixing, gone):
        releases.tie(session, report, made, by=by, at=NOON)
    desk.move(gone, "by-design")
    session.commit()
    before = len(mails())

    done, left = releases.publish(session, cast.challenge, made, day, by=by, at=NOON + 37 * DAY)
    session.commit()

    assert (done, left) == ([confirmed.ref, fixing.ref], [f"{gone.ref} is by design: it was left as it is."])
    assert [(each.state, each.fixed_release, each.fixed_on, each.release_id) for each in (confirmed, fixing)] == [
        (ReportState.FIXED, "20.07", day, made.id)
    ] * 2
    assert [mail.template for mail in mails()[before:]] == ["reports/moved"] * 2
    with pytest.raises(Refused, match="out already"):
        releases.publish(session, cast.challenge, made, day, by=by, at=NOON)
    with pytest.raises(Refused, match="out already"):
        releases.tie(session, desk.in_state(ReportState.FIXING), made, by=by, at=NOON)
    with pytest.raises(Refused, match="once the report is confirmed"):
        releases.tie(session, desk.receive(), None, by=by, at=NOON)


def test_a_release_has_one_name(session: Session, cast: Cast) -> None:
    releases.plan(session, cast.challenge, "20.07", date(2020, 7, 22), "", by=cast.triager.id, at=NOON)

    with pytest.raises(Conflict, match="a release of this name already"):
        releases.plan(session, cast.challenge, "20.07", date(2020, 8, 22), "", by=cast.triager.id, at=NOON)


def test_a_fix_by_hand_finds_the_release_of_its_name(session: Session, desk: Desk, cast: Cast) -> None:
    made = releases.plan(session, cast.challenge, "20.07", date(2020, 7, 22), "", by=cast.triager.id, at=NOON)

    assert desk.in_state(ReportState.FIXED).release_id == made.id


def test_releases_as_pages(client: FlaskClient, session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.FIXING)
    sign_in(client, cast.triager)
    place = f"{BASE}/releases"

    assert client.post(place, data={"name": "", "planned_on": "soon"}).status_code == 422
    assert client.post(place, data={"name": "20.08", "planned_on": "2020-08-26"}).status_code == 302
    made = session.scalars(sa.select(Release)).one()
    assert client.post(f"{place}/{made.id}", data={"name": "x", "planned_on": "2020-08-27"}).status_code == 302
    tied = client.post(f"{BASE}/reports/{report.ref}/plan", data={"release": str(made.id)})
    assert tied.status_code == 302
    assert report.ref in client.get(place).text
    assert client.post(f"{place}/{made.id}/publish", data={"released_on": ""}).status_code == 302
    assert client.post(f"{place}/{made.id}/publish", data={"released_on": "2020-08-27"}).status_code == 302
    session.expire_all()
    assert (report.state, made.name, made.planned_on, made.released_on) == (
        ReportState.FIXED, "20.08", date(2020, 8, 27), date(2020, 8, 27),
    )  # fmt: skip
    # From 15 June to 27 August in the challenge's zone.
    assert "over 30</span> 73" in client.get(place).text
    assert client.post(f"{place}/{made.id}", data={"name": "x", "planned_on": "2020-09-01"}).status_code == 422


# --- builds and severities ---


def test_a_report_names_a_build_of_the_list_whatever_its_capitals(session: Session, desk: Desk, cast: Cast) -> None:
    build = Build(
        challenge_id=cast.challenge.id, name="20.06", released_on=date(2020, 6, 1), notes="", state_since=NOON
    )
    session.add(build)
    session.commit()

    assert desk.begin().build_id == build.id
    build.name = "21.06"
    session.commit()
    assert desk.begin().build_id is None


def test_builds_on_the_page(client: FlaskClient, session: Session, desk: Desk, cast: Cast) -> None:
    build = Build(
        challenge_id=cast.challenge.id, name="20.06", released_on=date(2020, 6, 1), notes="", state_since=NOON
    )
    session.add(build)
    session.commit()
    report = desk.in_state(ReportState.REPRODUCING)
    place = f"{BASE}/reports/{report.ref}"
    sign_in(client, cast.triager)

    values = {"reproduced_on": str(build.id), f"build_{build.id}": "affected"}
    assert client.post(f"{place}/builds", data=values).status_code == 302
    session.expire_all()
    assert report.reproduced_on_id == build.id
    assert session.scalars(sa.select(BuildFinding.finding)).all() == [Finding.AFFECTED]
    assert "Reproduced on 20.06" in client.get(place).text
    assert client.post(f"{place}/builds", data={"reproduced_on": "999"}).status_code == 302
    client.post(f"{place}/builds", data={"reproduced_on": "", f"build_{build.id}": ""})
    session.expire_all()
    assert (report.reproduced_on_id, session.scalars(sa.select(BuildFinding)).all()) == (None, [])


@pytest.mark.parametrize(
    ("vector", "version", "score", "suggested"),
    [
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "4.0", 9.3, Severity.CRITICAL),
        (" cvss:3.1/av:n/ac:l/pr:n/ui:n/s:u/c:h/i:h/a:h ", "3.1", 9.8, Severity.CRITICAL),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", "3.1", 1.6, Severity.LOW),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", "3.1", 0.0, None),
    ],
)
def test_vectors_are_counted(vector: str, version: str, score: float, suggested: Severity | None) -> None:
    found = rules.scored(vector)

    assert (found.version, found.score, found.suggested) == (version, score, suggested)
    assert rules.scored(found.vector) == found


@pytest.mark.parametrize("vector", ["AV:N", "CVSS:2.0/AV:N", "CVSS:4.0/AV:N", "CVSS:3.1/AV:Z", "CVSS:3.1/", "x" * 200])
def test_what_is_no_vector_is_told(vector: str) -> None:
    with pytest.raises(Invalid, match="cvss"):
        rules.scored(vector)


def test_a_vector_stands_in_the_assessment(client: FlaskClient, session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.CONFIRMED)
    place, vector = f"{BASE}/reports/{report.ref}", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    sign_in(client, cast.triager)

    wrong = client.post(f"{place}/assess", data={"severity": "low", "achieved": "", "cvss": "AV:N"})
    assert wrong.status_code == 422
    assert "This is no CVSS vector" in wrong.text
    assert client.post(f"{place}/assess", data={"severity": "low", "achieved": "", "cvss": vector}).status_code == 302
    session.expire_all()
    assert session.scalars(sa.select(Report.cvss)).all() == [vector]
    assert "the programme might say critical" in client.get(place).text
