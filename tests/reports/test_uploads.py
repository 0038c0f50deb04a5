"""The upload protocol as clients meet it: tus 1.0, by session and by token."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.accounts.models import Account
from portal.challenges.models import Participant
from portal.challenges.states import ParticipantState
from portal.reports import intake, refusals, rules
from portal.reports.actions.keys import make_token
from portal.reports.models import KeySet, Report, Upload
from portal.reports.states import ReportState, UploadState
from tests.cast import NOON, Cast, make_participant, sign_in
from tests.conftest import Clock
from tests.reports.people import Desk

Seal = Callable[[int], bytes]
UPLOADS = "/challenges/test-challenge/reports/uploads"
NEW = "/challenges/test-challenge/reports/new"
PARTICULARS = {
    "title": "Report about the network daemon", "kind": "full", "capability": "", "scenario": "",
    "severity": "important", "build": "20.06",
}  # fmt: skip


def metadata(ref: str, kind: str = "body") -> str:
    pairs = {"report": ref, "kind": kind}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


class Tus:
    """A client of the protocol."""

    def __init__(self, client: FlaskClient, **headers: str) -> None:
        self.client = client
        self.headers = {"Tus-Resumable": "1.0.0", **headers}

    def create(self, ref: str, length: int | None = None, kind: str = "body", **more: str) -> TestResponse:
        told = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
        headers = {**self.headers, "Upload-Metadata": metadata(ref, kind), **told, **more}
        return self.client.post(UPLOADS, headers={name: value for name, value in headers.items() if value})

    def begin(self, ref: str, length: int | None = None, kind: str = "body") -> str:
        answer = self.create(ref, length, kind)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def patch(self, place: str, offset: int, data: bytes, **more: str) -> TestResponse:
        headers = {**self.headers, "Upload-Offset": str(offset), **more}
        return self.client.patch(place, data=data, headers=headers, content_type="application/offset+octet-stream")

    def head(self, place: str) -> TestResponse:
        return self.client.head(place, headers=self.headers)

    def delete(self, place: str) -> TestResponse:
        return self.client.delete(place, headers=self.headers)


@pytest.fixture
def tus(client: FlaskClient, cast: Cast, key_set: KeySet) -> Tus:
    """The researcher's client, signed in."""
    sign_in(client, cast.researcher)
    return Tus(client)


def test_what_the_server_can_do_is_told_to_everybody(client: FlaskClient, cast: Cast) -> None:
    answer = client.options(UPLOADS)

    assert answer.status_code == 204
    assert answer.headers["Tus-Resumable"] == answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == str(1 << 30)
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha256,sha1"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation", "creation-defer-length", "expiration", "termination", "checksum",
    }  # fmt: skip


def test_a_report_is_sent_in_parts_and_submitted(tus: Tus, session: Session, seal: Seal) -> None:
    begun = tus.client.post(NEW, json=PARTICULARS, headers={"Accept": "application/json"})
    assert begun.status_code == 201
    assert begun.json == {
        "ref": "TCR-0001",
        "url": "/challenges/test-challenge/reports/TCR-0001",
        "uploads_url": UPLOADS,
        "submit_url": "/challenges/test-challenge/reports/TCR-0001/submit",
        "key_set": 1,
    }
    data, attachment = seal(20_000), seal(500)
    body = tus.begin("TCR-0001")
    first = tus.patch(body, 0, data[:9000])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "9000")
    state = tus.head(body)
    assert (state.status_code, state.headers["Upload-Offset"]) == (200, "9000")
    assert state.headers["Upload-Defer-Length"] == "1"
    assert state.headers["Cache-Control"] == "no-store"
    last = tus.patch(body, 9000, data[9000:], **{"Upload-Length": str(len(data))})
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(data)))
    assert tus.head(body).headers["Upload-Length"] == str(len(data))
    more = tus.begin("TCR-0001", len(attachment), "attachment")
    assert tus.patch(more, 0, attachment).status_code == 204

    done = tus.client.post(begun.json["submit_url"], headers={"Accept": "application/json"})

    assert (done.status_code, done.json) == (
        200,
        {
            "ref": "TCR-0001",
            "url": "/challenges/test-challenge/reports/TCR-0001",
            "receipt_url": "/challenges/test-challenge/reports/TCR-0001/receipt.json",
        },
    )
    again = tus.client.post(begun.json["submit_url"], headers={"Accept": "application/json"})
    assert (again.status_code, again.json) == (200, done.json)
    hashes = session.scalars(sa.select(Upload.sha256).order_by(Upload.number)).all()
    assert hashes == [hashlib.sha256(each).hexdigest() for each in (data, attachment)]


