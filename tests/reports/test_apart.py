"""A triager who takes part learns on no staff page what the team holds of their own reports, not even from a gap."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import Role
from portal.core.errors import NotFound
from portal.reports import rules, states
from portal.reports.actions import capabilities as joining
from portal.reports.actions import drafts
from portal.reports.actions import links as chains
from portal.reports.actions.keys import make_token
from portal.reports.models import Report
from portal.reports.queries import capabilities, links
from portal.reports.states import LinkKind, ReportKind, ReportState, Severity
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.reports.people import Desk

STAFF = f"/staff/{SLUG}/reports"
LATER = NOON + timedelta(hours=1)


class Room:
    """Reports of the team, one of whom is a triager too, and of the researcher, which hang together with them."""

    def __init__(self, session: Session, cast: Cast, desk: Desk) -> None:
        self.session, self.cast, self.desk, self.by = session, cast, desk, cast.triager.id
        session.add(RoleGrant(account_id=cast.colleague.id, role=Role.TRIAGER, scope=SLUG, granted_at=NOON))
        session.commit()
        colleagues = cast.team.members[0]
        self.own, self.other = (self._with_a_link(member) for member in (colleagues, cast.member))
        # Pairs that differ in nothing but whether the first one, or the other one, is the triager's own.
        self.of_own, self.of_other = (self._duplicate(first) for first in (self.own, self.other))
        self.part_of_own, self.part_of_other = (self._part(first) for first in (self.own, self.other))
        made = joining.add(session, cast.challenge, "APP-CODE", "code in an application", None, by=self.by, at=NOON)
        for each in (self.own, self.other):
            joining.give(session, each, links.numbered(session, each.id, 1), made, by=self.by, at=NOON)
        self.after_own, self.alone = self._assuming(), self._assuming()
        for each in (self.after_own, self.alone):
            joining.assume(session, each, made, by=self.by, at=NOON)
        session.flush()
        joining.join(session, self.own, self.after_own, made, by=self.by, at=LATER)
        session.commit()
        session.expire_all()

    def _with_a_link(self, member: Any) -> Report:
        found = self.desk.in_state(ReportState.REPRODUCING, member)
        given = [rules.LinkText("Into it", LinkKind.ENTRY)]
        chains.add_links(self.session, found, given, by=self.by, at=NOON)
        self.session.commit()
        return self.desk.again(found)

    def _duplicate(self, first: Report) -> Report:
        found = self.desk.in_state(ReportState.REPRODUCING, at=LATER)
        self.desk.move(found, "duplicate", rules.Outcome(duplicate_of_id=first.id), at=LATER)
        self.session.commit()
        return self.desk.again(found)

    def _part(self, first: Report) -> Report:
        found = self.desk.in_state(ReportState.REPRODUCING, at=LATER)
        given = [rules.LinkText("Into it", LinkKind.ENTRY)]
        chains.add_links(self.session, found, given, by=self.by, at=LATER)
        link, same = (links.numbered(self.session, each.id, 1) for each in (found, first))
        verdict = rules.Verdict(duplicate_of=(first, same))
        chains.decide_link(self.session, found, link, states.DUPLICATE_LINK, verdict, by=self.by, at=LATER)
        self.session.commit()
        return self.desk.again(found)

    def _assuming(self) -> Report:
        given = drafts.Particulars("Report", Severity.IMPORTANT, "20.06", ReportKind.ASSUMING, "code in an application")
        begun = drafts.begin_report(self.session, self.cast.challenge, self.cast.member, given, at=LATER)
        self.session.commit()
        data = self.desk.seal(100)
        self.desk.send(self.desk.upload(begun, length=len(data), at=LATER), data, at=LATER)
        found = self.desk.again(begun)
        drafts.submit(self.session, found, self.desk.signer, by=found.submitted_by_id, at=LATER)
        self.desk.move(found, "acknowledge", at=LATER)
        self.session.commit()
        return self.desk.again(found)


@pytest.fixture
def room(session: Session, cast: Cast, desk: Desk) -> Room:
    return Room(session, cast, desk)


def plain(text: str, report: Report) -> str:
    """A page without what is different on any two pages of like reports: names, sizes, hashes, one-time values."""
    text = text.replace(report.ref, "REF")
    text = re.sub(r"[0-9a-f]{32,}|[A-Za-z0-9_.-]{22,}|TCR-\d+(?=-)", "…", text)
    return re.sub(r'(id|value|data-[a-z-]+)="\d+"', r'\1="N"', text)


def pages(client: FlaskClient, report: Report, who: Account) -> dict[str, str]:
    sign_in(client, who)
    found = {path: client.get(f"{STAFF}/{report.ref}{path}") for path in ("", "/chain", ".json")}
    assert {each.status_code for each in found.values()} == {200}
    return {path: plain(each.text, report) for path, each in found.items()}


@pytest.mark.parametrize(
    ("one", "other"), [("of_own", "of_other"), ("part_of_own", "part_of_other"), ("after_own", "alone")]
)
def test_a_page_is_the_same_whether_it_hangs_together_with_ones_own_or_not(
    client: FlaskClient, room: Room, cast: Cast, one: str, other: str
) -> None:
    own, others = (pages(client, getattr(room, name), cast.colleague) for name in (one, other))
    for path, text in own.items():
        assert room.own.ref not in text, path
        assert text == others[path], path
    # Who takes no part is told.
    told = pages(client, getattr(room, one), cast.triager)
    assert room.own.ref in told[""]
    assert one == "after_own" or room.own.ref in told[".json"]
    assert "You take part in the challenge" in own[""]
    assert "You take part in the challenge" not in told[""]


def test_programs_are_told_no_more(client: FlaskClient, session: Session, room: Room, cast: Cast) -> None:
    """As portal-triage asks for its list, and for one report."""
    secrets = [
        make_token(session, cast.challenge.id, "laptop", by=each.id, at=NOON) for each in (cast.colleague, cast.triager)
    ]
    session.commit()
    for secret, told in zip(secrets, (False, True), strict=True):
        headers = {"Authorization": f"Bearer {secret}"}
        found = client.get(f"{STAFF}.json", headers=headers).json
        assert found is not None
        firsts = {each["ref"]: [link["duplicate_of"] for link in each["links"]] for each in found["reports"]}
        assert (room.own.ref in firsts) is told
        assert firsts[room.part_of_own.ref] == [f"{room.own.ref}/1" if told else None]
        assert firsts[room.part_of_other.ref] == [f"{room.other.ref}/1" if told else None]
        for report, first in ((room.of_own, room.own), (room.of_other, room.other)):
            one = client.get(f"{STAFF}/{report.ref}.json", headers=headers).json
            assert one is not None
            assert one["duplicate_of"] == (first.ref if told else None)
        joined = client.get(f"{STAFF}/{room.after_own.ref}.json", headers=headers).json
        assert joined is not None
        assert ("join" in [line["what"] for line in joined["timeline"]]) is told


def test_lists_of_what_fits_and_looks_alike_leave_out_ones_own(
    client: FlaskClient, session: Session, room: Room, cast: Cast
) -> None:
    paths = (f"/staff/{SLUG}/capabilities", f"{STAFF}/{room.of_other.ref}/similar", f"/staff/{SLUG}/duplicates")
    for report in (room.own, room.other, room.of_other):
        session.merge(report).title = "The network stack"
    session.commit()
    for who, told in ((cast.colleague, False), (cast.triager, True)):
        sign_in(client, who)
        for path in paths[:2]:
            assert (room.own.ref in client.get(path).text) is told, path
            assert room.other.ref in client.get(path).text, path
    assert {
        each.assuming_id for each in capabilities.joined(session, cast.challenge.id, reader=cast.colleague.id)
    } == set()
    drafts.withdraw(session, room.desk.again(room.own), by=room.own.submitted_by_id, at=LATER)
    session.commit()
    for who, told in ((cast.colleague, False), (cast.triager, True)):
        sign_in(client, who)
        assert (room.of_own.ref in client.get(paths[2]).text) is told
        assert ("fell away" in client.get(f"{STAFF}/{room.of_own.ref}").text) is told


def test_nobody_names_a_report_of_their_own(client: FlaskClient, session: Session, room: Room, cast: Cast) -> None:
    """Neither as the first of another's, nor as one that goes together, nor to write about it."""
    with pytest.raises(NotFound):
        links.target(session, cast.challenge.id, room.own.ref, None, reader=cast.colleague.id)
    sign_in(client, cast.colleague)
    fresh, unknown = room.desk.in_state(ReportState.REPRODUCING, at=LATER), "TCR-9999"
    answers = [
        client.post(f"{STAFF}/{fresh.ref}/move", data={"move": "duplicate", "duplicate_of": ref, "message": "x"})
        for ref in (room.own.ref, unknown)
    ]
    assert [each.status_code for each in answers] == [422, 422]
    related = {"report": room.own.ref + "/1", "how": "gives", "capability": "APP-CODE"}
    answer = client.post(f"/staff/{SLUG}/capabilities/relate", data=related)
    assert (answer.status_code, "There is no such report or link." in answer.text) == (422, True)
    pair = {"giving": room.own.ref, "assuming": room.alone.ref, "capability": "APP-CODE"}
    assert client.post(f"/staff/{SLUG}/capabilities/join", data=pair).status_code == 404
    session.expire_all()
    assert room.desk.again(fresh).state is ReportState.REPRODUCING
    sign_in(client, cast.triager)
    assert client.post(f"/staff/{SLUG}/capabilities/join", data=pair).status_code == 302


def test_ones_own_pages_tell_a_triager_what_they_tell_any_researcher(
    client: FlaskClient, room: Room, cast: Cast
) -> None:
    sign_in(client, cast.team_lead)
    lead = client.get(f"/challenges/{SLUG}/reports/{room.own.ref}").text
    sign_in(client, cast.colleague)
    page = client.get(f"/challenges/{SLUG}/reports/{room.own.ref}").text
    for report in (room.of_own, room.part_of_own, room.after_own):
        assert (report.ref in lead, report.ref in page) == (False, False)
    assert client.get(f"{STAFF}/{room.own.ref}").status_code == 404
