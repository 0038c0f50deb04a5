"""The triagers' queue and reports, as pages and for programs."""

import hashlib
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import RoleGrant
from portal.core.blobs import Blobs
from portal.core.pieces import Damaged
from portal.reports import rules, states
from portal.reports.actions import links
from portal.reports.actions.keys import make_token
from portal.reports.models import Note, Report, Upload
from portal.reports.states import ReportState, Severity
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.reports.people import Desk

Seal = Callable[[int], bytes]
QUEUE = "/staff/test-challenge/reports"


@pytest.fixture
def triager(client: FlaskClient, cast: Cast) -> FlaskClient:
    """A triager's browser."""
    sign_in(client, cast.triager)
    return client


@pytest.fixture
def bearer(session: Session, cast: Cast) -> dict[str, str]:
    """The headers of a triager's program."""
    secret = make_token(session, cast.challenge.id, "portal-triage", by=cast.triager.id, at=NOON)
    session.commit()
    return {"Authorization": f"Bearer {secret}"}


def led_to(page: str) -> dict[str, bool]:
    """Where the faults in the list at the top of a page lead to, and whether that is on it."""
    summaries = "".join(re.findall(r"data-error-summary.*?</div>", page, re.DOTALL))
    return {name: f'id="{name}"' in page for name in re.findall(r'href="#([^"]+)"', summaries)}


