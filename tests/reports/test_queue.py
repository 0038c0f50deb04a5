"""The queue: what a search finds, in which order, at what cost; and giving several reports to somebody."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import RoleGrant
from portal.challenges.models import Build
from portal.core.errors import NotFound, Refused
from portal.core.outbox import OutgoingMail
from portal.reports import jobs, rules, todo
from portal.reports.actions import assigning, clocks, links
from portal.reports.models import Message, Note, Report
from portal.reports.queries import clocks as found_clocks
from portal.reports.queries import queue
from portal.reports.rules import Settings
from portal.reports.rules.searching import Search, read_search
from portal.reports.states import MessageState, ReportState, Severity, Side
from tests.cast import NOON, Cast, make_account, sign_in
from tests.conftest import Clock
from tests.reports.people import Desk

Mails = Callable[[], list[OutgoingMail]]
QUEUE = "/staff/test-challenge/reports"
DAY = timedelta(days=1)


@pytest.fixture
def triager(client: FlaskClient, cast: Cast) -> FlaskClient:
    """A triager's browser."""
    sign_in(client, cast.triager)
    return client


def shown(session: Session, cast: Cast, **search: object) -> list[str]:
    session.commit()
    wanted = Search(**search)  # type: ignore[arg-type]
    page = queue.page(session, cast.challenge.id, wanted, cast.triager.id, NOON + 2 * DAY)
    counted = queue.counts(session, cast.challenge.id, wanted, cast.triager.id, NOON + 2 * DAY)
    assert counted.found == len(page.rows)
    return [report.ref[-1] for report in page.rows]


def test_what_is_late_stands_on_top_then_what_is_due_next_and_paused_last(
    session: Session, desk: Desk, cast: Cast
) -> None:
    for state, age in (
        (ReportState.NEEDS_INFO, 30), (ReportState.RECEIVED, 0), (ReportState.REPRODUCING, 20),
        (ReportState.ACKNOWLEDGED, 2.5), (ReportState.CLOSED, 40),
    ):  # fmt: skip
        desk.in_state(state, at=NOON - age * DAY)

    assert shown(session, cast) == ["3", "4", "2", "1"]
    assert shown(session, cast, late=True) == ["3", "4", "2"]
    assert shown(session, cast, state="all", sort="-received") == ["2", "4", "3", "1", "5"]
    assert shown(session, cast, state="all", sort="ref") == ["1", "2", "3", "4", "5"]


def test_filters_narrow_by_what_they_say(session: Session, desk: Desk, cast: Cast) -> None:
    build = Build(
        challenge_id=cast.challenge.id, name="20.06", released_on=NOON.date(), notes="", state_since=NOON
    )  # fmt: skip
    session.add(build)
    session.commit()
    mine, named = desk.receive(title="Report about 100 % of the daemon"), desk.in_state(ReportState.CONFIRMED)
    theirs = desk.receive(cast.team.members[0], title="Something else")
    assigning.assign(session, mine, cast.triager.id, by=cast.triager.id, at=NOON)
    assigning.assign(session, named, cast.second_triager.id, by=cast.triager.id, at=NOON)
    theirs.build_id = None
    named.severity, theirs.claimed = Severity.LOW, Severity.CRITICAL

    assert shown(session, cast, who="me") == ["1"]
    assert shown(session, cast, who="nobody") == ["3"]
    assert shown(session, cast, who=str(cast.second_triager.id)) == ["2"]
    assert shown(session, cast, severity="low") == ["2"]
    assert shown(session, cast, claimed="critical") == ["3"]
    assert shown(session, cast, build="other") == ["3"]
    assert shown(session, cast, build=str(build.id)) == ["1", "2"]
    assert shown(session, cast, participant=cast.team.id) == ["3"]
    assert shown(session, cast, kind="assuming") == []
    assert shown(session, cast, q="0 % OF") == ["1"]
    assert shown(session, cast, q="tcr-0003") == ["3"]
    assert shown(session, cast, q="_") == []


def test_what_waits_for_the_team_is_found_as_the_to_do_list_counts_it(
    app: Flask, session: Session, desk: Desk, cast: Cast
) -> None:
    asked, answered, linked = desk.receive(), desk.receive(), desk.in_state(ReportState.CONFIRMED)
    desk.receive()
    links.add_links(session, linked, [rules.LinkText("Into it")], by=cast.triager.id, at=NOON)
    desk.move(linked, "fix")
    for number, (report, side) in enumerate(
        [(asked, Side.TEAM), (asked, Side.RESEARCHER), (answered, Side.RESEARCHER), (answered, Side.TEAM)], start=1
    ):
        session.add(
            Message(
                report_id=report.id, number=number, side=side, author_id=cast.triager.id, state=MessageState.SENT,
                state_since=NOON, begun_at=NOON, sent_at=NOON,
            )
        )  # fmt: skip
    # One that is only begun answers nothing.
    session.add(
        Message(
            report_id=asked.id, number=9, side=Side.TEAM, author_id=cast.triager.id, state=MessageState.UPLOADING,
            state_since=NOON, begun_at=NOON,
        )
    )  # fmt: skip
    session.commit()

    assert shown(session, cast, state="all", waits="message") == ["1"]
    assert shown(session, cast, state="all", waits="links") == ["3"]
    with app.test_request_context():
        found = {each.label: (each.url, each.count) for each in todo.queues(session, cast.challenge, NOON, reader=0)}
    place = f"/staff/{cast.challenge.slug}/reports?state=all&waits="
    assert found["Reports with an unanswered message"] == (f"{place}message", 1)
    assert found["Confirmed reports with undecided links"] == (f"{place}links", 1)


