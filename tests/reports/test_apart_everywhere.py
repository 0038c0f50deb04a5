"""Whatever the team does about a triager's own reports, no list of the staff's tells them, and they act on none."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.gate import audience_of
from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import Role
from portal.challenges.models import Member
from portal.challenges.states import MemberRole
from portal.core.outbox import OutgoingMail
from portal.reports import commitments, jobs
from portal.reports.actions.assigning import assign
from portal.reports.actions.known import commit
from portal.reports.models import (
    Advisory,
    KeySet,
    Publication,
    PublicationReport,
    Release,
    Report,
    Upload,
    UpstreamEvent,
)
from portal.reports.states import ReportState
from portal.results.models import ResultsRelease
from tests.awards.conftest import Jury
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.conftest import Clock
from tests.reports.lists import READ, RESULTS, Lists
from tests.reports.people import Desk
from tests.reports.press import Press

STAFF = f"/staff/{SLUG}"
Mails = Callable[[], list[OutgoingMail]]
SALT, TEXT = "ab" * 32, "The log can be filled."
CLOCKS = {
    "first_answer_days": "2", "first_answer_kind": "calendar", "first_answer_warn": "80", "triage_days": "4",
    "triage_kind": "calendar", "triage_warn": "80", "decision_days": "15", "decision_kind": "calendar",
    "decision_warn": "80", "fix_days": "31", "fix_kind": "calendar", "fix_warn": "80", "opens_at": "9",
    "closes_at": "17", "workdays": ["0", "1", "2", "3", "4"], "closes_after_days": "10",
}  # fmt: skip
ROOMS = ("reports", "awards", "results")
NARROWED = (
    "/reports?state=all", "/reports?state=all&late=1", "/reports?state=all&waits=message",
    "/reports?state=all&waits=links", "/reports?who=nobody", "/reports?state=all&q=report", "/reports.csv?state=all",
    "/rewrap.json?lacking=1", "/awards?state=all", "/awards.csv?state=all", "/awards/payments?state=all",
)  # fmt: skip
# One-time values; and the books, which are the challenge's: sums of awards and payments that were told to the team.
NOISE = re.compile(r'[A-Za-z0-9_.-]{22,}|<section[^>]*id="books".*?</section>', re.DOTALL)
# What the team does is not seen here: forms, settings, the list of what was known, what is asked for with more words.
STILL = {
    "/advisories/new", "/awards/new", "/awards/results", "/awards/rules", "/known-issues",
    "/known-issues.json", "/reports/clocks", "/reports/tokens",
}  # fmt: skip


def addresses(app: Flask) -> list[str]:
    """The staff's overview, and every page, table and list of these rooms that is about no single thing."""
    found = []
    for rule in app.url_map.iter_rules():
        audience, room = audience_of(app, rule.endpoint), rule.endpoint.partition(".")[0]
        staffs = audience is not None and bool(audience.roles) and "GET" in (rule.methods or ())
        if staffs and rule.arguments == {"slug"} and (room in ROOMS or rule.endpoint == "home.staff"):
            found.append(rule.rule.replace("/staff/<slug>", ""))
    return sorted(found) + list(NARROWED)


def read(client: FlaskClient, who: Account, paths: list[str]) -> dict[str, str]:
    """What is at each address."""
    sign_in(client, who)
    answers = {path: client.get(STAFF + path) for path in paths}
    return {path: NOISE.sub("…", f"{each.status_code} {each.text}") for path, each in answers.items()}


@pytest.fixture
def lists(session: Session, cast: Cast, desk: Desk, key_set: KeySet) -> Lists:
    """Two who have every role that decides: one of the team that takes part, and one who takes no part."""
    for account in (cast.colleague, cast.stranger):
        for role in (Role.TRIAGER, Role.LEAD, Role.FINANCE):
            session.add(RoleGrant(account_id=account.id, role=role, scope=SLUG, granted_at=NOON))
    jury = Jury(session, cast)
    jury.publish()
    return Lists(session, cast, desk, Press(session, cast), jury)


