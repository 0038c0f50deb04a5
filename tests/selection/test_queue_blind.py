"""A blind reviewer learns nothing of who applies, whatever is asked of the list."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicantKind
from portal.selection.models import Plan
from portal.selection.rules.blind import alias
from portal.selection.states import Pool
from tests.cast import Cast, sign_in
from tests.selection.conftest import STAFF, Bench

QUEUE = f"{STAFF}/applications"
TOKEN = re.compile(rb'name="csrf_token"[^>]*>')
ADA = {"name": "Ada Lovelace", "handle": "countess", "affiliation": "Analytical Engines", "country": "GB",
       "kind": ApplicantKind.SINGLE, "links": ["https://ada.example/"],
       "canonical_email": "ada@ada.example"}  # fmt: skip
BOB = {"name": "Zed Zuse", "handle": "z3", "affiliation": "Zuse KG", "country": "DE", "kind": ApplicantKind.TEAM,
       "links": ["https://zuse.example/x/y"], "canonical_email": "zed@zuse.example"}  # fmt: skip
ADDRESSES = [
    "", "?sort=name", "?sort=-name", "?sort=country", "?sort=submitted", "?country=GB", "?country=DE", "?q=ada",
    "?q=countess", "?q=zuse", "?q=z3", "?q=lovelace", "?q=example", "?q=voltage", "?q=engine", "?q=GB", "?q=z",
    "?scenario=G1", "?state=submitted", "?cluster=yes", "?flag=kit", "?triage=yes", "?low=1", "?sort=-score",
    "?pending=invite", "?reviewed=me", "?assigned=7",
]  # fmt: skip


@pytest.fixture
def blind(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> FlaskClient:
    """A reviewer's browser in a challenge where names are hidden."""
    session.add(Plan(challenge_id=cast.challenge.id, looks=1, pool=Pool.ALL, reviews_each=3, blind=True))
    session.commit()
    sign_in(client, cast.reviewer)
    return client


def become(session: Session, number: int, who: dict[str, Any]) -> None:
    session.execute(sa.update(Application).where(Application.id == number).values(**who))
    session.commit()


@pytest.mark.parametrize("form", ["", ".csv"])
@pytest.mark.parametrize("query", ADDRESSES)
def test_two_people_with_the_same_words_look_alike(
    blind: FlaskClient, session: Session, bench: Bench, query: str, form: str
) -> None:
    bench.crowd(["Middle"], experience="voltage and engines")
    number = bench.submitted(content=bench.content(experience="Voltage. I am the one at the engine.")).id
    seen = []
    for who in (ADA, BOB):
        become(session, number, who)
        answer = blind.get(f"{QUEUE}{form}{query}")
        headers = {name: value for name, value in answer.headers if name not in ("X-Request-ID", "Set-Cookie")}
        seen.append((answer.status_code, TOKEN.sub(b"", answer.data), headers.get("Content-Disposition")))
    assert seen[0] == seen[1]
    assert seen[0][0] == 200


def test_an_essay_that_tells_the_name_is_not_found_by_it(
    blind: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    number = bench.submitted(content=bench.content(experience="I am Ada Lovelace, an adamant engineer.")).id
    become(session, number, ADA)
    called = alias(session.get_one(Application, number))
    shown = {word: called in blind.get(f"{QUEUE}?q={word}").text for word in
             ("ada", "lovelace", "lovelace engineer", "adamant", "engineer", "adam", "lo", "ad")}  # fmt: skip
    assert shown == {"ada": True, "lovelace": False, "lovelace engineer": False, "adamant": True, "engineer": True,
                     "adam": True, "lo": False, "ad": False}  # fmt: skip
    sign_in(blind, cast.lead)
    assert "Ada Lovelace" in blind.get(f"{QUEUE}?q=lovelace").text


def test_the_list_goes_by_chance_and_calls_nobody_by_name(blind: FlaskClient, session: Session, bench: Bench) -> None:
    rows = bench.crowd(["Ada", "Bob", "Cy"])
    for row, place in zip(rows, (30, 10, 20), strict=True):
        session.execute(sa.update(Application).where(Application.id == row.id).values(rnd=place))
    session.commit()
    session.expire_all()
    page = blind.get(QUEUE).text
    places = [page.index(alias(row)) for row in rows]
    assert places[1] < places[2] < places[0]
    for word in ("Ada", "Bob", "Country", "Germany", "Score", "sort=name"):
        assert word not in page
    assert blind.get(f"{QUEUE}.csv").text.splitlines()[0] == (
        "id,state,state_since,submitted_at,alias,scenarios,reviews"
    )


def test_no_page_costs_more_than_eight_statements(
    blind: FlaskClient, bench: Bench, cast: Cast, statements: list[str]
) -> None:
    costs = {}
    for who in (cast.reviewer, cast.lead):
        sign_in(blind, who)
        for number in (3, 297):
            bench.crowd([f"{who.name} {number} {n}" for n in range(number)])
            blind.get(QUEUE)
            statements.clear()
            blind.get(QUEUE)
            costs[who.name, number] = len([text for text in statements if "SELECT" in text])
    assert set(costs.values()) <= {6, 7, 8}
    assert {costs[who.name, 3] - costs[who.name, 297] for who in (cast.reviewer, cast.lead)} == {0}
