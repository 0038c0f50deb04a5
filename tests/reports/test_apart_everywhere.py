"""Whatever the team does about a triager's own reports, no list of the staff's tells them, and they act on none."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.gate import audience_of
from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import Role
from portal.reports.models import KeySet
from tests.awards.conftest import Jury
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.conftest import Clock
from tests.reports.lists import READ, Lists
from tests.reports.people import Desk
from tests.reports.press import Press

STAFF = f"/staff/{SLUG}"
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
    "/advisories/new", "/awards/new", "/awards/results", "/awards/rules", "/capabilities", "/known-issues",
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
