"""Known issues: a commitment cannot be changed, added later, or prove what came before it."""

import base64
import json
import shlex
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Invalid, Refused
from portal.reports import commitments, receipts, rules, states
from portal.reports.actions import known as actions
from portal.reports.actions import links as chains
from portal.reports.actions.keys import make_token
from portal.reports.models import KnownIssue, Report
from portal.reports.queries import known, links
from portal.reports.states import LinkState, ReportState
from tests.cast import NOON, Cast, sign_in
from tests.reports.people import Desk

SALT, TEXT = "ab" * 32, "The log can be filled.\n\n“From outside”, with one packet.\n"
BEFORE, AFTER = NOON - timedelta(days=30), NOON + timedelta(hours=1)
LIST, STAFF = "/challenges/test-challenge/known-issues", "/staff/test-challenge/known-issues"


class Vault:
    """Commits and reveals."""

    def __init__(self, session: Session, cast: Cast, signer: receipts.Signer) -> None:
        self.session, self.cast, self.signer = session, cast, signer

    def commit(self, text: str = TEXT, *, at: object = BEFORE) -> KnownIssue:
        """A commitment."""
        made = commitments.commitment(self.cast.slug, SALT, text)
        [issue] = actions.commit(
            self.session, self.cast.challenge, [made], self.signer, by=self.cast.triager.id, at=at  # type: ignore[arg-type]
        )  # fmt: skip
        self.session.commit()
        return known.numbered(self.session, self.cast.challenge.id, issue.number)

    def reveal(self, issue: KnownIssue, text: str = TEXT) -> None:
        """Its text."""
        actions.reveal(self.session, issue, SALT, text, by=self.cast.triager.id, at=AFTER)
        self.session.commit()


@pytest.fixture
def vault(session: Session, cast: Cast, signer: receipts.Signer) -> Vault:
    return Vault(session, cast, signer)


def test_each_line_seals_those_before_and_is_signed(session: Session, cast: Cast, vault: Vault) -> None:
    issues = [vault.commit(f"Issue {number}", at=BEFORE + timedelta(hours=number)) for number in range(3)]

    key = load_pem_public_key(vault.signer.public_pem.encode())
    assert isinstance(key, Ed25519PublicKey)
    before = commitments.NO_HEAD
    for number, issue in enumerate(issues, start=1):
        line = commitments.line(cast.slug, number, before, issue.commitment, issue.committed_at)
        key.verify(issue.raw_signature, line)
        before = commitments.head(line)
        assert (issue.number, issue.head) == (number, before)
    earlier = commitments.line(cast.slug, 2, issues[0].head, issues[1].commitment, BEFORE)
    with pytest.raises(InvalidSignature):
        key.verify(issues[1].raw_signature, earlier)


def test_committing_again_changes_nothing(session: Session, cast: Cast, vault: Vault) -> None:
    first = vault.commit()
    hashes = [first.commitment, "0" * 64]

    found = actions.commit(session, cast.challenge, hashes, vault.signer, by=cast.triager.id, at=AFTER)

    assert [(issue.number, issue.committed_at) for issue in found] == [(1, BEFORE), (2, AFTER)]


@pytest.mark.parametrize("hashes", [[], ["0" * 63], ["G" * 64], ["A" * 64], [7], ["0" * 64, None]])
def test_what_is_no_commitment_is_refused(session: Session, cast: Cast, vault: Vault, hashes: list[str]) -> None:
    with pytest.raises(Invalid, match="sixty-four hexadecimal digits"):
        actions.commit(session, cast.challenge, hashes, vault.signer, by=cast.triager.id, at=BEFORE)
    assert known.all_of(session, cast.challenge.id) == []


@pytest.mark.parametrize(
    ("salt", "text"),
    [(SALT, TEXT + "\n"), (SALT, TEXT.strip()), ("ac" * 32, TEXT), (SALT.upper(), TEXT), ("", TEXT), (SALT, "\0")],
)
def test_another_text_or_salt_is_not_what_was_committed_to(vault: Vault, cast: Cast, salt: str, text: str) -> None:
    issue = vault.commit()

    with pytest.raises(Invalid):
        actions.reveal(vault.session, issue, salt, text, by=cast.triager.id, at=AFTER)
    assert issue.text is None


def test_the_encoding_tells_name_salt_and_text_apart() -> None:
    made = commitments.commitment("a", SALT, "b\nc")

    assert made != commitments.commitment("a", SALT, "b\n\nc")
    assert made != commitments.commitment("a\nb", SALT, "c")
    assert made != commitments.commitment("ab", SALT, "\nc")


