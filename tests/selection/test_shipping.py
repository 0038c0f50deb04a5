"""Whether kits can go where the chosen live: told to the lead before anybody is invited, and to nobody else."""

import csv
import io
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision
from portal.core.errors import Refused
from portal.kits.actions.policy import write_policy
from portal.kits.rules.policy import PolicySpec
from portal.kits.states.holds import Verdict
from portal.selection import supply
from portal.selection.actions import drafts, kits
from portal.selection.models import Draft, Wave
from portal.selection.queries import delivery, waitlist
from portal.selection.queries import drafts as draft_queries
from portal.selection.queries import queue as lists
from portal.selection.queries.delivery import Unsure
from portal.selection.states import Because, WaveState
from tests.cast import NOON, Cast, sign_in
from tests.selection.conftest import STAFF, Bench

QUEUE, WAVE, WAITLIST = f"{STAFF}/applications", f"{STAFF}/waves/1", f"{STAFF}/waitlist"
BLOCKED, REVIEW = "kit blocked", "kit under review"
COUNTS = "12 to countries under review, 1 blocked"
CONFIRM = "I know that kits may not reach them, and invite them all the same"


@pytest.fixture(autouse=True)
def policies(session: Session, cast: Cast) -> None:
    """Nothing goes to Iran, and somebody looks at what goes to Japan."""
    for country, verdict in (("IR", Verdict.BLOCKED), ("JP", Verdict.REVIEW), ("FR", Verdict.ALLOW)):
        spec = PolicySpec(country, "", verdict, NOON.date())
        write_policy(session, cast.challenge, spec, by=cast.logistics.id, at=NOON)
    session.commit()


def from_(bench: Bench, country: str, count: int = 1, **columns: object) -> list[Application]:
    """So many applications from a country, called after it."""
    values = {"score_mean": 4.0, "review_count": 2, **columns}
    return bench.crowd([f"{country}-{n}" for n in range(count)], country=country, **values)


def no_kit(bench: Bench, *rows: Application) -> None:
    """They need none."""
    for row in rows:
        kits.set_need(bench.session, row, needs=False, reason="Has one.", by=bench.cast.lead.id, at=NOON)
    bench.session.commit()


def line(page: str, name: str) -> str:
    """The row of a table that is headed by a name, in plain words."""
    (found,) = [row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if re.search(rf">\s*{name}\s*</a>", row)]
    return " ".join(re.sub(r"<[^>]*>", " ", found).split())


# The list, and one application


def test_the_list_marks_and_filters_by_what_stands_against_a_kit(client: FlaskClient, bench: Bench, cast: Cast) -> None:
    german, (iranian, exempt), japanese = from_(bench, "DE"), from_(bench, "IR", 2), from_(bench, "JP")
    no_kit(bench, exempt)
    sign_in(client, cast.lead)

    page = client.get(QUEUE).text
    marks = {row.name: [word for word in (BLOCKED, REVIEW) if word in line(page, row.name)]
             for row in (*german, iranian, exempt, *japanese)}  # fmt: skip
    assert marks == {"DE-0": [], "IR-0": [BLOCKED], "IR-1": [], "JP-0": [REVIEW]}
    assert "no kit needed" in line(page, "IR-1")

    def shown(ships: str) -> list[str]:
        table = csv.DictReader(io.StringIO(client.get(f"{QUEUE}.csv?ships={ships}&sort=name").text))
        return [row["name"] for row in table]

    assert (shown("blocked"), shown("review"), shown("yes")) == (["IR-0"], ["JP-0"], ["DE-0", "IR-1"])
    assert shown("") == shown("moon") == ["DE-0", "IR-0", "IR-1", "JP-0"]
    assert ">IR-0</a>" in client.get(f"{QUEUE}?ships=blocked").text
    assert ">DE-0</a>" not in client.get(f"{QUEUE}?ships=blocked").text


