"""The mailbox of the line from the command line: for operators who set it up."""

import click
from flask import current_app
from flask.cli import AppGroup

from portal.core import clock
from portal.core.db import db
from portal.core.mail import config_of
from portal.line.intake import MOST, read_mails
from portal.line.mailbox import Unreached, inbox

group = AppGroup("line", help="The direct line.")


@group.command("check")
def check() -> None:
    """Open the mailbox and tell how many mails wait there; exit 1 where it does not open."""
    config = config_of(current_app)
    if config.imap_url is None:
        click.echo("No mailbox is read: PORTAL_IMAP_URL is not set.")
        return
    try:
        with inbox(config.imap_url) as box:
            waiting = len(box.waiting(MOST))
    except Unreached as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(f"Answers go to {config.line_address}; {waiting} wait in the mailbox.")


@group.command("read")
def read() -> None:
    """Take in what waits, as the worker does; exit 1 where the mailbox does not open."""
    try:
        click.echo(f"{read_mails(db.session, clock.now())} mails were looked at.")
    except Unreached as problem:
        raise click.ClickException(str(problem)) from problem
