"""`flask kits …`"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Protocol

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from portal.core.db import db
from portal.core.mail import config_of
from portal.kits.actions.rotation import Step, reseal, reseal_kept
from portal.kits.queries.policy import sealed_counts
from portal.kits.queries.sealed import counts_by_key, everything
from portal.kits.vault import Vault

group = AppGroup("kits", help="Kits and the addresses that they go to.")


class _Reseal(Protocol):
    def __call__(self, session: Session, vault: Vault, *, after: int, limit: int) -> Step: ...


_Count = Callable[[Session], dict[str | None, int]]


@group.command("rotate-addresses")
@click.option("--batch", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many a transaction.")
def rotate_addresses(batch: int) -> None:
    """Seal every address, and whatever else is under its key, under PORTAL_ADDRESS_KEY that is under an old one.

    Old keys are those in PORTAL_ADDRESS_KEYS_OLD. Stop it at any time and begin again; web processes that know both
    keys go on meanwhile. Exit status 1 if there is something that none of the keys opens: it stays as it is.
    """
    vault, lost = Vault.of(config_of(current_app)), 0
    work: list[tuple[str, _Reseal, _Count]] = [
        ("addresses", reseal, sealed_counts),
        # In the order of the alphabet, in whichever order the rooms were loaded.
        *((kept.what, partial(reseal_kept, sealed=kept), partial(counts_by_key, sealed=kept))
          for kept in sorted(everything, key=lambda kept: kept.what)),
    ]  # fmt: skip
    for what, reseal_some, count in work:
        resealed, unknown = _rotate(vault, reseal_some, batch)
        click.echo(f"{what}: {resealed} sealed anew")
        for key, number in sorted(count(db.session).items(), key=lambda pair: pair[0] or ""):
            click.echo(f"{what}: {number} under {vault.told(key)}")
        if unknown:
            click.echo(f"{what}: {unknown} cannot be opened with any of the keys, and stay as they are", err=True)
        lost += unknown
    sys.exit(1 if lost else 0)


def _rotate(vault: Vault, reseal_some: _Reseal, batch: int) -> tuple[int, int]:
    """Seal anew batch by batch; how many were, and how many cannot be opened."""
    after, resealed, unknown = 0, 0, 0
    while True:
        step = reseal_some(db.session, vault, after=after, limit=batch)
        db.session.commit()
        resealed, unknown = resealed + step.resealed, unknown + step.unknown
        if step.last is None:
            return resealed, unknown
        after = step.last
