"""A researcher's certificate: given, proved with the printed command, replaced, removed, and who learns of it."""

import html
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Refused
from portal.core.outbox import OutgoingMail
from portal.reports.actions import certificates
from portal.reports.models import ReportEvent, ResearcherCertificate
from portal.reports.queries import threads as queries
from portal.reports.states import CertificateState, ReportState
from portal.reports.todo import tasks
from tests.cast import NOON, Cast, sign_in
from tests.reports.openpgp import Gpg, certificate, gpg_home
from tests.reports.people import Desk
from tests.reports.threads import live

PLACE = "/account/certificate"
RAE = "Rae <rae@example.org>"
DEMONSTRATION = Path(__file__).parents[2] / "portal" / "demo" / "keys" / "demo-researcher.asc"


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    """The researcher's machine, whose keys were made before NOON."""
    with gpg_home() as home:
        for name in (RAE, "Second <second@example.org>"):
            home.make(name, "--faked-system-time", "20200601T000000")
        yield home


@pytest.fixture
def researcher(client: FlaskClient, cast: Cast) -> FlaskClient:
    """The researcher's browser."""
    sign_in(client, cast.researcher)
    return client


def offer(session: Session, cast: Cast, text: str, digits: str = "12345678") -> ResearcherCertificate:
    """A certificate that is still to be proved."""
    made = certificates.offer(session, cast.researcher, text, digits, at=NOON)
    session.commit()
    return made


def test_it_is_given_and_proved_by_the_printed_command(
    researcher: FlaskClient,
    session: Session,
    cast: Cast,
    gpg: Gpg,
    tmp_path: Path,
    mails: Callable[[], list[OutgoingMail]],
) -> None:
    given = researcher.post(PLACE, data={"certificate": gpg.certificate(RAE)})
    assert (given.status_code, given.headers["Location"]) == (302, f"{PLACE}#prove")
    page = researcher.get(PLACE).text
    (tmp_path / "certificate-proof.asc").write_bytes(researcher.get(f"{PLACE}/proof.asc").data)
    command = next(
        html.unescape(each) for each in re.findall(r"<code>(.*?)</code>", page) if "certificate-proof" in each
    )
    assert command == "gpg --decrypt certificate-proof.asc"
    done = subprocess.run(
        command.split(), cwd=tmp_path, capture_output=True, text=True, check=True, env={"GNUPGHOME": str(gpg.home)}
    )
    assert re.fullmatch(r"\d{8}\n", done.stdout)

    proved = researcher.post(f"{PLACE}/prove", data={"digits": done.stdout.strip()})

    assert proved.status_code == 302
    found = session.scalars(sa.select(ResearcherCertificate)).one()
    assert (found.state, found.fingerprint) == (CertificateState.LIVE, gpg.fingerprint(RAE))
    assert (found.challenge, found.proof_hash, found.proved_at) == (None, None, NOON)
    assert [(mail.template, mail.to) for mail in mails()] == [("reports/certificate_changed", cast.researcher.email)]
    assert "Yours now" in researcher.get(PLACE).text


def test_wrong_digits_are_refused_and_after_five_it_is_let_go(
    researcher: FlaskClient, session: Session, cast: Cast, gpg: Gpg
) -> None:
    made = offer(session, cast, gpg.certificate(RAE))
    for _ in range(4):
        assert "These are not the digits" in researcher.post(f"{PLACE}/prove", data={"digits": "00000000"}).text
    last = researcher.post(f"{PLACE}/prove", data={"digits": "00000000"})

    assert "five times" in last.text
    session.refresh(made)
    assert made.state is CertificateState.REMOVED
    assert researcher.post(f"{PLACE}/prove", data={"digits": "12345678"}).status_code == 404
    assert researcher.get(f"{PLACE}/proof.asc").status_code == 404


