"""What is handed over of a person's reports, and what is forgotten with them."""

from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.reports.actions import keys
from portal.reports.actions.assigning import assign
from portal.reports.models import Report
from portal.reports.personal import erase
from portal.reports.queries.keys import live_token
from portal.reports.states import ReportState
from tests.cast import NOON, Cast
from tests.reports.people import Desk


def test_the_export_tells_what_is_in_clear(session: Session, cast: Cast, draft: Report) -> None:
    keys.make_token(session, cast.challenge.id, "laptop", by=cast.researcher.id, at=NOON)
    session.commit()

    told = personal.export(session, cast.researcher.id)["reports"]

    assert [(found["reference"], found["title"], found["state"]) for found in told["reports"]] == [
        (draft.ref, "Report about the network daemon", "uploading")
    ]
    assert told["tokens"] == [{"name": "laptop", "created_at": NOON}]
    assert personal.export(session, cast.colleague.id)["reports"]["reports"] == []


def test_erasing_ends_the_tokens(session: Session, cast: Cast) -> None:
    secret = keys.make_token(session, cast.challenge.id, "laptop", by=cast.researcher.id, at=NOON)
    session.commit()
    assert live_token(session, secret, NOON) is not None

    erase(session, cast.researcher.id, NOON)
    session.commit()

    assert live_token(session, secret, NOON) is None


def test_the_export_tells_what_one_said_with_ones_steps(session: Session, cast: Cast, desk: Desk) -> None:
    desk.in_state(ReportState.APPEALED)

    told = personal.export(session, cast.researcher.id)["reports"]["steps_of_reports"]

    assert [(step["what"], step["message"]) for step in told] == [("submit", None), ("appeal", "Look at it again.")]


def test_who_is_erased_is_responsible_for_nothing_that_is_open(session: Session, cast: Cast, desk: Desk) -> None:
    waiting, ended = desk.receive(), desk.in_state(ReportState.CLOSED)
    for report in (waiting, ended):
        assign(session, report, cast.second_triager.id, by=cast.triager.id, at=NOON)

    erase(session, cast.second_triager.id, NOON)
    session.expire_all()

    assert (waiting.assignee_id, ended.assignee_id) == (None, cast.second_triager.id)
