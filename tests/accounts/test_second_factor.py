"""Codes from an app, end to end: staff are sent to set them up, and sign in with a code or a recovery code."""

import re
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from passlib.totp import TOTP
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core.audit import AuditEntry
from tests.cast import Cast, sign_in

# Flask-Security 5.9 builds its choices as WTForms did before 3.3.
pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")
PASSWORD = "mellow-teapot-orbit-19"


@pytest.fixture
def strict(app: Flask) -> Iterator[None]:
    app.config["SECOND_FACTOR_OPTIONAL"] = False
    yield
    app.config["SECOND_FACTOR_OPTIONAL"] = True


@pytest.fixture
def lead(cast: Cast, session: Session, app: Flask) -> Account:
    cast.lead.password = hash_password(PASSWORD)
    session.commit()
    return cast.lead


def code(key: str) -> str:
    return TOTP(key=key).generate(time.time()).token


def set_up(client: FlaskClient, account: Account) -> str:
    """Set up an authenticator; gives its key."""
    sign_in(client, account)
    page = client.post("/account/second-factor", data={"setup": "authenticator"})
    key = re.search(r'data-copy="([A-Z2-7 ]+)"', page.text)
    action = re.search(r'action="(/account/second-factor/[^"]+)"', page.text)
    assert key
    assert action
    answer = client.post(action[1], data={"code": code(key[1].replace(" ", ""))})
    assert (answer.status_code, answer.location) == (302, "/account/security")
    return key[1].replace(" ", "")


@pytest.mark.usefixtures("strict")
def test_staff_without_a_second_factor_are_sent_to_set_one_up(client: FlaskClient, lead: Account, cast: Cast) -> None:
    sign_in(client, lead)
    assert client.get(f"/staff/{cast.slug}/settings").location == "/account/security"
    assert "Staff need a second factor" in client.get("/account/security").text

    set_up(client, lead)

    assert client.get(f"/staff/{cast.slug}/settings").status_code == 200


@pytest.mark.usefixtures("strict")
def test_a_passkey_instead_of_the_password_is_no_second_factor(
    client: FlaskClient, lead: Account, cast: Cast, session: Session
) -> None:
    from portal.accounts.models import WebAuthn

    now = lead.created_at
    passkey = WebAuthn(
        credential_id=b"1", public_key=b"2", backup_state=False, device_type="single_device", create_datetime=now,
        lastuse_datetime=now, name="key", usage="first", account_id=lead.id,
    )  # fmt: skip
    session.add(passkey)
    session.commit()
    sign_in(client, lead)
    assert client.get(f"/staff/{cast.slug}/settings").location == "/account/security"

    passkey.usage = "secondary"

    assert client.get(f"/staff/{cast.slug}/settings").status_code == 200


def test_signing_in_then_takes_password_and_code(
    app: Flask, client: FlaskClient, lead: Account, session: Session
) -> None:
    key = set_up(client, lead)
    tags = [entry.tag for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))]
    assert tags == ["accounts:set-second-factor"]
    browser = app.test_client()

    answer = browser.post("/account/sign-in", data={"email": lead.email, "password": PASSWORD})
    assert answer.location.startswith("/account/second-factor/code")
    assert browser.get("/account/").status_code == 302
    wrong = "000000" if code(key) != "000000" else "000001"
    assert browser.post("/account/second-factor/code", data={"code": wrong}).status_code == 200
    assert browser.get("/account/").status_code == 302

    # The code of the set-up was used; the next one is accepted a little early, for clocks differ.
    session.refresh(lead)
    assert lead.tf_last_counter is not None
    used, following = (TOTP(key=key).generate((lead.tf_last_counter + step) * 30).token for step in (0, 1))
    again = browser.post("/account/second-factor/code", data={"code": used})
    assert (again.status_code, browser.get("/account/").status_code) == (200, 302)
    answer = browser.post("/account/second-factor/code", data={"code": following})

    assert answer.status_code == 302
    assert browser.get("/account/").status_code == 200


def test_a_recovery_code_signs_in_once(app: Flask, client: FlaskClient, lead: Account) -> None:
    set_up(client, lead)
    page = client.post("/account/recovery-codes", data={})
    codes = re.findall(r"<li>([\w-]+)</li>", page.text)
    assert len(codes) >= 5

    for expected in (200, 302):
        browser = app.test_client()
        browser.post("/account/sign-in", data={"email": lead.email, "password": PASSWORD})
        browser.post("/account/recover", data={"code": codes[0]})
        assert browser.get("/account/").status_code == expected


def test_the_pages_of_flask_security_that_are_not_ours_stay_shut(client: FlaskClient, lead: Account) -> None:
    sign_in(client, lead)

    assert client.get("/fs-static/js/webauthn.js").status_code == 404
    assert client.get("/tf-rescue").status_code == 404
    assert client.post("/tf-rescue", data={"help_setup": "help"}).status_code == 404
