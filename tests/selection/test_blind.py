"""Blind reviewing: whoever applies, the pages are the same to the last byte."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.gate import audience_of
from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import Role
from portal.applications.models import Application, Question
from portal.applications.states import ApplicantKind, QuestionKind, Triage
from portal.selection.models import Look, Plan, Review, Verdict
from portal.selection.rules.blind import MASK, alias, is_blind, masked
from tests.cast import NOON, SLUG, Cast, make_account, make_challenge, sign_in
from tests.selection.conftest import STAFF, Bench

ESSAY = "I am {name} ({handle}) of {affiliation}. Write to {email}, or see example.net/{handle}. I break daemons."
Answer = tuple[int, dict[str, str], bytes]
ADA = {"name": "Ada Lovelace", "handle": "countess", "affiliation": "Analytical Engines", "country": "GB"}
BOB = {"name": "Bob Böhm", "handle": "b0b-böhm", "affiliation": "Éclair & Söhne GmbH", "country": "DE"}


def become(session: Session, application: Application, who: dict[str, str]) -> None:
    """Let the same application be somebody else's."""
    email = f"{who['handle'].encode('ascii', 'ignore').decode()}@example.net"
    account = session.get_one(Account, application.account_id)
    account.email = account.canonical_email = application.canonical_email = email
    account.name = who["name"]
    for name, value in who.items():
        setattr(application, name, value)
    for name in ("experience", "plan", "kit_use"):
        setattr(application, name, ESSAY.format(**who, email=email))
    application.links = [f"https://example.net/{who['handle']}"]
    application.team = [f"colleague-of-{email}"]
    application.kind = ApplicantKind.TEAM
    application.certificate = f"a key of {who['name']}"
    theirs = sa.update(Review).where(Review.application_id == application.id, Review.comment != "")
    session.execute(theirs.values(comment=f"{who['name']} of {who['affiliation']} is good."))
    questions = session.scalars(sa.select(Question).order_by(Question.id)).all()
    told = (who["affiliation"], f"Ask {who['name']} about it.")
    application.answers = {str(row.id): answer for row, answer in zip(questions, told, strict=True)}
    session.commit()


@pytest.fixture
def other(session: Session, bench: Bench) -> Application:
    """A second application, so that orders and counts are of something."""
    return bench.crowd(["Zed"], rnd=777, country="FR", experience="Zed's own", affiliation="None such")[0]


@pytest.fixture
def application(session: Session, bench: Bench, cast: Cast, other: Application) -> Application:
    """An application that has been looked at and reviewed, in a challenge that reviews blind."""
    for label, personal in (("Where do you work?", True), ("What do you know?", False)):
        session.add(
            Question(
                challenge_id=cast.challenge.id, position=1, kind=QuestionKind.TEXT, label=label, personal=personal,
                choices=[],
            )
        )  # fmt: skip
    made = bench.submitted()
    bench.settings(blind=True, reviews_each=2)
    made.rnd = 12_345_678
    session.add(
        Verdict(
            challenge_id=cast.challenge.id, application_id=made.id, reviewer_id=cast.reviewer.id, verdict=Triage.YES,
            at=NOON, seconds=9,
        )
    )  # fmt: skip
    bench.review(made, cast.second_reviewer, 4, "Ada Lovelace of Analytical Engines is good.")
    bench.review(made, cast.reviewer, 3)
    return made


def addresses(app: Flask, application: Application) -> Iterator[str]:
    """Every page that a reviewer can open and that names at most this application."""
    values: dict[str, Any] = {"slug": SLUG, "application_id": application.id}
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        audience = audience_of(app, rule.endpoint)
        for_reviewers = audience is not None and Role.REVIEWER in audience.roles
        if for_reviewers and "GET" in (rule.methods or ()) and rule.arguments <= values.keys():
            yield adapter.build(rule.endpoint, {name: values[name] for name in rule.arguments})


TOKEN = re.compile(rb'(?<=name="csrf_token" value=")[^"]+')
TELLING = ("Lovelace", "Böhm", "countess", "b0b", "Analytical", "Éclair", "United Kingdom", "Germany")
# What else a reviewer may ask of the lists: each would tell something if it were answered.
PROBES = ("q=Lovelace", "q=Böhm", "q=countess", "country=GB", "country=DE", "sort=name", "sort=-name", "q=engines")


def everything(
    client: FlaskClient, app: Flask, application: Application
) -> dict[str, tuple[int, dict[str, str], bytes]]:
    """All that a reviewer gets: status, headers, bytes."""
    asked = [STAFF + "/", "/home", *addresses(app, application)]
    asked += [f"{address}?{probe}" for address in asked if "/applications" in address for probe in PROBES]
    found = {}
    for address in asked:
        answer = client.get(address)
        headers = {name: value for name, value in answer.headers if name not in ("X-Request-ID", "Set-Cookie")}
        # A token against forgery is signed with the time.
        found[address] = answer.status_code, headers, TOKEN.sub(b"", answer.data)
    missing = client.post(f"{STAFF}/review/{application.id}", data={"comment": "kept"})
    found["a faulty form"] = missing.status_code, {}, TOKEN.sub(b"", missing.data)
    return found


