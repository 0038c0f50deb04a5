"""Accounts from the command line."""

from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts import queries
from portal.accounts.states import Role
from tests.cast import Cast


def run(app: Flask, *words: str, typed: str | None = None) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["account", "create", *words], input=typed)
    return result.exit_code, result.output


def test_an_operator_makes_the_first_admin(app: Flask, session: Session) -> None:
    code, told = run(app, "Op@example.org", "--role", "admin", "--password-stdin", typed="mellow-teapot-orbit-19\n")

    assert (code, told) == (0, "op@example.org: admin in *\n")
    account = queries.by_email(session, "op@example.org")
    assert account
    assert account.password
    assert account.password.startswith("$argon2id$")
    assert queries.roles_of(session, account.id) == {"*": {Role.ADMIN}}


def test_without_a_password_it_tells_where_one_is_set(app: Flask, session: Session) -> None:
    code, told = run(app, "op@example.org", "--role", "host", "--role", "triager", "--scope", "a-challenge")

    assert code == 0
    assert told == (
        "op@example.org: host in a-challenge, triager in a-challenge\n"
        "A password is set at http://localhost/account/reset\n"
    )


def test_an_account_that_exists_only_gets_the_role(app: Flask, session: Session, cast: Cast) -> None:
    for _ in range(2):
        code, _told = run(app, cast.stranger.email, "--role", "host")
        assert code == 0

    assert queries.roles_of(session, cast.stranger.id) == {"*": {Role.HOST}}


def test_faults_are_told(app: Flask, session: Session, cast: Cast) -> None:
    assert run(app, "nobody", "--role", "admin") == (1, "Error: “nobody” is no e-mail address.\n")
    code, told = run(app, "op@example.org", "--password-stdin", typed="password1234\n")
    assert (code, "Choose another." in told) == (1, True)
    code, told = run(app, cast.stranger.email, "--password-stdin", typed="mellow-teapot-orbit-19\n")
    assert (code, "password is its owner's" in told) == (1, True)
    assert queries.by_email(session, "op@example.org") is None