def typed_rows(page: str) -> list[tuple[str, str]]:
    """What the page says that somebody had typed."""
    [panel] = re.findall(r'<section class="panel" id="typed".*?</section>', page, re.DOTALL)
    return [(term, re.sub("<[^>]+>", "", value)) for term, value in re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", panel)]


def test_the_queue_shows_what_waits_and_what_is_late(triager: FlaskClient, desk: Desk, clock: Clock) -> None:
    desk.receive(title="The first")
    desk.in_state(ReportState.BY_DESIGN)
    clock.tick(hours=30)

    waiting = triager.get(QUEUE)

    assert waiting.status_code == 200
    assert "The first" in waiting.text
    assert "TCR-0002" not in waiting.text
    assert "1 report is late" in waiting.text
    assert "TCR-0002" in triager.get(QUEUE + "?state=by_design").text
    everything = triager.get(QUEUE + "?state=all").text
    assert everything.count('class="mono" href="/staff/test-challenge/reports/TCR-') == 2
    assert triager.get(QUEUE + "?state=nonsense").status_code == 404
    assert triager.get(QUEUE + "?after=nonsense").status_code == 404


def test_the_queue_costs_the_same_for_three_reports_and_for_many(
    triager: FlaskClient, desk: Desk, statements: list[str]
) -> None:
    for _ in range(3):
        desk.receive()
    triager.get(QUEUE)
    statements.clear()
    triager.get(QUEUE)
    few = len(statements)
    for _ in range(8):
        desk.receive()
    statements.clear()
    triager.get(QUEUE)

    assert len(statements) == few <= 8


@pytest.mark.parametrize("state", [state for state in ReportState if state is not ReportState.UPLOADING])
def test_a_report_offers_the_moves_that_are_open(triager: FlaskClient, desk: Desk, state: ReportState) -> None:
    report = desk.in_state(state)

    page = triager.get(f"{QUEUE}/{report.ref}")

    assert page.status_code == 200
    offered = {
        name for name in ("acknowledge", "reproduce", "confirm", "fix", "close") if f'value="{name}"' in page.text
    }
    wanted = {
        ReportState.RECEIVED: {"acknowledge"},
        ReportState.ACKNOWLEDGED: {"reproduce"},
        ReportState.REPRODUCING: {"confirm"},
        ReportState.NEEDS_INFO: {"reproduce"},
        ReportState.CONFIRMED: {"fix"},
        ReportState.FIXING: {"fix"},
        ReportState.FIXED: {"close"},
    }
    assert offered == wanted.get(state, set())


def test_a_draft_does_not_exist_for_the_team(triager: FlaskClient, draft: Report) -> None:
    assert triager.get(f"{QUEUE}/{draft.ref}").status_code == 404
    assert triager.get(f"{QUEUE}/{draft.ref}.json").status_code == 404
    assert triager.post(f"{QUEUE}/{draft.ref}/acknowledge").status_code == 404
    assert draft.ref not in triager.get(QUEUE + "?state=all").text
    assert draft.ref not in triager.get(QUEUE + ".json").text


def test_a_move_by_form(triager: FlaskClient, session: Session, desk: Desk) -> None:
    report = desk.in_state(ReportState.REPRODUCING)

    missing = triager.post(f"{QUEUE}/{report.ref}/move", data={"move": "confirm", "message": "Well found."})
    assert missing.status_code == 422
    assert "Choose the severity." in missing.text
    assert "Well found." in missing.text
    done = triager.post(f"{QUEUE}/{report.ref}/move", data={"move": "confirm", "severity": "critical"})

    assert (done.status_code, done.headers["Location"]) == (302, f"{QUEUE}/{report.ref}")
    session.refresh(report)
    assert (report.state, report.severity) == (ReportState.CONFIRMED, Severity.CRITICAL)
    assert triager.post(f"{QUEUE}/{report.ref}/move", data={"move": "confirm", "severity": "low"}).status_code == 422
    assert triager.post(f"{QUEUE}/{report.ref}/move", data={"move": "explode"}).status_code == 404
    assert triager.post(f"{QUEUE}/{report.ref}/move", data={"move": "withdraw"}).status_code == 422
    assert triager.get(f"{QUEUE}/{report.ref}/move").status_code == 405


def test_what_was_typed_stays_where_a_rule_says_no(
    triager: FlaskClient, session: Session, desk: Desk, cast: Cast
) -> None:
    report, by = desk.in_state(ReportState.REPRODUCING), cast.triager.id
    [link] = links.add_links(session, report, [rules.LinkText("Into it")], by=by, at=NOON)
    good = rules.Verdict(severity=Severity.CRITICAL)
    links.decide_link(session, report, link, states.CONFIRM_LINK, good, by=by, at=NOON)
    session.commit()
    typed = {"move": "by-design", "mitigating_layer": "The outer fence", "message": "It is meant."}

    refused = triager.post(f"{QUEUE}/{report.ref}/move", data=typed)

    assert refused.status_code == 422
    for words in ("so the report as a whole is not by design", "The outer fence", "It is meant.", report.ref):
        assert words in refused.text
    assert typed_rows(refused.text) == [
        ("Step", "Call it by design"),
        ("Message to the researcher", "It is meant."),
        ("Mitigated by", "The outer fence"),
    ]
    alone = desk.in_state(ReportState.REPRODUCING)
    kept = triager.post(f"{QUEUE}/{alone.ref}/move", data={"move": "duplicate", "duplicate_of": alone.ref})
    assert (kept.status_code, f'value="{alone.ref}"' in kept.text) == (422, True)
    wrong = {"move": "confirm", "severity": "low", "message": "Well.", "fixed_on": "2099-01-01"}
    assert "far ahead" in triager.post(f"{QUEUE}/{report.ref}/move", data=wrong).text
    gone = {"move": "fix", "severity": "low", "fixed_release": "20.10", "fixed_on": "2020-07-02"}
    not_offered = triager.post(f"{QUEUE}/{report.ref}/move", data=gone).text
    assert typed_rows(not_offered) == [
        ("Step", "Mark as fixed"), ("Severity", "Low"), ("Release", "20.10"), ("Released on", "2 Jul 2020"),
    ]  # fmt: skip
    assert (led_to(kept.text), led_to(not_offered)) == ({"duplicate-duplicate_of": True}, {})
    assert 'id="typed"' not in triager.post(f"{QUEUE}/{report.ref}/move", data={"move": "close"}).text
    told = triager.post(f"{QUEUE}/{report.ref}/move", json=typed, headers={"Accept": "application/json"})
    assert (told.status_code, told.is_json) == (422, True)


def test_a_duplicate_names_a_report_that_is_there(triager: FlaskClient, session: Session, desk: Desk) -> None:
    first, report = desk.receive(), desk.in_state(ReportState.ACKNOWLEDGED)
    place = f"{QUEUE}/{report.ref}/move"

    assert triager.post(place, data={"move": "duplicate", "duplicate_of": "TCR-9999"}).status_code == 422
    assert triager.post(place, data={"move": "duplicate", "duplicate_of": report.ref}).status_code == 422
    assert triager.post(place, data={"move": "duplicate", "duplicate_of": first.ref.lower()}).status_code == 302
    session.refresh(report)
    assert (report.state, report.duplicate_of_id) == (ReportState.DUPLICATE, first.id)


def test_assignment_assessment_and_notes(triager: FlaskClient, session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)
    place = f"{QUEUE}/{report.ref}"
    scenario = cast.challenge.scenarios[2].id

    assert triager.post(place + "/assign", data={"assignee": str(cast.second_triager.id)}).status_code == 302
    assert triager.post(place + "/assign", data={"assignee": str(cast.lead.id)}).status_code == 422
    values = {"severity": "moderate", "achieved": str(scenario), "led_to_improvement": "y"}
    assert triager.post(place + "/assess", data=values).status_code == 302
    assert triager.post(place + "/assess", data={**values, "achieved": "999"}).status_code == 422
    assert triager.post(place + "/notes", data={"text": "See **last** month."}).status_code == 302
    assert triager.post(place + "/notes", data={"text": ""}).status_code == 422

    session.refresh(report)
    assert (report.assignee_id, report.severity, report.achieved_scenario_id, report.led_to_improvement) == (
        cast.second_triager.id, Severity.MODERATE, scenario, True,
    )  # fmt: skip
    assert session.scalars(sa.select(Note.text)).all() == ["See **last** month."]
    assert "<strong>last</strong>" in triager.get(place).text


def test_programs_list_and_open_reports(client: FlaskClient, desk: Desk, cast: Cast, bearer: dict[str, str]) -> None:
    first = desk.receive()
    desk.in_state(ReportState.CONFIRMED)

    page = client.get(QUEUE + ".json?limit=1", headers=bearer)

    assert page.status_code == 200
    assert page.json is not None
    (shown,) = page.json["reports"]
    upload = desk.session.scalars(sa.select(Upload).where(Upload.report_id == first.id)).one()
    assert upload.walker is not None
    assert shown == {
        "ref": "TCR-0001", "title": "Report", "kind": "full", "capability": None, "scenario": None,
        "participant": "Rosa Researcher", "build": "20.06", "claimed": "important", "severity": None,
        "state": "received", "state_since": "2020-06-15T12:00:00Z", "received_at": "2020-06-15T12:00:00Z",
        "acknowledged_at": None, "due_at": "2020-06-16T12:00:00Z", "assignee": None, "key_set": 1,
        "clock": {"name": "first_answer", "due_at": "2020-06-16T12:00:00Z", "late": False, "paused_since": None},
        "url": "/staff/test-challenge/reports/TCR-0001",
        "files": [
            {
                "n": 0, "upload": upload.id, "kind": "body", "size": upload.position, "sha256": upload.sha256,
                "recipients": upload.walker["recipients"],
                "url": "/staff/test-challenge/reports/TCR-0001/files/0",
            }
        ],
        "links": [],
    }  # fmt: skip
    rest = client.get(f"{QUEUE}.json?limit=1&after={page.json['next']}", headers=bearer).json
    assert rest is not None
    assert ([each["ref"] for each in rest["reports"]], rest["next"]) == (["TCR-0002"], None)
    one = client.get(f"{QUEUE}/TCR-0002.json", headers=bearer).json
    assert one is not None
    assert [each["what"] for each in one["timeline"]] == ["submit", "acknowledge", "reproduce", "confirm"]
    assert one["timeline"][3]["by"] == cast.triager.email
    assert {each["name"]: each["needs"] for each in one["moves"]} == {
        "start-fix": [], "fix": ["fixed_release", "fixed_on"], "by-design": ["mitigating_layer"],
        "duplicate": ["duplicate_of"],
    }  # fmt: skip


def test_programs_acknowledge_once(client: FlaskClient, session: Session, desk: Desk, bearer: dict[str, str]) -> None:
    report = desk.receive()

    first = client.post(f"{QUEUE}/{report.ref}/acknowledge", json={}, headers=bearer)
    second = client.post(f"{QUEUE}/{report.ref}/acknowledge", headers=bearer)

    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json is not None
    assert (second.json["state"], second.json["acknowledged_at"]) == ("acknowledged", "2020-06-15T12:00:00Z")
    assert [each["what"] for each in second.json["timeline"]] == ["submit", "acknowledge"]


def test_programs_move(client: FlaskClient, desk: Desk, bearer: dict[str, str]) -> None:
    report = desk.in_state(ReportState.CONFIRMED)
    place = f"{QUEUE}/{report.ref}/move"
    headers = {**bearer, "Accept": "application/json"}

    missing = client.post(place, json={"move": "fix", "fixed_release": "20.07"}, headers=headers)
    done = client.post(place, json={"move": "fix", "fixed_release": "20.07", "fixed_on": "2020-07-21"}, headers=headers)

    assert (missing.status_code, missing.json and missing.json["messages"]) == (
        422,
        {"fixed_on": rules.WANTED["fixed_on"]},
    )
    assert done.json is not None
    assert (done.json["state"], done.json["fixed_on"], done.json["led_to_improvement"]) == ("fixed", "2020-07-21", True)


@pytest.fixture
def data(seal: Seal) -> bytes:
    """A file of several chunks."""
    return seal(5000)


@pytest.fixture
def ref(desk: Desk, data: bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    """A report whose body is that file, in chunks of 1 KiB."""
    monkeypatch.setattr(rules, "PART", 1024)
    desk.seal = lambda _size: data
    return desk.receive().ref


def test_a_file_is_fetched_whole(client: FlaskClient, bearer: dict[str, str], ref: str, data: bytes) -> None:
    answer = client.get(f"{QUEUE}/{ref}/files/0", headers=bearer)

    assert (answer.status_code, answer.data) == (200, data)
    assert answer.headers["ETag"] == f'"sha256-{hashlib.sha256(data).hexdigest()}"'
    assert answer.headers["Content-Length"] == str(len(data))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Repr-Digest"].startswith("sha-256=:")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="TCR-0001.pgp"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get(f"{QUEUE}/{ref}/files/1", headers=bearer).status_code == 404


@pytest.mark.parametrize(
    ("given", "begin", "end"),
    [("bytes=0-0", 0, 1), ("bytes=1000-3000", 1000, 3001), ("bytes=1024-2047", 1024, 2048), ("bytes=-7", -7, None)],
)
def test_a_file_is_fetched_in_parts(
    client: FlaskClient, bearer: dict[str, str], ref: str, data: bytes, given: str, begin: int, end: int | None
) -> None:
    answer = client.get(f"{QUEUE}/{ref}/files/0", headers={**bearer, "Range": given})

    assert (answer.status_code, answer.data) == (206, data[begin:end])
    first = begin % len(data)
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(answer.data) - 1}/{len(data)}"


def test_a_range_of_another_file_or_beyond_the_end(
    client: FlaskClient, bearer: dict[str, str], ref: str, data: bytes
) -> None:
    place = f"{QUEUE}/{ref}/files/0"
    stale = client.get(place, headers={**bearer, "Range": "bytes=0-9", "If-Range": '"sha256-other"'})
    beyond = client.get(place, headers={**bearer, "Range": "bytes=999999-"})

    assert (stale.status_code, len(stale.data)) == (200, len(data))
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(data)}")


