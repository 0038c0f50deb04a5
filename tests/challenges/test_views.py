"""Challenges over HTTP."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts import queries as accounts
from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import Role
from portal.challenges import actions, queries
from portal.challenges.jobs import forget_addresses
from portal.challenges.models import Signature
from portal.challenges.states import ParticipantState
from portal.core.audit import AuditEntry
from portal.core.outbox import OutgoingMail
from tests.cast import NOON, SLUG, TEXT, Cast, sign_in
from tests.conftest import Clock

HERE = f"/challenges/{SLUG}"
STAFF = f"/staff/{SLUG}"


def outline(**changed: str) -> dict[str, str]:
    """What the settings page sends."""
    return {
        "title": "Renamed", "summary": "S", "rules": "R", "zone": "Europe/Berlin", "places": "12", "currency": "EUR",
        "announced_on": "2020-05-05", "apply_from": "2020-05-05T09:00", "apply_until": "2020-07-01T23:59",
        "starts_on": "2020-06-01", "ends_on": "2020-08-31",
    } | changed  # fmt: skip


# For everybody


def test_everybody_sees_what_can_be_won_and_when(client: FlaskClient, cast: Cast) -> None:
    page = client.get(f"{HERE}/").text

    assert "Execute unsigned code" in page
    assert "up to $40,000" in page
    assert 'href="/challenges/test-challenge/apply"' in page
    assert "PDT" in page


def test_the_way_to_apply_goes_with_the_date(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    clock.tick(days=8)
    assert 'class="btn btn-primary" href="/challenges/test-challenge/apply"' not in client.get(f"{HERE}/").text


def test_rules_are_markdown(client: FlaskClient, cast: Cast) -> None:
    assert "<h2>In scope</h2>" in client.get(f"{HERE}/rules").text


@pytest.mark.parametrize("path", ["/", "/rules"])
def test_an_unknown_challenge_is_not_found(client: FlaskClient, cast: Cast, path: str) -> None:
    assert client.get(f"/challenges/unknown{path}").status_code == 404


# The agreement


def test_a_participant_signs_what_they_read(app: Flask, client: FlaskClient, cast: Cast, session: Session) -> None:
    new = actions.publish_agreement(session, cast.challenge, title="New terms", body="Other words.", by=1, at=NOON)
    sign_in(client, cast.researcher)
    page = client.get(f"{HERE}/agreement?next=/challenges/{SLUG}/kit").text
    assert "<ins>Other words.</ins>" in page
    assert f"<del>{TEXT}</del>" in page
    assert new.sha256 in page

    sent = dict(re.findall(r'name="(seen|next)"[^>]*value="([^"]*)"', page))
    answer = client.post(f"{HERE}/agreement", data={"typed_name": "Rosa Researcher", **sent})

    assert (answer.status_code, answer.location) == (302, f"{HERE}/kit")
    signature = session.scalars(sa.select(Signature).where(Signature.agreement_id == new.id)).one()
    assert (signature.typed_name, signature.signed_at) == ("Rosa Researcher", NOON)
    assert signature.address_hash
    assert "127.0.0.1" not in signature.address_hash
    assert len(signature.address_hash) == 64


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_nobody_is_led_elsewhere_after_signing(client: FlaskClient, cast: Cast, session: Session, target: str) -> None:
    new = actions.publish_agreement(session, cast.challenge, title="New", body="Other words.", by=1, at=NOON)
    sign_in(client, cast.researcher)

    answer = client.post(f"{HERE}/agreement", data={"typed_name": "R", "seen": new.sha256, "next": target})

    assert answer.location == f"{HERE}/agreement"


def test_signing_needs_a_name(client: FlaskClient, cast: Cast, session: Session) -> None:
    actions.publish_agreement(session, cast.challenge, title="New", body="Other words.", by=1, at=NOON)
    sign_in(client, cast.researcher)

    answer = client.post(f"{HERE}/agreement", data={"typed_name": "  ", "seen": "x"})

    assert answer.status_code == 422
    assert "Type your name to sign." in answer.text


def test_whoever_does_not_take_part_reads_but_does_not_sign(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.stranger)

    assert "<form" not in client.get(f"{HERE}/agreement").text.split("<main")[1]
    assert client.post(f"{HERE}/agreement", data={"typed_name": "S", "seen": "x"}).status_code == 404


def test_the_receipt_can_be_checked_against_the_text(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.researcher)

    receipt = json.loads(client.get(f"{HERE}/agreement/receipt.json").text)
    text = client.get(f"{HERE}/agreement/{receipt['version']}.txt").data

    assert hashlib.sha256(text).hexdigest() == receipt["sha256"]
    assert (receipt["typed_name"], receipt["account"]) == ("Rosa Researcher", cast.researcher.email)
    sign_in(client, cast.stranger)
    assert client.get(f"{HERE}/agreement/receipt.json").status_code == 404
    assert client.get(f"{HERE}/agreement/7.txt").status_code == 404


def test_network_addresses_are_forgotten_after_a_month(session: Session, cast: Cast) -> None:
    for signature in session.scalars(sa.select(Signature)):
        signature.address_hash = "f" * 64
    session.commit()

    assert forget_addresses(session, NOON + timedelta(days=9)) == 0
    assert forget_addresses(session, NOON + timedelta(days=11)) == 3
    assert forget_addresses(session, NOON + timedelta(days=11)) == 0


# Teams


def test_a_colleague_comes_in_by_a_link(
    client: FlaskClient, cast: Cast, session: Session, mails: Callable[[], list[OutgoingMail]]
) -> None:
    sign_in(client, cast.team_lead)
    assert client.post(f"{HERE}/team/invitations", data={"email": "new@example.org"}).location == f"{HERE}/team"
    assert "new@example.org" in client.get(f"{HERE}/team").text
    link = f"/join/{mails()[0].context['token']}"

    assert client.get(link, headers={}).status_code == 200
    sign_in(client, cast.stranger)
    assert "Team Kestrel" in client.get(link).text
    assert client.post(link, data={"country": ""}).status_code == 422
    assert client.post(link, data={"country": "XX"}).status_code == 422
    assert client.post(link, data={"country": "NL"}).location == f"{HERE}/agreement"

    assert "Sam Stranger" in client.get(f"{HERE}/team").text
    assert client.post(link, data={"country": "NL"}).status_code == 409


def test_an_invitation_is_withdrawn_by_the_lead_alone(client: FlaskClient, cast: Cast, session: Session) -> None:
    lead = queries.membership(session, cast.challenge.id, cast.team_lead.id)
    assert lead
    invitation = actions.invite_member(session, lead, "new@example.org", at=NOON)
    session.commit()
    path = f"{HERE}/team/invitations/{invitation.id}/withdraw"

    sign_in(client, cast.researcher)
    assert client.post(path).status_code == 404
    sign_in(client, cast.colleague)
    assert client.post(path).status_code == 422
    sign_in(client, cast.team_lead)
    assert client.post(path).location == f"{HERE}/team"
    assert client.post(path).status_code == 404


def test_whoever_takes_part_alone_has_no_team_page(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.researcher)
    assert client.get(f"{HERE}/team").status_code == 404


def test_an_unknown_link_is_not_found(client: FlaskClient, cast: Cast) -> None:
    assert client.get("/join/abc").location == "/account/sign-in?next=/join/abc"
    sign_in(client, cast.stranger)
    assert client.get("/join/abc").status_code == 404


def test_the_team_page_costs_the_same_for_two_and_for_ten(
    client: FlaskClient, cast: Cast, session: Session, statements: list[str]
) -> None:
    sign_in(client, cast.team_lead)
    client.get(f"{HERE}/team")
    statements.clear()
    client.get(f"{HERE}/team")
    before = len(statements)
    lead = queries.membership(session, cast.challenge.id, cast.team_lead.id)
    assert lead
    for number in range(8):
        actions.invite_member(session, lead, f"new{number}@example.org", at=NOON)
    session.commit()
    statements.clear()

    client.get(f"{HERE}/team")

    assert len(statements) == before


# Settings


@pytest.mark.parametrize("who", ["lead", "admin"])
def test_settings_are_saved_in_the_challenges_zone(client: FlaskClient, cast: Cast, session: Session, who: str) -> None:
    sign_in(client, getattr(cast, who))
    page = client.get(f"{STAFF}/settings").text
    assert 'value="2020-05-05T05:00"' in page  # 12:00 UTC in Los Angeles

    answer = client.post(f"{STAFF}/settings", data=outline())

    assert answer.location == f"{STAFF}/settings"
    session.refresh(cast.challenge)
    assert (cast.challenge.title, cast.challenge.places) == ("Renamed", 12)
    assert cast.challenge.apply_from.isoformat() == "2020-05-05T07:00:00+00:00"


def test_a_deadline_that_was_not_touched_keeps_its_seconds(client: FlaskClient, cast: Cast, session: Session) -> None:
    cast.challenge.apply_until = NOON.replace(day=20, second=59)
    sign_in(client, cast.lead)
    until = re.search(r'id="apply_until"[^>]*value="([^"]+)"', client.get(f"{STAFF}/settings").text)
    assert until

    client.post(f"{STAFF}/settings", data=outline(zone="America/Los_Angeles", apply_until=until[1]))

    session.refresh(cast.challenge)
    assert (cast.challenge.title, cast.challenge.apply_until) == ("Renamed", NOON.replace(day=20, second=59))


def test_faulty_settings_keep_what_was_typed(client: FlaskClient, cast: Cast, session: Session) -> None:
    sign_in(client, cast.lead)

    answer = client.post(f"{STAFF}/settings", data=outline(title="Typed", ends_on="2020-05-31"))

    assert answer.status_code == 422
    assert "The challenge ends after it starts." in answer.text
    assert 'value="Typed"' in answer.text
    session.refresh(cast.challenge)
    assert cast.challenge.title == "Test Challenge"


def test_scenarios_are_added_and_edited(client: FlaskClient, cast: Cast, session: Session) -> None:
    sign_in(client, cast.lead)
    values = {"code": "G9", "title": "Spoof", "kind": "general", "reward": "$500"}
    assert client.post(f"{STAFF}/settings/scenarios/new", data=values).location == f"{STAFF}/settings"
    assert client.post(f"{STAFF}/settings/scenarios/new", data=values).status_code == 409
    assert client.post(f"{STAFF}/settings/scenarios/new", data=values | {"kind": "odd"}).status_code == 422
    made = session.get_one(type(cast.challenge), cast.challenge.id).scenarios[-1]
    path = f"{STAFF}/settings/scenarios/{made.id}"

    assert client.post(path, data={"title": "Spoof it", "kind": "high", "reward": "$1"}).status_code == 302

    session.refresh(made)
    assert (made.code, made.title, made.kind) == ("G9", "Spoof it", "high")
    assert client.get(f"{STAFF}/settings/scenarios/99999").status_code == 404


def test_a_new_agreement_is_published(client: FlaskClient, cast: Cast, session: Session) -> None:
    sign_in(client, cast.lead)
    assert TEXT in client.get(f"{STAFF}/settings/agreement").text

    answer = client.post(f"{STAFF}/settings/agreement", data={"title": "T", "body": "Two\r\nlines"})

    assert answer.location == f"{STAFF}/settings"
    agreement = queries.current_agreement(session, cast.challenge.id)
    assert agreement
    assert (agreement.version, agreement.body) == (2, "Two\nlines\n")
    sign_in(client, cast.researcher)
    assert client.get(f"{HERE}/kit").location == f"{HERE}/agreement?next={HERE}/kit"


# People


def test_an_admin_grants_and_withdraws(client: FlaskClient, cast: Cast, session: Session) -> None:
    sign_in(client, cast.admin)
    values = {"email": cast.stranger.email, "role": "host", "reason": "Joins us"}

    for _ in range(2):
        assert client.post(f"{STAFF}/people/grant", data=values).location == f"{STAFF}/people"
    assert accounts.roles_of(session, cast.stranger.id) == {SLUG: {Role.HOST}}
    assert cast.stranger.email in client.get(f"{STAFF}/people").text

    values = {"account_id": str(cast.stranger.id), "role": "host", "reason": "Left"}
    for _ in range(2):
        assert client.post(f"{STAFF}/people/withdraw", data=values).location == f"{STAFF}/people"
    assert accounts.roles_of(session, cast.stranger.id) == {}
    noted = [
        (entry.tag, entry.detail["reason"]) for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))
    ]
    assert noted == [("accounts:grant-role", "Joins us"), ("accounts:withdraw-role", "Left")]


@pytest.mark.parametrize("changed", [{"email": "nobody@example.org"}, {"email": ""}, {"reason": ""}, {"role": "king"}])
def test_a_faulty_grant_changes_nothing(
    client: FlaskClient, cast: Cast, session: Session, changed: dict[str, str]
) -> None:
    sign_in(client, cast.admin)
    values = {"email": cast.stranger.email, "role": "host", "reason": "Joins us"} | changed

    assert client.post(f"{STAFF}/people/grant", data=values).status_code == 422
    assert accounts.roles_of(session, cast.stranger.id) == {}


def test_roles_ask_for_a_fresh_sign_in(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.admin)
    with client.session_transaction() as cookie:
        cookie["fs_paa"] -= 7200

    assert client.get(f"{STAFF}/people").location == f"/account/verify?next={STAFF}/people"
    values = {"email": cast.stranger.email, "role": "host", "reason": "x"}
    assert client.post(f"{STAFF}/people/grant", data=values).location == "/account/verify?next=/home"


def test_a_role_that_holds_everywhere_is_for_those_whose_own_does(
    client: FlaskClient, cast: Cast, session: Session
) -> None:
    session.add(RoleGrant(account_id=cast.stranger.id, role=Role.HOST, scope="*", granted_at=NOON))
    sign_in(client, cast.admin)
    values = {"account_id": str(cast.stranger.id), "role": "host", "reason": "Left", "everywhere": "y"}
    assert client.post(f"{STAFF}/people/withdraw", data=values).status_code == 403

    session.add(RoleGrant(account_id=cast.admin.id, role=Role.ADMIN, scope="*", granted_at=NOON))
    assert client.post(f"{STAFF}/people/withdraw", data=values).status_code == 302
    assert accounts.roles_of(session, cast.stranger.id) == {}


def test_a_participation_is_ended_with_a_reason(client: FlaskClient, cast: Cast, session: Session) -> None:
    sign_in(client, cast.admin)
    path = f"{STAFF}/people/participants/{cast.participant.id}/remove"

    assert client.post(path, data={"reason": ""}).status_code == 422
    assert client.post(path, data={"reason": "Left"}).location == f"{STAFF}/people"
    session.refresh(cast.participant)
    assert cast.participant.state is ParticipantState.REMOVED
    assert client.post(path, data={"reason": "Left"}).status_code == 409
    assert client.post(f"{STAFF}/people/participants/9999/remove", data={"reason": "x"}).status_code == 404


def test_the_people_page_costs_the_same_for_more_participants(
    client: FlaskClient, cast: Cast, session: Session, statements: list[str]
) -> None:
    from tests.cast import make_account, make_participant

    sign_in(client, cast.admin)
    client.get(f"{STAFF}/people")
    statements.clear()
    client.get(f"{STAFF}/people")
    before = len(statements)
    for number in range(20):
        make_participant(session, cast.challenge, make_account(session, f"Person {number}", Role.HOST))
    session.commit()
    statements.clear()

    client.get(f"{STAFF}/people")

    assert len(statements) == before


# Personal data


def test_erasing_a_participant_after_the_results_forgets_names(
    client: FlaskClient, cast: Cast, session: Session
) -> None:
    sign_in(client, cast.researcher)
    assert client.post("/account/data/erase", data={"email": cast.researcher.email}).status_code == 422

    cast.challenge.results_released_at = NOON
    assert client.post("/account/data/erase", data={"email": cast.researcher.email}).location == "/"

    session.refresh(cast.participant)
    assert cast.participant.name == "Erased"
    names = session.scalars(sa.select(Signature.typed_name).where(Signature.account_id == cast.researcher.id)).all()
    assert names == ["Erased"]
    assert session.get_one(Account, cast.researcher.id).name == ""