def test_a_late_commitment_proves_nothing(session: Session, cast: Cast, desk: Desk, vault: Vault) -> None:
    report = desk.in_state(ReportState.REPRODUCING)
    [link] = chains.add_links(session, report, [rules.LinkText("A link")], by=cast.triager.id, at=NOON)
    late = vault.commit(at=NOON)
    vault.reveal(late)
    sentence = "K-1 was committed after TCR-0001 had arrived: it proves nothing about it"

    for act in (
        lambda: actions.reveal_to(session, late, report, by=cast.triager.id, at=AFTER),
        lambda: actions.settle(session, report, late, by=cast.triager.id, at=AFTER),
        lambda: chains.decide_link(
            session, report, link, states.KNOWN_LINK, rules.Verdict(known_issue=late), by=cast.triager.id, at=AFTER
        ),
    ):
        with pytest.raises(Refused, match=sentence):
            act()
    assert rules.after_start(cast.challenge, NOON)
    assert not rules.after_start(cast.challenge, BEFORE)


def test_a_link_or_the_whole_is_known(session: Session, cast: Cast, desk: Desk, vault: Vault) -> None:
    issue = vault.commit()
    part, whole = desk.in_state(ReportState.REPRODUCING), desk.in_state(ReportState.REPRODUCING)
    [link] = chains.add_links(session, part, [rules.LinkText("A link")], by=cast.triager.id, at=NOON)
    verdict = rules.Verdict(known_issue=issue)
    with pytest.raises(Refused, match="K-1 is not revealed"):
        chains.decide_link(session, part, link, states.KNOWN_LINK, verdict, by=cast.triager.id, at=AFTER)
    vault.reveal(issue)

    chains.decide_link(session, part, link, states.KNOWN_LINK, verdict, by=cast.triager.id, at=AFTER)
    actions.settle(session, whole, issue, by=cast.triager.id, at=AFTER)

    assert (link.state, link.known_issue_id) == (LinkState.KNOWN, issue.id)
    assert (whole.state, whole.known_issue_id, whole.duplicate_of_id) == (ReportState.DUPLICATE, issue.id, None)
    assert [each.id for each in known.shown_to(session, whole)] == [issue.id]
    whole.known_issue_id = None
    with pytest.raises(sa.exc.IntegrityError, match="duplicate_of"):
        session.flush()


def test_the_whole_is_not_known_while_a_link_is_good(session: Session, cast: Cast, desk: Desk, vault: Vault) -> None:
    issue = vault.commit()
    report = desk.in_state(ReportState.REPRODUCING)
    [link] = chains.add_links(session, report, [rules.LinkText("A link")], by=cast.triager.id, at=NOON)
    verdict = rules.Verdict(severity=states.Severity.LOW)
    chains.decide_link(session, report, link, states.CONFIRM_LINK, verdict, by=cast.triager.id, at=AFTER)
    vault.reveal(issue)

    with pytest.raises(Refused, match="Link 1 is confirmed"):
        actions.settle(session, report, issue, by=cast.triager.id, at=AFTER)


# --- over HTTP ---


@pytest.fixture
def bearer(session: Session, cast: Cast) -> dict[str, str]:
    secret = make_token(session, cast.challenge.id, "portal-triage", by=cast.triager.id, at=NOON)
    session.commit()
    return {"Authorization": f"Bearer {secret}"}


def test_a_program_commits_and_reveals(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, bearer: dict[str, str], vault: Vault
) -> None:
    issue = vault.commit()
    report = desk.receive(at=NOON)
    second = client.post(f"{STAFF}.json", json={"commitments": ["0" * 64]}, headers=bearer)
    assert (second.status_code, second.json["issues"][0]["number"]) == (201, 2)
    assert client.post(f"{STAFF}.json", json={"commitments": "0"}, headers=bearer).status_code == 422
    assert client.post(f"{STAFF}.json", data=b"[", headers=bearer).status_code == 422
    told = {"text": TEXT, "salt": SALT, "report": report.ref}
    wrong = client.post(f"{STAFF}/1/reveal", json=told | {"text": TEXT + " "}, headers=bearer)
    assert (wrong.status_code, issue.text) == (422, None)
    assert client.post(f"{STAFF}/1/reveal", json=told | {"report": "TCR-9999"}, headers=bearer).status_code == 404
    assert client.post(f"{STAFF}/1/reveal", json=told | {"report": "", "link": 1}, headers=bearer).status_code == 422

    done = client.post(f"{STAFF}/1/reveal", json=told, headers=bearer)

    assert (done.status_code, done.json["revealed"]) == (200, True)
    session.refresh(issue)
    assert (issue.text, issue.salt, issue.public_at) == (TEXT, SALT, None)
    assert client.get(f"{STAFF}.json", headers=bearer).json["issues"][0]["revealed"] is True


