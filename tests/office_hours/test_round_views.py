"""The pages of draws: asking, what came of it and why, and the draw as anybody can check it."""

import json
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.core import seeds
from portal.office_hours.models import Booking, Round, RoundRequest, RoundWish, Series, Slot, Waiter
from portal.office_hours.personal import erase
from portal.office_hours.rules import Share
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.office_hours.conftest import Stage
from tests.office_hours.rounds import DRAW, HOUR, Rounds

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"


@pytest.fixture
def play(stage: Stage) -> Rounds:
    """Rounds on stage."""
    return Rounds(stage)


def asking(slots: list[Slot], *ranks: int, topic: str = "The boot log") -> dict[str, str]:
    rows = {f"ranks-{place}-slot": str(slot.id) for place, slot in enumerate(slots)}
    return {"topic": topic, **rows, **{f"ranks-{place}-rank": str(rank) for place, rank in enumerate(ranks)}}


def wishes(session: Session) -> list[int]:
    return list(session.scalars(sa.select(RoundWish.slot_id).order_by(RoundWish.rank)))


def test_sessions_that_are_drawn_stand_above_those_that_can_be_booked(
    client: FlaskClient, cast: Cast, play: Rounds
) -> None:
    found, slots = play.one()
    sign_in(client, cast.researcher)

    page = client.get(PAGE).text
    assert "Requests are gathered until" in page
    assert "Ask for a seat" in page
    assert f"/office-hours/slots/{slots[0].id}" not in page

    play.ask(found, cast.member)
    assert "Change your request" in client.get(PAGE).text
    play.draw()
    assert "See the draw" in client.get(PAGE).text


def test_asking_changing_and_withdrawing(session: Session, client: FlaskClient, cast: Cast, play: Rounds) -> None:
    found, slots = play.one()
    first, second = slots[0].id, slots[1].id
    address = f"{PAGE}/rounds/{found.id}"
    sign_in(client, cast.researcher)
    page = client.get(address).text
    # On the clock of Berlin.
    assert "Wed 18:00–18:30 CEST, Hugo Host" in page
    assert "Everybody has 1 day to ask" in page

    assert client.post(address, data=asking(slots, 2, 1)).location == address
    assert wishes(session) == [second, first]
    session.commit()
    assert client.post(address, data=asking(slots, 1, 0, topic="Firewall")).location == address
    assert wishes(session) == [first]
    session.commit()
    assert client.post(address, data=asking(slots, 0, 0)).location == address
    assert wishes(session) == []
    assert "Any slot of the session would do." in client.get(address).text
    session.commit()
    assert client.post(f"{address}/withdraw").location == PAGE
    assert session.scalars(sa.select(RoundRequest.state)).all() == ["withdrawn"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"topic": ""}, "Say in a few words what you want to talk about."),
        ({"ranks-0-rank": "1", "ranks-1-rank": "1"}, "Give each number only once."),
        ({"ranks-0-rank": "3"}, "Not a valid choice."),
        ({"ranks-0-slot": "x", "ranks-0-rank": "1"}, "not on offer any more"),
        ({"ranks-0-slot": "999999", "ranks-0-rank": "1"}, "not on offer any more"),
        ({"ranks-7-slot": "5", "ranks-7-rank": "2"}, "not on offer any more"),
    ],
)
def test_bad_requests(
    session: Session, client: FlaskClient, cast: Cast, play: Rounds, change: dict[str, str], complaint: str
) -> None:
    found, slots = play.one()
    sign_in(client, cast.researcher)

    answer = client.post(f"{PAGE}/rounds/{found.id}", data={**asking(slots), **change})

    assert answer.status_code == 422
    assert complaint in unescape(answer.text)
    assert session.scalars(sa.select(RoundRequest)).all() == []


def test_too_late(session: Session, client: FlaskClient, cast: Cast, play: Rounds, clock: Clock) -> None:
    found, slots = play.one()
    address = f"{PAGE}/rounds/{found.id}"
    sign_in(client, cast.researcher)
    clock.tick(days=1)

    assert "The draw follows within minutes" in client.get(address).text
    assert 'id="ask"' not in client.get(address).text
    assert client.post(address, data=asking(slots)).status_code == 422
    book = client.get(f"{PAGE}/slots/{slots[0].id}").text
    assert "Its seats are drawn" in book
    assert client.post(f"{PAGE}/slots/{slots[0].id}/hold").status_code == 422


