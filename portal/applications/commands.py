"""`flask applications …`"""

from pathlib import Path

import click
from flask.cli import AppGroup

from portal.accounts.queries import by_email
from portal.applications.actions.imports import confirm_import, discard_import, keep_import
from portal.applications.long import compare_challenge, run_import
from portal.applications.queries import exchange
from portal.applications.rules.exchange import check, read
from portal.challenges.queries import challenge_by_slug
from portal.core import clock
from portal.core.db import db
from portal.core.errors import PortalError

group = AppGroup("applications", help="Applications from files, and duplicates among them.")


@group.command("import")
@click.argument("slug")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", "email", required=True, help="The address of the account in whose name it is done.")
@click.option("--skip-faulty", is_flag=True, help="Leave faulty rows out instead of changing nothing.")
@click.option("--dry-run", is_flag=True, help="Only tell what is wrong.")
def import_file(slug: str, path: Path, email: str, skip_faulty: bool, dry_run: bool) -> None:
    """Take over the applications of a CSV or JSON file. Nothing changes unless all rows are good."""
    try:
        made, left = _import(slug, path, email, skip_faulty, dry_run)
    except PortalError as error:
        raise click.ClickException(error.reason) from error
    click.echo(f"{made} applications made, {left} rows left out" if not dry_run else f"{made} rows are good")


def _import(slug: str, path: Path, email: str, skip_faulty: bool, dry_run: bool) -> tuple[int, int]:
    at, data, by = clock.now(), path.read_bytes(), by_email(db.session, email)
    if by is None:
        raise click.ClickException(f"There is no account for {email}.")
    challenge = challenge_by_slug(db.session, slug)
    sheet = read(data, path.name)
    checked = check(sheet, exchange.known(db.session, challenge.id), at)
    for fault in checked.faults:
        click.echo(f"line {fault.line}: {fault.field or 'row'}: {fault.message}", err=True)
    if dry_run:
        return len(checked.good), 0
    kept = keep_import(db.session, challenge, path.name, data, sheet, checked, by=by.id, at=at)
    try:
        confirm_import(db.session, kept, skip_faulty=skip_faulty, by=by.id, at=at)
    except PortalError:
        discard_import(db.session, kept, by=by.id, at=at)
        db.session.commit()
        raise
    db.session.commit()
    run_import(db.session, kept.id, at)
    db.session.refresh(kept)
    return kept.made, kept.rows - kept.made


@group.command("compare")
@click.argument("slug")
def compare(slug: str) -> None:
    """Look for duplicates now."""
    try:
        number = challenge_by_slug(db.session, slug).id
    except PortalError as error:
        raise click.ClickException(error.reason) from error
    click.echo(f"{compare_challenge(db.session, number, clock.now())} applications compared")
