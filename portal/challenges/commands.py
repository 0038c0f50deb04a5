"""Challenges from the command line: how an operator begins one."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask.cli import AppGroup

from portal.accounts.rules import is_zone
from portal.challenges import actions, queries
from portal.challenges.rules import Outline, phase
from portal.core import clock
from portal.core.db import db
from portal.core.errors import PortalError

group = AppGroup("challenge", help="Challenges.")
DAY = click.DateTime(["%Y-%m-%d"])
MINUTE = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d"])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@group.command("create")
@click.argument("slug")
@click.option("--title", required=True)
@click.option("--zone", default="UTC", show_default=True, help="IANA time zone of its days and deadlines.")
@click.option("--places", default=50, show_default=True, type=click.IntRange(1))
@click.option("--currency", default="USD", show_default=True)
@click.option("--announced-on", type=DAY, help="Default: today.")
@click.option("--apply-from", type=MINUTE, help="In the challenge's zone. Default: now.")
@click.option("--apply-until", type=MINUTE, help="Default: two weeks after opening.")
@click.option("--starts-on", type=DAY, help="Default: four weeks after opening.")
@click.option("--ends-on", type=DAY, help="Default: three months after the start.")
@click.option("--summary", default="", help="One sentence; the lead can say more on the settings page.")
@click.option("--rules", "rules_file", type=FILE, help="A Markdown file.")
@click.option("--agreement", "agreement_file", type=FILE, help="A Markdown file: version 1 of what participants sign.")
def create(slug: str, rules_file: Path | None, agreement_file: Path | None, **told: Any) -> None:
    """Make a challenge. What is left out has a default that the lead can change."""
    at = clock.now()
    if not is_zone(told["zone"]):
        raise click.BadParameter(f"“{told['zone']}” is no time zone.", param_hint="--zone")
    rules = rules_file.read_text(encoding="utf-8") if rules_file else "The rules will stand here."
    try:
        challenge = actions.create_challenge(db.session, slug, _outline(told, rules, at), by=None, at=at)
        if agreement_file:
            actions.publish_agreement(
                db.session, challenge, title="Participation agreement", at=at, by=None,
                body=agreement_file.read_text(encoding="utf-8"),
            )  # fmt: skip
    except PortalError as error:
        raise click.ClickException(error.reason) from error
    db.session.commit()
    click.echo(f"{slug}: {phase(challenge, at)}")


def _outline(told: dict[str, Any], rules: str, at: datetime) -> Outline:
    zone = ZoneInfo(told["zone"])
    opens = told["apply_from"].replace(tzinfo=zone) if told["apply_from"] else at.astimezone(zone)
    closes = told["apply_until"].replace(tzinfo=zone) if told["apply_until"] else opens + timedelta(weeks=2)
    starts = _day(told["starts_on"], opens.date() + timedelta(weeks=4))
    return Outline(
        title=told["title"], summary=told["summary"] or told["title"], rules=rules, zone=told["zone"],
        places=told["places"], currency=told["currency"], announced_on=_day(told["announced_on"], opens.date()),
        apply_from=opens, apply_until=closes, starts_on=starts,
        ends_on=_day(told["ends_on"], starts + timedelta(days=91)),
    )  # fmt: skip


def _day(told: datetime | None, otherwise: date) -> date:
    return told.date() if told else otherwise


@group.command("list")
def list_() -> None:
    """Every challenge and where it stands."""
    for challenge in queries.challenges(db.session):
        click.echo(f"{challenge.slug}: {phase(challenge, clock.now())}")
