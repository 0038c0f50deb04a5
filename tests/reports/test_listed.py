"""A receipt names the head of the list of known issues: no commitment can be put before it afterwards."""

import base64
import hashlib
import html
import io
import json
import os
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Refused
from portal.core.mail import config_of
from portal.core.outbox import OutgoingMail
from portal.reports import commitments
from portal.reports.actions import known as actions
from portal.reports.models import KnownIssue, Receipt, Report
from portal.reports.queries import known
from portal.reports.receipts import Signer
from portal.reports.statements import written
from portal.reports.states import ReportState
from portal.triage import main as triage
from tests.cast import NOON, Cast, sign_in
from tests.reports.people import Desk

SALT, BEFORE = "ab" * 32, NOON - timedelta(days=30)
LIST = "/challenges/test-challenge/known-issues"


@pytest.fixture
def signer(app: Flask) -> Signer:
    """The portal's own key for receipts."""
    return Signer.of(config_of(app))


@pytest.fixture
def issues(session: Session, cast: Cast, signer: Signer) -> list[KnownIssue]:
    """Two commitments from before the challenge."""
    hashes = [commitments.commitment(cast.slug, SALT, text) for text in ("First", "Second")]
    made = actions.commit(session, cast.challenge, hashes, signer, by=cast.triager.id, at=BEFORE)
    session.commit()
    return made


def receipt_of(session: Session, report: Report) -> Receipt:
    return session.get_one(Receipt, report.id)


def sent(client: FlaskClient, body: bytes, signature: bytes) -> str:
    """What the page says to a receipt."""
    files = {"receipt_file": (io.BytesIO(body), "r.json"), "signature_file": (io.BytesIO(signature), "r.sig")}
    return client.post("/verify", data=files).text


def former(session: Session, signer: Signer, report: Report) -> Receipt:
    """The receipt as a portal of before would have signed it."""
    receipt = receipt_of(session, report)
    content = json.loads(receipt.body)
    del content["known_issues"]
    receipt.body = written(content | {"format": "report-receipt/1"})
    receipt.signature = base64.b64encode(signer.sign(receipt.body.encode())).decode()
    session.commit()
    return receipt


def printed(page: str, word: str) -> list[str]:
    """What the page prints to be copied that holds a word."""
    return [said for each in re.findall(r'data-copy="([^"]+)"', page) if word in (said := html.unescape(each))]