def test_no_list_tells_of_ones_own(
    app: Flask, client: FlaskClient, session: Session, cast: Cast, lists: Lists, clock: Clock
) -> None:
    """Page by page and byte by byte, while everything is done about them that can be done."""
    clock.at, paths = READ, addresses(app)
    lists.about(cast.member)
    before = {who.id: read(client, who, paths) for who in (cast.colleague, cast.stranger)}

    lists.about(cast.team.members[0])

    session.expire_all()
    after = {who.id: read(client, who, paths) for who in (cast.colleague, cast.stranger)}
    changed = {who: {path for path in paths if before[who][path] != after[who][path]} for who in before}
    assert changed[cast.colleague.id] == set()
    assert changed[cast.stranger.id] == set(paths) - STILL


def test_no_mail_of_the_staff_reaches_whose_own_it_is(session: Session, cast: Cast, lists: Lists, mails: Mails) -> None:
    before = len(mails())

    lists.about(cast.team.members[0])
    for at in (NOON + timedelta(days=2), READ):
        jobs.remind(session, at)
        jobs.remind_of_silence(session, at)

    told: dict[str, set[str]] = {}
    for mail in mails()[before:]:
        told.setdefault(mail.to, set()).add(mail.template)
    # As every member of the team is.
    assert told[cast.colleague.email] == {"awards/news"}
    assert told[cast.stranger.email] == {
        "awards/proposed", "reports/clock", "reports/clock_leads", "reports/date_ahead", "reports/date_proposed",
        "reports/date_unanswered",
        "reports/message_staff", "reports/moved_staff", "reports/received", "reports/upstream_quiet",
    }  # fmt: skip


def test_what_gathers_reports_is_for_those_who_take_no_part(
    client: FlaskClient, session: Session, cast: Cast, lists: Lists, clock: Clock
) -> None:
    """Also where nothing in it is their own: to leave out what is would tell of it."""
    clock.at, other = READ, cast.member
    advisory, case, release = lists.ready(other), lists.case(other), lists.release
    before = state(session)
    gathered: dict[str, tuple[str, str, dict[str, str]]] = {
        "Advisories": ("advisories", f"advisories/{advisory.id}/move", {"move": "publish"}),
        "Cases at other parties": ("upstream", f"upstream/{case.number}/notes", {"text": "They have written."}),
        "Releases to publish": ("", f"releases/{release.id}/publish", {"released_on": "2020-08-01"}),
        "Results that are not out yet": ("results", "results/release", {"when": "at once"}),
    }
    for what, (page, post, given) in gathered.items():
        sign_in(client, cast.colleague)
        sentence = f"You take part in the challenge. {what} are for those of the team who do not."
        answers = [*([client.get(f"{STAFF}/{page}")] if page else []), client.post(f"{STAFF}/{post}", data=given)]
        for answer in answers:
            assert (answer.status_code, sentence in answer.text) == (403, True), what
    assert state(session) == before
    page = client.get(f"{STAFF}/releases").text
    assert ("somebody else of the team says that a release is out" in page, "Mark as out" in page) == (True, False)
    told = client.get(f"{STAFF}/reports/{case.subjects[0].report.ref}").text
    assert ("you are not told of cases at other parties" in told, case.reference in told) == (True, False)
    sign_in(client, cast.stranger)
    for page, post, given in gathered.values():
        assert not page or client.get(f"{STAFF}/{page}").status_code == 200
        assert client.post(f"{STAFF}/{post}", data=given).status_code in (302, 422)
    assert case.reference in client.get(f"{STAFF}/reports/{case.subjects[0].report.ref}").text
    clock.at = RESULTS
    sign_in(client, cast.colleague)
    assert client.get(f"{STAFF}/results").status_code == 200


def state(session: Session) -> list[tuple[object, ...]]:
    """Where everything is."""
    session.expire_all()
    kinds = (Advisory.state, UpstreamEvent.what, Release.released_on, ResultsRelease.state, Publication.state)
    return [tuple(session.scalars(sa.select(kind).order_by(kind))) for kind in kinds]


