"""Keeping applications from everybody else while many are changed."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application


def hold(session: Session, *which: sa.ColumnElement[bool]) -> None:
    """Keep these applications from other writers until the commit, one after another by their numbers.

    Whoever changes several takes them in this order, so that two never wait for each other. SQLite has but one writer.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    session.flush()
    rows = sa.select(Application.id).where(*which).order_by(Application.id).with_for_update(key_share=True)
    session.execute(sa.select(sa.func.count()).select_from(rows.subquery()))