def test_invalid_particulars_are_told_by_field(tus: Tus, session: Session) -> None:
    answer = tus.client.post(
        NEW, json={**PARTICULARS, "title": " ", "kind": "assuming", "severity": "enormous"},
        headers={"Accept": "application/json"},
    )  # fmt: skip

    assert answer.status_code == 422
    assert answer.json is not None
    assert set(answer.json["messages"]) == {"title", "capability", "severity"}
    assert session.scalars(sa.select(Report)).all() == []


@pytest.mark.parametrize("version", [None, "0.2.2"])
def test_another_version_of_the_protocol_is_refused(tus: Tus, draft: Report, version: str | None) -> None:
    tus.headers = {"Tus-Resumable": version} if version else {}

    answer = tus.create(draft.ref)

    assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Upload-Length": "10"}, 400),
        ({"Upload-Defer-Length": "2"}, 400),
        ({"Upload-Metadata": "report !!!"}, 400),
        ({"Upload-Metadata": metadata("TCR-0001", "virus")}, 400),
        ({"Upload-Metadata": ""}, 404),
        ({"Upload-Metadata": metadata("TCR-9999")}, 404),
        ({"Upload-Defer-Length": "", "Upload-Length": str((1 << 30) + 1)}, 413),
        ({"Upload-Defer-Length": "", "Upload-Length": "-1"}, 400),
        ({"Upload-Defer-Length": "", "Upload-Length": "١"}, 400),
    ],
)
def test_a_wrong_announcement_is_refused(tus: Tus, draft: Report, change: dict[str, str], status: int) -> None:
    answer = tus.create(draft.ref, **{name: value.encode().decode("latin-1") for name, value in change.items()})

    assert answer.status_code == status
    assert answer.mimetype == "text/plain"
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert len(answer.text) > 10


def test_a_file_that_is_too_large_is_refused_before_its_bytes_in_words(tus: Tus, draft: Report) -> None:
    answer = tus.create(draft.ref, (1 << 30) + 1)

    assert (answer.status_code, answer.headers["Upload-Refused"]) == (413, "too-large")
    assert "1,073,741,824 bytes" in answer.text


def test_a_second_body_is_a_conflict(tus: Tus, draft: Report) -> None:
    tus.begin(draft.ref)

    assert tus.create(draft.ref).status_code == 409


def test_a_part_must_follow_the_last_one(tus: Tus, draft: Report, seal: Seal) -> None:
    place, data = tus.begin(draft.ref), seal(5000)
    assert tus.patch(place, 0, data[:100]).status_code == 204

    assert tus.patch(place, 0, data[:100]).status_code == 409
    assert tus.patch(place, 200, data[200:300]).status_code == 409
    assert tus.head(place).headers["Upload-Offset"] == "100"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Offset": "x"}, 400),
        ({"Upload-Checksum": "md5 AAAA"}, 400),
        ({"Upload-Checksum": "sha256 AAAA"}, 400),
        ({"Upload-Checksum": "sha256 ???"}, 400),
        ({"Upload-Checksum": "sha256 " + base64.b64encode(bytes(32)).decode()}, 460),
        ({"Upload-Length": "10"}, 413),
        ({"Upload-Length": str(2 << 30)}, 413),
    ],
)
def test_a_wrong_part_is_refused_and_nothing_of_it_counts(
    tus: Tus, draft: Report, seal: Seal, headers: dict[str, str], status: int
) -> None:
    place = tus.begin(draft.ref)

    assert tus.patch(place, 0, seal(5000), **headers).status_code == status
    assert tus.head(place).headers["Upload-Offset"] == "0"


def test_a_part_must_be_called_by_its_type(tus: Tus, draft: Report) -> None:
    place = tus.begin(draft.ref)

    answer = tus.client.patch(
        place, data=b"x", headers={**tus.headers, "Upload-Offset": "0"}, content_type="text/plain"
    )

    assert answer.status_code == 415


def test_more_than_was_announced_is_refused(tus: Tus, draft: Report, seal: Seal) -> None:
    data = seal(5000)
    place = tus.begin(draft.ref, len(data) - 1)

    assert tus.patch(place, 0, data).status_code == 413


