"""The researcher's pages, and sealing without JavaScript."""

import io
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.reports.actions import triage
from portal.reports.models import KeySet, Report, Upload
from portal.reports.states import ReportKind, ReportState, Severity
from portal.reports.views.who import signer
from tests.cast import Cast, sign_in
from tests.reports.people import Desk

Seal = Callable[[int], bytes]
HERE = "/challenges/test-challenge/reports/"
FIELDS = {
    "title": "Report about the network daemon", "kind": "full", "capability": "", "scenario": "",
    "severity": "critical", "build": "20.06",
}  # fmt: skip


@pytest.fixture
def researcher(client: FlaskClient, cast: Cast) -> FlaskClient:
    """The researcher's browser."""
    sign_in(client, cast.researcher)
    return client


def test_the_list_is_empty_in_words(researcher: FlaskClient) -> None:
    assert "No reports yet" in researcher.get(HERE).text


def test_the_list_shows_ones_own_reports(researcher: FlaskClient, desk: Desk, cast: Cast) -> None:
    desk.receive(title="Mine")
    desk.receive(cast.team.members[0], title="Somebody else's")

    page = researcher.get(HERE).text

    assert "TCR-0001" in page
    assert "Mine" in page
    assert "TCR-0002" not in page
    assert "Somebody else" not in page


def test_the_list_costs_the_same_for_one_report_and_for_many(
    researcher: FlaskClient, desk: Desk, statements: list[str]
) -> None:
    desk.receive()
    researcher.get(HERE)
    statements.clear()
    researcher.get(HERE)
    few = len(statements)
    for _ in range(5):
        desk.receive()
    statements.clear()
    researcher.get(HERE)

    assert len(statements) == few


def test_the_page_that_seals_tells_its_script_everything(researcher: FlaskClient, key_set: KeySet) -> None:
    answer = researcher.get(HERE + "new")

    assert answer.status_code == 200
    assert "require-trusted-types-for 'script'" in answer.headers["Content-Security-Policy"]
    assert "trusted-types seal" in answer.headers["Content-Security-Policy"]
    for told in (
        'data-new-url="/challenges/test-challenge/reports/new"',
        'data-uploads-url="/challenges/test-challenge/reports/uploads"',
        'data-keys-url="/keys/current.asc"',
        'data-key-set="1"',
        'data-part-size="8388608"',
        'data-max-bytes="1073741824"',
        f'data-fingerprints="{" ".join(member.fingerprint for member in key_set.members)}"',
        "/static/js/reports/seal.js",
        *(f"-r {member.fingerprint}" for member in key_set.members),
    ):
        assert told in answer.text
    # What is sealed has no name, so no form can send it in clear.
    for part in ("seal-text", "seal-cvss", "seal-files"):
        tag = answer.text[: answer.text.index(f'id="{part}"')].rpartition("<")[2]
        assert "name=" not in tag


def test_without_a_key_set_the_page_says_so(researcher: FlaskClient) -> None:
    page = researcher.get(HERE + "new").text

    assert "There is no key set yet" in page
    assert "<textarea" not in page


