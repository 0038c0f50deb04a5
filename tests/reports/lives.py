"""A report's whole life through a live portal, from its sealing to the talk about it."""

import base64
import io
import json
import os
import re
import subprocess
import tarfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import requests
import sqlalchemy as sa
from playwright.sync_api import Browser, expect

from portal.accounts import personal
from portal.accounts.models import Account
from portal.accounts.states import EVERYWHERE, Role
from portal.awards.states import PaymentState
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.jobs import JobRun, perform
from portal.core.moves import move_named
from portal.reports import rules
from portal.reports.actions import certificates, links, publications
from portal.reports.actions.publications import Link
from portal.reports.models import Report
from portal.reports.receipts import Signer
from portal.reports.states import LINK_MOVES, LIST, AdvisoryState, PublicationKind, ReportState, Severity
from portal.triage import main as triage
from portal.worker import jobs_of
from tests.awards.conftest import Jury
from tests.cast import Cast, make_account
from tests.faults.stage import Stage
from tests.faults.tus import Client
from tests.reports.openpgp import Gpg
from tests.reports.people import PATHS, Desk
from tests.reports.press import WORDS as ADVISED
from tests.reports.press import Press

SENTENCE = "the counter wraps before the fourth frame"
NAME = "trace-of-the-Quimbrel-boot.bin"
WORDS = {"sentence": SENTENCE, "file name": NAME, "CVSS": "AV:A/AC:H/PR:L/UI:R"}
# What is in clear on purpose, in words of its own.
CLEAR = {
    "award": "It was shown on a real device.", "advisory": ADVISED.title, "link": "The daemon is reached",
    "talk": "How updates came to be trusted",
}  # fmt: skip
TEXT = f"# What I found\n\nAsked twice, {SENTENCE}. π stays π.\n"
NAMES = ("Tom <tom@example.org>", "Tia <tia@example.org>", "Recovery <recovery@example.org>")
ROSA = "Rosa <rosa@example.org>"
SETTINGS = {"PORTAL_DEMONSTRATION": "1", "PORTAL_METRICS_TOKEN": "for-the-tests-only"}
STREAM = "application/offset+octet-stream"
PAGES = (
    "reports", "reports?state=all", "reports.json?limit=200", "reports.csv", "reports/{ref}", "reports/{ref}.json",
    "reports/{ref}/chain", "reports/{ref}/messages.json", "reports/{ref}/disclosure", "disclosures", "disclosures.ics",
    "advisories", "advisories/1", "publications", "awards", "awards/1", "awards.csv", "awards/payments",
    "awards/payments/1", "awards/payments.csv", "awards/results", "results", "",
)  # fmt: skip
OWN = ("", "/{ref}", "/{ref}/receipt.json", "/{ref}/receipt.sig", "/{ref}/disclosure", "/../awards")
PUBLIC = ("advisories/", "advisories/{ident}", "advisories/{ident}.json", "publications", "results", "results.json",
          "results.csv", "results.svg")  # fmt: skip
CSAF = "/.well-known/csaf"
HOUR = timedelta(hours=1)


@dataclass
class Life:
    """The live portal, the folders that it writes, the people's gpg, and the pages that were answered."""

    stage: Stage
    client: Client
    gpg: Gpg
    home: Path
    folders: list[Path]
    pages: list[tuple[str, bytes]]

    def keep(self, name: str, answer: requests.Response) -> requests.Response:
        """Remember an answer with its headers."""
        self.pages.append((name, repr(answer.headers).encode() + answer.content))
        return answer

    def ask(self, method: str, path: str, account: Account | None = None, **how: object) -> requests.Response:
        """What a browser in which somebody is signed in is answered."""
        cookies = self.stage.behind.cookies(account) if account else None
        answer = requests.request(method, self.stage.site.url + path, cookies=cookies, timeout=60, **how)  # type: ignore[arg-type]
        return self.keep(f"{method} {path}", answer)


def written(pairs: dict[str, str]) -> str:
    """Pairs as the header of an upload."""
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())


def refused(life: Life) -> None:
    """What was not sealed, or not rightly, is refused by each of the ways, with the words in it and in its name."""
    told = {"report": life.client.begin(), "kind": "body"}
    armored = life.gpg.seal(TEXT.encode(), NAMES, "--armor")
    for data in (TEXT.encode(), armored):
        headers = {"Authorization": f"Bearer {life.client.secret}", "Tus-Resumable": "1.0.0"}
        place = f"{life.client.base}/uploads"
        announced = {"Upload-Length": str(len(data)), "Upload-Metadata": written(told | {"filename": NAME})}
        assert life.ask("POST", place, headers=headers | announced).status_code == 400
        announced["Upload-Metadata"] = written(told)
        path = life.ask("POST", place, headers=headers | announced).headers["Location"]
        sent = headers | {"Upload-Offset": "0", "Content-Type": STREAM}
        assert life.ask("PATCH", path, headers=sent, data=data).status_code == 422
    browser = life.stage.browser(life.stage.cast.researcher)
    form = {
        "csrf_token": browser.token(f"{life.client.base}/new"), "title": "Report", "severity": "low", "build": "20.06",
        "kind": "full",
    }  # fmt: skip
    for data in (TEXT.encode(), b"", armored):
        url = f"{life.stage.site.url}{life.client.base}/new"
        sealed = {"sealed": (NAME, data)}
        answer = requests.post(url, data=form, files=sealed, cookies=browser.cookies, timeout=60)
        assert life.keep("a refused form", answer).status_code == 422, answer.text