def test_the_seed_is_shown_only_after_the_draw(session: Session, client: FlaskClient, cast: Cast, play: Rounds) -> None:
    found, _ = play.one()
    play.ask(found, cast.member)
    number, seed = found.id, play.all()[0].seed
    session.commit()
    pages = [f"{PAGE}/rounds/{number}", f"{STAFF}/rounds/{number}", f"{STAFF}/rounds", PAGE]

    def read() -> str:
        texts = []
        for who in (cast.researcher, cast.lead):
            sign_in(client, who)
            texts += [client.get(page).text for page in pages]
        return "".join(texts)

    before = read()
    assert seeds.commitment(seed) in before
    assert seed not in before
    for kind in ("json", "csv"):
        sign_in(client, cast.researcher)
        assert client.get(f"{PAGE}/rounds/{number}/draw.{kind}").status_code == 404
    play.draw()
    assert seed in read()


def test_why_and_how_it_can_be_drawn_again(
    session: Session, client: FlaskClient, cast: Cast, play: Rounds, tmp_path: Path
) -> None:
    found, slots = play.one()
    crowd = play.crowd(3)
    made = [play.ask(found, member, slots[0]) for member in crowd]
    number = found.id
    play.draw()
    row = next(row for row in play.all()[0].protocol["requests"] if row["place"] == 2)
    unlucky = next(request for request in made if request.public_id == row["id"])
    account = next(member.account for member in crowd if member.participant_id == unlucky.participant_id)
    session.commit()
    sign_in(client, account)

    page = client.get(f"{PAGE}/rounds/{number}").text

    for told in ("2 of 3", "never had a seat", row["id"], "full when it was your turn", "All the seats that you named"):
        assert told in page
    assert f"{int(row['number'], 16) / 2**256:.4f}"[:5] in page
    assert not any(request.public_id in page for request in made if request.id != unlucky.id)
    # What the page shows and gives away is all that anybody needs.
    program = unescape(page.partition('<div class="program">')[2].partition("<code>")[2].partition("</code>")[0])
    (tmp_path / "check.py").write_text(program, encoding="utf-8")
    (tmp_path / "draw.json").write_text(client.get(f"{PAGE}/rounds/{number}/draw.json").text, encoding="utf-8")
    run = [sys.executable, "-I", "check.py", "draw.json"]
    answer = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "The draw holds."
    assert answer.stdout.splitlines()[1] == f"2 {row['id']} -"


def test_the_downloads_name_nobody(client: FlaskClient, cast: Cast, play: Rounds) -> None:
    found, slots = play.one()
    request = play.ask(found, cast.member, slots[1], slots[0], topic="A secret topic")
    number, public_id, best = found.id, request.public_id, slots[1].id
    play.draw()
    sign_in(client, cast.colleague)

    table = client.get(f"{PAGE}/rounds/{number}/draw.csv").text.splitlines()
    told = client.get(f"{PAGE}/rounds/{number}/draw.json").text

    assert table[0].lstrip("\ufeff") == "place,id,tier,weight,number,slot,starts_at,wishes,barred"
    assert table[1].startswith(f"1,{public_id},1,1,")
    assert json.loads(told)["requests"][0]["slot"] == best
    for secret in ("Rosa", "researcher@", "A secret topic", str(cast.participant.name)):
        assert secret not in told + "".join(table)


def test_a_seated_request_leads_to_its_booking(session: Session, client: FlaskClient, cast: Cast, play: Rounds) -> None:
    found, _ = play.one()
    number = found.id
    play.ask(found, cast.member)
    play.draw()
    uid = session.scalars(sa.select(Booking.uid)).one()
    session.commit()
    sign_in(client, cast.researcher)

    assert f"{PAGE}/bookings/{uid}" in client.get(f"{PAGE}/rounds/{number}").text


