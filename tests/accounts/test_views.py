"""The account pages."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.core.audit import AuditEntry
from tests.cast import Cast, sign_in


def test_the_profile_is_saved(client: FlaskClient, cast: Cast, session: Session) -> None:
    sign_in(client, cast.applicant)

    answer = client.post("/account/", data={"name": "Ada A.\nwww.ads.example", "zone": "Asia/Tokyo"})

    assert answer.location == "/account/"
    session.refresh(cast.applicant)
    assert (cast.applicant.name, cast.applicant.zone) == ("Ada A.", "Asia/Tokyo")
    (entry,) = session.scalars(sa.select(AuditEntry))
    assert (entry.tag, entry.actor_id) == ("accounts:change-profile", cast.applicant.id)
    assert '<option selected value="Asia/Tokyo">Tokyo</option>' in client.get("/account/").text


def test_a_zone_that_is_none_is_refused_and_what_was_typed_stays(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.applicant)

    answer = client.post("/account/", data={"name": "Another", "zone": "Mars/Olympus"})

    assert answer.status_code == 422
    assert 'value="Another"' in answer.text


def test_signing_out_everywhere_ends_this_session_and_the_others(app: Flask, client: FlaskClient, cast: Cast) -> None:
    elsewhere = app.test_client()
    sign_in(client, cast.applicant)
    sign_in(elsewhere, cast.applicant)

    answer = client.post("/account/security/sign-out-everywhere")

    assert answer.location == "/account/sign-in"
    for browser in (client, elsewhere):
        assert browser.get("/account/security").status_code == 302


def test_the_export_has_what_every_room_keeps_and_no_secret(client: FlaskClient, cast: Cast, session: Session) -> None:
    cast.researcher.password = "$argon2id$secret"
    cast.researcher.tf_totp_secret = "TOTPSECRET"
    sign_in(client, cast.researcher)

    answer = client.get("/account/data.json")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="portal-data-2020-06-15.json"'
    told = json.loads(answer.text)
    assert set(personal.exporters) | {"as_of"} == set(told)
    assert told["account"]["email"] == cast.researcher.email
    assert "argon2id" not in answer.text
    assert "TOTPSECRET" not in answer.text
    assert cast.stranger.email not in answer.text
    assert cast.team_lead.email not in answer.text


def test_an_account_is_erased_when_its_address_is_typed(client: FlaskClient, cast: Cast, session: Session) -> None:
    sign_in(client, cast.stranger)

    answer = client.post("/account/data/erase", data={"email": cast.stranger.email.upper()})

    assert answer.location == "/"
    session.refresh(cast.stranger)
    assert (cast.stranger.email, cast.stranger.name, cast.stranger.active) == (
        f"erased-{cast.stranger.id}@invalid", "", False,
    )  # fmt: skip
    assert client.get("/account/").status_code == 302


@pytest.mark.parametrize("typed", ["", "somebody@example.org"])
def test_another_address_erases_nothing(client: FlaskClient, cast: Cast, session: Session, typed: str) -> None:
    sign_in(client, cast.stranger)

    answer = client.post("/account/data/erase", data={"email": typed})

    assert answer.status_code == 422
    session.refresh(cast.stranger)
    assert cast.stranger.active


def test_erasing_asks_for_a_fresh_sign_in(client: FlaskClient, cast: Cast, session: Session) -> None:
    sign_in(client, cast.stranger)
    with client.session_transaction() as cookie:
        cookie["fs_paa"] -= timedelta(hours=2).total_seconds()

    answer = client.post(
        "/account/data/erase", data={"email": cast.stranger.email}, headers={"Referer": "http://localhost/account/data"}
    )

    assert answer.location == "/account/verify?next=/account/data"
    session.refresh(cast.stranger)
    assert cast.stranger.active


def test_the_page_says_why_a_participant_cannot_be_erased_now(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.researcher)

    assert "You take part in Test Challenge" in client.get("/account/data").text


@pytest.mark.parametrize("path", ["/account/", "/account/security", "/account/data", "/account/data.json"])
def test_strangers_sign_in_first(client: FlaskClient, cast: Cast, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.location) == (302, f"/account/sign-in?next={path}")


@pytest.mark.parametrize("path", ["/account/data/erase", "/account/security/sign-out-everywhere"])
def test_what_changes_something_is_no_link(client: FlaskClient, cast: Cast, path: str) -> None:
    sign_in(client, cast.stranger)

    assert client.get(path).status_code == 405