@pytest.mark.parametrize(
    "told",
    [
        {"state": "nonsense"}, {"severity": "high"}, {"kind": "half"}, {"sort": "colour"}, {"who": "x"},
        {"build": "1' OR"}, {"scenario": "٣"}, {"participant": "-1"}, {"waits": "tea"}, {"who": "9" * 30},
    ],
)  # fmt: skip
def test_an_address_that_means_nothing_is_no_page(told: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        read_search(told)


def test_every_filter_costs_the_same_few_statements(
    triager: FlaskClient, desk: Desk, statements: list[str], cast: Cast
) -> None:
    address = (
        f"{QUEUE}?state=all&late=1&who=me&q=TCR&sort=-since&claimed=important&participant=1&scenario=1&build=other"
    )
    for count in (2, 9):
        for _ in range(count):
            desk.receive()
        triager.get(address)
        statements.clear()
        assert triager.get(address).status_code == 200
        assert len(statements) <= 8


def test_the_queue_as_a_table_and_as_json_has_what_the_page_shows(
    triager: FlaskClient, desk: Desk, clock: Clock
) -> None:
    desk.receive(title="=1+1")
    desk.in_state(ReportState.NEEDS_INFO)
    clock.tick(days=2)

    table = triager.get(f"{QUEUE}.csv?late=1")
    listed = triager.get(f"{QUEUE}.json?state=")

    assert table.mimetype == "text/csv"
    lines = table.text.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(
        "TCR-0001,'=1+1,received,2020-06-15T12:00:00Z,first answer,2020-06-16T12:00:00Z,True,important,,,full,,,20.06,"
    )
    assert listed.json is not None
    assert [(each["ref"], each["clock"]["late"], each["clock"]["paused_since"]) for each in listed.json["reports"]] == [
        ("TCR-0001", True, None), ("TCR-0002", False, "2020-06-15T12:00:00Z"),
    ]  # fmt: skip


# --- assignment ---


def test_the_selected_reports_are_given_away_and_the_others_are_not(
    triager: FlaskClient, session: Session, desk: Desk, cast: Cast, mails: Mails
) -> None:
    first, second, third = desk.receive(), desk.receive(), desk.receive()
    before, tia = len(mails()), str(cast.second_triager.id)

    done = triager.post(f"{QUEUE}/assign?who=nobody", data={"report": [first.ref, third.ref], "assignee": tia})

    assert (done.status_code, done.headers["Location"]) == (302, f"{QUEUE}?who=nobody")
    session.expire_all()
    assert [each.assignee_id for each in (first, second, third)] == [
        cast.second_triager.id,
        None,
        cast.second_triager.id,
    ]
    assert [(mail.template, mail.to) for mail in mails()[before:]] == [
        ("reports/assigned", cast.second_triager.email)
    ] * 2
    triager.post(f"{QUEUE}/assign?who=nobody", data={"all": "y", "assignee": str(cast.triager.id)})
    session.expire_all()
    assert second.assignee_id == cast.triager.id
    refused = triager.post(f"{QUEUE}/assign", data={"report": first.ref, "assignee": str(cast.lead.id)})
    assert refused.status_code == 302
    session.expire_all()
    assert first.assignee_id == cast.second_triager.id


def test_a_word_for_whoever_takes_over_is_a_note(
    triager: FlaskClient, session: Session, desk: Desk, cast: Cast
) -> None:
    report = desk.receive()
    values = {"assignee": str(cast.second_triager.id), "hand_over": "I am away next week."}

    assert triager.post(f"{QUEUE}/{report.ref}/assign", data=values).status_code == 302
    assert session.scalars(sa.select(Note.text)).all() == ["I am away next week."]


def test_nobody_is_responsible_for_a_report_of_their_own_participant(session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.receive()

    with pytest.raises(Refused, match="takes part with the participant"):
        assigning.assign(session, report, cast.researcher.id, by=cast.triager.id, at=NOON)


def test_reports_go_round_by_load_where_the_challenge_wants_it(session: Session, desk: Desk, cast: Cast) -> None:
    now = found_clocks.settings(session, cast.challenge)
    wanted = Settings(now.calendar, {}, assigns=True, closes_after_days=14)
    clocks.set_clocks(session, cast.challenge, wanted, by=cast.lead.id, at=NOON)
    # Takes part with the sender, so that none of these reports can be hers.
    session.add(RoleGrant(account_id=cast.researcher.id, role="triager", scope="test-challenge", granted_at=NOON))
    session.commit()

    got = [desk.receive(at=NOON + timedelta(minutes=minute)).assignee_id for minute in range(4)]

    assert sorted(got[:2], key=str) == sorted([cast.triager.id, cast.second_triager.id], key=str)
    assert got[2:] == got[:2]


def test_who_is_no_triager_any_more_is_let_go_with_a_task(
    session: Session, desk: Desk, cast: Cast, triager: FlaskClient
) -> None:
    gone = make_account(session, "Gus Gone")
    kept, left, ended = desk.receive(), desk.receive(), desk.in_state(ReportState.CLOSED)
    for report, who in ((kept, cast.triager), (left, gone), (ended, gone)):
        assigning.assign(session, report, who.id, by=cast.triager.id, at=NOON)
    session.commit()

    assert jobs.settle(session, NOON) == 1
    assert [each.assignee_id for each in (kept, left, ended)] == [cast.triager.id, None, gone.id]
    assert jobs.settle(session, NOON) == 0
    assert "Reports without anybody responsible" in triager.get("/staff/test-challenge/").text
    assert session.scalars(sa.select(Report.ref).where(Report.assignee_id.is_(None))).all() == [left.ref]