def test_nobody_acts_on_their_own_by_another_address(
    client: FlaskClient, session: Session, cast: Cast, lists: Lists, clock: Clock
) -> None:
    """Not found, as what is not there; others of the team may."""
    clock.at, mine = READ, cast.team.members[0]
    handed_in, teams = lists.publications(mine)
    number = session.scalars(sa.select(PublicationReport.report_id).limit(1)).one()
    lists.rewrapped(mine)
    upload = session.scalars(sa.select(Upload.id).order_by(Upload.report_id.desc())).first()
    ref = session.scalars(sa.select(Report.ref).where(Report.participant_id == cast.team.id)).first()
    known, at = [commitments.commitment(SLUG, SALT, TEXT)], NOON - timedelta(days=1)
    commit(session, cast.challenge, known, lists.desk.signer, by=cast.triager.id, at=at)
    session.commit()
    about = {"title": "A way in", "url": "https://blog.example/new", "kind": "post", "published_on": "2020-06-15"}
    asked: list[tuple[str, str, dict[str, str], int]] = [
        ("POST", f"publications/{handed_in.id}", {"move": "list"}, 302),
        ("POST", f"publications/{teams.id}", {"move": "refuse", "reason": "No."}, 302),
        ("GET", f"rewrap/{upload}", {}, 200), ("GET", f"rewrap/{upload}/packets", {}, 200),
        ("POST", "known-issues/1/reveal", {"salt": SALT, "text": TEXT, "report": str(ref)}, 422),
    ]  # fmt: skip
    sign_in(client, cast.colleague)
    before = state(session)
    found = [client.open(f"{STAFF}/{path}", method=how, data=data or None).status_code for how, path, data, _ in asked]
    assert found == [404] * 5
    assert client.post(f"{STAFF}/publications", data={**about, "reports": str(number)}).status_code == 422
    assert state(session) == before
    sign_in(client, cast.stranger)
    found = [client.open(f"{STAFF}/{path}", method=how, data=data or None).status_code for how, path, data, _ in asked]
    assert found == [status for *_, status in asked]
    assert client.post(f"{STAFF}/publications", data={**about, "reports": str(number)}).status_code == 302


def test_clocks_set_anew_are_told_without_ones_own(
    client: FlaskClient, session: Session, cast: Cast, lists: Lists, clock: Clock
) -> None:
    """They count for all; who sets them sees what that changes for others."""
    clock.at, told = READ, {}
    lists.waiting(cast.member)
    for about in (None, cast.team.members[0]):
        if about:
            lists.waiting(about)
        for who in (cast.colleague, cast.stranger):
            sign_in(client, who)
            told[about, who.name] = NOISE.sub("…", client.post(f"{STAFF}/reports/clocks", data=CLOCKS).text)
    assert told[None, cast.colleague.name] == told[cast.team.members[0], cast.colleague.name]
    assert told[None, cast.stranger.name] != told[cast.team.members[0], cast.stranger.name]
    sign_in(client, cast.colleague)
    assert client.post(f"{STAFF}/reports/clocks/set", data=CLOCKS).status_code == 302
    assert "Saved. Every clock that runs is counted anew." in client.get(f"{STAFF}/reports/clocks").text


def test_who_joins_the_team_later_lets_go_of_its_reports(
    session: Session, cast: Cast, desk: Desk, key_set: KeySet, mails: Mails
) -> None:
    report, kept = desk.in_state(ReportState.CONFIRMED), desk.in_state(ReportState.CONFIRMED, cast.team.members[0])
    for each in (report, kept):
        assign(session, each, cast.second_triager.id, by=cast.triager.id, at=NOON)
    assert jobs.settle(session, NOON) == 0
    joined = {"challenge_id": cast.challenge.id, "participant_id": cast.participant.id, "country": "DE"}
    session.add(Member(**joined, account_id=cast.second_triager.id, role=MemberRole.MEMBER, joined_at=NOON))
    session.commit()

    assert [jobs.settle(session, NOON), jobs.settle(session, NOON)] == [1, 0]

    assert [desk.again(each).assignee_id for each in (report, kept)] == [None, cast.second_triager.id]
    before = len(mails())
    jobs.remind(session, READ)
    told = {mail.context["ref"] for mail in mails()[before:] if mail.to == cast.second_triager.email}
    assert told == {kept.ref}


def test_nobody_is_offered_to_be_responsible_for_their_own(client: FlaskClient, cast: Cast, lists: Lists) -> None:
    own, other = (lists.desk.in_state(ReportState.CONFIRMED, each) for each in (cast.team.members[0], cast.member))
    offered = f"{cast.colleague.name}</option>"
    sign_in(client, cast.triager)
    assert [offered in client.get(f"{STAFF}/reports/{each.ref}").text for each in (own, other)] == [False, True]
    answer = client.post(f"{STAFF}/reports/{own.ref}/assign", data={"assignee": str(cast.colleague.id)})
    assert answer.status_code == 422
