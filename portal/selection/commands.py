"""`flask selection …`"""

import sys

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.selection.actions import scores as actions
from portal.selection.queries import scores as queries

group = AppGroup("selection", help="Reviews and scores.")


def _challenges(slug: str | None) -> list[Challenge]:
    rows = sa.select(Challenge).order_by(Challenge.id)
    found = list(db.session.scalars(rows.where(Challenge.slug == slug) if slug else rows))
    if slug and not found:
        raise click.ClickException(f"There is no challenge {slug}.")
    return found


@group.command("recompute")
@click.argument("challenge", required=False)
def recompute_scores(challenge: str | None) -> None:
    """Write the figures of all applications anew, from their reviews and the reviewers' stored offsets."""
    for found in _challenges(challenge):
        number = actions.recompute(db.session, found.id)
        db.session.commit()
        click.echo(f"{found.slug}: {number} applications")


@group.command("fit")
@click.argument("challenge", required=False)
def fit_scores(challenge: str | None) -> None:
    """Estimate how harsh each reviewer is, and write what follows: offsets, figures, ranks."""
    for found in _challenges(challenge):
        number = actions.fit(db.session, found, at=clock.now())
        db.session.commit()
        click.echo(f"{found.slug}: {number} applications")


@group.command("compare")
@click.argument("challenge", required=False)
def compare_scores(challenge: str | None) -> None:
    """Compute every figure again and tell each that is stored otherwise; exit status 1 if there is any."""
    wrong = 0
    for found in _challenges(challenge):
        for one in queries.differences(db.session, found.id):
            click.echo(f"{found.slug}: {one.what} {one.number}: {one.column} is {one.stored}, should be {one.found}")
            wrong += 1
    click.echo("no differences" if not wrong else f"{wrong} differences")
    sys.exit(1 if wrong else 0)
