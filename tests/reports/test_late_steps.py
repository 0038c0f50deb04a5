"""Who has read a report and acts on it after it has moved learns of that, whatever the step is about."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.core.db import db, set_reading, start_writing
from portal.core.errors import Conflict, PortalError
from portal.reports import rules, states
from portal.reports.actions import drafts, links, threads, triage
from portal.reports.models import Message, Report, Upload
from portal.reports.queries import links as chains
from portal.reports.queries import reports
from portal.reports.queries import threads as threads_of
from portal.reports.queries import uploads as files
from portal.reports.states import LinkState, ReportState, Severity, Side, UploadState
from tests.cast import NOON
from tests.reports.people import Desk

Act = Callable[[Report], object]
LIMITS = rules.Limits()


def after(app: Flask, report_id: int, first: Act, second: Act, *, read: Act = lambda report: report.state) -> object:
    """Somebody reads the report, somebody else takes the first step, and then the reader the second: what comes of it.

    `read` is what the reader has looked at besides. A rule that says no is given back, not raised.
    """

    def other() -> None:
        with app.app_context():
            first(reports.draft(db.session, report_id))
            db.session.commit()

    with app.app_context():
        set_reading(True)
        report = reports.draft(db.session, report_id)
        kept = read(report)  # a row that nobody holds would be read again
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(30)
        start_writing(db.session)
        try:
            second(report)
        except PortalError as refusal:
            db.session.rollback()
            return refusal
        db.session.commit()
        return kept and None


def submit(desk: Desk) -> Act:
    return lambda report: drafts.submit(db.session, report, desk.signer, by=report.submitted_by_id, at=NOON)


def remove(number: int) -> Act:
    def act(report: Report) -> None:
        upload = next(each for each in files.of_report(db.session, report.id) if each.number == number)
        drafts.remove_upload(db.session, upload, by=report.submitted_by_id, at=NOON)

    return act


def add(report: Report) -> None:
    by = report.submitted_by_id
    drafts.begin_upload(db.session, report, LIMITS, body=False, length=100, by=by, at=NOON)


def listed(report: Report) -> Sequence[Upload]:
    return files.of_report(db.session, report.id)


@pytest.fixture
def draft(session: Session, desk: Desk) -> int:
    """The number of a draft with a body and an attachment."""
    report, data = desk.begin(), desk.seal(100)
    for body in (True, False):
        desk.send(desk.upload(desk.again(report), body=body, length=len(data)), data)
    number = report.id
    session.commit()
    return number


@pytest.mark.parametrize("late", [add, remove(1)], ids=["adding", "removing"])
def test_a_report_that_was_sent_keeps_the_files_that_its_receipt_names(
    app: Flask, session: Session, desk: Desk, draft: int, late: Act
) -> None:
    assert isinstance(after(app, draft, submit(desk), late, read=listed), Conflict)

    assert [each.number for each in files.of_report(session, draft)] == [0, 1]
    receipt = reports.receipt(session, reports.draft(session, draft))
    assert all(each.sha256 and each.sha256 in receipt.body for each in files.of_report(session, draft))


def test_what_is_sent_is_what_is_there(app: Flask, session: Session, desk: Desk, draft: int) -> None:
    [_, gone] = [each.id for each in files.of_report(session, draft)]
    session.rollback()

    assert after(app, draft, remove(1), submit(desk), read=listed) is None

    report = reports.draft(session, draft)
    assert (report.state, [each.number for each in listed(report)]) == (ReportState.RECEIVED, [0])
    assert session.get_one(Upload, gone).sha256 is None
    assert '"number": 1' not in reports.receipt(session, report).body


def test_a_report_is_not_sent_without_the_body_that_was_taken_away(
    app: Flask, session: Session, desk: Desk, draft: int
) -> None:
    refusal = after(app, draft, remove(0), submit(desk), read=listed)

    assert isinstance(refusal, PortalError)
    assert reports.draft(session, draft).state is ReportState.UPLOADING


# A chain


@pytest.fixture
def chain(session: Session, desk: Desk) -> int:
    """The number of a report of two links that is being looked at."""
    report = desk.in_state(ReportState.REPRODUCING)
    texts = [rules.LinkText("Into it"), rules.LinkText("Out of it")]
    links.add_links(session, report, texts, by=desk.cast.triager.id, at=NOON)
    number = report.id
    session.commit()
    return number


def linked(report: Report) -> object:
    return chains.of_report(db.session, report.id)


def duplicate(desk: Desk, first: int) -> Act:
    outcome, by = rules.Outcome(duplicate_of_id=first), desk.cast.triager.id
    return lambda report: triage.move(db.session, report, states.DUPLICATE, outcome, by=by, at=NOON)


def confirm(desk: Desk) -> Act:
    verdict, by = rules.Verdict(severity=Severity.CRITICAL), desk.cast.second_triager.id

    def act(report: Report) -> None:
        link = chains.numbered(db.session, report.id, 1)
        links.decide_link(db.session, report, link, states.CONFIRM_LINK, verdict, by=by, at=NOON)

    return act


def decided(session: Session, report_id: int) -> tuple[ReportState, list[LinkState]]:
    session.expire_all()
    return reports.draft(session, report_id).state, [each.state for each in chains.of_report(session, report_id)]


def test_a_link_of_a_report_that_was_decided_as_a_whole_is_left_alone(
    app: Flask, session: Session, desk: Desk, chain: int
) -> None:
    first = desk.receive(at=NOON - timedelta(days=1)).id
    whole, part = duplicate(desk, first), confirm(desk)
    desk.session.commit()

    assert isinstance(after(app, chain, whole, part, read=linked), Conflict)

    assert decided(session, chain) == (ReportState.DUPLICATE, [LinkState.OPEN, LinkState.OPEN])


def test_a_report_with_a_confirmed_link_is_no_duplicate_as_a_whole(
    app: Flask, session: Session, desk: Desk, chain: int
) -> None:
    first = desk.receive(at=NOON - timedelta(days=1)).id
    whole, part = duplicate(desk, first), confirm(desk)
    desk.session.commit()

    refusal = after(app, chain, part, whole, read=linked)

    assert isinstance(refusal, PortalError)
    assert decided(session, chain) == (ReportState.REPRODUCING, [LinkState.CONFIRMED, LinkState.OPEN])


# A message


def send(report: Report) -> None:
    begun = threads_of.begun(db.session, report.id, report.submitted_by_id)
    assert begun
    threads.send_message(db.session, report, begun, by=report.submitted_by_id, at=NOON)


def message(report: Report) -> object:
    return threads_of.begun(db.session, report.id, report.submitted_by_id)


def test_a_message_that_was_sent_keeps_its_bytes(app: Flask, session: Session, desk: Desk) -> None:
    report = desk.receive()
    begun = threads.begin_message(session, report, Side.RESEARCHER, LIMITS, by=report.submitted_by_id, at=NOON)
    data = desk.seal(100)
    upload = threads.begin_message_upload(session, report, begun, LIMITS, length=len(data), at=NOON)
    session.commit()
    desk.send(upload, data)
    number, begun_id = report.id, begun.id
    session.commit()

    def late(report: Report) -> None:
        """Two windows: in one the message is on its way to be sealed anew, in the other it is sent."""
        kept = db.session.get_one(Message, begun_id)
        threads.begin_message_upload(db.session, report, kept, LIMITS, length=100, at=NOON)

    assert isinstance(after(app, number, send, late, read=message), Conflict)

    live = threads_of.live_upload(session, begun_id)
    assert live
    assert live.state is UploadState.COMPLETE
