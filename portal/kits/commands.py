"""`flask kits …`"""

import sys

import click
from flask import current_app
from flask.cli import AppGroup

from portal.core.db import db
from portal.core.mail import config_of
from portal.kits.actions.rotation import reseal
from portal.kits.queries.policy import sealed_counts
from portal.kits.vault import Vault

group = AppGroup("kits", help="Kits and the addresses that they go to.")


@group.command("rotate-addresses")
@click.option("--batch", default=50, show_default=True, type=click.IntRange(1, 1000), help="Addresses a transaction.")
def rotate_addresses(batch: int) -> None:
    """Seal every address under PORTAL_ADDRESS_KEY that is under one of PORTAL_ADDRESS_KEYS_OLD.

    Stop it at any time and begin again; web processes that know both keys go on meanwhile. Exit status 1 if there are
    addresses that none of the keys opens: they stay as they are.
    """
    vault, after, resealed, unknown = Vault.of(config_of(current_app)), 0, 0, 0
    while True:
        step = reseal(db.session, vault, after=after, limit=batch)
        db.session.commit()
        resealed, unknown = resealed + step.resealed, unknown + step.unknown
        if step.last is None:
            break
        after = step.last
    click.echo(f"{resealed} sealed anew")
    for key, count in sorted(sealed_counts(db.session).items(), key=lambda pair: pair[0] or ""):
        click.echo(f"{count} under {vault.told(key)}")
    if unknown:
        click.echo(f"{unknown} cannot be opened with any of the keys, and stay as they are", err=True)
    sys.exit(1 if unknown else 0)