def test_a_checksum_that_fits_is_taken(tus: Tus, draft: Report, seal: Seal) -> None:
    data = seal(5000)
    place = tus.begin(draft.ref, len(data))
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()

    assert tus.patch(place, 0, data, **{"Upload-Checksum": f"sha256 {checksum}"}).status_code == 204


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"The daemon trusts a length.", "not-openpgp", "not an OpenPGP message"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQ==\n", "armored", "gpg --dearmor"),
        (b"\xc3\x04\x04\x09\x03\x08", "symmetric", "Leave out -c"),
        (b"\xd4\x10", "aead-20", "--rfc4880"),
    ],
)
def test_what_is_not_sealed_is_refused_in_words_and_ends(
    tus: Tus, draft: Report, data: bytes, code: str, words: str
) -> None:
    place = tus.begin(draft.ref)

    answer = tus.patch(place, 0, data)

    assert (answer.status_code, answer.headers["Upload-Refused"], answer.mimetype) == (422, code, "text/plain")
    assert words in answer.text
    gone = tus.patch(place, 0, data)
    assert gone.status_code == 410
    assert words in gone.text
    assert tus.head(place).status_code == 410
    assert tus.create(draft.ref).status_code == 201


def test_an_upload_is_removed(tus: Tus, session: Session, draft: Report, seal: Seal) -> None:
    place = tus.begin(draft.ref)
    tus.patch(place, 0, seal(500))

    assert tus.delete(place).status_code == 204
    assert tus.head(place).status_code == 410
    assert tus.delete(place).status_code == 410
    assert session.scalars(sa.select(Upload.state)).all() == [UploadState.REMOVED]


def test_a_client_behind_a_proxy_may_name_the_method(tus: Tus, draft: Report, seal: Seal) -> None:
    place, data = tus.begin(draft.ref), seal(500)
    headers = {**tus.headers, "X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0"}

    answer = tus.client.post(place, data=data, headers=headers, content_type="application/offset+octet-stream")

    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(data)))
    assert tus.client.post(place, headers=tus.headers).status_code == 405


def test_an_upload_that_has_expired_says_so(tus: Tus, draft: Report, clock: Clock) -> None:
    place = tus.begin(draft.ref)
    clock.tick(hours=25)

    answer = tus.patch(place, 0, b"x")

    assert answer.status_code == 410
    assert "expired" in answer.text


def test_after_submission_nothing_is_added_or_removed(tus: Tus, draft: Report, seal: Seal) -> None:
    data = seal(500)
    place = tus.begin(draft.ref, len(data))
    tus.patch(place, 0, data)
    assert tus.client.post(f"/challenges/test-challenge/reports/{draft.ref}/submit").status_code == 302

    assert tus.create(draft.ref, kind="attachment").status_code == 422
    assert tus.delete(place).status_code == 422
    assert tus.patch(place, len(data), b"").status_code == 204


