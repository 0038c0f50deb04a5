"""Changing many units at once: where they lie, and which build is on them."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.errors import Invalid, Refused
from portal.kits.models import Unit
from portal.kits.queries.stock import UnitFilter, matching
from portal.kits.rules.intake import LONGEST


def arrange(
    session: Session, challenge: Challenge, chosen: Sequence[int] | UnitFilter, what: str, value: str, *, count: int,
    by: int, at: datetime,
) -> int:  # fmt: skip
    """Set the location or the firmware build (`what`) of these units, or of all of a filter; how many.

    `count` is how many the person saw. Raises Refused where it is another number by now, or where nothing was chosen,
    which never means everything; Invalid for a value that is too long.
    """
    if len(value) > LONGEST[what]:
        raise Invalid({what: f"At most {LONGEST[what]} characters."})
    which = matching(challenge.id, chosen)
    found = session.scalars(sa.select(sa.func.count()).select_from(Unit).where(*which)).one()
    if not found:
        raise Refused("No unit was selected, so nothing was changed.")
    changed = session.execute(
        sa.update(Unit).where(*which).values({what: value}).execution_options(synchronize_session="fetch")
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != count:
        raise Refused(f"These are {changed.rowcount:,} units now, not {count:,}. Nothing was changed.")
    audit.record(
        session, f"kits:set-{what}", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
        after={what: value, "count": count, "chosen": _told(chosen)},
    )  # fmt: skip
    return count


def _told(chosen: Sequence[int] | UnitFilter) -> object:
    return chosen._asdict() if isinstance(chosen, UnitFilter) else sorted(chosen)
