"""What all of a participant's files may take, also where a file's length is told late, or never."""

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.core.db import db, set_reading, start_writing
from portal.core.errors import Refused
from portal.reports import intake, rules
from portal.reports.actions import drafts
from portal.reports.models import Report, Upload
from portal.reports.queries import keys, reports
from portal.reports.queries import uploads as files
from portal.reports.rules import limits
from portal.reports.states import ReportState, Side
from tests.cast import NOON, Cast, sign_in
from tests.reports.people import Desk
from tests.reports.test_uploads import Tus, tus
from tests.reports.threads import key_ids, live, written

__all__ = ["tus"]
Seal = Callable[[int], bytes]
WORDS = "All your files together would be too large."


@pytest.fixture
def data(seal: Seal) -> bytes:
    """A sealed file."""
    return seal(900)


@pytest.fixture
def draft(app: Flask, desk: Desk, data: bytes) -> Iterator[Report]:
    """A report that is begun by somebody whose files may be two and a half of that size together."""
    app.config["REPORT_LIMITS"] = rules.Limits(participant=len(data) * 5 // 2)
    yield desk.begin()
    del app.config["REPORT_LIMITS"]


@pytest.fixture
def both_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has counted waits for the other one, who cannot come where one counts after the other."""
    counted, check = threading.Barrier(2), rules.check_quota

    def both_have_counted(*given: Any) -> None:
        with suppress(threading.BrokenBarrierError):
            counted.wait(0.5)
        check(*given)

    monkeypatch.setattr(rules, "check_quota", both_have_counted)
    monkeypatch.setattr(limits, "check_quota", both_have_counted)


@pytest.mark.usefixtures("both_count")
def test_of_two_files_that_are_announced_at_once_the_second_finds_no_room(
    app: Flask, session: Session, desk: Desk
) -> None:
    ids, ready = [desk.begin().id for _ in range(2)], threading.Barrier(2)
    session.rollback()

    def announce(report_id: int) -> bool:
        with app.app_context():
            set_reading(True)
            report = reports.draft(db.session, report_id)
            ready.wait(30)
            start_writing(db.session)
            try:
                by, most = report.submitted_by_id, rules.Limits(participant=1000)
                drafts.begin_upload(db.session, report, most, body=True, length=600, by=by, at=NOON)
            except Refused:
                db.session.rollback()
                return False
            db.session.commit()
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(announce, ids)) == [False, True]


@pytest.mark.usefixtures("both_count")
@pytest.mark.parametrize("told", [False, True])
def test_of_two_files_that_come_at_once_without_a_length_the_second_finds_no_room(
    app: Flask, session: Session, desk: Desk, cast: Cast, data: bytes, told: bool
) -> None:
    ids, ready = [desk.upload(desk.begin()).id for _ in range(2)], threading.Barrier(2)
    most, length = rules.Limits(participant=len(data) * 3 // 2), len(data) if told else None
    session.rollback()

    def send(upload_id: str) -> bool:
        with app.app_context():
            upload = db.session.get_one(Upload, upload_id)
            course = intake.course(db.session, upload, keys.accepted_sets(db.session, NOON, NOON), most)
            db.session.rollback()
            ready.wait(30)
            try:
                intake.receive(db.session, desk.store, course, io.BytesIO(data), at=NOON, length=length)
            except Refused as refusal:
                return WORDS not in str(refusal)
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, ids)) == [False, True]

    # Of the one that did not fit nothing is kept: it may go on once there is room.
    session.rollback()
    rows = [session.get_one(Upload, each) for each in ids]
    assert sorted(row.position for row in rows) == [0, len(data)]
    assert files.held(session, cast.participant.id) == len(data)
    kept_of = {key.split("/")[1] for key in desk.store.list("reports/")}
    assert kept_of == {each.id for each in rows if each.position}


def streamed(tus: Tus, place: str, data: bytes, **more: str) -> TestResponse:
    """Send bytes of which no header says how many they are."""
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    headers = {**tus.headers, "Upload-Offset": "0", **more}
    return tus.client.patch(
        place, input_stream=io.BytesIO(data), headers=headers, content_type="application/offset+octet-stream",
        environ_overrides=environ,
    )  # fmt: skip


def kept(session: Session, place: str) -> Upload:
    session.rollback()
    return session.get_one(Upload, place.rpartition("/")[2])


def deferred(tus: Tus, draft: Report, count: int = 3) -> list[str]:
    """Files that begin before any of them says how long it is."""
    return [tus.begin(draft.ref, kind="attachment" if number else "body") for number in range(count)]


def test_a_length_that_is_told_late_counts(session: Session, tus: Tus, draft: Report, data: bytes) -> None:
    first, second, third = deferred(tus, draft)
    told = {"Upload-Length": str(len(data))}
    for place in (first, second):
        assert tus.patch(place, 0, data, **told).status_code == 204

    answer = tus.patch(third, 0, data, **told)
    alone = tus.patch(third, 0, b"", **told)

    assert [(each.status_code, WORDS in each.text) for each in (answer, alone)] == [(422, True)] * 2
    assert (kept(session, third).position, kept(session, third).length) == (0, None)
    assert files.held(session, draft.participant_id) == 2 * len(data)
    assert tus.delete(first).status_code == 204
    assert tus.patch(third, 0, data, **told).status_code == 204


def test_bytes_without_a_length_count_as_they_come(session: Session, tus: Tus, draft: Report, data: bytes) -> None:
    first, second, third = deferred(tus, draft)
    assert [tus.patch(place, 0, data).status_code for place in (first, second)] == [204, 204]
    half = len(data) // 2

    assert tus.patch(third, 0, data[:half]).status_code == 204
    answer = tus.patch(third, half, data[half:])

    assert (answer.status_code, WORDS in answer.text) == (422, True)
    assert tus.head(third).headers["Upload-Offset"] == str(half)
    assert tus.patch(first, len(data), b"", **{"Upload-Length": str(len(data))}).status_code == 204


@pytest.mark.parametrize("checked", [False, True])
def test_of_a_stream_as_much_is_kept_as_there_is_room_for(
    session: Session, tus: Tus, draft: Report, data: bytes, checked: bool
) -> None:
    first, second, third = deferred(tus, draft)
    assert [streamed(tus, place, data).status_code for place in (first, second)] == [204, 204]

    answer = streamed(tus, third, data, **({"Upload-Checksum": f"sha1 {'A' * 27}="} if checked else {}))

    assert (answer.status_code, WORDS in answer.text) == (422, True)
    assert kept(session, third).position == (0 if checked else len(data) * 5 // 2 - 2 * len(data))


def test_a_researchers_message_counts_and_the_teams_does_not(
    client: FlaskClient, app: Flask, session: Session, desk: Desk, cast: Cast
) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    certificate = live(session, cast.researcher.id)
    data = desk.seal(400)
    app.config["REPORT_LIMITS"] = rules.Limits(participant=files.held(session, report.participant_id) + 100)
    answers: list[Any] = []
    for person, place in ((cast.researcher, "challenges"), (cast.triager, "staff")):
        sign_in(client, person)
        told = client.post(f"/{place}/test-challenge/reports/{report.ref}/messages", json={}).json
        tus = Tus(client)
        made = client.post(told["uploads_url"], headers={**tus.headers, "Upload-Defer-Length": "1"})
        answers.append(tus.patch(made.headers["Location"], 0, data, **{"Upload-Length": str(len(data))}))
    del app.config["REPORT_LIMITS"]

    assert (answers[0].status_code, WORDS in answers[0].text) == (422, True)
    assert WORDS not in answers[1].text
    assert "Rae Researcher" in answers[1].text  # it is not sealed to her, which was looked at
    assert written(desk, report, Side.TEAM, key_ids(desk, certificate), by=cast.triager.id).number == 2
