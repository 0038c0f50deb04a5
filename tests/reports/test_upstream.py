"""Cases at other parties: nothing is passed on without the researcher, nobody's silence is forgotten."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import move_named
from portal.core.outbox import OutgoingMail
from portal.reports import jobs, rules, states
from portal.reports.actions import links as chains
from portal.reports.actions import upstream as actions
from portal.reports.models import AdvisoryRevision, PassingOn, Report, UpstreamCase, UpstreamParty
from portal.reports.personal import exported
from portal.reports.queries import links, upstream
from portal.reports.states import ReportState, UpstreamState
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.reports.people import Desk
from tests.reports.press import Press

STAFF = "/staff/test-challenge/upstream"
LATER = NOON + timedelta(hours=1)
Mails = Callable[[], list[OutgoingMail]]


class Cases:
    """A case about the researcher's report."""

    def __init__(self, session: Session, cast: Cast, desk: Desk) -> None:
        self.session, self.cast, self.desk, self.by = session, cast, desk, cast.triager.id
        party = actions.add_party(session, "The kernel", "security@kernel.example", "", by=self.by, at=NOON)
        self.case: UpstreamCase = actions.open_case(session, cast.challenge, party, "A case", by=self.by, at=NOON)
        self.report: Report = desk.in_state(ReportState.CONFIRMED)
        session.commit()

    def about(self) -> "Cases":
        """It is about the report."""
        actions.add_subject(self.session, self.case, self.report, None, by=self.by, at=NOON)
        return self

    def allow(self, *, allowed: bool = True) -> "Cases":
        """The researcher says whether it may be passed on."""
        by = self.report.submitted_by_id
        actions.say_passing_on(self.session, self.report, allowed=allowed, credit="Rosa R.", by=by, at=NOON)
        return self

    def step(self, name: str, *said: str, at: datetime = NOON) -> None:
        """One step."""
        move = move_named(states.UPSTREAM_MOVES, name)
        actions.step(self.session, self.case, move, *said, by=self.by, at=at)
        self.session.commit()


@pytest.fixture
def cases(session: Session, cast: Cast, desk: Desk) -> Cases:
    return Cases(session, cast, desk)


def test_nothing_is_reported_without_the_researchers_consent(cases: Cases) -> None:
    with pytest.raises(Refused, match="Say first which report it is about"):
        cases.step("report")
    cases.about()
    with pytest.raises(Refused, match=r"The researcher of TCR-0001 has not said yet"):
        cases.step("report")
    cases.allow(allowed=False)
    with pytest.raises(Refused, match=r"The researcher of TCR-0001 does not want it"):
        cases.step("report")
    cases.allow()

    cases.step("report")

    assert (cases.case.state, cases.case.reported_at) == (UpstreamState.REPORTED, NOON)
    with pytest.raises(Refused, match="It has been passed on already"):
        cases.allow(allowed=False)
    other = cases.desk.in_state(ReportState.CONFIRMED)
    with pytest.raises(Refused, match="TCR-0002 has not said yet"):
        actions.add_subject(cases.session, cases.case, other, None, by=cases.by, at=LATER)


def test_a_case_is_followed_to_its_end(cases: Cases, session: Session) -> None:
    cases.about().allow()
    for name in ("report", "acknowledge", "fixing"):
        cases.step(name)
    with pytest.raises(Invalid) as caught:
        cases.step("fixed")
    assert set(caught.value.messages) == {"fixed_in"}
    cases.step("fixed", "", "5.4.53", at=LATER)

    assert (cases.case.state, cases.case.fixed_in, cases.case.heard_at) == (UpstreamState.FIXED, "5.4.53", LATER)
    with pytest.raises(Refused):
        cases.step("refuse", "No.")
    events = upstream.case(session, cases.cast.challenge.id, 1).events
    assert [event.what for event in events] == ["open", "subject", "report", "acknowledge", "fixing", "fixed"]


def test_an_advisory_takes_the_cve_id_of_the_case(session: Session, cast: Cast, cases: Cases) -> None:
    cases.about().case.cves = ["CVE-2020-16119"]
    press = Press(session, cast)

    made = press.draft([cases.report], cves=False)

    assert [each.cve for each in made.flaws] == ["CVE-2020-16119"]


@pytest.mark.parametrize(("before", "name"), [(["report"], "refuse")])
def test_a_no_has_a_reason(cases: Cases, before: list[str], name: str) -> None:
    cases.about().allow()
    for each in before:
        cases.step(each)
    with pytest.raises(Invalid):
        cases.step(name)
    cases.step(name, "They call it intended.")
    assert cases.case.state is UpstreamState.REFUSED


