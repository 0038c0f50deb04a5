"""`flask demo load`: the replayed challenge, and one that is running now."""

import gc
import sys
from random import Random

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import AppGroup

from portal.accounts.models import Account
from portal.core import clock
from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.mail import config_of
from portal.reports.receipts import Signer

group = AppGroup("demo", help="The demonstration.")


@group.command("load")
@click.option("--applications", default=3500, show_default=True, help="How many applied in vain in 2020.")
@click.option("--seed", default=2020, show_default=True, help="The same seed invents the same people.")
@click.option("--at", "until", type=click.Choice(["now", "end"]), default="now", show_default=True)
@click.option("--if-empty", is_flag=True, help="Do nothing where there are data already.")
def load(applications: int, seed: int, until: str, if_empty: bool) -> None:
    """Replay the challenge of 2020 with invented people, and (--at now) set up one that is running today."""
    config = config_of(current_app)
    if not config.demonstration:
        click.echo("The demonstration's passwords are public: it loads only where PORTAL_DEMONSTRATION=1.", err=True)
        sys.exit(2)
    if db.session.scalars(sa.select(Account.id).limit(1)).first() is not None:
        if not if_empty:
            click.echo("There are data already. The demonstration needs an empty database.", err=True)
            sys.exit(1)
        return
    from portal.demo.build import load_all  # needs the optional extra "demo"

    click.echo("Loading the demonstration …")
    # Many rows are made and hardly any garbage: looking for it all the time took an eighth of the whole.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    chance = Random(seed)  # noqa: S311 - invents people, not secrets
    running = until == "now"
    counts = load_all(
        db.session, config, blobs(), Signer.of(config), chance,
        applications=applications, running_too=running, now=clock.now(),
    )  # fmt: skip
    for what, count in counts.items():
        click.echo(f"  {count:6,} {what}")
