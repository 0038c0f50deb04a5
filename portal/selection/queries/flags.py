"""Flags: words that the lead puts on applications."""

import json

import sqlalchemy as sa

from portal.applications.models import Application


def has_flag(flag: str) -> sa.ColumnElement[bool]:
    """Whether an application bears a flag: its list is JSON, in which a word stands between quotes on either engine."""
    return sa.cast(Application.flags, sa.Text).contains(json.dumps(flag), autoescape=True)
