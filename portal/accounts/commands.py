"""Accounts from the command line: how an operator makes the first admin."""

import sys

import click
from flask import current_app
from flask.cli import AppGroup
from flask_security import hash_password

from portal.accounts import actions, queries
from portal.accounts.models import Account
from portal.accounts.passwords import Passwords
from portal.accounts.states import EVERYWHERE, Role
from portal.core import clock
from portal.core.db import db
from portal.core.errors import PortalError
from portal.core.mail import config_of

group = AppGroup("account", help="Accounts and their roles.")


@group.command("create")
@click.argument("email")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice([role.value for role in Role]), help="May be repeated."
)
@click.option("--scope", default=EVERYWHERE, show_default=True, help="The challenge's slug; * is all of them.")
@click.option("--name", default="", help="How the person is called.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(email: str, roles: tuple[str, ...], scope: str, name: str, password_stdin: bool) -> None:
    """Make an account whose address counts as confirmed, and grant it roles; one that exists only gets the roles."""
    at, password = clock.now(), _password(email) if password_stdin else None
    try:
        account = queries.by_email(db.session, email)
        if account is None:
            account = _made(email, name, password)
        elif password:
            raise click.ClickException(f"{email} has an account, whose password is its owner's.")
        for role in roles:
            actions.grant_role(db.session, account, Role(role), scope, by=None, at=at, reason="command line")
    except PortalError as error:
        raise click.ClickException(error.reason) from error
    db.session.commit()
    click.echo(f"{account.email}: {', '.join(f'{role} in {scope}' for role in roles) or 'no role'}")
    if not account.password:
        click.echo(f"A password is set at {config_of(current_app).public_url}/account/reset")


def _password(email: str) -> str:
    wrong, normal = Passwords(current_app).validate(sys.stdin.readline().rstrip("\n"), True, email=email)
    if wrong:
        raise click.ClickException(" ".join(str(reason) for reason in wrong))
    return normal


def _made(email: str, name: str, password: str | None) -> Account:
    local, _, domain = email.strip().partition("@")
    if not local or not domain or any(character.isspace() for character in email.strip()):
        raise click.ClickException(f"“{email}” is no e-mail address.")
    hashed = hash_password(password) if password else None
    return actions.create_account(db.session, email, password_hash=hashed, at=clock.now(), name=name, confirmed=True)