def test_the_old_one_counts_until_the_new_one_is_proved(session: Session, desk: Desk, cast: Cast, gpg: Gpg) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    desk.in_state(ReportState.CLOSED)
    before = live(session, cast.researcher.id)
    made = offer(session, cast, gpg.certificate(RAE))
    assert [each.id for each in queries.readers_certificates(session, report, NOON)] == [before.id]

    assert certificates.prove(session, cast.researcher, made, "1234 5678", at=NOON + timedelta(hours=1))
    session.commit()

    assert [each.id for each in queries.readers_certificates(session, report, NOON)] == [made.id]
    assert session.get_one(ResearcherCertificate, before.id).state is CertificateState.REPLACED
    told = session.execute(
        sa.select(ReportEvent.report_id, ReportEvent.message).where(ReportEvent.what == "certificate")
    )
    assert told.all() == [
        (report.id, f"The team writes to {made.fingerprint} from now on. It was {before.fingerprint}.")
    ]


def test_a_second_offer_replaces_the_first(session: Session, cast: Cast, gpg: Gpg) -> None:
    first = offer(session, cast, gpg.certificate(RAE))
    second = offer(session, cast, gpg.certificate("Second <second@example.org>"))

    session.refresh(first)
    assert (first.state, second.state) == (CertificateState.REMOVED, CertificateState.OFFERED)
    with pytest.raises(Refused, match="nothing to prove"):
        certificates.prove(session, cast.researcher, first, "12345678", at=NOON)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing", "BEGIN to END"),
        (certificate(features=b""), "Features are missing"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----", "secret key"),
        (DEMONSTRATION.read_text(), "everybody has its secret half"),
    ],
    ids=["nothing", "features", "secret", "demonstration"],
)
def test_what_nobody_could_seal_to_is_refused_with_a_sentence(
    researcher: FlaskClient, session: Session, text: str, words: str
) -> None:
    answer = researcher.post(PLACE, data={"certificate": text})

    assert answer.status_code == 422
    assert words in html.unescape(answer.text)
    assert "BEGIN PGP PRIVATE" not in session.scalars(sa.select(sa.literal("x"))).one()
    assert session.scalars(sa.select(ResearcherCertificate)).all() == []


def test_programs_are_answered_in_json(researcher: FlaskClient, session: Session, gpg: Gpg) -> None:
    refused = researcher.post(PLACE, json={"certificate": "nothing"}, headers={"Accept": "application/json"})
    assert refused.status_code == 422
    assert "BEGIN to END" in refused.json["reason"]
    given = researcher.post(PLACE, json={"certificate": gpg.certificate(RAE)})
    assert given.status_code == 201

    digits = gpg.open(given.json["challenge"].encode()).decode().strip()

    assert researcher.post(given.json["prove_url"], json={"digits": digits}).json == {"url": PLACE}


def test_it_is_removed_and_what_was_sealed_to_it_stays(
    researcher: FlaskClient, session: Session, desk: Desk, cast: Cast
) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    held = live(session, cast.researcher.id)
    other = live(session, cast.team_lead.id)

    assert researcher.post(f"{PLACE}/{other.id}/remove").status_code == 404
    assert researcher.post(f"{PLACE}/{held.id}/remove").status_code == 302
    assert researcher.post(f"{PLACE}/{held.id}/remove").status_code == 422

    assert queries.readers_certificates(session, report, NOON) == []
    assert session.scalars(sa.select(ReportEvent.message).where(ReportEvent.what == "certificate")).all() == [
        f"The team no longer writes to {held.fingerprint}."
    ]


def test_thirty_days_before_it_expires_there_is_something_to_do(
    app: Any, session: Session, desk: Desk, cast: Cast
) -> None:
    desk.in_state(ReportState.ACKNOWLEDGED)
    held = live(session, cast.researcher.id)
    held.expires_at = NOON + timedelta(days=31)
    session.commit()
    with app.test_request_context():
        before = [each.label for each in tasks(session, cast.member, NOON)]
        after = [each.label for each in tasks(session, cast.member, NOON + timedelta(days=1))]

    assert before == []
    assert after == ["Renew your certificate: the team cannot write to you without"]
