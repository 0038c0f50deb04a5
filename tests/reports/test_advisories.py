"""Advisories: written by one, published by another, public at the hour, and valid CSAF 2.0."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.reports import csaf
from portal.reports.actions import advisories as actions
from portal.reports.actions import publications
from portal.reports.actions.advisories import Particulars, Words
from portal.reports.actions.publications import Link, Thanks
from portal.reports.models import Advisory, AdvisoryRevision, Report
from portal.reports.queries import advisories as queries
from portal.reports.queries import reports
from portal.reports.rules import advisories as rules
from portal.reports.states import LIST, Credit, PublicationKind, ReportState
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.conftest import Clock
from tests.reports.people import Desk
from tests.reports.press import HOUR, VECTOR, WORDS, Press
from tests.reports.validating import Validated

DAY = timedelta(days=1)
OUT = datetime(2020, 10, 6, 16, tzinfo=UTC)
STAFF, PUBLIC = f"/staff/{SLUG}/advisories", f"/challenges/{SLUG}/advisories"
FOLDER = "/.well-known/csaf/white"
# Left out of the tests by name, because they need dictionaries of the machine or the network; none is mandatory.
NOT_RUN = ("6.2 (optional)", "6.3 (informative: hunspell, links)")


def thank(session: Session, report: Report, cast: Cast, thanks: Thanks) -> None:
    publications.thank(session, reports.draft(session, report.id), cast.member, thanks, at=NOON)
    session.commit()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_kind_of_advisory_is_valid_csaf(
    app: Flask, client: FlaskClient, session: Session, cast: Cast, press: Press, desk: Desk, fixed: list[Report],
    clock: Clock, validated: Validated,
) -> None:  # fmt: skip
    """One CVE, a chain of three, none, revised twice, thanked by name and by none, with a link, without a fix."""
    plain, alone, early = (
        desk.in_state(ReportState.FIXED),
        desk.in_state(ReportState.FIXED),
        desk.in_state(ReportState.CONFIRMED),
    )
    thank(session, fixed[0], cast, Thanks(Credit.NAMED, "Rosa “R” O'Neil 🦜", "https://rosa.example/"))
    thank(session, fixed[1], cast, Thanks(Credit.ANONYMOUS))
    thank(session, plain, cast, Thanks(Credit.TEAM, "Team & Söhne"))
    chain = press.publish(fixed)
    press.publish([plain], cves=False)
    revised = press.publish([alone])
    for number in (2, 3):
        press.move(revised, "revise", at=HOUR + number * DAY)
        words = Words("Better", "More.", "More.", "Demo Systems", "Device OS", f"Change {number}")
        actions.write(session, cast.challenge, press.whole(revised), words, by=cast.triager.id, at=HOUR + number * DAY)
        press.move(revised, "ready")
        press.move(revised, "publish", at=HOUR + number * DAY)
    press.agree(early, without_fix=True)
    press.move(press.move(press.draft([early]), "ready"), "publish", at=HOUR)
    link = Link("A talk", "https://conference.example/a?b=c", PublicationKind.TALK, HOUR.date(), (fixed[0].id,))
    made = publications.submit(
        session, cast.challenge, link, participant_id=cast.participant.id, by=cast.researcher.id, at=NOON
    )
    publications.decide(session, cast.challenge, made, LIST, "", by=cast.triager.id, at=NOON)
    press.release(OUT)
    clock.at = OUT

    found = [json.loads(client.get(f"{FOLDER}/{line}").data) for line in client.get(f"{FOLDER}/index.txt").text.split()]

    assert len(found) == 4
    told = validated(found, weaknesses=True)
    assert [each["wrong"] for each in told["found"]] == [[]] * 4
    assert all(len(each["ran"]) > 40 for each in told["found"]), NOT_RUN
    assert {key: told["names"].get(key) for key in rules.WEAKNESSES} == rules.WEAKNESSES
    whole = found[0]
    assert whole["document"]["tracking"]["id"] == chain.ident
    assert [each["cve"] for each in whole["vulnerabilities"]] == [f"CVE-2020-{10_000 * chain.id + n}" for n in range(3)]
    assert [each.get("acknowledgments") for each in whole["vulnerabilities"]] == [
        [{"names": ["Rosa “R” O'Neil 🦜"], "urls": ["https://rosa.example/"]}],
        [{"summary": "Reported by an anonymous researcher."}],
        None,
    ]
    assert whole["vulnerabilities"][0]["scores"][0]["cvss_v3"]["baseScore"] == 8.8
    assert whole["document"]["references"][-1]["url"] == "https://conference.example/a?b=c"
    assert found[1]["vulnerabilities"][0]["acknowledgments"] == [{"organization": "Team & Söhne"}]
    tracking = found[2]["document"]["tracking"]
    assert (tracking["version"], [each["number"] for each in tracking["revision_history"]]) == ("3", ["1", "2", "3"])
    assert found[3]["vulnerabilities"][0]["remediations"][0]["category"] == "none_available"


TEXT = some.text(min_size=1, max_size=60).map(lambda text: text.replace("\0", "") or "x").filter(str.strip)


def made_up(title: str, product: str, name: str) -> dict[str, Any]:
    flaw = rules.Flaw(1, title, name, "CVE-2020-12345", "CWE-20", VECTOR, (rules.Product(1, name),), ())
    text = rules.Text(title, title, name, name, product, (flaw,))
    found = csaf.Advisory(
        "PORTAL-2020-0001", "/a", text, (csaf.Version(1, NOON, name),),
        {1: [csaf.Credited(Credit.NAMED, name, None)]},
    )  # fmt: skip
    publisher = csaf.Publisher("Demo", "https://demo.example", "psirt@demo.example", "https://demo.example")
    return json.loads(csaf.dumped(csaf.document(found, publisher)))


def test_whatever_is_typed_becomes_valid_csaf(validated: Validated) -> None:
    names = ("x", "🦜" * 50, "\"quoted\" 'both' <b>", "a\u202eb", "long " * 40, "ßÄ漢字", "\u00a0.", "=1+1")
    documents = [made_up(title, name, name) for title, name in zip(names, reversed(names), strict=True)]

    @settings(max_examples=25)
    @given(title=TEXT, product=TEXT, name=TEXT)
    def collect(title: str, product: str, name: str) -> None:
        documents.append(made_up(title, product, name))

    collect()
    assert [each["wrong"] for each in validated(documents, schemaOnly=True)["found"]] == [[]] * len(documents)


def test_who_writes_does_not_publish(session: Session, cast: Cast, press: Press, fixed: list[Report]) -> None:
    press.agree(fixed[0])
    made = press.move(press.draft(fixed[:1]), "ready")
    with pytest.raises(Refused, match="wrote it last"):
        press.move(made, "publish", by=cast.triager.id)
    session.rollback()
    # Whoever changes a word has written it.
    press.move(made, "reopen")
    actions.write(session, cast.challenge, press.whole(made), WORDS, by=cast.second_triager.id, at=NOON)
    press.move(made, "ready")
    with pytest.raises(Refused, match="wrote it last"):
        press.move(made, "publish")
    session.rollback()
    assert press.move(made, "publish", by=cast.lead.id).revisions[0].approved_by_id == cast.lead.id


def test_the_database_wants_four_eyes_and_never_changes_a_version(
    session: Session, cast: Cast, press: Press, fixed: list[Report]
) -> None:
    made = press.publish(fixed[:1])
    by = cast.triager.id
    row = AdvisoryRevision(
        advisory_id=made.id, number=2, at=NOON, summary="x", content={}, written_by_id=by, approved_by_id=by,
        approved_at=NOON,
    )  # fmt: skip
    session.add(row)
    with pytest.raises(IntegrityError, match="four_eyes"):
        session.flush()
    session.rollback()
    with pytest.raises(sa.exc.DatabaseError, match="append-only"):
        session.execute(sa.update(AdvisoryRevision).values(summary="other"))
    session.rollback()


def test_nothing_is_published_without_a_date_or_with_less_than_it_needs(
    session: Session, cast: Cast, press: Press, fixed: list[Report]
) -> None:
    empty = press.draft([])
    with pytest.raises(Refused, match="covers no report"):
        press.move(empty, "ready")
    session.rollback()
    bare = Particulars("Flaw", "What it is.")
    actions.cover(session, cast.challenge, press.whole(empty), fixed[0].id, bare, by=cast.triager.id, at=NOON)
    session.commit()
    with pytest.raises(Refused, match="names no build"):
        press.move(empty, "ready")
    session.rollback()
    ready = press.move(press.draft(fixed[1:]), "ready")
    press.agree(fixed[1])
    with pytest.raises(Refused, match=f"No date has been agreed on for {fixed[2].ref}"):
        press.move(ready, "publish")


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"cve": "CVE-20-1"}, "cve"), ({"cve": "cve-2020-1234 "}, "cve"), ({"cwe": "CWE-1"}, "cwe"),
        ({"cvss": "CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"}, "cvss"), ({"cvss": "CVSS:3.1/AV:X"}, "cvss"),
        ({"cvss": "nonsense"}, "cvss"),
    ],
)  # fmt: skip
def test_particulars_that_are_none(
    session: Session, cast: Cast, press: Press, fixed: list[Report], given_: dict[str, str], field: str
) -> None:
    made = press.draft([])
    with pytest.raises(Invalid) as problem:
        actions.cover(
            session, cast.challenge, made, fixed[0].id, Particulars("T", "x", **given_), by=cast.triager.id, at=NOON
        )
    assert list(problem.value.messages) == [field]


def test_a_build_has_the_flaw_or_its_fix(session: Session, cast: Cast, press: Press, fixed: list[Report]) -> None:
    made, build = press.draft([]), press.build("20.06")
    for particulars, kind in (
        (Particulars("T", "x", affected=(build,), fixed=(build,)), Invalid),
        (Particulars("T", "x", affected=(build + 1000,)), NotFound),
    ):
        with pytest.raises(kind):
            actions.cover(session, cast.challenge, made, fixed[0].id, particulars, by=cast.triager.id, at=NOON)


def test_only_confirmed_reports_of_the_challenge_are_covered_and_each_once(
    session: Session, cast: Cast, press: Press, desk: Desk, fixed: list[Report]
) -> None:
    made, other = press.draft(fixed[:2]), desk.in_state(ReportState.BY_DESIGN)
    with pytest.raises(NotFound):
        actions.cover(session, cast.challenge, made, other.id, Particulars("T", "x"), by=cast.triager.id, at=NOON)
    same = Particulars("T", "x", cve=made.flaws[0].cve)
    with pytest.raises(Conflict, match="has this CVE id"):
        actions.cover(session, cast.challenge, made, fixed[1].id, same, by=cast.triager.id, at=NOON)


def test_two_advisories_get_two_numbers(session: Session, cast: Cast, press: Press) -> None:
    assert [press.draft([]).ident for _ in range(2)] == ["PORTAL-2020-0001", "PORTAL-2020-0002"]


def test_what_is_being_revised_stays_as_it_was(
    client: FlaskClient, session: Session, cast: Cast, press: Press, fixed: list[Report], clock: Clock
) -> None:
    made = press.publish(fixed[:1])
    press.release(OUT)
    clock.at = OUT
    press.move(made, "revise", at=OUT)
    words = Words("Quite another title", "S", "D", "Demo Systems", "Device OS", "More")
    actions.write(session, cast.challenge, press.whole(made), words, by=cast.triager.id, at=OUT)
    # A report that is under no agreed date may be drafted in; what is public does not go away for it.
    actions.cover(
        session, cast.challenge, press.whole(made), fixed[1].id, Particulars("T", "x"), by=cast.triager.id, at=OUT
    )
    session.commit()
    page = client.get(f"{PUBLIC}/{made.ident}")
    assert (page.status_code, "Quite another title" in page.text) == (200, False)
    ready = press.move(press.draft(fixed[2:]), "ready")
    with pytest.raises(Refused, match="nothing in it can be changed"):
        actions.write(session, cast.challenge, ready, words, by=cast.triager.id, at=OUT)


ADDRESSES = (
    f"{PUBLIC}/PORTAL-2020-0001", f"{PUBLIC}/PORTAL-2020-0001.json", f"{FOLDER}/2020/portal-2020-0001.json",
    f"{FOLDER}/2020/portal-2020-0001.json.sha256", f"{FOLDER}/2020/",
)  # fmt: skip


@pytest.mark.parametrize("last", ["embargo", "results"])
def test_nothing_of_it_is_public_a_second_before_the_hour(
    client: FlaskClient, press: Press, fixed: list[Report], clock: Clock, last: str
) -> None:
    press.agree(fixed[0], HOUR)
    press.agree(fixed[1], HOUR + 10 * DAY)
    press.move(press.move(press.draft(fixed[:2]), "ready"), "publish", at=NOON + DAY)
    late = HOUR + 10 * DAY if last == "embargo" else OUT
    press.release(NOON if last == "embargo" else OUT)
    clock.at = late - timedelta(seconds=1)
    lists = (f"{FOLDER}/index.txt", f"{FOLDER}/changes.csv", f"{FOLDER}/", "/.well-known/csaf/provider-metadata.json",
             f"{PUBLIC}/")  # fmt: skip
    for address in ADDRESSES:
        answer = client.get(address)
        assert (answer.status_code, "gain rights" in answer.text, "ETag" in answer.headers) == (404, False, False)
    for address in lists:
        answer = client.get(address)
        assert "2020-0001" not in answer.text
        assert "2020/" not in answer.text.replace("/2020/", "")
        assert answer.headers["Cache-Control"] in ("no-cache", "no-store")
    clock.at = late
    for address in ADDRESSES:
        assert client.get(address).status_code == 200, address
    for address in (*lists[:2], lists[-1]):
        assert "2020-0001" in client.get(address).text, address


def test_an_embargo_that_is_moved_hides_it_again(
    client: FlaskClient, press: Press, fixed: list[Report], clock: Clock
) -> None:
    press.agree(fixed[0], HOUR)
    press.move(press.move(press.draft(fixed[:1]), "ready"), "publish", at=NOON + DAY)
    press.release(NOON)
    press.accept(fixed[0], press.propose(fixed[0], HOUR + 30 * DAY))
    clock.at = HOUR + DAY
    assert client.get(ADDRESSES[0]).status_code == 404
    clock.at = HOUR + 30 * DAY
    assert client.get(ADDRESSES[0]).status_code == 200


def test_the_provider_offers_what_the_standard_asks(
    client: FlaskClient, press: Press, fixed: list[Report], clock: Clock
) -> None:
    press.publish(fixed[:1])
    press.publish(fixed[1:2], at=HOUR + 2 * DAY)
    press.release(NOON)
    clock.at = OUT
    told = client.get("/.well-known/csaf/provider-metadata.json")
    assert told.mimetype == "application/json"
    assert told.json is not None
    assert (told.json["role"], told.json["last_updated"]) == ("csaf_provider", "2020-08-01T16:00:00Z")
    assert client.get(f"{FOLDER}/changes.csv").text == (
        '"2020/portal-2020-0002.json","2020-08-01T16:00:00Z"\n"2020/portal-2020-0001.json","2020-07-31T16:00:00Z"\n'
    )
    assert client.get(f"{FOLDER}/index.txt").text == "2020/portal-2020-0001.json\n2020/portal-2020-0002.json\n"
    body = client.get(f"{FOLDER}/2020/portal-2020-0001.json")
    digest = hashlib.sha256(body.data).hexdigest()
    assert client.get(f"{FOLDER}/2020/portal-2020-0001.json.sha256").text == f"{digest}  portal-2020-0001.json\n"
    assert client.get(f"{PUBLIC}/PORTAL-2020-0001.json").data == body.data
    again = client.get(f"{FOLDER}/2020/portal-2020-0001.json", headers={"If-None-Match": body.headers["ETag"]})
    assert again.status_code == 304
    for address in (f"{FOLDER}/2021/", f"{FOLDER}/2021/portal-2020-0001.json", f"{FOLDER}/2020/PORTAL-2020-0001.json",
                    "/challenges/nowhere/advisories/PORTAL-2020-0001"):  # fmt: skip
        assert client.get(address).status_code == 404, address


def test_thanks_that_are_taken_back_are_gone_everywhere_at_once(
    client: FlaskClient, session: Session, cast: Cast, press: Press, fixed: list[Report], clock: Clock
) -> None:
    made = press.publish(fixed[:1])
    press.release(NOON)
    clock.at = OUT
    sign_in(client, cast.researcher)
    address = f"/challenges/{SLUG}/reports/{fixed[0].ref}/credit"
    assert client.post(address, data={"kind": "named", "name": ""}).status_code == 422
    assert client.post(address, data={"kind": "named", "name": "R", "url": "javascript:x"}).status_code == 422
    data = {"kind": "named", "name": "<b>Rosa</b> R", "url": "https://rosa.example", "everywhere": "y"}
    assert client.post(address, data=data).status_code == 302
    sign_in(client, cast.colleague)
    assert client.post(address, data=data).status_code == 404
    sign_in(client, None)
    page, data_ = client.get(f"{PUBLIC}/{made.ident}").text, client.get(f"{PUBLIC}/{made.ident}.json").text
    assert "&lt;b&gt;Rosa&lt;/b&gt; R" in page
    assert 'rel="noopener nofollow ugc"' in page
    assert "<b>Rosa</b> R" in json.loads(data_)["vulnerabilities"][0]["acknowledgments"][0]["names"]
    sign_in(client, cast.researcher)
    assert client.post(f"{address}/withdraw").status_code == 302
    assert client.post(f"{address}/withdraw").status_code == 302
    sign_in(client, None)
    for path in (f"{PUBLIC}/{made.ident}", f"{PUBLIC}/{made.ident}.json", ADDRESSES[2]):
        assert "Rosa" not in client.get(path).text
    trail = str(session.execute(sa.text("SELECT detail FROM audit_entry")).all())
    assert "Rosa" not in trail


def test_public_lists_cost_the_same_for_few_and_many(
    client: FlaskClient, press: Press, desk: Desk, clock: Clock, statements: list[str]
) -> None:
    def cost() -> list[int]:
        found = []
        for address in (f"{PUBLIC}/", f"{FOLDER}/index.txt", STAFF):
            statements.clear()
            assert client.get(address).status_code == 200
            found.append(len(statements))
        return found

    first, *others = [desk.in_state(ReportState.FIXED) for _ in range(4)]
    press.release(NOON)
    sign_in(client, press.cast.triager)
    press.publish([first])
    clock.at = OUT
    few = cost()
    for report in others:
        press.publish([report])
    assert cost() == few


def test_the_team_writes_it_on_its_pages(
    client: FlaskClient, session: Session, cast: Cast, press: Press, fixed: list[Report], clock: Clock
) -> None:
    build = press.build("20.06")
    press.agree(fixed[0], HOUR)
    session.commit()
    sign_in(client, cast.triager)
    words = {"title": "T", "summary": "S", "details": "D", "vendor": "V", "product": "P", "change": "First"}
    assert client.post(f"{STAFF}/new", data=words | {"title": ""}).status_code == 422
    answer = client.post(f"{STAFF}/new", data=words)
    assert answer.status_code == 302
    here = answer.location
    flaw = {"report": str(fixed[0].id), "title": "F", "text": "x", "cwe": "CWE-20", "affected": str(build)}
    for wrong in ({"report": ""}, {"report": "99999999"}, {"cve": "x"}, {"affected": "99999"}, {"fixed": str(build)}):
        assert client.post(f"{here}/flaws", data=flaw | wrong).status_code == 422, wrong
    assert client.post(f"{here}/flaws", data=flaw).status_code == 302
    assert client.post(here, data=words | {"title": "Better"}).status_code == 302
    assert client.post(f"{here}/move", data={"move": "nonsense"}).status_code == 404
    assert client.post(f"{here}/move", data={"move": "publish"}).status_code == 422
    assert client.post(f"{here}/move", data={"move": "ready"}).status_code == 302
    assert client.post(f"{here}/move", data={"move": "publish"}).status_code == 422
    assert client.post(here, data=words).status_code == 422
    sign_in(client, cast.second_triager)
    assert ">Publish<" in client.get(here).text
    assert client.post(f"{here}/move", data={"move": "publish"}).status_code == 302
    session.expire_all()
    row = session.scalars(sa.select(Advisory)).one()
    whole = queries.one(session, cast.challenge.id, row.id)
    assert (whole.title, whole.revisions[0].at) == ("Better", HOUR)
    assert client.post(f"{here}/move", data={"move": "revise"}).status_code == 302
    left = {"report": str(fixed[0].id), "leave_out": "1"}
    assert client.post(f"{here}/flaws", data=left).status_code == 302
    assert client.post(f"{here}/flaws", data=left).status_code == 404