@pytest.fixture
def typed(client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Types a command as it is printed; curl answers with what the portal does."""
    served = tmp_path / "served"
    script = tmp_path / "bin" / "curl"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/sh\nfor word; do case $word in http*) file=$(basename $word);; esac; done\n"
        f'case "$*" in *" -o "*) cp {served}/"$file" "${{4}}";; *) cat {served}/"$file";; esac\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")

    def run(command: str, count: int) -> subprocess.CompletedProcess[str]:
        served.mkdir(exist_ok=True)
        for number in range(1, count + 1):
            (served / f"{number}.line").write_bytes(client.get(f"{LIST}/{number}.line").data)
        return subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_a_receipt_names_how_far_the_list_went(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, issues: list[KnownIssue], signer: Signer
) -> None:
    report = desk.receive()
    head = issues[1].head
    later = commitments.commitment(cast.slug, SALT, "Third")
    actions.commit(session, cast.challenge, [later], signer, by=cast.triager.id, at=NOON + timedelta(hours=1))
    session.commit()

    receipt = receipt_of(session, report)
    assert json.loads(receipt.body)["known_issues"] == {"number": 2, "head": head}
    sign_in(client, cast.researcher)
    page = client.get(f"/challenges/{cast.slug}/reports/{report.ref}").text
    assert f'up to K-2</a>, head <code class="hash">{head}</code>' in page
    said = sent(client, receipt.body.encode(), receipt.raw_signature)
    assert f"{head}</code>, and the list still says so" in said
    assert "The list of known issues was changed" not in said


def test_the_mail_of_a_receipt_names_the_head(session: Session, desk: Desk, issues: list[KnownIssue]) -> None:
    desk.receive()

    mail = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.template == "reports/receipt")).one()

    assert mail.context["known_issues"] == {"number": 2, "head": issues[1].head}


def test_before_the_first_commitment_it_says_none(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk
) -> None:
    report = desk.receive()
    receipt = receipt_of(session, report)

    assert json.loads(receipt.body)["known_issues"] == {"number": 0, "head": "0" * 64}
    assert "none, and the list still says so" in sent(client, receipt.body.encode(), receipt.raw_signature)


def test_a_commitment_that_is_dated_back_proves_nothing(
    session: Session, cast: Cast, desk: Desk, issues: list[KnownIssue], signer: Signer
) -> None:
    report = desk.in_state(ReportState.REPRODUCING)
    text = "What the report has just told"
    made = commitments.commitment(cast.slug, SALT, text)
    [cheat] = actions.commit(session, cast.challenge, [made], signer, by=cast.triager.id, at=BEFORE)
    cheat = known.numbered(session, cast.challenge.id, cheat.number)
    actions.reveal(session, cheat, SALT, text, by=cast.triager.id, at=NOON)

    for act in (actions.reveal_to, lambda *given, **when: actions.settle(given[0], given[2], given[1], **when)):
        with pytest.raises(Refused, match="K-3 was committed after TCR-0001 had arrived"):
            act(session, cheat, report, by=cast.triager.id, at=NOON)


def test_a_list_that_was_written_anew_is_found(
    app: Flask, client: FlaskClient, session: Session, cast: Cast, desk: Desk, issues: list[KnownIssue]
) -> None:
    receipt = receipt_of(session, desk.receive())
    run = app.test_cli_runner()
    assert run.invoke(args=["keys", "verify"]).exit_code == 0

    issues[1].commitment = commitments.commitment(cast.slug, SALT, "What somebody reported")
    session.commit()
    told = run.invoke(args=["keys", "verify"])
    assert (told.exit_code, "K-2 of test-challenge does not follow" in told.output) == (1, True)
    # Whoever writes the head anew too is found by the receipt.
    line = commitments.line(cast.slug, 2, issues[0].head, issues[1].commitment, BEFORE)
    issues[1].head = commitments.head(line)
    session.commit()
    told = run.invoke(args=["keys", "verify"])
    assert told.exit_code == 1
    assert "The receipt of TCR-0001 names another list of known issues, up to K-2." in told.output
    page = sent(client, receipt.body.encode(), receipt.raw_signature)
    assert ">Genuine<" in page
    assert "The list of known issues was changed" in page
    assert "still says so" not in page


def test_receipts_of_the_first_format_stay_valid(
    app: Flask, client: FlaskClient, session: Session, cast: Cast, desk: Desk, issues: list[KnownIssue], signer: Signer
) -> None:
    report = desk.receive()
    receipt = former(session, signer, report)

    said = sent(client, receipt.body.encode(), receipt.raw_signature)
    assert ">Genuine<" in said
    assert "not said by a receipt of the first format" in said
    sign_in(client, cast.researcher)
    assert "committed to by then" not in client.get(f"/challenges/{cast.slug}/reports/{report.ref}").text
    # With nothing but the times to go by, an earlier commitment counts as before.
    issue = known.numbered(session, cast.challenge.id, 1)
    actions.reveal(session, issue, SALT, "First", by=cast.triager.id, at=NOON)
    actions.reveal_to(session, issue, report, by=cast.triager.id, at=NOON)


@pytest.mark.parametrize(
    "named", [None, {}, [1], {"number": 1}, {"number": "one", "head": "0" * 64}, {"number": 1, "head": "0" * 63}]
)
def test_a_receipt_of_the_second_format_without_a_list_is_none(
    client: FlaskClient, session: Session, desk: Desk, signer: Signer, named: object
) -> None:
    body = written(json.loads(receipt_of(session, desk.receive()).body) | {"known_issues": named}).encode()

    assert "This is not a report’s receipt" in sent(client, body, signer.sign(body)).replace("&#39;", "’")


def test_the_recipes_of_the_pages_are_true(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, issues: list[KnownIssue], typed: object
) -> None:
    report = desk.receive()
    sign_in(client, cast.researcher)

    [one] = printed(client.get(f"/challenges/{cast.slug}/reports/{report.ref}").text, "sha256sum")
    [walk] = [each for each in printed(client.get(LIST).text, "sha256sum") if "curl" in each]

    assert typed(one, 2).stdout.split()[0] == issues[1].head  # type: ignore[operator]
    done = typed(walk, 2)  # type: ignore[operator]
    assert (done.returncode, done.stdout) == (0, f"{issues[1].head}\n")
    issues[0].commitment = "0" * 64
    session.commit()
    done = typed(walk, 2)  # type: ignore[operator]
    assert (done.returncode, done.stdout) == (1, "K-2 does not follow\n")


def test_the_command_holds_a_receipt_against_the_published_list(
    client: FlaskClient, session: Session, desk: Desk, issues: list[KnownIssue], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    receipt = receipt_of(session, desk.receive())
    for name, data in (
        ("receipt.json", receipt.body.encode()), ("receipt.sig", receipt.raw_signature),
        ("receipts.pem", client.get("/keys/receipts.pem").data),
        ("known-issues.json", client.get(f"{LIST}.json").data),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(data)
    command = ["verify", *(str(tmp_path / name) for name in ("receipt.json",))]
    command += ["--key", str(tmp_path / "receipts.pem"), "--known", str(tmp_path / "known-issues.json")]

    assert triage(command) == 0

    assert f"  known issues: up to K-2, head {issues[1].head}: the list has it, 0 came later" in capsys.readouterr().out
    openssl = "openssl pkeyutl -verify -pubin -inkey receipts.pem -rawin -in receipt.json -sigfile receipt.sig"
    done = subprocess.run(openssl.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "Signature Verified Successfully\n"
    assert hashlib.sha256(client.get(f"{LIST}/2.line").data).hexdigest() == issues[1].head
