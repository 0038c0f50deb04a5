"""Commands that belong to no room. The rooms bring their own."""

import os
import sys
from collections.abc import Callable
from datetime import timedelta

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from portal import worker
from portal.config import ConfigError, load_config
from portal.core import audit, clock
from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.jobs import JobRun
from portal.core.mail import config_of, transport
from portal.kits.queries.policy import sealed_counts
from portal.kits.queries.sealed import counts_by_key, everything
from portal.kits.vault import Vault
from portal.reports.queries.keys import current_set
from portal.reports.queries.signed import newest_text
from portal.reports.rules import WARN_BEFORE, fault_of_text

config = AppGroup("config", help="The settings.")
audit_group = AppGroup("audit", help="The chain of what was done.")


@config.command("check")
def check() -> None:
    """Tell every fault of the settings at once; exit 2 if there is one."""
    try:
        load_config(os.environ)
    except ConfigError as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        sys.exit(2)
    click.echo("The settings are fine.")


@audit_group.command("verify")
def verify() -> None:
    """Recompute the audit's chain; exit 1 and the first broken row."""
    broken = audit.first_broken(db.session)
    if broken is not None:
        click.echo(f"Row {broken.id} ({broken.tag}, {broken.at.isoformat()}) does not fit the chain.", err=True)
        sys.exit(1)
    count = db.session.scalars(sa.select(sa.func.count()).select_from(audit.AuditEntry)).one()
    click.echo(f"{count} entries, unbroken.")


@click.command("worker")
@click.option("--once", is_flag=True, help="Tick every job once and end.")
@with_appcontext
def run_worker(once: bool) -> None:
    """Tick the jobs: mail, reminders, sessions, clean-up."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if once:
        worker.run_all(app)
    else:
        worker.run(app)


def _database() -> str:
    db.session.execute(sa.text("SELECT 1"))
    return db.engine.dialect.name


def _storage() -> str:
    blobs().put("health/doctor", b"ok")
    blobs().delete("health/doctor")
    return config_of(current_app).storage_url.partition(":")[0]


def _mail() -> str:
    with transport(config_of(current_app)) as way:
        way.check()
        return config_of(current_app).mail_url.partition(":")[0]


def _keys() -> str:
    found = current_set(db.session)
    if found is None:
        raise RuntimeError("no key set is published: reports cannot be sealed")
    if found.expires_at is None:
        return f"set {found.number}"
    left = found.expires_at - clock.now()
    if left <= timedelta():
        raise RuntimeError(f"a key of set {found.number} has expired: nothing can be sealed")
    said = f"set {found.number}, until {found.expires_at.date()}"
    return f"{said}: publish the next set within {left.days} days" if left <= WARN_BEFORE else said


def _security_text() -> str:
    current = current_set(db.session)
    fault = fault_of_text(newest_text(db.session), current, clock.now())
    return fault or ("signed" if current else "no key set yet")


def _addresses() -> str:
    """Under which keys addresses, and what else is under them, are sealed."""
    vault = Vault.of(config_of(current_app))
    counts = {"": sealed_counts(db.session)} | {
        f"{kept.what}: ": counts_by_key(db.session, kept) for kept in everything
    }
    told = ", ".join(
        f"{what}{count} under {vault.told(key)}"
        for what, found in counts.items()
        for key, count in sorted(found.items(), key=str)
    )
    keys = {key for found in counts.values() for key in found}
    if any(key and key not in vault.keys for key in keys):
        raise RuntimeError(f"{told}: set PORTAL_ADDRESS_KEYS_OLD")
    older = any(key != vault.key for key in keys)
    return f"{told}: run `flask kits rotate-addresses`" if older else told or "none"


def _clock() -> str:
    return clock.now().isoformat(timespec="seconds")


def _heartbeat() -> str:
    run = db.session.get(JobRun, "heartbeat")
    if run is None:
        raise RuntimeError("no worker has ever run")
    silent = clock.now() - run.started_at
    if silent > timedelta(seconds=6 * worker.HEARTBEAT):
        raise RuntimeError(f"the worker has been silent for {silent}")
    return "ticking"


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "storage": _storage,
    "mail": _mail,
    "keys": _keys,
    "security.txt": _security_text,
    "addresses": _addresses,
    "clock": _clock,
    "worker": _heartbeat,
}


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Look at database, storage, mail, keys, clock and worker: one line each; exit 1 if one is ill."""
    ill = False
    for name, look in CHECKS.items():
        try:
            click.echo(f"{name}: ok ({look()})")
        except Exception as problem:
            ill = True
            click.echo(f"{name}: {type(problem).__name__}: {problem}")
    sys.exit(1 if ill else 0)


COMMANDS: tuple[click.Command, ...] = (audit_group, run_worker, doctor)
