"""What is linked: only what can be linked safely, that somebody has looked at, and that no embargo holds."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.challenges.states import ParticipantState
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.core.outbox import OutgoingMail
from portal.reports.actions import disclosing
from portal.reports.actions import publications as actions
from portal.reports.actions.publications import Link, Thanks
from portal.reports.models import Publication, Report
from portal.reports.personal import erase
from portal.reports.queries import publications as queries
from portal.reports.queries import reports
from portal.reports.rules.disclosing import link_fault
from portal.reports.states import LIST, REFUSE, Credit, PublicationKind, PublicationState, ReportState, Side
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.conftest import Clock
from tests.reports.people import Desk
from tests.reports.press import HOUR, Press

DAY = timedelta(days=1)
PUBLIC, MINE, STAFF = (f"/challenges/{SLUG}/publications", f"/challenges/{SLUG}/publications/mine",
                       f"/staff/{SLUG}/publications")  # fmt: skip
FORM = {"title": "A way in", "url": "https://blog.example/way-in", "kind": "post", "published_on": "2020-06-15"}


@pytest.fixture
def press(session: Session, cast: Cast) -> Press:
    """Who speaks for both sides."""
    return Press(session, cast)


@pytest.fixture
def report(session: Session, one_fixed: int) -> Report:
    """A report that is fixed."""
    return reports.draft(session, one_fixed)


def hand_in(session: Session, cast: Cast, url: str = FORM["url"], *about: int) -> Publication:
    link = Link("A way in", url, PublicationKind.POST, date(2020, 6, 15), about)
    made = actions.submit(
        session, cast.challenge, link, participant_id=cast.participant.id, by=cast.researcher.id, at=NOON
    )
    session.commit()
    return made


def listed(session: Session, cast: Cast, found: Publication) -> None:
    actions.decide(session, cast.challenge, found, LIST, "", by=cast.triager.id, at=NOON)
    session.commit()


@pytest.mark.parametrize(
    "url",
    [
        "http://blog.example/", "javascript:alert(1)", "data:text/html,x", "//blog.example/", "ftp://blog.example",
        "https://user:word@blog.example/", "https://user@blog.example/", "https://", "https://localhost/",
        "https://blog.example/a b", "https://blog.example\\@evil.example", "https://blog.example/\u202egnp",
        "https://" + "a" * 500 + ".example", "https://[::1", "",
    ],
)  # fmt: skip
def test_what_cannot_be_linked(session: Session, cast: Cast, url: str) -> None:
    assert link_fault(url) is not None
    with pytest.raises(Invalid):
        hand_in(session, cast, url)


def test_a_host_that_looks_like_another_is_shown_for_what_it_is(
    client: FlaskClient, session: Session, cast: Cast, press: Press
) -> None:
    listed(session, cast, hand_in(session, cast, "https://раураl.example/"))
    press.release(NOON)
    page = client.get(PUBLIC).text
    assert "xn--l-7sba6dbr.example" in page
    assert 'rel="noopener nofollow ugc"' in page


def test_who_hands_in_does_not_decide(session: Session, cast: Cast, mails: Callable[[], list[OutgoingMail]]) -> None:
    link = Link("Ours", "https://team.example/", PublicationKind.TALK, date(2020, 6, 15))
    ours = actions.submit(session, cast.challenge, link, participant_id=None, by=cast.triager.id, at=NOON)
    with pytest.raises(Refused, match="Somebody else"):
        actions.decide(session, cast.challenge, ours, LIST, "", by=cast.triager.id, at=NOON)
    actions.decide(session, cast.challenge, ours, LIST, "", by=cast.lead.id, at=NOON)
    theirs = hand_in(session, cast)
    with pytest.raises(Invalid):
        actions.decide(session, cast.challenge, theirs, REFUSE, "", by=cast.lead.id, at=NOON)
    actions.decide(session, cast.challenge, theirs, REFUSE, "It is behind a wall.", by=cast.lead.id, at=NOON)
    session.commit()
    assert (theirs.state, theirs.reason) == (PublicationState.REFUSED, "It is behind a wall.")
    assert [(each.template, each.to) for each in mails()] == [("reports/publication_decided", cast.researcher.email)]
    actions.decide(session, cast.challenge, theirs, LIST, "", by=cast.lead.id, at=NOON)
    assert theirs.state is PublicationState.LISTED


def test_the_database_refuses_what_is_no_https_and_two_eyes(session: Session, cast: Cast) -> None:
    made = hand_in(session, cast)
    for change, name in (({"url": "http://x.example"}, "url_https"),
                         ({"state": PublicationState.LISTED, "decided_at": NOON, "decided_by_id": cast.researcher.id},
                          "four_eyes")):  # fmt: skip
        with pytest.raises(IntegrityError, match=name):
            session.execute(sa.update(Publication).where(Publication.id == made.id).values(**change))
        session.rollback()


def test_one_address_once_and_only_ones_own_reports(session: Session, cast: Cast, desk: Desk) -> None:
    hand_in(session, cast)
    with pytest.raises(Conflict, match="there already"):
        hand_in(session, cast)
    session.rollback()
    foreign = desk.in_state(ReportState.FIXED, cast.team.members[0])
    with pytest.raises(NotFound):
        hand_in(session, cast, "https://other.example/", foreign.id)


def test_it_is_listed_at_the_hour_and_not_before(
    client: FlaskClient, session: Session, cast: Cast, press: Press, report: Report, clock: Clock
) -> None:
    listed(session, cast, hand_in(session, cast, FORM["url"], report.id))
    press.release(NOON)
    assert "A way in" not in client.get(PUBLIC).text, "no date is agreed"
    press.agree(report)
    clock.at = HOUR - timedelta(seconds=1)
    page = client.get(PUBLIC).text
    assert ("A way in" in page, report.ref in page) == (False, False)
    clock.at = HOUR
    page = client.get(PUBLIC).text
    assert ("A way in" in page, report.ref in page) == (True, True)


def test_nothing_is_listed_before_the_results(
    client: FlaskClient, session: Session, cast: Cast, press: Press, clock: Clock
) -> None:
    listed(session, cast, hand_in(session, cast))
    for person in (None, cast.stranger, cast.researcher, cast.lead):
        sign_in(client, person)
        page = client.get(PUBLIC)
        assert (page.status_code, "A way in" in page.text) == (404, False)
    press.release(NOON + DAY)
    clock.at = NOON + DAY
    assert "A way in" in client.get(PUBLIC).text


def test_it_is_handed_in_and_looked_at_on_pages(
    client: FlaskClient, session: Session, cast: Cast, report: Report
) -> None:
    sign_in(client, cast.researcher)
    assert client.get(MINE).status_code == 200
    for wrong in ({"url": "http://blog.example"}, {"title": ""}, {"published_on": "2022-01-01"}, {"kind": "rumour"},
                  {"reports": "9999"}, {"published_on": "x"}):  # fmt: skip
        assert client.post(MINE, data=FORM | wrong).status_code == 422, wrong
    assert client.post(MINE, data=FORM | {"reports": str(report.id)}).status_code == 302
    assert "pending" in client.get(MINE).text
    assert client.post(MINE, data=FORM).status_code == 409
    sign_in(client, cast.colleague)
    assert "A way in" not in client.get(MINE).text
    sign_in(client, cast.triager)
    assert "A way in" in client.get(STAFF).text
    number = session.scalars(sa.select(Publication.id)).one()
    assert client.post(f"{STAFF}/{number}", data={"move": "refuse"}).status_code == 422
    assert client.post(f"{STAFF}/{number}", data={"move": "nonsense"}).status_code == 404
    assert client.post(f"{STAFF}/{number}", data={"move": "list"}).status_code == 302
    assert client.post(f"{STAFF}/{number}", data={"move": "list"}).status_code == 422
    assert client.post(f"{STAFF}/{number + 1}", data={"move": "list"}).status_code == 404
    ours = FORM | {"url": "https://team.example/"}
    assert client.post(STAFF, data=ours).status_code == 302
    assert "somebody else decides" in client.get(STAFF).text


def test_what_is_kept_of_a_person_is_told_and_thanks_are_forgotten(
    session: Session, cast: Cast, report: Report
) -> None:
    hand_in(session, cast, FORM["url"], report.id)
    thanks = Thanks(Credit.NAMED, "Rosa R.", "https://rosa.example/")
    actions.thank(session, reports.draft(session, report.id), cast.member, thanks, at=NOON)
    session.commit()
    told = personal.export(session, cast.researcher.id)["reports"]
    assert told["publications"] == [{"title": "A way in", "url": FORM["url"], "state": "pending"}]
    assert told["report_credits"] == [
        {"report": report.ref, "kind": "named", "name": "Rosa R.", "link": "https://rosa.example/"}
    ]

    erase(session, cast.researcher.id, NOON)
    session.commit()

    assert queries.thanked(session, [report.id]) == []
    assert personal.export(session, cast.researcher.id)["reports"]["report_credits"] == []


def test_only_members_of_the_participant_are_thanked(session: Session, cast: Cast, report: Report) -> None:
    with pytest.raises(NotFound):
        actions.thank(
            session, reports.draft(session, report.id), cast.team.members[0], Thanks(Credit.ANONYMOUS), at=NOON
        )


def test_who_was_removed_is_not_thanked(session: Session, cast: Cast, report: Report) -> None:
    actions.thank(session, reports.draft(session, report.id), cast.member, Thanks(Credit.ANONYMOUS), at=NOON)
    assert len(queries.thanked(session, [report.id])) == 1
    cast.participant.state, cast.participant.removed_at = ParticipantState.REMOVED, NOON
    session.flush()
    assert queries.thanked(session, [report.id]) == []


def test_a_participant_takes_it_off_again_and_it_is_gone_from_every_list(
    client: FlaskClient, session: Session, cast: Cast, press: Press, report: Report, clock: Clock
) -> None:
    made = hand_in(session, cast, FORM["url"], report.id)
    actions.decide(session, cast.challenge, made, LIST, "", by=cast.triager.id, at=NOON)
    advisory = press.publish([report])
    press.release(NOON)
    clock.at = HOUR + 2 * DAY
    lists = (PUBLIC, f"/challenges/{SLUG}/results", f"/challenges/{SLUG}/advisories/{advisory.ident}.json")
    assert [FORM["url"] in client.get(address).text for address in lists] == [True] * 3
    address = f"{PUBLIC}/{made.id}/take-off"
    sign_in(client, cast.colleague)
    assert client.post(address).status_code == 404
    sign_in(client, cast.researcher)
    assert "Take it off" in client.get(MINE).text
    assert client.post(address).status_code == 302
    assert client.post(address).status_code == 404
    assert [FORM["url"] in client.get(address).text for address in (*lists, MINE)] == [False] * 4
    assert client.post(MINE, data=FORM).status_code == 302


def test_erasing_a_person_links_nothing_more_of_theirs_but_what_is_a_teams_too(
    session: Session, cast: Cast, report: Report, press: Press
) -> None:
    hand_in(session, cast, FORM["url"], report.id)
    link = Link("Ours", "https://team.example/ours", PublicationKind.POST, date(2020, 6, 15))
    actions.submit(session, cast.challenge, link, participant_id=cast.team.id, by=cast.colleague.id, at=NOON)
    proposal = press.propose(report, HOUR, Side.TEAM)
    whole = reports.draft(session, report.id)
    disclosing.decline(session, whole, proposal, Side.RESEARCHER, "I marry.", by=cast.researcher.id, at=NOON)
    session.commit()
    for account in (cast.researcher, cast.colleague):
        erase(session, account.id, NOON)
    session.commit()
    session.expire_all()
    assert session.scalars(sa.select(Publication.title)).all() == ["Ours"]
    assert proposal.reason == ""