def test_who_drew_nothing_waits_with_one_click(
    session: Session, client: FlaskClient, cast: Cast, play: Rounds, clock: Clock
) -> None:
    found, slots = play.one()
    made = [play.ask(found, member, slots[0]) for member in (cast.member, cast.team.members[0])]
    number, wanted = found.id, slots[0].id
    play.draw()
    unlucky = next(request for request in made if play.states([request]) == ["unlucky"])
    account, other = sorted((cast.researcher, cast.team_lead), key=lambda each: each.id != unlucky.account_id)
    session.commit()
    clock.tick(days=1)
    sign_in(client, account)
    address = f"{PAGE}/rounds/{number}"

    assert client.post(f"{address}/wait").location == address

    waiter = session.scalars(sa.select(Waiter).options(sa.orm.selectinload(Waiter.slots))).one()
    assert (waiter.account_id, waiter.topic, [each.slot_id for each in waiter.slots]) == (
        account.id, "The boot log", [wanted],
    )  # fmt: skip
    session.commit()
    assert client.post(f"{address}/wait").status_code == 409
    sign_in(client, other)
    assert client.post(f"{address}/wait").status_code == 422


def test_staff_see_demand_and_result_by_slot(client: FlaskClient, cast: Cast, play: Rounds) -> None:
    found, slots = play.one()
    crowd = play.crowd(3)
    play.ask(found, crowd[0], slots[1])
    play.ask(found, crowd[1], slots[1], slots[0])
    play.ask(found, crowd[2])
    number = found.id
    sign_in(client, cast.lead)

    def counts() -> list[list[str]]:
        rows = client.get(f"{STAFF}/rounds/{number}").text.partition('id="wanted"')[2].partition("</table>")[0]
        return [
            [cell.partition(">")[2].partition("<")[0] for cell in row.split('class="number"')[1:]]
            for row in rows.partition("<tbody>")[2].split("</tr>")[:2]
        ]

    assert counts() == [["1", "2", "0"], ["1", "3", "2"]]
    play.draw()
    page = client.get(f"{STAFF}/rounds/{number}").text
    assert "The draw holds" in page
    assert "Asker" not in page
    listed = client.get(f"{STAFF}/rounds").text
    assert "drawn" in listed
    assert client.get(f"{STAFF}/rounds/{number}/draw.json").json is not None


def test_staff_see_when_somebody_has_changed_the_record(
    session: Session, client: FlaskClient, cast: Cast, play: Rounds
) -> None:
    found, slots = play.one()
    play.ask(found, cast.member, slots[0])
    number = found.id
    play.draw()
    changed = play.all()[0].protocol
    changed["requests"][0]["slot"] = None
    session.execute(sa.update(Round).where(Round.id == number).values(protocol=changed))
    session.commit()
    sign_in(client, cast.lead)

    assert "The draw does not hold" in client.get(f"{STAFF}/rounds/{number}").text


def test_the_form_of_a_series_says_how_seats_are_given(
    session: Session, client: FlaskClient, cast: Cast, play: Rounds
) -> None:
    series = play.series(hosts=(Share(cast.host.id),))
    sign_in(client, cast.lead)

    page = client.get(f"{STAFF}/series/{series.id}").text

    assert '<option selected value="24">By a draw, after one day</option>' in page
    assert "drawn after 24 hours" in client.get(STAFF).text
    assert session.scalars(sa.select(Series.round_hours)).all() == [24]


def test_what_is_handed_over_and_forgotten(session: Session, cast: Cast, play: Rounds) -> None:
    found, _ = play.one()
    request = play.ask(found, cast.member, topic="A secret exploit chain")

    told = personal.export(session, cast.researcher.id)["office_hours"]["requests_in_draws"]
    assert told == [
        {
            "request": request.public_id, "state": "open", "asked_at": NOON, "topic": "A secret exploit chain",
            "reason": None, "seats_recently": None, "seats_ever": None, "owed": None, "strikes": None,
        }
    ]  # fmt: skip
    erase(session, cast.researcher.id, NOON + HOUR)
    session.refresh(request)
    assert (request.topic, request.state) == ("Erased", "withdrawn")
    session.commit()
    play.draw(DRAW)
    assert play.all()[0].protocol["requests"] == []


def test_the_page_costs_the_same_for_few_and_for_many(
    client: FlaskClient, cast: Cast, play: Rounds, statements: list[str]
) -> None:
    found, slots = play.one(slots=4)
    number = found.id
    play.ask(found, cast.member, slots[0])
    sign_in(client, cast.researcher)

    def cost() -> int:
        client.get(f"{PAGE}/rounds/{number}")
        statements.clear()
        client.get(f"{PAGE}/rounds/{number}")
        return len(statements)

    few = cost()
    play.ask(found, cast.member, *slots)
    for member in play.crowd(5):
        play.ask(found, member)
    assert cost() == few