def test_a_file_sealed_by_gpg_goes_in_at_once(
    researcher: FlaskClient, session: Session, cast: Cast, key_set: KeySet, seal: Seal
) -> None:
    data = seal(3_000_000)
    scenario = cast.challenge.scenarios[1].id
    fields = {**FIELDS, "scenario": str(scenario), "kind": "assuming", "capability": "code in an application"}

    # By hand: the test client would put so large a form into a file that it forgets to close.
    builder = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    head = "".join(builder) + '--x\r\nContent-Disposition: form-data; name="sealed"; filename="report.pgp"\r\n\r\n'
    sent = head.encode() + data + b"\r\n--x--\r\n"
    answer = researcher.post(HERE + "new", data=sent, content_type="multipart/form-data; boundary=x")

    assert (answer.status_code, answer.headers["Location"]) == (302, HERE + "TCR-0001")
    report = session.scalars(sa.select(Report)).one()
    assert (report.state, report.title, report.claimed) == (ReportState.RECEIVED, FIELDS["title"], Severity.CRITICAL)
    assert (report.build, report.scenario_id, report.kind) == ("20.06", scenario, ReportKind.ASSUMING)
    assert report.capability == "code in an application"
    upload = session.scalars(sa.select(Upload)).one()
    assert (upload.number, upload.position) == (0, len(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"plain text", "not an OpenPGP message"), (b"-----BEGIN PGP MESSAGE-----\n", "gpg --dearmor"), (b"", "is empty")],
)
def test_a_file_that_is_not_sealed_leaves_nothing_and_says_why(
    researcher: FlaskClient, session: Session, key_set: KeySet, data: bytes, words: str
) -> None:
    answer = researcher.post(HERE + "new", data={**FIELDS, "sealed": (io.BytesIO(data), "report.txt")})

    assert answer.status_code == 422
    assert words in answer.text
    assert FIELDS["title"] in answer.text
    assert "trusted-types seal" in answer.headers["Content-Security-Policy"]
    assert session.scalars(sa.select(Report)).all() == []


def test_a_form_without_a_file_or_title_says_so(researcher: FlaskClient, session: Session, key_set: KeySet) -> None:
    bare = researcher.post(HERE + "new", data=FIELDS)
    nameless = researcher.post(HERE + "new", data={**FIELDS, "title": ""})

    assert (bare.status_code, nameless.status_code) == (422, 422)
    assert "Nothing can be sent unsealed" in bare.text
    assert "Give it a title" in nameless.text
    assert session.scalars(sa.select(Report)).all() == []


def test_a_draft_takes_sealed_files_and_is_submitted(
    researcher: FlaskClient, session: Session, draft: Report, seal: Seal
) -> None:
    place = HERE + draft.ref
    for _ in range(2):
        answer = researcher.post(place + "/files", data={"sealed": (io.BytesIO(seal(500)), "a.pgp")})
        assert answer.status_code == 302
    refused = researcher.post(place + "/files", data={"sealed": (io.BytesIO(b"plain"), "a.pgp")})
    assert refused.status_code == 422
    assert "not an OpenPGP message" in refused.text

    assert researcher.post(place + "/submit").status_code == 302

    session.refresh(draft)
    assert draft.state is ReportState.RECEIVED
    assert session.scalars(sa.select(Upload.number).order_by(Upload.number)).all() == [0, 1]


@pytest.mark.parametrize("state", list(ReportState))
def test_a_report_shows_where_it_stands(researcher: FlaskClient, desk: Desk, state: ReportState) -> None:
    report = desk.in_state(state)

    page = researcher.get(HERE + report.ref)

    assert page.status_code == 200
    assert f">{state.replace('_', ' ')}</span>" in page.text
    assert ("Receipt" in page.text) == (state is not ReportState.UPLOADING)


def test_who_of_the_team_did_it_and_their_notes_stay_with_the_team(
    researcher: FlaskClient, desk: Desk, cast: Cast
) -> None:
    report = desk.in_state(ReportState.NEEDS_INFO)
    triage.add_note(desk.session, report, "We think this is nonsense.", by=cast.triager.id, at=report.created_at)
    desk.session.commit()

    page = researcher.get(HERE + report.ref).text

    assert "Thank you." in page
    assert "Tom Triager" not in page
    assert "nonsense" not in page


def test_a_report_is_withdrawn(researcher: FlaskClient, session: Session, desk: Desk) -> None:
    report = desk.receive()

    assert researcher.post(HERE + report.ref + "/withdraw").status_code == 302
    assert researcher.post(HERE + report.ref + "/withdraw").status_code == 422
    assert researcher.get(HERE + report.ref + "/withdraw").status_code == 405
    session.refresh(report)
    assert report.state is ReportState.WITHDRAWN


