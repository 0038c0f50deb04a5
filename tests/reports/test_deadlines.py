"""Until when reports are taken: to the second, on both databases; what has arrived goes on after that."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.blobs import Blobs
from portal.core.errors import Refused
from portal.reports import jobs, rules
from portal.reports.actions import drafts, own
from portal.reports.models import Chunk, Report
from portal.reports.rules.limits import KEEP_OPEN
from portal.reports.states import ReportState
from tests.cast import SLUG, Cast, sign_in
from tests.conftest import Clock
from tests.reports.people import Desk

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
# The last day is over in Los Angeles.
END = datetime(2020, 9, 1, 7, tzinfo=UTC)
REPORTS = f"/challenges/{SLUG}/reports"
PARTICULARS = {"title": "Report", "severity": "important", "build": "20.06", "kind": "full"}


def complete(desk: Desk, report: Report, at: datetime) -> None:
    """All files of a report have arrived."""
    data = desk.seal(100)
    desk.send(desk.upload(report, length=len(data), at=at), data, at=at)


def submit(desk: Desk, report: Report, at: datetime) -> None:
    drafts.submit(desk.session, desk.again(report), desk.signer, by=report.submitted_by_id, at=at)
    desk.session.commit()


def test_a_report_is_begun_until_the_last_day_is_over(cast: Cast, desk: Desk) -> None:
    assert rules.deadline(cast.challenge) == (END, END + DAY)
    assert desk.begin(at=END - SECOND).state is ReportState.UPLOADING

    for at in (END, END + 2000 * DAY):
        with pytest.raises(Refused, match="The challenge is over: new reports are not taken any more"):
            desk.begin(at=at)


def test_what_was_begun_in_time_is_sent_for_another_day(desk: Desk) -> None:
    sent, late = desk.begin(at=END - SECOND), desk.begin(at=END - SECOND)
    for report in (sent, late):
        complete(desk, report, END + DAY - SECOND)

    submit(desk, sent, END + DAY - SECOND)
    with pytest.raises(Refused, match="It could be sent for one day after the end of the challenge"):
        submit(desk, late, END + DAY)
    desk.session.rollback()

    assert (desk.again(sent).state, desk.again(late).state) == (ReportState.RECEIVED, ReportState.UPLOADING)
    with pytest.raises(Refused, match="It could be sent for one day"):
        desk.upload(late, body=False, at=END + DAY)
    desk.session.rollback()
    drafts.withdraw(desk.session, desk.again(late), by=late.submitted_by_id, at=END + DAY)


def test_what_is_filled_too_late_is_refused_and_collected(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, clock: Clock, store: Blobs
) -> None:
    """Announced in time, filled after the time for sending: it is no report, and nothing of it stays."""
    report, data = desk.begin(at=END - SECOND), desk.seal(100)
    upload = desk.upload(report, length=len(data), at=END + DAY - SECOND)
    late = END + DAY + timedelta(minutes=1)
    clock.at = late
    sign_in(client, cast.researcher)
    sent = client.patch(
        f"{REPORTS}/uploads/{upload.id}", data=data,
        headers={"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
    )  # fmt: skip
    assert (sent.status_code, sent.headers["Upload-Offset"]) == (204, str(len(data)))
    assert store.list(f"reports/{upload.id}") != []

    page = client.get(f"{REPORTS}/{report.ref}").text
    assert "It was not sent in time: reports were taken until" in page
    assert "it is not taken as a report any more; the portal gives it up two days after it was begun" in page
    answer = client.post(f"{REPORTS}/{report.ref}/submit", headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["reason"] == "It could be sent for one day after the end of the challenge, and that day is over."

    given_up = END - SECOND + 2 * KEEP_OPEN
    jobs.expire(session, given_up)
    assert desk.again(report).state is ReportState.UPLOADING
    jobs.expire(session, given_up + SECOND)
    assert (desk.again(report).state, desk.again(report).received_at) == (ReportState.WITHDRAWN, None)
    jobs.collect(session, given_up + DAY)
    assert store.list(f"reports/{upload.id}") != []
    jobs.collect(session, given_up + DAY + 2 * SECOND)
    assert store.list(f"reports/{upload.id}") == []
    assert session.scalars(sa.select(Chunk)).all() == []


def test_nothing_is_taken_once_the_results_are_out(cast: Cast, desk: Desk) -> None:
    report, out = desk.begin(at=END - SECOND), END + timedelta(hours=1)
    complete(desk, report, END)
    cast.challenge.results_released_at = out
    desk.session.commit()

    with pytest.raises(Refused, match="The results of the challenge are out"):
        submit(desk, report, out)
    desk.session.rollback()
    submit(desk, report, out - SECOND)


def test_what_nobody_could_open_is_sealed_again_after_the_end(cast: Cast, desk: Desk) -> None:
    unreadable, late = desk.in_state(ReportState.UNREADABLE), END + 5 * DAY

    again = desk.receive(at=late)
    own.replace(desk.session, again, desk.again(unreadable), by=again.submitted_by_id, at=late)
    desk.session.commit()

    with pytest.raises(Refused, match="The challenge is over"):
        desk.begin(at=late)
    desk.session.rollback()
    with pytest.raises(Refused, match="The challenge is over"):
        desk.begin(cast.team.members[0], at=late)


def test_what_has_arrived_goes_on_after_the_end(client: FlaskClient, cast: Cast, desk: Desk, clock: Clock) -> None:
    report = desk.in_state(ReportState.BY_DESIGN)
    clock.at = END + 30 * DAY
    sign_in(client, cast.researcher)

    assert client.post(f"{REPORTS}/{report.ref}/messages", json={}).status_code == 201
    desk.own(desk.again(report), "appeal", "Look at it again.", at=clock.at)
    assert desk.again(report).state is ReportState.APPEALED


def test_the_page_says_until_when(client: FlaskClient, cast: Cast, desk: Desk, clock: Clock) -> None:
    draft = desk.begin()
    sign_in(client, cast.researcher)
    page = client.get(f"{REPORTS}/new").text
    assert "A report that you begin until" in page
    assert "2020-09-01T07:00:00Z" in page
    assert "2020-09-02T07:00:00Z" in client.get(f"{REPORTS}/{draft.ref}").text
    assert "Write a report" in client.get(f"{REPORTS}/").text

    clock.at = END
    page = client.get(f"{REPORTS}/new").text
    assert "New reports are not taken any more" in page
    assert "report-form" not in page
    assert "2020-09-02T07:00:00Z" in client.get(f"{REPORTS}/{draft.ref}").text
    assert "Write a report" not in client.get(f"{REPORTS}/").text
    clock.at = END + DAY
    assert "It was not sent in time" in client.get(f"{REPORTS}/{draft.ref}").text


def test_programs_are_told_why(client: FlaskClient, cast: Cast, desk: Desk, clock: Clock) -> None:
    clock.at = END
    sign_in(client, cast.researcher)

    answer = client.post(f"{REPORTS}/new", json=PARTICULARS, headers={"Accept": "application/json"})

    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["reason"].startswith("The challenge is over: new reports are not taken any more.")


def test_the_page_is_open_to_who_has_to_seal_again(
    client: FlaskClient, cast: Cast, desk: Desk, clock: Clock, session: Session
) -> None:
    unreadable = desk.in_state(ReportState.UNREADABLE)
    clock.at = END + DAY
    sign_in(client, cast.researcher)

    page = client.get(f"{REPORTS}/new").text
    assert "report-form" in page
    assert f"The challenge is over. This form is for {unreadable.ref}, which nobody could open" in page