def test_where_no_policy_is_everything_can_go(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    from_(bench, "DE"), from_(bench, "FR")
    chosen = lists.with_shipping(session, cast.challenge.id, lists.Filter(full=True, ships="blocked"))
    assert lists.count(session, cast.challenge.id, chosen) == 0
    chosen = lists.with_shipping(session, cast.challenge.id, lists.Filter(full=True, ships="yes"))
    assert lists.count(session, cast.challenge.id, chosen) == 2
    sign_in(client, cast.lead)
    assert not {BLOCKED, REVIEW} & set(re.findall(r"kit \w[\w ]*", client.get(QUEUE).text))


@pytest.mark.parametrize(
    ("country", "needs", "words"),
    [
        ("IR", True, "No kit goes to Iran"), ("JP", True, "Kits to Japan are reviewed"), ("DE", True, None),
        ("FR", True, None), ("IR", False, None), ("JP", False, None),
    ],
)  # fmt: skip
def test_the_application_tells_it_beside_the_answer(
    client: FlaskClient, bench: Bench, cast: Cast, country: str, needs: bool, words: str | None
) -> None:
    (row,) = from_(bench, country)
    if not needs:
        no_kit(bench, row)
    sign_in(client, cast.lead)
    page = client.get(f"{QUEUE}/{row.id}").text
    found = [each for each in ("No kit goes to Iran", "Kits to Japan are reviewed") if each in page]
    assert found == ([words] if words else [])
    assert (f"/shipments/policy?q={country}" in page) is bool(words)


# Waves


def unsure(session: Session, wave: Wave) -> Unsure:
    """How many of its invitations, as things stand."""
    return delivery.unsure(session, wave, supply.shipping(session, wave.challenge_id))


def crowd_of_a_wave(bench: Bench) -> list[Application]:
    """Twelve who may get their kits and one who may not; two who live there and need none; one told no."""
    japanese, iranian = from_(bench, "JP", 14), from_(bench, "IR", 3)
    no_kit(bench, japanese[12], iranian[1])
    declined = [japanese[13], iranian[2]]
    invited = [*japanese[:13], *iranian[:2], *from_(bench, "DE", 2)]
    bench.mean(invited, Decision.INVITE)
    bench.wave(*((row, Decision.DECLINE) for row in declined))
    return invited


def test_a_wave_counts_them_and_goes_out_only_when_the_lead_says_so(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    invited = crowd_of_a_wave(bench)
    sign_in(client, cast.lead)

    page = client.get(WAVE).text
    assert f"Of the invited who need a kit: {COUNTS}." in page
    assert CONFIRM in page
    marks = [[word for word in (BLOCKED, REVIEW) if word in line(page, row.name)] for row in invited]
    assert marks == [[REVIEW]] * 12 + [[], [BLOCKED], [], [], []]
    assert BLOCKED not in line(page, "IR-2")
    refused = client.post(f"{WAVE}/release", data={"count": "19"})
    assert refused.status_code == 422
    assert "Kits may not reach some of the invited. Tick this to invite them all the same." in refused.text
    assert (COUNTS in refused.text, CONFIRM in refused.text) == (True, True)
    session.expire_all()
    assert {row.state for row in invited} == {ApplicationState.SUBMITTED}
    wrong = client.post(f"{WAVE}/release", data={"count": "18", "unsure": "y"})
    assert wrong.status_code == 422

    assert client.post(f"{WAVE}/release", data={"count": "19", "unsure": "y"}).status_code == 302
    session.expire_all()
    assert {row.state for row in invited} == {ApplicationState.INVITED}
    page = client.get(WAVE).text
    assert (COUNTS in page, CONFIRM in page) == (False, False)


def test_the_checkbox_stands_there_after_another_forms_fault_too(client: FlaskClient, bench: Bench, cast: Cast) -> None:
    crowd_of_a_wave(bench)
    sign_in(client, cast.lead)
    page = client.post(f"{WAVE}/pace", data={"rate": "0"})
    assert (page.status_code, page.text.count(CONFIRM), COUNTS in page.text) == (422, 1, True)


@pytest.mark.parametrize("country", ["JP", "IR"])
def test_whoever_needs_no_kit_asks_for_no_checkbox(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, country: str
) -> None:
    rows = [*from_(bench, country), *from_(bench, "DE")]
    wave = bench.wave(*((row, Decision.INVITE) for row in rows))
    assert sum(unsure(session, wave)) == 1
    no_kit(bench, rows[0])
    assert unsure(session, wave) == Unsure(0, 0)
    sign_in(client, cast.lead)
    assert CONFIRM not in client.get(WAVE).text
    assert client.post(f"{WAVE}/release", data={"count": "2"}).status_code == 302
    session.refresh(wave)
    assert wave.state is WaveState.RELEASED


def test_what_is_declined_and_what_is_told_is_not_counted(session: Session, bench: Bench) -> None:
    (iranian,), (japanese,) = from_(bench, "IR"), from_(bench, "JP")
    wave = bench.wave((iranian, Decision.DECLINE), (japanese, Decision.INVITE))
    assert unsure(session, wave) == Unsure(1, 0)
    bench.release(wave, 2)
    assert unsure(session, wave) == Unsure(0, 0)


def test_a_policy_that_comes_after_the_wave_counts_at_its_release(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    bench.wave(*((row, Decision.INVITE) for row in from_(bench, "DE")))
    sign_in(client, cast.lead)
    assert CONFIRM not in client.get(WAVE).text
    spec = PolicySpec("DE", "", Verdict.BLOCKED, NOON.date())
    write_policy(session, cast.challenge, spec, by=cast.logistics.id, at=NOON)
    session.commit()
    refused = client.post(f"{WAVE}/release", data={"count": "1"})
    assert (refused.status_code, "1 blocked" in refused.text, "under review," in refused.text) == (422, True, False)


# Drafts and the waiting list


def solved(bench: Bench, made: Draft) -> dict[str, tuple[bool, Because]]:
    """What a draft makes of everybody, by name."""
    session, challenge = bench.session, bench.cast.challenge
    found = draft_queries.draft(session, challenge.id, made.number)
    drafts.solve_draft(session, found, by=bench.cast.lead.id, at=NOON)
    session.commit()
    rows = draft_queries.choices(session, made.id, draft_queries.Shown()).rows
    return {row.application.name: (row.taken, row.because) for row in rows}


def test_a_draft_takes_nobody_to_whom_no_kit_can_go_and_who_needs_one(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    iranian, exempt = from_(bench, "IR", 2, score_mean=4.9)
    from_(bench, "JP", score_mean=4.5)
    from_(bench, "DE", score_mean=4.0)
    no_kit(bench, exempt)
    made = bench.what_if(3)

    told = solved(bench, made)

    assert {name for name, (taken, _) in told.items() if taken} == {"IR-1", "JP-0", "DE-0"}
    assert told["IR-0"] == (False, Because.UNSHIPPABLE)
    sign_in(client, cast.lead)
    page = client.get(f"{STAFF}/selection/drafts/{made.number}").text
    words = " ".join(re.sub(r"<[^>]*>", "", page).split())
    assert "By the policy, no kit goes to 1 country: nobody there who needs one is taken, unless pinned in." in words
    assert "1 country is under review: people there are taken" in words
    marks = {name: [word for word in (BLOCKED, REVIEW) if word in line(page, name)] for name in told}
    assert marks == {"IR-0": [BLOCKED], "IR-1": [], "JP-0": [REVIEW], "DE-0": []}

    assert "Out of date" not in page
    no_kit(bench, iranian)
    assert "Out of date" in client.get(f"{STAFF}/selection/drafts/{made.number}").text
    assert solved(bench, made)["IR-0"] == (True, Because.RANK)

    spec = PolicySpec("JP", "", Verdict.BLOCKED, NOON.date())
    write_policy(session, cast.challenge, spec, by=cast.logistics.id, at=NOON)
    session.commit()
    found = draft_queries.draft(session, cast.challenge.id, made.number)
    with pytest.raises(Refused, match="kits or policies have changed"):
        drafts.freeze_draft(session, found, drafts.Freezing(3), by=cast.lead.id, at=NOON)
    session.rollback()
    assert solved(bench, made)["JP-0"] == (False, Because.UNSHIPPABLE)


def test_the_waiting_list_proposes_nobody_to_whom_no_kit_can_go_and_who_needs_one(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    waits = {"state": ApplicationState.WAITLISTED, "decided_by_id": cast.lead.id, "decided_at": NOON}
    iranian, exempt = from_(bench, "IR", 2, **waits, score_mean=4.9)
    (japanese,) = from_(bench, "JP", **waits, score_mean=4.5)
    from_(bench, "DE", **waits)
    no_kit(bench, exempt)
    cast.challenge.places = 2
    session.commit()

    found = waitlist.proposal(session, cast.challenge)

    assert sorted(found.ids) == sorted([exempt.id, japanese.id])
    because = {row.candidate.id: row.reason.because for row in found.found.rows}
    assert because[iranian.id] is Because.UNSHIPPABLE
    sign_in(client, cast.lead)
    page = client.get(WAITLIST).text
    assert "No kit can be sent there" in line(page, "IR-0")
    marks = {name: [word for word in (BLOCKED, REVIEW) if word in line(page, name)]
             for name in ("IR-0", "IR-1", "JP-0", "DE-0")}  # fmt: skip
    assert marks == {"IR-0": [BLOCKED], "IR-1": [], "JP-0": [REVIEW], "DE-0": []}


# What it costs, and who learns nothing


def test_pages_cost_the_same_at_3_and_at_300(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, statements: list[str]
) -> None:
    made = bench.what_if(3)
    waits = {"state": ApplicationState.WAITLISTED, "decided_by_id": cast.lead.id, "decided_at": NOON}
    costs: dict[str, list[int]] = {}
    sign_in(client, cast.lead)
    for number, count in ((1, 3), (2, 297)):
        invited: list[Application] = []
        for country in ("IR", "JP", "DE"):
            names = [f"{country} {number} {each}" for each in range(count // 3)]
            bench.crowd(names, country=country, score_mean=4.0, review_count=2)
            bench.crowd([f"w {name}" for name in names], country=country, score_mean=3.0, review_count=2, **waits)
            invited += bench.crowd([f"i {name}" for name in names], country=country)
        bench.mean(invited, Decision.INVITE)
        bench.wave()
        solved(bench, made)
        for path in (
            QUEUE, f"{QUEUE}?ships=blocked", f"{QUEUE}?ships=yes", f"{STAFF}/waves/{number}", WAITLIST,
            f"{STAFF}/selection/drafts/{made.number}",
        ):  # fmt: skip
            client.get(path)
            statements.clear()
            assert client.get(path).status_code == 200
            costs.setdefault(path.replace(f"waves/{number}", "waves/N"), []).append(len(statements))
    assert {path: told for path, told in costs.items() if told[0] != told[1]} == {}


def test_reviewers_and_applicants_learn_nothing_of_it(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    row = bench.submitted()
    row.country = "IR"
    from_(bench, "DE")
    session.commit()
    bench.wave((row, Decision.INVITE))

    sign_in(client, cast.reviewer)
    pages = [client.get(path).text for path in (QUEUE, f"{QUEUE}?ships=blocked", f"{QUEUE}/{row.id}")]
    assert not any(word in page for page in pages for word in (BLOCKED, REVIEW, "No kit goes to", 'name="ships"'))
    assert "DE-0" in pages[1]
    for path in (WAVE, WAITLIST, f"{STAFF}/selection"):
        assert client.get(path).status_code == 403

    sign_in(client, cast.applicant)
    before = client.get("/challenges/test-challenge/apply").text
    assert "kit goes" not in before
    no_kit(bench, row)
    assert client.get("/challenges/test-challenge/apply").text == before
    assert client.get(QUEUE).status_code == 403
