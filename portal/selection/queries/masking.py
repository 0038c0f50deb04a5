"""Searching where names are masked: what a reader cannot see must not be found either."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications import search
from portal.applications.models import Application
from portal.applications.search import Scope
from portal.selection.rules.blind import askable, masked, says


def masked_hits(session: Session, challenge_id: int, text: str) -> tuple[int, ...]:
    """The applications in whose essays only a masked word would answer the search.

    Only those are read whose essays have the words and whose author's name has one of them: few, as names go.
    """
    asked = askable(text)
    told, named = search.matching(asked, Scope.TOLD), search.matching(asked, Scope.WHO, every=False)
    if told is None or named is None:
        return ()
    columns = (
        Application.id, Application.name, Application.handle, Application.affiliation, Application.canonical_email,
        Application.experience, Application.plan, Application.kit_use,
    )  # fmt: skip
    rows = sa.select(*columns).where(
        Application.challenge_id == challenge_id, Application.id.in_(told), Application.id.in_(named)
    )
    found = session.execute(rows.execution_options(yield_per=200))
    return tuple(
        row.id for row in found
        if not says(masked(f"{row.experience}\n{row.plan}\n{row.kit_use}", row), asked)
    )  # fmt: skip