def test_the_second_of_two_loses(cases: Cases, session: Session) -> None:
    cases.about().allow()
    assert cases.case.state is UpstreamState.DRAFTED
    session.execute(
        sa.update(UpstreamCase)
        .values(state=UpstreamState.REPORTED, reported_at=NOON)
        .execution_options(synchronize_session=False)
    )
    with pytest.raises(Conflict):
        cases.step("report")


def test_the_database_refuses_half_a_case(session: Session, cases: Cases) -> None:
    for values, name in (
        ({"state": "reported"}, "reported_time"),
        ({"state": "fixed", "reported_at": NOON}, "fixed_in_what"),
        ({"told": True}, "told_is_reported"),
        ({"embargo_until": NOON}, "embargo_has_zone"),
    ):
        with pytest.raises(sa.exc.IntegrityError, match=f"ck_upstream_case_{name}"), session.begin_nested():
            session.execute(sa.update(UpstreamCase).values(**values))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("cve-2020-16119, CVE-2020-1234;CVE-2020-16119", ["CVE-2020-16119", "CVE-2020-1234"]),
    ],
)
def test_cve_ids_are_read(text: str, found: list[str]) -> None:
    assert rules.cve_ids(text) == found


@pytest.mark.parametrize("text", ["CVE-2020-123", "CVE-20-1234", "2020-1234", "CVE-2020-1234<b>", "CVE-2020-١٢٣٤"])
def test_what_is_no_cve_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no CVE id"):
        rules.cve_ids(text)


def test_an_hour_that_the_clocks_leave_out_is_refused() -> None:
    with pytest.raises(ValueError, match="leave out"):
        rules.instant_of(datetime(2020, 3, 29, 2, 30), "Europe/Berlin")  # noqa: DTZ001
    noon = rules.instant_of(datetime(2020, 6, 15, 14), "Europe/Berlin")  # noqa: DTZ001
    assert noon == NOON


def test_silence_and_the_end_of_an_embargo_are_noticed(
    session: Session, cast: Cast, cases: Cases, mails: Mails
) -> None:
    cases.about().allow()
    cases.step("report")
    challenge, week = cast.challenge.id, NOON + timedelta(days=7)
    text = actions.CaseText("A case", embargo_until=NOON + timedelta(days=10), embargo_zone="Europe/Berlin")
    actions.write(session, cases.case, text, by=cases.by, at=NOON)
    session.commit()
    assert upstream.quiet(session, challenge, week - timedelta(seconds=1)) == []
    assert upstream.ending(session, challenge, NOON) == []
    assert len(upstream.quiet(session, challenge, week)) == len(upstream.ending(session, challenge, week)) == 1
    before = len(mails())

    assert (jobs.remind_of_silence(session, week), jobs.remind_of_silence(session, week + timedelta(days=1))) == (1, 1)

    posted = mails()[before:]
    assert [mail.template for mail in posted] == ["reports/upstream_quiet"] * 2
    assert {mail.to for mail in posted} == {cast.second_triager.email, cast.triager.email}
    actions.remark(session, cases.case, "They will look at it.", heard=True, by=cases.by, at=week)
    session.commit()
    assert jobs.remind_of_silence(session, week + timedelta(days=6)) == 0
    assert jobs.remind_of_silence(session, week + timedelta(days=7)) == 1


def test_erasing_a_person_forgets_the_name_of_the_credit(session: Session, cast: Cast, cases: Cases) -> None:
    cases.allow()
    session.commit()
    assert exported(session, cast.researcher.id)["passing_on"][0]["credit"] == "Rosa R."

    for erase in personal.erasers:
        if erase.__module__ == "portal.reports.personal":
            erase(session, cast.researcher.id, LATER)
    session.expire_all()

    said = session.scalars(sa.select(PassingOn)).one()
    assert (said.allowed, said.credit) == (True, "")


# --- over HTTP ---


