"""Every address × every person × own and foreign objects: what `tests/access/table.py` says is what happens."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from portal.accounts.models import Account
from tests.access.objects import World
from tests.access.people import ELSEWHERE, NOBODY, PEOPLE, ROVER, gather
from tests.access.table import TABLE, Row
from tests.cast import SLUG, Cast, sign_in

# Flask-Security 5.9 builds its choices as WTForms did before 3.3.
pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")
READING = {"GET", "HEAD", "OPTIONS"}
ENDPOINTS = sorted(TABLE)
# Uploads ask for the version of their protocol before anything else.
HEADERS = {"Tus-Resumable": "1.0.0"}


class Door:
    """One endpoint, and everybody before it."""

    def __init__(self, app: Flask, client: FlaskClient, session: Session, cast: Cast, endpoint: str) -> None:
        self.app, self.client, self.session, self.endpoint = app, client, session, endpoint
        self.row: Row = TABLE[endpoint]
        self.people = gather(session, cast)
        self.values = self.row.make(World(session, cast))
        session.commit()
        self.rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint]
        for name in PEOPLE:
            self._look_at(name)

    @property
    def writing(self) -> list[str]:
        """The methods that change something."""
        return sorted({method for rule in self.rules for method in rule.methods or ()} - READING)

    @property
    def reads(self) -> bool:
        """Whether there is something to GET."""
        return any("GET" in (rule.methods or ()) for rule in self.rules)

    def address(self, rule: Rule, slug: str = SLUG) -> str:
        """The address under which the rule finds the object."""
        values: dict[str, Any] = {name: slug if name == "slug" else self.values[name] for name in rule.arguments}
        path = self.app.url_map.bind("localhost").build(rule.endpoint, values, method=min(rule.methods or {"GET"}))
        return f"{path}?{self.values['query']}" if "query" in self.values else path

    def knock(self, name: str, method: str, slug: str = SLUG) -> TestResponse:
        """What one person gets."""
        sign_in(self.client, self.people[name])
        rule = next(rule for rule in self.rules if method in (rule.methods or ()))
        answer = self.client.open(self.address(rule, slug), method=method, headers=HEADERS)
        answer.close()
        if answer.status_code < 400:
            self._look_at(name)  # the request may have ended its sessions
        return answer

    def _look_at(self, name: str) -> None:
        """Read an account, and hold what was read: asking anew before each request would take as long as a refusal."""
        account: Account | None = self.people[name]
        if account is not None:
            self.people[name] = account = self.session.get_one(Account, account.id, populate_existing=True)
            self.session.expunge(account)


@pytest.fixture
def door(
    request: pytest.FixtureRequest, app: Flask, client: FlaskClient, session: Session, cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
) -> Door:  # fmt: skip
    """The endpoint of the test, with its objects."""
    # Without forgery protection, which tests switch off, Flask-Security's check of it at signing out fails.
    monkeypatch.setitem(app.config, "SECURITY_LOGOUT_CSRF", False)
    return Door(app, client, session, cast, request.param)


def outcome(answer: TestResponse) -> str:
    """What an answer means for the person who asked."""
    if answer.status_code == 302 and answer.location.startswith("/account/sign-in"):
        return "sign in"
    if answer.status_code == 401 and answer.is_json:  # what answers programs leads nowhere
        return "sign in"
    return str(answer.status_code)


def refusal(row: Row, name: str) -> str:
    """What a person gets who is not let in. Where a page is for nobody, the signed-out learn no more than others."""
    return "sign in" if name == NOBODY and row.admits else str(row.refuses)


def test_every_endpoint_has_a_row_and_every_row_an_endpoint(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(TABLE)


# The gate knows no database, and each view is tried on both by its room's tests. PostgreSQL is the one that minds more.
@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("door", ENDPOINTS, indirect=True)
def test_who_gets_what(door: Door) -> None:
    # The same objects serve all questions, so those that change something come last.
    got, expected = {}, {}
    for question in (undeclared, elsewhere, looking, changing):
        for name, method, answer, right in question(door):
            key = (question.__name__, name, method)
            got[key], expected[key] = answer, right
    assert got == expected


Asked = Iterator[tuple[str, str, str, str]]


def undeclared(door: Door) -> Asked:
    """What is not declared is not allowed."""
    sign_in(door.client, door.people["operator"])
    for rule in door.rules:
        address = door.address(rule).partition("?")[0]
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            try:
                door.app.url_map.bind("localhost").match(address, method)
            except MethodNotAllowed:
                yield "operator", method, str(door.client.open(address, method=method).status_code), "405"


def elsewhere(door: Door) -> Asked:
    """A role holds in its challenge only."""
    if door.row.refuses != 403 or not any("slug" in rule.arguments for rule in door.rules):
        return
    for method in [*(["GET"] if door.reads else []), *door.writing]:
        for name in sorted(door.row.admits - {"operator"}):
            yield name, method, outcome(door.knock(name, method, ELSEWHERE)), "403"
        if door.row.scoped:
            # Every role in the other challenge, and the number of an object in this one.
            yield ROVER, method, outcome(door.knock(ROVER, method, ELSEWHERE)), "404"


def looking(door: Door) -> Asked:
    """Who may look."""
    for name in PEOPLE if door.reads else ():
        answer = door.knock(name, "GET")
        if name in door.row.admits:
            right = answer.status_code in door.row.answers
            yield name, "GET", str(answer.status_code), str(answer.status_code if right else sorted(door.row.answers))
        else:
            yield name, "GET", outcome(answer), refusal(door.row, name)


def changing(door: Door) -> Asked:
    """Who may change: an empty form changes nothing and breaks nothing."""
    for method in door.writing:
        for name in PEOPLE:
            if name not in door.row.admits:
                yield name, method, outcome(door.knock(name, method)), refusal(door.row, name)
        for name in sorted(door.row.admits):
            status = door.knock(name, method).status_code
            yield (
                name,
                method,
                str(status),
                str(status) if status < 500 and status != 403 else "neither 403 nor a fault",
            )