def test_two_who_differ_only_in_who_they_are_look_the_same(
    app: Flask, client: FlaskClient, session: Session, cast: Cast, application: Application
) -> None:
    sign_in(client, cast.reviewer)
    become(session, application, ADA)
    adas = everything(client, app, application)
    become(session, application, BOB)
    bobs = everything(client, app, application)

    assert {f"{STAFF}/review", f"{STAFF}/applications/{application.id}", f"{STAFF}/applications"} <= adas.keys()
    assert [address for address in adas if adas[address] != bobs[address]] == []
    for address, (status, _, data) in [*adas.items(), *bobs.items()]:
        assert status < 500
        # What was searched for stands in the form.
        told = [] if "?" in address else [word for word in TELLING if word.encode() in data]
        assert told == [], address
    assert MASK.encode() in adas[f"{STAFF}/applications/{application.id}"][2]


def test_the_lead_sees_who(client: FlaskClient, session: Session, cast: Cast, application: Application) -> None:
    become(session, application, ADA)
    sign_in(client, cast.lead)
    shown = client.get(f"{STAFF}/applications/{application.id}").text
    for words in ("Ada Lovelace", "countess", "Analytical Engines", "United Kingdom"):
        assert words in shown


def test_a_role_elsewhere_lifts_nothing(
    client: FlaskClient, session: Session, cast: Cast, application: Application
) -> None:
    make_challenge(session, "other", "Other")
    session.add(RoleGrant(account_id=cast.reviewer.id, role=Role.LEAD, scope="other", granted_at=NOON))
    become(session, application, ADA)
    sign_in(client, cast.reviewer)
    shown = client.get(f"{STAFF}/applications/{application.id}").text
    assert "Lovelace" not in shown
    assert alias(application) in shown


def test_reviewing_with_open_eyes_shows_who(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, application: Application
) -> None:
    become(session, application, ADA)
    bench.settings(blind=False)
    sign_in(client, cast.reviewer)
    assert "Ada Lovelace" in client.get(f"{STAFF}/applications/{application.id}").text


def test_a_card_in_the_first_pass_tells_nobody_either(
    client: FlaskClient, session: Session, cast: Cast, application: Application
) -> None:
    session.execute(sa.delete(Verdict))
    session.add(
        Look(application_id=application.id, challenge_id=cast.challenge.id, reviewer_id=cast.reviewer.id, since=NOON,
             until=NOON.replace(year=2030))
    )  # fmt: skip
    sign_in(client, cast.reviewer)
    pages = []
    for who in (ADA, BOB):
        become(session, application, who)
        pages.append(TOKEN.sub(b"", client.get(f"{STAFF}/triage").data))
    assert pages[0] == pages[1]
    assert alias(application).encode() in pages[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I am Ada.", f"I am {MASK}."),
        ("ADA LOVELACE wrote it", f"{MASK} wrote it"),
        ("adage and Canada", "adage and Canada"),
        ("see example.net/countess/x", f"see example.net/{MASK}/x"),
        ("mail a@b.example", f"mail {MASK}"),
        ("", ""),
    ],
)
def test_names_are_masked_where_they_are_words(text: str, told: str) -> None:
    who = Application(
        name="Ada Lovelace", handle="countess", affiliation="", canonical_email="a@b.example", rnd=1, team=[], links=[]
    )
    assert masked(text, who) == told


def test_who_reads_blind() -> None:
    blind, seeing = Plan(challenge_id=1, blind=True), Plan(challenge_id=1, blind=False)
    assert [is_blind(blind, frozenset({role})) for role in (Role.REVIEWER, Role.LEAD, Role.TRIAGER)] == [
        True,
        False,
        True,
    ]
    assert not is_blind(blind, frozenset({Role.LEAD, Role.REVIEWER}))
    assert not is_blind(seeing, frozenset({Role.REVIEWER}))


def test_aliases_tell_numbers_apart() -> None:
    found = {alias(Application(rnd=number, name="Same")) for number in (0, 1, 31, 32, 2**31 - 1)}
    assert len(found) == 5
    assert all(len(name) == 8 for name in found)


def test_a_stranger_learns_nothing_of_aliases(client: FlaskClient, session: Session, application: Application) -> None:
    sign_in(client, make_account(session, "Nobody"))
    assert client.get(f"{STAFF}/applications/{application.id}").status_code == 403