def sealed_in_the_browser(life: Life, browser: Browser) -> str:
    """A report written in Chromium, with an attachment; its reference."""
    (life.home / NAME).write_bytes(SENTENCE.encode() * 1000)
    context = browser.new_context()
    try:
        for name, value in life.stage.behind.cookies(life.stage.cast.researcher).items():
            context.add_cookies([{"name": name, "value": value, "url": life.stage.site.url}])
        page = context.new_page()
        page.goto(f"{life.stage.site.url}{life.client.base}/new")
        expect(page.locator("#seal-send")).to_be_enabled()
        page.get_by_label("Title").fill("Report about updates")
        page.get_by_label("Build").fill("20.06")
        page.locator("#seal-text").fill(TEXT)
        page.locator("#seal-cvss").fill(f"CVSS:3.1/{WORDS['CVSS']}/S:C/C:H/I:H/A:H")
        page.set_input_files("#seal-files", life.home / NAME)
        page.locator("#seal-send").click()
        page.wait_for_url(re.compile(r"/reports/TCR-\d+$"), timeout=60_000)
        life.pages.append(("the report's page", page.content().encode()))
        return page.url.rpartition("/")[2]
    finally:
        context.close()


def sealed_by_gpg(life: Life) -> str:
    """A report in a tar that gpg sealed and a program sent; its reference."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, data in (("report.md", TEXT.encode()), (NAME, SENTENCE.encode())):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    sealed = life.gpg.seal(tar.getvalue(), NAMES)
    ref = life.client.begin()
    path = life.client.announce(ref, len(sealed))
    cut = len(sealed) // 2
    assert life.client.patch(path, 0, sealed[:cut]).status == 204
    assert life.client.patch(path, cut, sealed[cut:]).status == 204
    assert life.client.submit(ref).status == 200
    return ref


def triaged(life: Life, *arguments: str) -> None:
    """What a triager's own program is told to do."""
    mask = os.umask(0o022)
    try:
        assert triage(list(arguments)) == 0, arguments
    finally:
        os.umask(mask)


def opened(life: Life, ref: str) -> None:
    """A triager fetches, opens and acknowledges it."""
    triaged(life, "open", ref, "--to", str(life.home / "opened"))


def session_key(life: Life, sealed: bytes) -> str:
    """The session key of something sealed, as gpg tells it to who can open it."""
    path = life.home / "sealed.pgp"
    path.write_bytes(sealed)
    command = ["gpg", "--homedir", str(life.gpg.home), "--batch", "--show-session-key", "-o", os.devnull, "--yes", "-d"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True)
    (key,) = re.findall(r"session key: '\d+:([0-9A-F]+)'", done.stderr)
    return str(key)


def certified(life: Life) -> None:
    """The researcher gives a certificate and proves that it is theirs."""
    life.gpg.make(ROSA)
    with life.stage.behind.session() as session:
        account, at = session.merge(life.stage.cast.researcher), clock.now()
        offered = certificates.offer(session, account, life.gpg.certificate(ROSA), "01234567", at=at)
        assert offered.challenge
        digits = life.gpg.open(offered.challenge.encode()).decode()
        assert certificates.prove(session, account, offered, digits, at=at)
        session.commit()


def talked(life: Life, ref: str) -> list[bytes]:
    """The team writes about a report and is answered, both with the words in it; the two messages, sealed."""
    certified(life)
    said, attached, opened_to = life.home / "said.md", life.home / NAME, life.home / "opened"
    said.write_text(f"Is it so that {SENTENCE}?\n")
    triaged(life, "keys", "--yes")
    triaged(life, "reply", ref, "--file", str(said), "--attach", str(attached))
    token = {"Authorization": f"Bearer {life.client.secret}", "Accept": "application/json"}
    begun = life.ask("POST", f"{life.client.base}/{ref}/messages", headers=token, json={}).json()
    sealed = life.gpg.seal(f"Yes, {SENTENCE}; {WORDS['CVSS']} in {NAME}.".encode(), NAMES)
    tus = token | {"Tus-Resumable": "1.0.0"}
    place = life.ask("POST", path_of(begun["uploads_url"]), headers=tus | {"Upload-Length": str(len(sealed))})
    sent = tus | {"Upload-Offset": "0", "Content-Type": STREAM}
    assert life.ask("PATCH", place.headers["Location"], headers=sent, data=sealed).status_code == 204
    assert life.ask("POST", path_of(begun["submit_url"]), headers=token, json={}).ok
    triaged(life, "thread", ref, "--to", str(opened_to))
    assert [SENTENCE in path.read_text() for path in sorted(opened_to.rglob("message.md"))] == [True, True]
    return [life.ask("GET", f"{life.client.base}/{ref}/messages/{number}", headers=token).content for number in (1, 2)]