def test_damaged_ciphertext_is_not_given_out(
    client: FlaskClient, bearer: dict[str, str], ref: str, store: Blobs, session: Session
) -> None:
    upload = session.scalars(sa.select(Upload)).one()
    store.put(store.list(f"reports/{upload.id}")[2], b"x" * 1024)

    answer = client.get(f"{QUEUE}/{ref}/files/0", headers=bearer)
    with pytest.raises(Damaged, match="reports/"):
        answer.get_data()
    answer.close()


READ = ("", ".json", "/{ref}", "/{ref}.json", "/{ref}/files/0", "/tokens")
CHANGE = ("/{ref}/acknowledge", "/{ref}/move", "/{ref}/assign", "/{ref}/assess", "/{ref}/notes")


@pytest.mark.parametrize(
    "who", ["applicant", "researcher", "reviewer", "lead", "logistics", "host", "finance", "admin"]
)
def test_other_roles_read_and_change_nothing(client: FlaskClient, cast: Cast, desk: Desk, who: str) -> None:
    ref = desk.receive().ref
    sign_in(client, getattr(cast, who))

    assert {client.get(QUEUE + page.format(ref=ref)).status_code for page in READ} == {403}
    assert {client.post(QUEUE + page.format(ref=ref)).status_code for page in CHANGE} == {403}


