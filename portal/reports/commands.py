"""`flask keys …`"""

import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from portal.accounts.queries import by_email
from portal.core import clock
from portal.core.db import db
from portal.core.errors import PortalError
from portal.core.mail import config_of
from portal.reports import certificates
from portal.reports.actions.keys import publish_key_set
from portal.reports.actions.rewraps import refute_rewrap
from portal.reports.queries import rewraps
from portal.reports.queries.history import faults
from portal.reports.queries.keys import current_set

group = AppGroup("keys", help="Key sets and receipts.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@group.command("restart")
@click.argument("triagers", type=_FILE)
@click.option("--recovery", type=_FILE, required=True, help="The certificate of the new recovery key.")
@click.option("--reason", required=True, help="Why the recovery key before cannot sign; everybody reads it.")
@click.confirmation_option(prompt="Nobody will vouch for this key set, and the page of keys will say so. Go on?")
def restart(triagers: Path, recovery: Path, reason: str) -> None:
    """Begin anew with the certificates in TRIAGERS, because the recovery key is lost and cannot sign the next set."""
    if not reason.strip() or len(reason) > 300:
        raise click.UsageError("Give a reason of at most 300 letters.")
    if current_set(db.session) is None:
        raise click.UsageError("There is no key set yet: an admin publishes the first one at /staff/keys.")
    at = clock.now()
    try:
        given = [(_account(text), text) for text in certificates.split(triagers.read_text())]
        made = publish_key_set(
            db.session, given, recovery.read_text(), by=None, at=at, restarted=reason.strip(),
            demonstration=config_of(current_app).demonstration,
        )  # fmt: skip
    except PortalError as problem:
        raise click.ClickException(problem.reason) from None
    db.session.commit()
    for member in made.members:
        click.echo(f"{member.fingerprint} {member.role.value} {member.name}")
    click.echo(f"Key set {made.number} is published, signed by nobody. Spread its fingerprints.")


def _account(text: str) -> int | None:
    name = certificates.inspect(text, at=clock.now()).name
    account = by_email(db.session, name.rpartition("<")[2].rstrip(">"))
    return account.id if account else None


@group.command("refute-rewrap")
@click.argument("upload")
@click.argument("packet")
def refute(upload: str, packet: str) -> None:
    """Say that the wrapped session key PACKET (its SHA-256) of the file UPLOAD opens nothing, for a key of nobody's.

    Who has a key of their own says it by portal-triage. This is for the recovery key, which belongs to no account.
    """
    try:
        found = rewraps.wrapped(db.session, upload, packet)
        refute_rewrap(db.session, found, by=None, at=clock.now())
    except PortalError as problem:
        raise click.ClickException(problem.reason) from None
    db.session.commit()
    click.echo("It no longer counts. The file can be wrapped anew: portal-triage rewrap")


@group.command("verify")
def verify() -> None:
    """Verify the signatures of all key sets and receipts, and each receipt's hash in the audit; exit 1 at a fault."""
    count, found = faults(db.session)
    for fault in found:
        click.echo(fault, err=True)
    if found:
        sys.exit(1)
    click.echo(f"{count} key sets and receipts, all as they were signed.")