def test_a_case_by_form(client: FlaskClient, session: Session, cast: Cast, desk: Desk) -> None:
    report = desk.in_state(ReportState.CONFIRMED)
    sign_in(client, cast.triager)

    def send(path: str, status: int = 302, **data: str) -> str:
        answer = client.post(f"{STAFF}{path}", data=data)
        assert answer.status_code == status, answer.text
        return answer.text

    assert "No cases" in client.get(STAFF).text
    assert "Choose a party, or name a new one." in send("", 422, title="A case")
    assert "Say how they are reached." in send("", 422, title="A case", name="The kernel")
    assert "https://" in send("", 422, title="A case", name="K", contact="k", page="javascript:alert(1)")
    send("", title="A case", name="The kernel", contact="security@kernel.example", page="https://kernel.example/s")
    send("", title="Another", party=str(session.scalars(sa.select(UpstreamParty.id)).one()))
    assert "is no CVE id" in send("/1/text", 422, title="A case", cves="CVE-1")
    assert "There is no such zone." in send("/1/text", 422, title="A", embargo="2020-07-01T09:00", zone="Mars")
    assert "leave out" in send("/1/text", 422, title="A", embargo="2020-03-29T02:30", zone="Europe/Berlin")
    send("/1/text", title="A case", cves="CVE-2020-16119", embargo="2020-07-01T09:00", zone="Europe/Berlin")
    assert "There is no such report." in send("/1/subjects", 422, report="TCR-0099")
    assert "Name a report" in send("/1/subjects", 422, report="it")
    send("/1/subjects", report=report.ref)
    assert "has not said yet" in send("/1/step", 422, move="report")
    sign_in(client, cast.researcher)
    mine = f"/challenges/test-challenge/reports/{report.ref}"
    assert client.post(f"{mine}/passing-on", data={}).status_code == 422
    assert client.post(f"{mine}/passing-on", data={"allowed": "yes", "credit": "Rosa R."}).status_code == 302
    assert "The kernel" not in client.get(mine).text
    sign_in(client, cast.triager)
    assert "credit: Rosa R." in client.get(f"{STAFF}/1").text
    assert "It is not reported to them yet" in send("/1/tell", 422)
    send("/1/step", move="report")
    assert "Name the version" in send("/1/step", 422, move="fixed")
    send("/1/notes", text="Called them.")
    send("/1/notes", 422, text="")
    send("/1/step", 404, move="explode")
    sign_in(client, cast.researcher)
    assert "CVE-2020-16119" not in client.get(mine).text
    sign_in(client, cast.triager)
    send("/1/tell")
    sign_in(client, cast.researcher)
    told = client.get(mine).text
    assert "The kernel" in told
    assert "CVE-2020-16119" in told
    assert "Called them." not in told
    found = upstream.case(session, cast.challenge.id, 1)
    assert found.embargo_until == datetime.fromisoformat("2020-07-01T07:00:00+00:00")
    assert upstream.cves_of(session, report) == ["CVE-2020-16119"]


def test_a_case_is_about_one_link(client: FlaskClient, session: Session, cast: Cast, cases: Cases) -> None:
    report = cases.desk.in_state(ReportState.REPRODUCING)
    chains.add_links(session, report, [rules.LinkText("The kernel's part")], by=cases.by, at=NOON)
    session.commit()
    sign_in(client, cast.triager)

    assert client.post(f"{STAFF}/1/subjects", data={"report": f"{report.ref}/1"}).status_code == 302
    assert client.post(f"{STAFF}/1/subjects", data={"report": f"{report.ref}/1"}).status_code == 422

    page = client.get(f"{STAFF}/1").text
    assert "link 1: The kernel&#39;s part" in page
    assert f"{report.ref}/1" in client.get(STAFF).text
    assert "link 1" in client.get(f"/staff/test-challenge/reports/{report.ref}").text
    [subject] = upstream.case(session, cast.challenge.id, 1).subjects
    assert subject.link_id == links.numbered(session, report.id, 1).id


FOLDER, PAGE = "/.well-known/csaf/white", "https://kernel.example/advisories/4711"
WEEK, SECOND = timedelta(days=7), timedelta(seconds=1)


def advised(cases: Cases, session: Session, cast: Cast, *, agreed: bool = False) -> str:
    """An advisory about the report that is out a week after NOON, if nothing holds it; the address of its file."""
    press = Press(session, cast)
    if not agreed:
        press.agree(cases.report, NOON + WEEK, without_fix=True)
    press.release(NOON)
    press.move(press.move(press.draft([cases.report]), "ready"), "publish", at=NOON)
    return f"{FOLDER}/2020/portal-2020-0001.json"


def known(cases: Cases, session: Session, page: str = PAGE, until: datetime | None = None) -> None:
    zone = "Europe/Berlin" if until else None
    text = actions.CaseText("A case", "K-4711", (), until, zone, page)
    actions.write(session, cases.case, text, by=cases.by, at=NOON)
    session.commit()


