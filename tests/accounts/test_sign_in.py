"""Sign-up, sign-in, reset, confirmation: what is sent, where links lead, and that nothing tells who has an account."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core.audit import AuditEntry
from portal.core.mail import render
from portal.core.outbox import OutgoingMail
from tests.cast import NOON, make_account, sign_in

PASSWORD = "mellow-teapot-orbit-19"
Mails = Callable[[], list[OutgoingMail]]


def made(session: Session, app: Flask, name: str = "Known Person", *, confirmed: bool = True) -> Account:
    account = make_account(session, name)
    account.password = hash_password(PASSWORD)
    account.confirmed_at = NOON if confirmed else None
    session.commit()
    return account


def sign_up(client: FlaskClient, email: str, password: str = PASSWORD, name: str = "New Person") -> None:
    answer = client.post(
        "/account/sign-up", data={"email": email, "password": password, "password_confirm": password, "name": name}
    )
    assert (answer.status_code, answer.location) == (302, "/account/sign-in")


def link_in(mail: OutgoingMail) -> str:
    found = re.findall(r"http://\S+", render(mail)[1])
    assert len(found) == 1, "one purpose, one link"
    return str(found[0])


def test_sign_up_sends_the_confirmation_and_nothing_else(client: FlaskClient, session: Session, mails: Mails) -> None:
    sign_up(client, "new@example.org", name="Win  money at https://bad.example now")

    (mail,) = mails()
    subject, text, _ = render(mail)
    assert (mail.template, mail.to, subject) == ("accounts/welcome", "new@example.org", "Confirm your address")
    assert "money" not in text
    account = session.scalars(sa.select(Account)).one()
    assert (account.name, account.confirmed_at) == ("Win money at now", None)
    assert [entry.tag for entry in session.scalars(sa.select(AuditEntry))] == ["accounts:sign-up"]


def test_the_link_confirms_and_then_one_can_sign_in(client: FlaskClient, session: Session, mails: Mails) -> None:
    sign_up(client, "new@example.org")
    (mail,) = mails()

    assert client.get(link_in(mail).removeprefix("http://localhost")).status_code == 302

    assert session.scalars(sa.select(Account)).one().confirmed_at == NOON
    answer = client.post("/account/sign-in", data={"email": "NEW@example.org", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (302, "/home")


def test_nobody_signs_in_before_the_confirmation(app: Flask, client: FlaskClient, session: Session) -> None:
    account = made(session, app, confirmed=False)

    answer = client.post("/account/sign-in", data={"email": account.email, "password": PASSWORD})

    assert answer.status_code in (200, 302)
    assert client.get("/account/").status_code == 302


def test_links_lead_to_the_public_address_whatever_host_was_named(
    app: Flask, client: FlaskClient, session: Session, mails: Mails
) -> None:
    account = made(session, app)

    answers = [
        client.post("/account/reset", data={"email": account.email}, headers={"Host": host}).status_code
        for host in ("evil.example", "127.0.0.1:4711")
    ]

    assert answers == [400, 200]
    (mail,) = mails()
    assert link_in(mail).startswith("http://localhost/account/reset/")


def test_who_signs_up_twice_gets_a_way_in_by_mail(
    app: Flask, client: FlaskClient, session: Session, mails: Mails
) -> None:
    account = made(session, app)
    sign_up(client, account.email)

    (mail,) = mails()
    assert (mail.template, render(mail)[0]) == ("accounts/welcome_existing", "You have an account already")
    assert link_in(mail).startswith("http://localhost/account/reset/")


def test_who_signs_up_twice_unconfirmed_gets_the_confirmation_again(client: FlaskClient, mails: Mails) -> None:
    sign_up(client, "new@example.org")
    sign_up(client, "new@example.org")

    first, second = mails()
    assert (render(first)[0], render(second)[0]) == ("Confirm your address", "Confirm your address")
    assert "/account/confirm/" in link_in(second)


def anonymous(html: str) -> str:
    """A page without what differs from one request to the next."""
    html = re.sub(r'name="csrf_token"[^>]*value="[^"]+"', "", html)
    return re.sub(r"(known-person|unconfirmed-person|nobody)@example\.org", "ADDRESS", html)


FORMS = [
    ("/account/sign-up", {"password": PASSWORD, "password_confirm": PASSWORD, "name": "Me"}),
    ("/account/sign-up", {"password": "password123456", "password_confirm": "password123456", "name": "Me"}),
    ("/account/sign-in", {"password": "not-the-password-1"}),
    ("/account/reset", {}),
    ("/account/confirm", {}),
]


@pytest.mark.parametrize(("path", "values"), FORMS)
def test_no_answer_tells_whether_an_address_has_an_account(
    app: Flask, session: Session, path: str, values: dict[str, str]
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    made(session, app)
    made(session, app, "Unconfirmed Person", confirmed=False)

    seen = set()
    for name in ("known-person", "unconfirmed-person", "nobody"):
        client = app.test_client()
        answer = client.post(path, data={"email": f"{name}@example.org", **values})
        with client.session_transaction() as cookie:
            kept = anonymous(str({key: value for key, value in cookie.items() if key != "csrf_token"}))
        follow = anonymous(client.get("/account/sign-in").text)
        differing = ("Set-Cookie", "Content-Length", "X-Request-ID")
        headers = [(key, value) for key, value in answer.headers if key not in differing]
        seen.add((answer.status_code, str(headers), anonymous(answer.text), kept, follow))

    assert len(seen) == 1


def test_a_reset_signs_out_everywhere_and_says_so(
    app: Flask, client: FlaskClient, session: Session, mails: Mails
) -> None:
    account = made(session, app)
    elsewhere = app.test_client()
    sign_in(elsewhere, account)
    client.post("/account/reset", data={"email": account.email})
    path = link_in(mails()[0]).removeprefix("http://localhost")

    answer = client.post(path, data={"password": PASSWORD + "x", "password_confirm": PASSWORD + "x"})

    assert answer.status_code == 302
    assert elsewhere.get("/account/").status_code == 302
    assert [mail.template for mail in mails()] == ["accounts/reset_instructions", "accounts/reset_notice"]
    assert client.post(path, data={"password": PASSWORD, "password_confirm": PASSWORD}).location == "/account/reset"


def test_a_change_of_password_is_told(app: Flask, client: FlaskClient, session: Session, mails: Mails) -> None:
    account = made(session, app)
    sign_in(client, account)
    new = {"new_password": "quite-another-thing-7", "new_password_confirm": "quite-another-thing-7"}

    answer = client.post("/account/password", data={"password": PASSWORD, **new})

    assert answer.status_code == 302
    (mail,) = mails()
    assert render(mail)[0] == "Your password was changed"
    assert client.get("/account/").status_code == 200


def test_a_change_of_address_is_told_to_both(app: Flask, client: FlaskClient, session: Session, mails: Mails) -> None:
    account = made(session, app)
    sign_in(client, account)

    assert client.post("/account/address", data={"email": "Other+tag@example.org"}).status_code == 200
    (asked,) = mails()
    assert asked.to == "other+tag@example.org"
    client.get(link_in(asked).removeprefix("http://localhost"))

    session.refresh(account)
    assert (account.email, account.canonical_email) == ("other+tag@example.org", "other@example.org")
    told = mails()[1]
    assert (told.template, told.to) == ("accounts/address_changed", "known-person@example.org")


@pytest.mark.parametrize(
    "password",
    [
        "Password12345!",
        "qwertyuiop12",
        "123456789012",
        "aaaaaaaaaaaaaa",
        "P@ssw0rd2020!!",
        "welcome-welcome",
        "zz-new-zz1@example",
    ],
)
def test_common_passwords_are_refused(client: FlaskClient, mails: Mails, password: str) -> None:
    answer = client.post(
        "/account/sign-up",
        data={"email": "zz-new-zz1@example.org", "password": password, "password_confirm": password, "name": "N"},
    )

    assert answer.status_code == 200
    assert "Choose another." in answer.text
    assert mails() == []


def test_the_demonstrations_people_cannot_sign_in_elsewhere(client: FlaskClient, session: Session, app: Flask) -> None:
    account = made(session, app)
    account.email = "admin@demo.example"
    session.commit()

    answer = client.post("/account/sign-in", data={"email": "admin@demo.example", "password": PASSWORD})

    assert answer.status_code == 200
    assert client.get("/account/").status_code == 302


def test_a_session_of_the_demonstration_ends_with_it(client: FlaskClient, session: Session, app: Flask) -> None:
    account = made(session, app)
    account.email = "admin@demo.example"
    session.commit()
    sign_in(client, account)

    assert client.get("/account/").status_code == 302