def test_the_receipt_is_verified_by_openssl_alone(researcher: FlaskClient, desk: Desk, tmp_path: Path) -> None:
    with researcher.application.app_context():
        desk.signer = signer()
    report = desk.receive()
    for name, url in (
        ("receipt.json", HERE + report.ref + "/receipt.json"),
        ("receipt.sig", HERE + report.ref + "/receipt.sig"),
        ("receipts.pem", "/keys/receipts.pem"),
    ):
        answer = researcher.get(url)
        assert answer.status_code == 200
        (tmp_path / name).write_bytes(answer.data)
    verify = "openssl pkeyutl -verify -pubin -inkey receipts.pem -rawin -in receipt.json -sigfile receipt.sig"
    command = shlex.split(verify)

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.strip()) == (0, "Signature Verified Successfully")
    (tmp_path / "receipt.json").write_bytes((tmp_path / "receipt.json").read_bytes().replace(b"TCR-0001", b"TCR-0002"))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1


PAGES = ("", "new", "tokens")
OF_ONE = ("{ref}", "{ref}/receipt.json", "{ref}/receipt.sig")
MOVES = ("{ref}/withdraw", "{ref}/submit", "{ref}/files")


@pytest.mark.parametrize(
    "who", ["stranger", "applicant", "reviewer", "lead", "logistics", "host", "triager", "finance", "admin"]
)
def test_who_does_not_take_part_finds_nothing(client: FlaskClient, cast: Cast, desk: Desk, who: str) -> None:
    ref = desk.receive().ref
    sign_in(client, getattr(cast, who))

    assert {client.get(HERE + page.format(ref=ref)).status_code for page in PAGES + OF_ONE} == {404}
    assert {client.post(HERE + page.format(ref=ref)).status_code for page in MOVES} == {404}
    assert client.post(HERE + "new", data=FIELDS).status_code == 404


def test_another_participant_finds_nothing_of_it(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    ref = desk.receive().ref
    sign_in(client, cast.team_lead)

    assert {client.get(HERE + page.format(ref=ref)).status_code for page in OF_ONE} == {404}
    assert {client.post(HERE + page.format(ref=ref)).status_code for page in MOVES} == {404}
    assert client.get(HERE + "TCR-9999").status_code == 404


def test_who_is_not_signed_in_signs_in_first(client: FlaskClient, cast: Cast, desk: Desk) -> None:
    ref = desk.receive().ref

    assert {client.get(HERE + page.format(ref=ref)).status_code for page in PAGES + OF_ONE} == {302}
    assert {client.post(HERE + page.format(ref=ref)).status_code for page in MOVES} == {302}


def test_tokens_are_shown_once_and_revoked(researcher: FlaskClient, cast: Cast) -> None:
    made = researcher.post(HERE + "tokens", data={"name": "laptop"})
    assert made.status_code == 200
    assert "rcp_" in made.text
    later = researcher.get(HERE + "tokens")
    assert "laptop" in later.text
    assert "rcp_" not in later.text
    assert researcher.post(HERE + "tokens", data={"name": ""}).status_code == 422
    sign_in(researcher, cast.team_lead)
    assert researcher.post(HERE + "tokens/1/revoke").status_code == 404
    sign_in(researcher, cast.researcher)

    assert researcher.post(HERE + "tokens/1/revoke").status_code == 302
    assert "laptop" not in researcher.get(HERE + "tokens").text


@pytest.mark.parametrize("team", [True, False])
def test_what_is_to_be_done_next_stands_before_all_else(
    client: FlaskClient, desk: Desk, cast: Cast, team: bool
) -> None:
    """For keys and on narrow screens; beside a wide column it heads the other one."""
    report = desk.in_state(ReportState.FIXED)
    sign_in(client, cast.triager if team else cast.researcher)
    base = f"/staff/{cast.slug}" if team else f"/challenges/{cast.slug}"

    page = client.get(f"{base}/reports/{report.ref}").text

    ids = re.findall(r'<section class="panel" id="([a-z-]+)"', page)
    assert ids[0] == ("steps" if team else "own-steps")