def test_submit_makes_good_what_a_dead_process_left(
    tus: Tus, session: Session, draft: Report, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = seal(500)
    place = tus.begin(draft.ref, len(data))
    with monkeypatch.context() as patch:
        patch.setattr(intake, "complete", lambda *_arguments, **_named: False)
        assert tus.patch(place, 0, data).status_code == 204
    assert tus.head(place).headers["Upload-Offset"] == str(len(data))

    answer = tus.client.post(f"/challenges/test-challenge/reports/{draft.ref}/submit", json={})

    assert answer.status_code == 200
    session.refresh(draft)
    assert draft.state is ReportState.RECEIVED


@pytest.mark.parametrize("who", ["stranger", "applicant", "team_lead", "triager", "lead", "admin"])
def test_nobody_else_finds_an_upload(tus: Tus, cast: Cast, draft: Report, who: str) -> None:
    place = tus.begin(draft.ref)
    sign_in(tus.client, getattr(cast, who))

    assert tus.head(place).status_code == 404
    assert tus.patch(place, 0, b"x").status_code == 404
    assert tus.delete(place).status_code == 404
    assert tus.create(draft.ref, kind="attachment").status_code == 404


def test_a_stranger_is_sent_to_the_sign_in(tus: Tus, draft: Report) -> None:
    place = tus.begin(draft.ref)
    sign_in(tus.client, None)

    assert tus.head(place).status_code == 302
    assert tus.create(draft.ref).status_code == 302


def test_colleagues_share_a_report(tus: Tus, cast: Cast, desk: Desk, seal: Seal) -> None:
    report = desk.begin(cast.team.members[0])
    sign_in(tus.client, cast.team_lead)
    place, data = tus.begin(report.ref), seal(500)
    tus.patch(place, 0, data[:200])
    sign_in(tus.client, cast.colleague)

    assert tus.patch(place, 200, data[200:], **{"Upload-Length": str(len(data))}).status_code == 204


def test_an_agreement_stands_before_it(tus: Tus, session: Session, cast: Cast) -> None:
    make_participant(session, cast.challenge, cast.stranger, signed=False)
    sign_in(tus.client, cast.stranger)

    assert tus.create("TCR-0001").status_code == 403


def test_a_removed_participant_sends_nothing(tus: Tus, session: Session, cast: Cast, draft: Report) -> None:
    participant = session.get_one(Participant, draft.participant_id)
    participant.state, participant.removed_at = ParticipantState.REMOVED, NOON

    assert tus.create(draft.ref).status_code == 404


def token(session: Session, cast: Cast, account: Account) -> dict[str, str]:
    secret = make_token(session, cast.challenge.id, "test", by=account.id, at=NOON)
    session.commit()
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_does_for_a_program_what_the_session_does(
    app: Flask, client: FlaskClient, session: Session, cast: Cast, key_set: KeySet, seal: Seal
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        headers = token(session, cast, cast.researcher)
        tus, data = Tus(client, **headers), seal(500)
        begun = client.post(NEW, json=PARTICULARS, headers=headers)
        assert begun.status_code == 201
        assert begun.json is not None
        place = tus.begin(begun.json["ref"], len(data))
        assert tus.patch(place, 0, data).status_code == 204
        assert client.post(begun.json["submit_url"], headers=headers).status_code == 200
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_a_session_without_its_token_against_forgery_sends_nothing(app: Flask, tus: Tus, draft: Report) -> None:
    place = tus.begin(draft.ref)
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert tus.patch(place, 0, b"x").status_code == 400
        assert tus.create(draft.ref, kind="attachment").status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


@pytest.mark.parametrize("secret", ["", "rcp_wrong"])
def test_a_wrong_token_is_no_token(client: FlaskClient, cast: Cast, draft: Report, secret: str) -> None:
    tus = Tus(client, Authorization=f"Bearer {secret}")

    assert tus.create(draft.ref).status_code == 401
    assert client.post(NEW, json=PARTICULARS, headers=tus.headers).status_code == 401


def test_a_token_of_a_stranger_finds_nothing(client: FlaskClient, session: Session, cast: Cast, draft: Report) -> None:
    assert Tus(client, **token(session, cast, cast.stranger)).create(draft.ref).status_code == 404
    assert Tus(client, **token(session, cast, cast.team_lead)).create(draft.ref).status_code == 404


def test_a_token_opens_no_page(client: FlaskClient, session: Session, cast: Cast, draft: Report) -> None:
    headers = token(session, cast, cast.researcher)

    assert client.get("/challenges/test-challenge/reports/", headers=headers).status_code == 302
    assert client.get(f"/challenges/test-challenge/reports/{draft.ref}", headers=headers).status_code == 302


def test_of_two_parts_at_once_one_counts(
    app: Flask, tus: Tus, session: Session, draft: Report, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, data = tus.begin(draft.ref), seal(5000)
    let_count: Any = intake._Taking._let_count
    other = app.test_client()
    with other.session_transaction() as cookie, tus.client.session_transaction() as mine:
        cookie.update(mine)

    def after_another(self: Any, first: Any) -> None:
        monkeypatch.setattr(intake._Taking, "_let_count", let_count)
        assert Tus(other).patch(place, 0, data).status_code == 204
        let_count(self, first)

    monkeypatch.setattr(intake._Taking, "_let_count", after_another)
    answer = tus.patch(place, 0, data)

    assert answer.status_code == 409
    assert "grown meanwhile" in answer.text
    assert tus.head(place).headers["Upload-Offset"] == str(len(data))


def test_limits_come_from_the_settings(app: Flask, tus: Tus, draft: Report) -> None:
    app.config["REPORT_LIMITS"] = rules.Limits(file=10_000, files=1)
    try:
        assert tus.create(draft.ref, 10_001).status_code == 413
        place = tus.begin(draft.ref)
        assert tus.patch(place, 0, bytes(10_001)).status_code == 413
        assert tus.create(draft.ref, kind="attachment").status_code == 422
    finally:
        del app.config["REPORT_LIMITS"]


def test_every_refusal_has_a_sentence() -> None:
    assert all(kind.__doc__ for kind in refusals.NotAcceptable.__subclasses__())