def referred(client: FlaskClient, address: str) -> list[tuple[str, str]]:
    """Name and address of what the advisory refers to beside itself; its page says the same."""
    (document,) = [client.get(address).json]
    assert document is not None
    found = [each for each in document["document"]["references"] if each["category"] == "external"]
    page = client.get("/challenges/test-challenge/advisories/PORTAL-2020-0001").text
    assert all(f'href="{each["url"]}"' in page for each in found)
    assert ("K-4711" in page) == bool(found)
    return [(each["summary"], each["url"]) for each in found]


def test_a_public_case_is_among_the_references_from_the_second_at_which_its_embargo_ends(
    client: FlaskClient, session: Session, cast: Cast, cases: Cases, clock: Clock
) -> None:
    cases.about().allow()
    cases.step("report")
    address = advised(cases, session, cast)
    known(cases, session, until=NOON + WEEK)
    clock.at = NOON + WEEK
    assert referred(client, address) == [("The kernel: K-4711", PAGE)]
    cases.step("fixed", "", "5.8", at=clock.at)
    assert referred(client, address) == [("The kernel: K-4711", PAGE)]


def test_another_partys_longer_embargo_holds_our_own_advisory_too(
    client: FlaskClient, session: Session, cast: Cast, cases: Cases, clock: Clock
) -> None:
    """Also one that is noted after the advisory was published, as long as nobody can read it yet."""
    cases.about().allow()
    cases.step("report")
    address = advised(cases, session, cast)
    known(cases, session, until=NOON + WEEK)
    known(cases, session, until=NOON + 2 * WEEK)
    for at, status in ((NOON + WEEK, 404), (NOON + 2 * WEEK - SECOND, 404), (NOON + 2 * WEEK, 200)):
        clock.at = at
        answer = client.get(address)
        assert (answer.status_code, "kernel" in answer.text) == (status, status == 200)


def test_without_an_embargo_a_case_is_public_once_they_have_fixed_or_refused_it(
    client: FlaskClient, session: Session, cast: Cast, cases: Cases, clock: Clock
) -> None:
    cases.about().allow()
    address = advised(cases, session, cast)
    known(cases, session)
    clock.at = NOON + WEEK
    for step in (None, "report", "acknowledge", "fixing"):
        if step:
            cases.step(step)
        assert referred(client, address) == [], step
    cases.step("refuse", "They will not.")
    assert referred(client, address) == [("The kernel: K-4711", PAGE)]
    known(cases, session, page="")
    assert referred(client, address) == []


def test_a_case_about_another_report_is_no_reference(
    client: FlaskClient, session: Session, cast: Cast, cases: Cases, desk: Desk, clock: Clock
) -> None:
    other = desk.in_state(ReportState.CONFIRMED)
    actions.add_subject(session, cases.case, other, None, by=cases.by, at=NOON)
    actions.say_passing_on(session, other, allowed=True, credit="", by=other.submitted_by_id, at=NOON)
    cases.step("report")
    cases.step("fixed", "", "5.8")
    address = advised(cases, session, cast)
    known(cases, session)
    clock.at = NOON + WEEK
    assert referred(client, address) == []


def test_an_advisory_that_is_published_now_waits_for_the_other_partys_embargo(
    session: Session, cast: Cast, cases: Cases
) -> None:
    cases.about().allow()
    cases.step("report")
    Press(session, cast).agree(cases.report, NOON + WEEK, without_fix=True)
    known(cases, session, until=NOON + 3 * WEEK)
    advised(cases, session, cast, agreed=True)
    assert session.scalars(sa.select(AdvisoryRevision.at)).all() == [NOON + 3 * WEEK]


@pytest.mark.parametrize("page", ["http://kernel.example/", "https://", "javascript:alert(1)", "https://a@b.example/"])
def test_only_a_page_that_can_be_linked_is_taken(
    client: FlaskClient, session: Session, cast: Cast, cases: Cases, page: str
) -> None:
    sign_in(client, cast.triager)
    data = {"title": "A case", "zone": "UTC", "public_page": page}
    assert client.post(f"{STAFF}/1/text", data=data).status_code == 422
    assert client.post(f"{STAFF}/1/text", data=data | {"public_page": PAGE}).status_code == 302
    session.expire_all()
    assert session.scalars(sa.select(UpstreamCase.public_page)).all() == [PAGE]
