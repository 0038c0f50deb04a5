"""`flask selection …`"""

import click
from flask.cli import AppGroup

from portal.core.db import db
from portal.selection.actions.reviews import recompute

group = AppGroup("selection", help="Reviews and scores.")


@group.command("recompute")
def recompute_scores() -> None:
    """Count all reviews and take their means again."""
    number = recompute(db.session)
    db.session.commit()
    click.echo(f"{number} applications")