def test_a_program_reveals_for_one_link(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, bearer: dict[str, str], vault: Vault
) -> None:
    vault.commit()
    report = desk.in_state(ReportState.REPRODUCING)
    chains.add_links(session, report, [rules.LinkText("One"), rules.LinkText("Two")], by=cast.triager.id, at=NOON)

    told = {"text": TEXT, "salt": SALT, "report": report.ref, "link": 2, "public": True}
    assert client.post(f"{STAFF}/1/reveal", json=told, headers=bearer).status_code == 200

    session.expire_all()
    assert [link.state for link in links.of_report(session, report.id)] == [LinkState.OPEN, LinkState.KNOWN]
    assert client.get(f"{LIST}.json").json["issues"][0]["text"] == TEXT


def test_what_is_not_public_is_read_by_the_reporter_alone(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, vault: Vault
) -> None:
    issue = vault.commit()
    mine, theirs = desk.receive(), desk.receive(cast.team.members[0])
    vault.reveal(issue)
    actions.reveal_to(session, issue, mine, by=cast.triager.id, at=AFTER)
    session.commit()
    where = "/challenges/test-challenge/reports/{}/known-issues/1.txt"

    for page in (f"{LIST}", f"{LIST}.json", f"{LIST}/1.line"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "filled" not in answer.text
        assert SALT not in answer.text
        assert issue.commitment in answer.text
    assert client.get(f"{LIST}/1.txt").status_code == 404
    sign_in(client, cast.researcher)
    assert client.get(where.format(mine.ref)).data == TEXT.encode()
    assert "The log can be filled." in client.get(f"/challenges/test-challenge/reports/{mine.ref}").text
    assert client.get(where.format(theirs.ref)).status_code == 404
    sign_in(client, cast.team_lead)
    assert client.get(where.format(mine.ref)).status_code == 404
    assert client.get(where.format(theirs.ref)).status_code == 404
    assert "filled" not in client.get(f"/challenges/test-challenge/reports/{theirs.ref}").text


def test_the_recipes_do_what_the_page_says(
    client: FlaskClient, session: Session, cast: Cast, vault: Vault, tmp_path: Path,
) -> None:  # fmt: skip
    sign_in(client, cast.triager)
    signed = json.loads(client.get(f"{LIST}.json").text)
    assert signed["head"] == commitments.NO_HEAD
    made = commitments.commitment(cast.slug, SALT, TEXT)
    assert client.post(f"{STAFF}.json", json={"commitments": [made]}).status_code == 201
    issue = known.numbered(session, cast.challenge.id, 1)
    vault.reveal(issue)
    assert client.post(f"{STAFF}/1/publish").status_code == 302

    page = client.get(LIST).text
    recipe = commitments.recipe(cast.slug, SALT, "K-1.txt")
    assert recipe in page.replace("&#39;", "'")
    (tmp_path / "K-1.txt").write_bytes(client.get(f"{LIST}/1.txt").data)
    found = subprocess.run(["sh", "-c", recipe], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert found.stdout.split()[0] == issue.commitment

    for form in ("line", "sig"):
        (tmp_path / f"K-1.{form}").write_bytes(client.get(f"{LIST}/1.{form}").data)
    (tmp_path / "receipts.pem").write_bytes(client.get("/keys/receipts.pem").data)
    verify = "openssl pkeyutl -verify -pubin -inkey receipts.pem -rawin -in K-1.line -sigfile K-1.sig"
    assert verify in page
    subprocess.run(shlex.split(verify), cwd=tmp_path, check=True, capture_output=True)
    assert base64.b64decode(issue.signature) == (tmp_path / "K-1.sig").read_bytes()


def test_the_team_marks_a_whole_report_as_known(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, vault: Vault
) -> None:
    issue = vault.commit()
    report: Report = desk.in_state(ReportState.REPRODUCING)
    vault.reveal(issue)
    sign_in(client, cast.triager)
    where = f"/staff/test-challenge/reports/{report.ref}"
    assert "Mark all of it as known" in client.get(where).text
    assert client.post(f"{where}/known", data={"issue": "7"}).status_code == 422

    assert client.post(f"{where}/known", data={"issue": "1"}).status_code == 302

    session.refresh(report)
    assert (report.state, report.known_issue_id) == (ReportState.DUPLICATE, issue.id)
    page = client.get(where).text
    assert "Mark all of it as known" not in page
    assert "It was shown to the researcher" in page
    listed: Callable[[], str] = lambda: client.get(STAFF).text  # noqa: E731
    assert "Let everybody read K-1" in listed()
