"""Sealed messages about a report, both ways: the rules, the tables, and the addresses without a browser."""

import io
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core import mail
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.outbox import drain
from portal.reports import personal, rules, states
from portal.reports.actions import certificates, drafts, replies, threads
from portal.reports.models import Message, Reading, ReportEvent, ResearcherCertificate, Upload
from portal.reports.queries import threads as queries
from portal.reports.queries import uploads as files
from portal.reports.states import CertificateState, MessageState, ReportState, Side, UploadState
from portal.reports.todo import queues, tasks
from tests.cast import NOON, Cast, sign_in
from tests.reports.openpgp import certificate, message
from tests.reports.people import Desk
from tests.reports.threads import OTHER, desk_members, key_ids, live, written

HERE, THERE = "/challenges/test-challenge/reports/", "/staff/test-challenge/reports/"
TUS = {"Tus-Resumable": "1.0.0"}


def test_a_researchers_message_reaches_the_team_and_tells_it_neutrally(desk: Desk, cast: Cast, mails: Any) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    before = len(mails())

    made = written(desk, report, Side.RESEARCHER, key_ids(desk), by=cast.researcher.id)

    assert (made.number, made.state, made.sent_at) == (1, MessageState.SENT, NOON)
    told = mails()[before:]
    assert {(mail.template, mail.to) for mail in told} == {
        ("reports/message_staff", cast.triager.email), ("reports/message_staff", cast.second_triager.email),
    }  # fmt: skip
    assert all(set(mail.context) == {"slug", "ref", "report", "account"} for mail in told)
    line = queries.thread(desk.session, report.id)[0]
    assert (line.message.id, line.upload.state, line.upload.message_id) == (made.id, UploadState.COMPLETE, made.id)
    events = desk.session.scalars(
        sa.select(ReportEvent.what).where(ReportEvent.report_id == report.id).order_by(ReportEvent.id)
    ).all()
    assert events[-1] == "message-researcher"


def test_the_team_writes_to_the_researcher_and_the_whole_key_set(desk: Desk, cast: Cast, mails: Any) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    held = live(desk.session, cast.researcher.id)
    before = len(mails())

    written(desk, report, Side.TEAM, key_ids(desk, held), by=cast.triager.id)

    line = queries.thread(desk.session, report.id)[0]
    assert [each.id for each in line.certificates] == [held.id]
    assert [(mail.template, mail.to) for mail in mails()[before:]] == [("reports/message", cast.researcher.email)]