def test_strangers_sign_in_first(client: FlaskClient, desk: Desk) -> None:
    ref = desk.receive().ref

    assert {client.get(QUEUE + page.format(ref=ref)).status_code for page in READ} == {302}
    assert {client.post(QUEUE + page.format(ref=ref)).status_code for page in CHANGE} == {302}


def test_a_triager_of_another_challenge_reads_nothing(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk
) -> None:
    ref = desk.receive().ref
    session.execute(sa.update(RoleGrant).where(RoleGrant.account_id == cast.triager.id).values(scope="another"))
    sign_in(client, cast.triager)

    assert {client.get(QUEUE + page.format(ref=ref)).status_code for page in READ} == {403}


TOKENS = (".json", "/{ref}.json", "/{ref}/files/0")


def test_a_researchers_token_reads_nothing_of_the_team(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk
) -> None:
    ref = desk.receive().ref
    secret = make_token(session, cast.challenge.id, "mine", by=cast.researcher.id, at=NOON)
    session.commit()
    headers = {"Authorization": f"Bearer {secret}"}

    assert {client.get(QUEUE + page.format(ref=ref), headers=headers).status_code for page in TOKENS} == {403}
    assert client.post(f"{QUEUE}/{ref}/acknowledge", headers=headers).status_code == 403