def path_of(url: str) -> str:
    """An address without the server."""
    return urlsplit(url).path


def told_of(desk: Desk, report: Report) -> None:
    """A report is fixed and awarded, the money is sent, and at the agreed hour its advisory and a talk are public."""
    session, cast, at = desk.session, desk.cast, clock.now()
    for step in PATHS[ReportState.FIXED][1:]:
        desk.move(report, step, at=at)
    jury, press = Jury(session, cast), Press(session, cast)
    jury.publish()
    award = jury.award(report, paid=True, note=CLEAR["award"])
    assert [payment.state for payment in jury.payments(award)] == [PaymentState.PAID]
    press.agree(report, at - HOUR, at=at - 2 * HOUR)
    advisory = press.move(press.move(press.draft([report]), "ready"), "publish", at=at)
    assert advisory.state is AdvisoryState.PUBLISHED
    yesterday = (at - 24 * HOUR).date()
    link = Link(CLEAR["talk"], "https://talks.example/updates", PublicationKind.TALK, yesterday, (report.id,))
    talk = publications.submit(
        session, cast.challenge, link, participant_id=cast.participant.id, by=cast.researcher.id, at=at
    )
    publications.decide(session, cast.challenge, talk, LIST, "", by=cast.triager.id, at=at)
    press.release(at)


def chained(desk: Desk, report: Report) -> None:
    """A link of another report is decided by itself."""
    by, at = desk.cast.triager.id, clock.now()
    (link,) = links.add_links(desk.session, report, [rules.LinkText(CLEAR["link"])], by=by, at=at)
    verdict = rules.Verdict(message="Thank you.", severity=Severity.IMPORTANT)
    links.decide_link(desk.session, report, link, move_named(LINK_MOVES, "confirm"), verdict, by=by, at=at)
    desk.session.commit()


def lived(life: Life, ref: str) -> None:
    """Triage brings reports with the same body into every state that it has a way to; the worker does its jobs."""
    sealed = life.client.fetch(ref)
    with life.stage.behind.session() as session:
        people = {name: session.get_one(type(row), row.id) for name, row in vars(life.stage.cast).items()}
        cast = Cast(**people)
        signer = Signer.of(life.stage.behind.app.extensions["portal.config"])
        desk = Desk(session, cast, blobs(), signer, lambda _size: sealed)
        states = [*PATHS, ReportState.DUPLICATE, ReportState.WITHDRAWN, ReportState.UPLOADING]
        made = {state: desk.in_state(state, at=clock.now()) for state in states}
        assert [report.state for report in made.values()] == states
        chained(desk, made[ReportState.REPRODUCING])
        told_of(desk, desk.again(session.scalars(sa.select(Report).where(Report.ref == ref)).one()))
        session.commit()
        for job in jobs_of(life.stage.behind.app):
            perform(session, job, clock.now())
        session.commit()
        assert session.scalars(sa.select(JobRun.error).where(JobRun.error.is_not(None))).all() == []
        exported = personal.export(session, life.stage.cast.researcher.id)
        life.pages.append(("export of a person", json.dumps(exported, default=str).encode()))


def everybody_looks(life: Life) -> None:
    """What is public is looked at by somebody who is not signed in."""
    (line,) = life.ask("GET", f"{CSAF}/white/index.txt").text.split()
    ident = life.ask("GET", f"{CSAF}/white/{line}").json()["document"]["tracking"]["id"]
    here = f"/challenges/{life.stage.cast.slug}"
    places = [f"{CSAF}/provider-metadata.json", f"{CSAF}/white/changes.csv"]
    for place in places + [f"{here}/{page.format(ident=ident)}" for page in PUBLIC]:
        assert life.ask("GET", place).status_code == 200, place


def looked_at(life: Life, ref: str) -> None:
    """Everybody looks at everything."""
    cast, staff = life.stage.cast, f"/staff/{life.stage.cast.slug}"
    for page in PAGES:
        told = [
            life.ask("GET", f"{staff}/{page.format(ref=ref)}", each)
            for each in (cast.admin, cast.triager, cast.finance)
        ]
        assert 200 in {answer.status_code for answer in told}, page
    with life.stage.behind.session() as session:
        operator = make_account(session, "Olga Operator", Role.ADMIN, scope=EVERYWHERE)
        session.commit()
        session.refresh(operator)
        session.expunge(operator)
    for page in ("/staff/audit", "/staff/jobs", "/staff/mail", "/staff/keys"):
        assert life.ask("GET", page, operator).status_code == 200
    for page in OWN:
        assert life.ask("GET", f"{life.client.base}{page.format(ref=ref)}", cast.researcher).status_code == 200, page
    assert life.ask("GET", f"{life.client.base}/{ref}/nothing", cast.researcher).status_code == 404
    everybody_looks(life)
    metrics = life.ask("GET", "/metrics", headers={"Authorization": f"Bearer {SETTINGS['PORTAL_METRICS_TOKEN']}"})
    assert metrics.status_code == 200