def test_a_teams_message_that_leaves_the_researcher_out_is_refused_by_name(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    live(desk.session, cast.researcher.id)

    with pytest.raises(Refused, match=r"Missing: Rae Researcher <rae@example.org> .a reader; their certificate is on"):
        written(desk, report, Side.TEAM, key_ids(desk), by=cast.triager.id)

    assert queries.thread(desk.session, report.id) == []


def test_a_teams_message_that_leaves_a_triager_out_is_refused(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    held = live(desk.session, cast.researcher.id)
    tom, *_ = desk_members(desk)

    with pytest.raises(Refused, match="Missing: Tia Triager"):
        written(desk, report, Side.TEAM, [*tom.key_ids, *held.key_ids], by=cast.triager.id)


def test_without_a_certificate_the_team_cannot_begin(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)

    with pytest.raises(Refused, match="has given no certificate"):
        threads.begin_message(desk.session, report, Side.TEAM, rules.Limits(), by=cast.triager.id, at=NOON)


def test_an_expired_certificate_counts_as_none(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    live(desk.session, cast.researcher.id).expires_at = NOON
    desk.session.commit()

    with pytest.raises(Refused, match="has given no certificate"):
        threads.begin_message(desk.session, report, Side.TEAM, rules.Limits(), by=cast.triager.id, at=NOON)


def test_a_certificate_that_changes_between_sealing_and_sending_is_noticed(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    held = live(desk.session, cast.researcher.id)
    by = cast.triager.id
    made = threads.begin_message(desk.session, report, Side.TEAM, rules.Limits(), by=by, at=NOON)
    data = message(200, key_ids(desk, held))
    upload = threads.begin_message_upload(desk.session, report, made, rules.Limits(), length=len(data), at=NOON)
    desk.session.commit()
    desk.send(upload, data)
    held.state = CertificateState.REPLACED
    live(desk.session, cast.researcher.id, OTHER)

    with pytest.raises(Conflict, match="certificate has just changed"):
        threads.send_message(desk.session, desk.again(report), desk.session.get_one(Message, made.id), by=by, at=NOON)


def test_an_answer_stops_the_pause_in_the_same_step(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.NEEDS_INFO)
    later = NOON + timedelta(days=2)

    written(
        desk, report, Side.RESEARCHER, key_ids(desk), by=cast.researcher.id, at=later,
        step=(states.ANSWER, rules.Outcome()),
    )  # fmt: skip

    report = desk.again(report)
    assert (report.state, report.paused_seconds) == (ReportState.REPRODUCING, 2 * 86400)
    assert report.due_at == NOON + timedelta(days=14 + 2)


def test_an_answer_to_nothing_is_refused_and_not_sent(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.CONFIRMED)

    with pytest.raises(Refused, match="has not asked"):
        written(
            desk, report, Side.RESEARCHER, key_ids(desk), by=cast.researcher.id, step=(states.ANSWER, rules.Outcome())
        )

    desk.session.rollback()
    assert queries.thread(desk.session, report.id) == []


def test_a_researcher_takes_no_step_of_the_teams(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)

    with pytest.raises(Invalid):
        written(
            desk, report, Side.RESEARCHER, key_ids(desk), by=cast.researcher.id, step=(states.CLOSE, rules.Outcome())
        )


def test_a_reason_and_a_step_go_with_a_reply(desk: Desk, cast: Cast, mails: Any) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    held = live(desk.session, cast.researcher.id)
    replies.add_defaults(desk.session, report.challenge_id, "test-challenge", by=cast.lead.id, at=NOON)
    template = queries.template_of(desk.session, report.challenge_id, "needs-better-proof")

    made = written(
        desk, report, Side.TEAM, key_ids(desk, held), by=cast.triager.id, template=template,
        step=(states.ASK, rules.Outcome(message="A better proof is needed")),
    )  # fmt: skip

    assert (made.reason, made.reason_words) == ("needs-better-proof", "A better proof is needed")
    assert desk.again(report).state is ReportState.NEEDS_INFO
    assert queries.reasons_given(desk.session, report.challenge_id, reader=0) == {"needs-better-proof": 1}


@pytest.mark.parametrize("state", [ReportState.CLOSED, ReportState.BY_DESIGN, ReportState.UNREADABLE])
def test_questions_are_possible_after_the_end(desk: Desk, cast: Cast, state: ReportState) -> None:
    report = desk.in_state(state)

    assert written(desk, report, Side.RESEARCHER, key_ids(desk), by=cast.researcher.id).state is MessageState.SENT


@pytest.mark.parametrize("state", [ReportState.UPLOADING, ReportState.WITHDRAWN])
def test_nothing_is_written_before_the_arrival_or_after_a_withdrawal(
    desk: Desk, cast: Cast, state: ReportState
) -> None:
    report = desk.in_state(state)

    with pytest.raises(Refused, match=r"not arrived yet|withdrawn"):
        threads.begin_message(desk.session, report, Side.RESEARCHER, rules.Limits(), by=cast.researcher.id, at=NOON)


def test_a_message_that_was_begun_is_gone_on_with_and_sent_once(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    by, limits = cast.researcher.id, rules.Limits()
    first = threads.begin_message(desk.session, report, Side.RESEARCHER, limits, by=by, at=NOON)
    again = threads.begin_message(desk.session, report, Side.RESEARCHER, limits, by=by, at=NOON)
    assert first.id == again.id
    upload = threads.begin_message_upload(desk.session, report, first, limits, length=None, at=NOON)
    second = threads.begin_message_upload(desk.session, report, first, limits, length=None, at=NOON)
    desk.session.refresh(upload)
    assert (upload.state, second.state) == (UploadState.REMOVED, UploadState.OPEN)
    with pytest.raises(Refused, match="not wholly arrived"):
        threads.send_message(desk.session, report, first, by=by, at=NOON)

    made = written(desk, report, Side.RESEARCHER, key_ids(desk), by=by)
    threads.send_message(desk.session, desk.again(report), made, by=by, at=NOON + timedelta(days=1))

    assert (made.id, made.sent_at) == (first.id, NOON)
    with pytest.raises(Refused, match="has been sent"):
        threads.begin_message_upload(desk.session, report, made, limits, length=None, at=NOON)
    kept = queries.live_upload(desk.session, made.id)
    assert kept
    with pytest.raises(Refused, match="has been sent"):
        drafts.remove_upload(desk.session, kept, by=by, at=NOON)


def test_the_number_and_the_size_of_messages_are_bounded(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    by, tight = cast.researcher.id, rules.Limits(message=100, messages=1)
    made = threads.begin_message(desk.session, report, Side.RESEARCHER, tight, by=by, at=NOON)
    with pytest.raises(Refused, match="larger than 100 bytes"):
        threads.begin_message_upload(desk.session, report, made, tight, length=101, at=NOON)
    made.state, made.sent_at = MessageState.SENT, NOON
    desk.session.flush()

    with pytest.raises(Refused, match="1 messages from you"):
        threads.begin_message(desk.session, report, Side.RESEARCHER, tight, by=by, at=NOON)


def test_messages_are_no_files_of_the_report_but_count_for_the_quota(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    held = files.held(desk.session, report.participant_id)

    written(desk, report, Side.RESEARCHER, key_ids(desk), by=cast.researcher.id)
    his = files.held(desk.session, report.participant_id)
    certificate_ = live(desk.session, cast.researcher.id)
    written(desk, report, Side.TEAM, key_ids(desk, certificate_), by=cast.triager.id)

    assert [each.number for each in files.of_report(desk.session, report.id)] == [0]
    assert [each.number for each in files.of_reports(desk.session, [report.id])[report.id]] == [0]
    assert files.next_number(desk.session, report.id) == 1
    assert his > held
    assert files.held(desk.session, report.participant_id) == his


def test_one_mail_an_hour_and_none_for_what_has_been_read(desk: Desk, cast: Cast, mails: Any) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    held = live(desk.session, cast.researcher.id)
    to, by = key_ids(desk, held), cast.triager.id
    before = len(mails())
    for minutes in (0, 5, 10, 70):
        written(desk, report, Side.TEAM, to, by=by, at=NOON + timedelta(minutes=minutes))

    told = mails()[before:]
    assert [mail.not_before for mail in told] == [NOON + timedelta(hours=each) for each in (0, 1, 2)]

    sent: list[str] = []
    threads.read(desk.session, report, 4, by=cast.researcher.id)
    desk.session.commit()
    drain(desk.session, lambda mail: sent.append(mail.template), NOON + timedelta(hours=3))
    assert "reports/message" not in sent


def test_reading_never_goes_back_or_beyond(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    written(desk, report, Side.RESEARCHER, key_ids(desk), by=cast.researcher.id)
    assert queries.unread(desk.session, [report.id], cast.triager.id, Side.RESEARCHER) == {report.id: 1}

    threads.read(desk.session, report, 99, by=cast.triager.id)
    threads.read(desk.session, report, 0, by=cast.triager.id)

    kept = desk.session.get_one(Reading, (report.id, cast.triager.id))
    assert kept.number == 1
    assert queries.unread(desk.session, [report.id], cast.triager.id, Side.RESEARCHER) == {}


@pytest.mark.parametrize("side", Side)
def test_as_read_counts_what_somebody_had_before_them(
    client: FlaskClient, desk: Desk, cast: Cast, mails: Any, side: Side
) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    to, reader, writer, place = (
        key_ids(desk, live(desk.session, cast.researcher.id)),
        cast.researcher,
        cast.triager,
        HERE,
    )
    if side is Side.RESEARCHER:
        reader, writer, place = cast.triager, cast.researcher, THERE
    written(desk, report, side, to, by=writer.id)
    sign_in(client, reader)
    assert '<input type="hidden" name="number" value="1">' in client.get(place + report.ref).text
    written(desk, report, side, to, by=writer.id, at=NOON + timedelta(hours=2))  # meanwhile
    sent: list[str] = []

    assert client.post(f"{place}{report.ref}/messages/read", data={"number": "1"}).status_code == 302
    assert queries.unread(desk.session, [report.id], reader.id, side) == {report.id: 1}
    drain(desk.session, lambda mail: sent.append(mail.to), NOON + timedelta(hours=3))
    assert reader.email in sent
    assert client.post(f"{place}{report.ref}/messages/read", json={"number": 2}).status_code == 200
    assert queries.unread(desk.session, [report.id], reader.id, side) == {}


@pytest.mark.parametrize(
    "told", [{}, [1], "1", 1, None, {"number": True}, {"number": -1}, {"number": "x"}, {"number": 1.5}]
)
def test_without_a_number_nothing_is_read(client: FlaskClient, desk: Desk, cast: Cast, told: Any) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    to = key_ids(desk, live(desk.session, cast.researcher.id))
    written(desk, report, Side.RESEARCHER, to, by=cast.researcher.id)
    written(desk, report, Side.TEAM, to, by=cast.triager.id)
    for person, place in ((cast.second_triager, THERE), (cast.researcher, HERE)):
        sign_in(client, person)
        answer = client.post(f"{place}{report.ref}/messages/read", json=told)
        assert (answer.status_code, "Say up to which message" in answer.text) == (422, True)

    assert queries.unread(desk.session, [report.id], cast.second_triager.id, Side.RESEARCHER) == {report.id: 1}
    assert queries.unread(desk.session, [report.id], cast.researcher.id, Side.TEAM) == {report.id: 1}


def test_who_answers_has_not_read_what_came_while_they_wrote(desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    to = key_ids(desk, live(desk.session, cast.researcher.id))
    written(desk, report, Side.RESEARCHER, to, by=cast.researcher.id)

    written(desk, report, Side.TEAM, to, by=cast.triager.id)

    assert queries.unread(desk.session, [report.id], cast.triager.id, Side.RESEARCHER) == {report.id: 1}
    assert queries.seen(desk.session, report, Side.TEAM) == 0


def test_a_message_that_was_begun_long_ago_is_new_when_it_is_sent(desk: Desk, cast: Cast) -> None:
    report, session = desk.in_state(ReportState.ACKNOWLEDGED), desk.session
    to, by = key_ids(desk, live(session, cast.researcher.id)), cast.researcher.id
    begun_first = threads.begin_message(session, report, Side.RESEARCHER, rules.Limits(), by=by, at=NOON)
    session.commit()
    written(desk, report, Side.TEAM, to, by=cast.triager.id)
    written(desk, report, Side.RESEARCHER, to, by=cast.colleague.id)
    for account in (cast.triager, cast.researcher):
        threads.read(session, desk.again(report), 3, by=account.id)
    session.commit()

    assert written(desk, report, Side.RESEARCHER, to, by=by).id == begun_first.id

    assert queries.unread(session, [report.id], cast.triager.id, Side.RESEARCHER) == {report.id: 2}
    assert queries.unread(session, [report.id], by, Side.TEAM) == {}
    assert queries.seen(session, report, Side.RESEARCHER) == 3


def test_a_team_chooses_who_reads_and_who_leaves_reads_no_more(desk: Desk, cast: Cast) -> None:
    lead = cast.team.members[0]
    report = desk.receive(lead)
    desk.move(report, "acknowledge")
    team = list(cast.team.members)
    threads.choose_readers(
        desk.session, report, team, {cast.colleague.id, cast.stranger.id}, by=lead.account_id, at=NOON
    )
    desk.session.commit()
    assert [each.id for each in queries.readers(desk.session, report)] == [lead.account_id, cast.colleague.id]

    desk.session.delete(next(each for each in team if each.account_id == cast.colleague.id))
    desk.session.commit()

    assert [each.id for each in queries.readers(desk.session, report)] == [lead.account_id]


def test_the_team_asks_once_for_a_certificate(desk: Desk, cast: Cast, mails: Any) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    threads.ask_for_certificate(desk.session, report, by=cast.triager.id, at=NOON)

    assert (mails()[-1].template, mails()[-1].to) == ("reports/certificate_wanted", cast.researcher.email)
    with pytest.raises(Refused, match="asked already"):
        threads.ask_for_certificate(desk.session, report, by=cast.triager.id, at=NOON)
    live(desk.session, cast.researcher.id)
    with pytest.raises(Refused, match="a certificate already"):
        threads.ask_for_certificate(desk.session, report, by=cast.triager.id, at=NOON)


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"sent_at": NOON}, "sent_has_time"),
        ({"reason": "x", "reason_words": "X", "side": Side.RESEARCHER}, "reason_is_the_teams"),
        ({"reason": "x"}, "reason_has_words"),
        ({"number": 0}, "number_positive"),
    ],
)
def test_the_database_refuses_nonsense(desk: Desk, cast: Cast, changed: dict[str, Any], constraint: str) -> None:
    report = desk.receive()
    plain: dict[str, Any] = {
        "report_id": report.id, "number": 1, "side": Side.TEAM, "author_id": cast.triager.id,
        "state": MessageState.UPLOADING, "state_since": NOON, "begun_at": NOON,
    }  # fmt: skip
    desk.session.add(Message(**plain | changed))

    with pytest.raises(sa.exc.IntegrityError, match=constraint):
        desk.session.flush()


def begun(client: FlaskClient, place: str) -> dict[str, Any]:
    answer = client.post(f"{place}/messages", json={})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json
    return told


def uploaded(client: FlaskClient, told: dict[str, Any], data: bytes) -> int:
    made = client.post(told["uploads_url"], headers={**TUS, "Upload-Length": str(len(data))})
    assert made.status_code == 201, made.text
    headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    return client.patch(made.headers["Location"], data=data, headers=headers).status_code


def test_both_sides_write_by_tus_and_read_what_the_other_wrote(client: FlaskClient, desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.NEEDS_INFO)
    held = live(desk.session, cast.researcher.id)
    first, second = message(3000, key_ids(desk)), message(5000, key_ids(desk, held))
    sign_in(client, cast.researcher)
    told = begun(client, HERE + report.ref)
    assert uploaded(client, told, first) == 204
    sent = client.post(told["submit_url"], json={"answers": True})
    assert (sent.status_code, sent.json["number"]) == (200, 1)
    assert client.post(told["submit_url"], json={"answers": True}).status_code == 200

    sign_in(client, cast.triager)
    assert client.get(f"{THERE}{report.ref}/messages/1").data == first
    told = begun(client, THERE + report.ref)
    assert uploaded(client, told, second) == 204
    assert client.post(told["submit_url"], json={"template": "no-such"}).status_code == 422
    assert client.post(told["submit_url"], json={"move": "ask"}).status_code == 200
    page = client.get(THERE + report.ref).text
    assert "Message 2 from the team" in page
    assert "portal-triage reply TCR-0001" in page
    assert "not read yet" in page
    listed = client.get(f"{THERE}{report.ref}/messages.json").json
    assert [(each["number"], each["side"]) for each in listed["messages"]] == [(1, "researcher"), (2, "team")]
    assert [each["fingerprint"] for each in listed["readers"]] == [held.fingerprint]
    assert len(listed["key_set"]["members"]) == 3

    sign_in(client, cast.researcher)
    assert client.get(f"{HERE}{report.ref}/messages/2").data == second
    page = client.get(HERE + report.ref)
    assert "Message 2 from the team" in page.text
    assert "See sealed message 2." in page.text
    assert "Tom Triager <tom-triager@example.org> (triager)" not in page.text.split("timeline-when")[0]
    assert "trusted-types seal" in page.headers["Content-Security-Policy"]
    assert client.post(f"{HERE}{report.ref}/messages/read", json={"number": 2}).status_code == 200
    assert "Mark 1 as read" not in client.get(HERE + report.ref).text


def test_a_message_sealed_by_gpg_goes_in_by_form(client: FlaskClient, desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.NEEDS_INFO)
    held = live(desk.session, cast.researcher.id)
    sign_in(client, cast.researcher)
    sent = {"sealed": (io.BytesIO(message(400, key_ids(desk))), "message.pgp"), "answers": "y"}
    assert client.post(f"{HERE}{report.ref}/messages", data=sent).status_code == 302
    assert desk.again(report).state is ReportState.REPRODUCING
    plain = client.post(f"{HERE}{report.ref}/messages", data={"sealed": (io.BytesIO(b"in clear"), "a.txt")})
    assert plain.status_code == 422
    assert "not an OpenPGP message" in plain.text

    sign_in(client, cast.triager)
    lacking = {"sealed": (io.BytesIO(message(400, key_ids(desk))), "message.pgp")}
    answer = client.post(f"{THERE}{report.ref}/messages", data=lacking)
    assert answer.status_code == 422
    assert "Rae Researcher" in answer.text
    whole = {"sealed": (io.BytesIO(message(400, key_ids(desk, held))), "message.pgp")}
    assert client.post(f"{THERE}{report.ref}/messages", data=whole).status_code == 302
    assert [each.message.side for each in queries.thread(desk.session, report.id)] == [Side.RESEARCHER, Side.TEAM]


def test_a_message_that_is_too_large_is_refused_before_its_bytes(client: FlaskClient, desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    sign_in(client, cast.researcher)
    told = begun(client, HERE + report.ref)

    answer = client.post(told["uploads_url"], headers={**TUS, "Upload-Length": str(rules.Limits().message + 1)})

    assert answer.status_code == 413
    assert "larger than" in answer.text


def test_nobody_sends_or_takes_the_bytes_of_the_other_side(client: FlaskClient, desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    live(desk.session, cast.researcher.id)
    sign_in(client, cast.triager)
    told = begun(client, THERE + report.ref)
    made = client.post(told["uploads_url"], headers={**TUS, "Upload-Defer-Length": "1"})
    place = made.headers["Location"]
    assert client.head(place, headers=TUS).status_code == 200

    sign_in(client, cast.second_triager)
    assert client.head(place, headers=TUS).status_code == 404
    assert client.post(told["submit_url"], json={}).status_code == 404
    sign_in(client, cast.researcher)
    upload = desk.session.scalars(sa.select(Upload.id).where(Upload.message_id.is_not(None))).one()
    assert client.head(f"{HERE}uploads/{upload}", headers=TUS).status_code == 404
    assert client.get(f"{HERE}{report.ref}/messages/1").status_code == 404
    sign_in(client, cast.team_lead)
    assert client.post(f"{HERE}{report.ref}/messages", json={}).status_code == 404


def test_the_pages_cost_the_same_for_one_message_and_for_many(
    client: FlaskClient, desk: Desk, cast: Cast, statements: list[str]
) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    held = live(desk.session, cast.researcher.id)
    counts = []
    sign_in(client, cast.triager)
    for _ in range(2):
        for _ in range(3):
            written(desk, report, Side.TEAM, key_ids(desk, held), by=cast.triager.id)
        client.get(THERE + report.ref)
        statements.clear()
        client.get(THERE + report.ref)
        counts.append(len(statements))

    assert counts[0] == counts[1]


def test_an_offer_of_nonsense_is_refused_with_a_sentence(desk: Desk, cast: Cast) -> None:
    with pytest.raises(Refused, match="BEGIN to END"):
        certificates.offer(desk.session, cast.researcher, "nothing", "12345678", at=NOON)
    with pytest.raises(Refused, match="Features are missing"):
        certificates.offer(desk.session, cast.researcher, certificate(features=b""), "12345678", at=NOON)


def test_templates_are_changed_as_they_were_seen(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.lead)
    place = f"{THERE}templates"
    assert client.post(f"{THERE}usual-templates").status_code == 302
    made = {"code": "Needs proof", "title": "Proof", "text": "General words.", "move": "ask", "active": "y"}
    assert "Small letters" in client.post(place, data=made).text
    assert client.post(place, data={**made, "code": "proof"}).status_code == 302
    assert client.post(place, data={**made, "code": "proof"}).status_code == 409
    assert client.post(place, data={**made, "code": "more", "text": ""}).status_code == 422

    sign_in(client, cast.triager)
    changed = {**made, "code": "proof", "title": "A proof", "version": "1"}
    assert client.post(f"{place}/proof", data=changed).status_code == 302
    assert client.post(f"{place}/proof", data={**changed, "title": "Another"}).status_code == 409

    found = queries.template_of(session, cast.challenge.id, "proof")
    assert (found.title, found.version, found.move) == ("A proof", 2, "ask")
    assert client.post(f"{THERE}usual-templates").status_code == 302
    assert len(queries.templates(session, cast.challenge.id)) == len(replies.DEFAULTS) + 1
    assert client.get(f"{place}/no-such").status_code == 404


def test_what_waits_shows_on_the_home_pages(app: Any, desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    threads.ask_for_certificate(desk.session, report, by=cast.triager.id, at=NOON)
    with app.test_request_context():
        asked = [each.label for each in tasks(desk.session, cast.member, NOON)]
    held = live(desk.session, cast.researcher.id)
    written(desk, report, Side.TEAM, key_ids(desk, held), by=cast.triager.id)
    with app.test_request_context():
        told = [each.label for each in tasks(desk.session, cast.member, NOON)]
        before = [(each.label, each.count) for each in queues(desk.session, report.challenge, NOON, reader=0)]
    written(desk, report, Side.RESEARCHER, key_ids(desk), by=cast.researcher.id)
    with app.test_request_context():
        after = [(each.label, each.count) for each in queues(desk.session, report.challenge, NOON, reader=0)]

    assert asked == ["Give a certificate: the team wants to write to you"]
    assert told == [f"Read what the team wrote about {report.ref}"]
    assert ("Reports with an unanswered message", 0) in before
    assert ("Reports with an unanswered message", 1) in after


def test_export_names_messages_and_certificates_and_erasure_forgets_the_certificate(
    desk: Desk, session: Session, cast: Cast
) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    held = live(session, cast.researcher.id)
    written(desk, report, Side.RESEARCHER, key_ids(desk, held), by=cast.researcher.id)

    given = personal.exported(session, cast.researcher.id)
    personal.erase(session, cast.researcher.id, NOON)
    session.commit()

    assert [(each["number"], each["sent_at"]) for each in given["messages"]] == [(1, NOON)]
    assert [each["fingerprint"] for each in given["certificates"]] == [held.fingerprint]
    kept = session.get_one(ResearcherCertificate, held.id)
    assert (kept.state, kept.name, kept.certificate) == (CertificateState.REMOVED, "", "")
    assert kept.fingerprint == given["certificates"][0]["fingerprint"]
    assert [each.id for each in queries.thread(session, report.id)[0].certificates] == [held.id]


@pytest.mark.parametrize("template", ["message", "message_staff", "certificate_wanted", "certificate_changed"])
def test_mails_are_neutral_and_have_one_link(app: Any, template: str) -> None:
    with app.test_request_context():
        subject, text = mail.written(f"reports/{template}", url=mail.absolute, slug="test-challenge", ref="TCR-0001")

    assert text.count("http") == 1
    assert ("TCR-0001" in subject) == (template != "certificate_changed")
    assert "!" not in subject + text