def test_a_token_ends_with_the_role(
    client: FlaskClient, session: Session, cast: Cast, desk: Desk, bearer: dict[str, str]
) -> None:
    ref = desk.receive().ref
    session.execute(sa.delete(RoleGrant).where(RoleGrant.account_id == cast.triager.id))

    assert {client.get(QUEUE + page.format(ref=ref), headers=bearer).status_code for page in TOKENS} == {403}


def test_a_token_opens_no_staff_page(client: FlaskClient, desk: Desk, bearer: dict[str, str]) -> None:
    ref = desk.receive().ref

    assert {
        client.get(QUEUE + page.format(ref=ref), headers=bearer).status_code for page in ("", "/{ref}", "/tokens")
    } == {302}
    assert client.post(f"{QUEUE}/{ref}/notes", data={"text": "x"}, headers=bearer).status_code == 302


def test_an_unknown_report_is_not_found(triager: FlaskClient, cast: Cast) -> None:
    assert {triager.get(QUEUE + page.format(ref="TCR-0001")).status_code for page in READ[2:5]} == {404}
    assert {triager.post(QUEUE + page.format(ref="TCR-0001")).status_code for page in CHANGE} == {404}


def test_a_triager_makes_a_token(triager: FlaskClient) -> None:
    assert "rcp_" in triager.post(QUEUE + "/tokens", data={"name": "laptop"}).text
    assert triager.post("/challenges/test-challenge/reports/tokens/1/revoke", data={"staff": "1"}).status_code == 302
